"""An image or a source that means harm is read or refused; nothing is run, nothing written."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from tests.hostile.confine import confined
from tests.loading.boot import make_bzimage
from verifier.inspection import inspect
from verifier.loading.binary import open_binary
from verifier.loading.load import load_source_text

SOURCES = {
    "a file by its path": '.incbin "/etc/passwd"',
    "a file above": '.include "../outside"',
    "a file by a macro": '.macro i f\n.incbin "\\f"\n.endm\ni ../outside',
    "a link out of the folder": '.incbin "link"',
    "a device": '.incbin "/dev/zero"',
    "a macro of itself": ".macro a\na\n.endm\na",
    "a thousand million lines": ".rept 1000000000\nnop\n.endr",
    "macros of macros": '.macro a x\n.if \\x\na "\\x-1"\na "\\x-1"\n.endif\n.endm\na 40',
    "endless zeros": ".fill 0x7fffffffffff",
    "an origin far away": ".org 0x7fffffff",
    "terminal codes": "\x1b[2J\x1b]0;owned\x07",
}


@pytest.mark.parametrize("name", SOURCES)
def test_a_hostile_source_is_refused(name: str, tmp_path: Path) -> None:
    """No foreign file is quoted, no memory or time without end is taken, no file is left."""
    folder = tmp_path / "spec"
    folder.mkdir()
    (tmp_path / "outside").write_text("hunter2\n", encoding="utf-8")
    (folder / "link").symlink_to(tmp_path / "outside")
    source = partial(load_source_text, f"nop\n{SOURCES[name]}\n", "code.S", folder)
    sentence = confined(source)
    assert sentence is not None
    assert "hunter2" not in sentence
    assert "\x1b" not in sentence
    assert sorted(tmp_path.rglob("*")) == [tmp_path / "outside", folder, folder / "link"]


@pytest.mark.parametrize("pattern", [b"\x48\xcb", b"\xea\0\0\0\0\x10\0", b"\x6a\x10"])
def test_inspection_of_many_switches_ends(
    pattern: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What looks like a mode switch at every byte is given up, in one sentence with its file."""
    monkeypatch.setattr("verifier.inspection.code.MOST_DECODED", 2000)
    data = pattern * (20_000 // len(pattern))
    path = tmp_path / "image"
    for content in (data, make_bzimage(data)):
        path.write_bytes(content)
        sentence = confined(lambda: inspect(open_binary(path)))
        assert sentence is None or (str(path) in sentence and "too many places" in sentence)
    assert list(tmp_path.iterdir()) == [path]
