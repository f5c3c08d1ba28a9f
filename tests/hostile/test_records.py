"""A bundle or a counterexample that means harm is refused in bounded time and memory."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import pytest

from tests.hostile.confine import confined
from verifier.bundle.layout import INDEX, SUMS, digest
from verifier.bundle.read import read_bundle
from verifier.cli import main
from verifier.reporting.saved import read_saved

TEXTS = {
    "nested arrays": "[" * 2_000_000,
    "nested objects": '{"a":' * 400_000,
    "an endless number": '{"format": "verifier-counterexample", "version": ' + "9" * 5000 + "}",
    "an endless string": '{"format": "' + "\\u001b" * 400_000 + '"}',
    "not a number": '{"format": "verifier-counterexample", "version": NaN}',
    "two lines": '{"format": "verifier-counterexample", "version": 1, "a\\nb": 1}',
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_hostile_counterexample_is_refused(name: str, tmp_path: Path) -> None:
    """Deep, endless and strange JSON is told in a sentence, as JSON of the other kind is."""
    path = tmp_path / "saved.json"
    path.write_text(TEXTS[name], encoding="utf-8")
    assert confined(partial(read_saved, path)) is not None


@pytest.mark.parametrize("name", TEXTS)
def test_a_hostile_index_is_refused(name: str, tmp_path: Path) -> None:
    """The same JSON as the index of a bundle whose digests are right."""
    data = TEXTS[name].encode()
    (tmp_path / INDEX).write_bytes(data)
    (tmp_path / SUMS).write_text(f"{digest(data)}  {INDEX}\n", encoding="ascii")
    assert confined(partial(read_bundle, tmp_path)) is not None


def test_a_pipe_or_a_device_is_not_waited_for(tmp_path: Path) -> None:
    """A pipe is neither a counterexample nor a file of a bundle, and a device is none."""
    os.mkfifo(tmp_path / SUMS)
    (tmp_path / INDEX).touch()
    for read in (
        partial(read_saved, tmp_path / SUMS),
        partial(read_saved, Path("/dev/zero")),
        partial(read_bundle, tmp_path),
    ):
        assert "is no regular file" in str(confined(read))


def test_files_that_are_too_large_are_not_read(tmp_path: Path) -> None:
    """Files with holes take no disk; what they would take in memory is refused."""
    with (tmp_path / "holes.json").open("wb") as file:
        file.truncate(1 << 40)
    (tmp_path / SUMS).write_text("", encoding="ascii")
    (tmp_path / INDEX).touch()
    assert "is longer than" in str(confined(partial(read_saved, tmp_path / "holes.json")))
    assert "has more than" in str(confined(partial(read_bundle, tmp_path)))


@pytest.mark.parametrize("command", ["replay", "recheck", "inspect", "prove", "show"])
def test_a_mistake_ends_in_2_with_one_line(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every reader's refusal is exit code 2 and one line, without terminal codes."""
    path = tmp_path / "hostile\x1b[2J\nname"
    path.mkdir()
    (path / "spec.toml").write_text("\x1b = 1", encoding="utf-8")
    assert main([command, str(path)]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
    assert "\x1b" not in told.err
    assert len(list(tmp_path.rglob("*"))) == 2
