"""A file is written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from verifier.errors import BadInput
from verifier.reporting.files import file_name, write_whole


def test_file_and_folders_are_made(tmp_path: Path) -> None:
    """Missing folders are made, an older file is replaced, nothing else is left."""
    path = tmp_path / "a" / "b.json"
    write_whole(path, "one")
    write_whole(path, "two")
    assert path.read_text() == "two"
    assert [each.name for each in path.parent.iterdir()] == ["b.json"]


def test_failure_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the last step fails the old file is whole and no temporary one is left."""
    path = tmp_path / "b.json"
    write_whole(path, "old")

    def fail(*_: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(BadInput, match="cannot be written: no space left on device"):
        write_whole(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_file_where_a_folder_should_be_is_told(tmp_path: Path) -> None:
    """A path through a file is a bad input, not a traceback."""
    (tmp_path / "a").write_text("")
    with pytest.raises(BadInput, match="cannot be written"):
        write_whole(tmp_path / "a" / "b.json", "x")


def test_names_of_files_are_plain() -> None:
    """Whatever a target is called, its file stays in its folder."""
    assert file_name("../../etc", "a b/c", "") == "etc.a-b-c.x"
    assert file_name("la57-rfc", "rsi-preserved") == "la57-rfc.rsi-preserved"
