"""An edit of bytes fits where its bytes stand, beside labels, in one of the forms it lists."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from verifier.errors import BadInput
from verifier.loading.image import Image, digest_of
from verifier.specification.mistake import read_mistake

if TYPE_CHECKING:
    from verifier.specification.mistake import Mistake

DATA = bytes.fromhex("0f22df 011402 ff12 8b0544332211 c3 011402")
IMAGE = Image("small", DATA, {"head": 0, "patch": 3, "call": 6, "end": 15}, {}, (), "", "")
HEAD = 'mistake = "wrong"\nequivalent = "why"\n\n[[edit]]\n'
AT = 'at = "patch"\nbytes = "01 14 02"\nbecomes = "90 90 90"\n'


def read(folder: Path, edit: str) -> Mistake:
    """Read a mistake of one edit."""
    path = folder / "wrong.toml"
    path.write_text(HEAD + edit)
    return read_mistake(path)


@pytest.mark.parametrize(
    ("edit", "offset", "put"),
    [
        (AT, 3, "909090"),
        (AT.replace("patch", "call - 3"), 3, "909090"),
        (AT.replace("patch", "patch+0xc"), 15, "909090"),
        ('within = ["patch", "call"]\nbytes = "01 14"\nbecomes = "03 ??"\n', 3, "0314"),
        ('at = "call + 2"\nbytes = "8b 05 ?? ??"\nbecomes = "89 ?? ?? 00"\n', 8, "89054400"),
        (AT.replace("01 14 02", "01 0c 01") + f"\n[[edit.or]]\n{AT}", 3, "909090"),
    ],
)
def test_bytes_are_put_where_they_stand(tmp_path: Path, edit: str, offset: int, put: str) -> None:
    """At a label, so far from one, or once between two; ``??`` is any byte, and stays."""
    mistake = read(tmp_path, edit)
    changed = mistake.patch(IMAGE)
    new = bytes.fromhex(put)
    assert mistake.of_bytes
    assert changed.data == DATA[:offset] + new + DATA[offset + len(new) :]
    assert (changed.digest, changed.symbols) == (digest_of(changed.data), IMAGE.symbols)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (AT.replace("patch", "call"), "the bytes to replace are not there; they must be"),
        (AT.replace("patch", "head - 1"), "the bytes to replace are not there"),
        (AT.replace("patch", "end + 2"), "the bytes to replace are not there"),
        (AT.replace('at = "patch"', 'within = ["head", "end + 3"]'), "are there 2 times"),
        (f"{AT}[[edit.or]]\n{AT}", "are there 2 times"),
        (AT.replace("patch", "petch"), "there is no label 'petch'; did you mean 'patch'"),
    ],
)
def test_an_edit_that_does_not_fit_is_told(tmp_path: Path, edit: str, message: str) -> None:
    """Bytes that are not there, or more than once, and labels unknown are bad input."""
    mistake = read(tmp_path, edit)
    with pytest.raises(BadInput, match=message) as caught:
        mistake.patch(IMAGE)
    assert caught.value.where == mistake.path
    assert caught.value.line in {4, 8}


@pytest.mark.parametrize(
    ("edit", "line", "message"),
    [
        (AT.replace('at = "patch"\n', ""), 4, "needs exactly one of 'at', 'within'"),
        (AT.replace("patch", "0x10"), 5, "'0x10' is no place: a label, or one with an offset"),
        (AT.replace('at = "patch"', 'within = ["patch"]'), 5, "'within' must be two places"),
        (AT.replace("01 14 02", "01 1402"), 6, "'1402' is no byte: two lower-case"),
        (AT.replace("01 14 02", "01 14"), 7, "2 bytes cannot become 3"),
        (AT.replace("90 90 90", "01 ?? 02"), 7, "the edit changes nothing"),
        (AT + 'find = "x"\n', 8, "unknown key 'find' in [[edit]]"),
        (f"{AT}[[edit.or]]\n{AT}or = 1\n", 12, "unknown key 'or' in [[edit.or]]"),
    ],
)
def test_a_wrong_edit_is_told_at_its_line(
    tmp_path: Path, edit: str, line: int, message: str
) -> None:
    """Each mistake in the edit is one sentence with the line it is in."""
    with pytest.raises(BadInput) as caught:
        read(tmp_path, edit)
    assert message in caught.value.message
    assert caught.value.line == line


def test_edits_of_source_and_of_bytes_do_not_mix(tmp_path: Path) -> None:
    """An edit of source has no image to fit, one of bytes no source."""
    mistake = read(tmp_path, f'{AT}\n[[edit]]\nfind = "a"\nreplace = "b"\n')
    with pytest.raises(BadInput, match="the edit is of source, and the image has none"):
        mistake.patch(IMAGE)
    with pytest.raises(BadInput, match="the edit is of bytes, beside one of source"):
        mistake.apply("a")
