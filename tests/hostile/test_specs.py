"""A spec that means harm is refused in one sentence, in bounded time and memory."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import pytest

from tests.hostile.confine import confined
from tests.specification.build import SPEC, SYMBOLS, write_spec
from verifier.cli.find import complete_ids
from verifier.specification.read import read_spec

MANY = ", ".join(f'"{number:x}"' for number in range(110_000))
BASE = 'base = "load"'


def assumed(holds: str, count: int = 1) -> str:
    """Give a spec with further assumptions that say so."""
    made = (
        f'\n[[assume]]\nid = "more-{number}"\ntext = "more"\nholds = "{holds}"\n'
        for number in range(count)
    )
    return SPEC + "".join(made)


HOSTILE = {
    "a key of many parts": ("a" + ".a" * 400_000 + " = 1\n", "dotted key of more than 40 parts"),
    "a table of many parts": ("[" + "'a' . " * 150_000 + "a]\n", "dotted key of more than 40"),
    "arrays in arrays": ("a = " + "[" * 400_000, "nested too deep"),
    "tables in tables": ("a = " + "{a = " * 150_000, "nested too deep"),
    "an endless number": (SPEC.replace(BASE, f"{BASE}\nlink_address = 0x{'f' * 900_000}"), "..."),
    "an endless decimal": (SPEC.replace(BASE, f"base = {'9' * 900_000}"), "number is too long"),
    "an endless key": (SPEC + "\n" + "k" * 900_000 + " = 1\n", "..."),
    "an endless title": (SPEC + '\n[[claim]]\nid = "' + "\\u001b" * 100_000 + '"\n', "..."),
    "an array of many strings": (SPEC.replace(BASE, f"{BASE}\npart = [{MANY}]"), "two labels"),
    "a range of many": (assumed("all(rsi < i for i in range(10**12))"), "1 to 4096 values"),
    "a range of ranges": (
        assumed("all(all(rsi < j for j in range(4096)) for i in range(4096))"),
        "more than 200000 parts",
    ),
    "parentheses": (assumed("(" * 4000 + "1" + ")" * 4000 + " == 1"), "'holds'"),
    "a tower of powers": (assumed("rsi == 9**9**9**9"), "does not fit in 64 bits"),
    "Python": (assumed("__import__('os').system('true') == 0"), "'holds'"),
    "a size of 2**63": (SPEC.replace("size = 0x1000", "size = 0x8000000000000000"), ""),
    "a file of zeros": (SPEC.replace("code.S", "/dev/zero"), ""),
}
NO_FILES = {
    "pipe.toml": "is no regular file",
    "zeros.toml": "is no regular file",
    "folder": "cannot be read: is a directory",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_spec_is_refused(name: str, tmp_path: Path) -> None:
    """What takes endless time or memory, or an endless sentence, is refused before."""
    text, words = HOSTILE[name]
    path = write_spec(tmp_path)
    path.write_text(text, encoding="utf-8")
    before = sorted(tmp_path.iterdir())
    sentence = confined(lambda: read_spec(path, SYMBOLS))
    assert sentence is None if not words else sentence is not None and words in sentence
    assert sorted(tmp_path.iterdir()) == before


def test_many_ranges_are_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The expressions of a file are bounded together, not only each."""
    monkeypatch.setattr("verifier.specification.document.LARGEST", 20_000)
    path = write_spec(tmp_path)
    path.write_text(assumed("all(rsi < i for i in range(4000))", 8000), encoding="utf-8")
    sentence = confined(partial(read_spec, path, SYMBOLS))
    assert sentence is not None
    assert "written out, have over 20000 parts" in sentence


def test_a_file_that_is_none_is_not_waited_for(tmp_path: Path) -> None:
    """A pipe that nobody writes, a device without end, and a folder are refused as specs."""
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "zeros.toml").symlink_to("/dev/zero")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "spec.toml").mkdir()
    for name, words in NO_FILES.items():
        sentence = confined(partial(read_spec, tmp_path / name, SYMBOLS))
        assert sentence is not None
        assert words in sentence


def test_completion_reads_no_endless_file(tmp_path: Path) -> None:
    """The ids of a spec that cannot be read are none, and looking for them ends."""
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "keys.toml").write_text(HOSTILE["a key of many parts"][0], encoding="utf-8")
    for name in ("pipe.toml", "keys.toml"):
        assert confined(partial(complete_ids, [tmp_path / name], "claim", "")) is None
