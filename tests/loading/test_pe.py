"""A PE file is laid out as it lies in memory; a broken one is told in one sentence."""

from __future__ import annotations

import struct
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.loading.boot import make_pe
from verifier.errors import BadInput
from verifier.loading import Image, ImageDescription, Kind, Relocation, load
from verifier.loading.pe import read_pe

if TYPE_CHECKING:
    from pathlib import Path

CODE = b"\x90\x90\xeb\xfe" + struct.pack("<Q", 0x140001002)
WHOLE = make_pe(CODE, relocated=(4,))


def load_bytes(data: bytes, folder: Path) -> Image:
    """Load the bytes of a file."""
    path = folder / "stub.efi"
    path.write_bytes(data)
    return load(ImageDescription(Kind.PE, path))


def test_sections_lie_at_their_addresses(tmp_path: Path) -> None:
    """The image is as large as the header says, its code at its address, a label at the entry."""
    image = load_bytes(WHOLE, tmp_path)
    assert len(image.data) == 0x4000
    assert image.data[0x1000 : 0x1000 + len(CODE)] == CODE
    assert image.data[:2] == b"MZ"
    assert image.symbols == {"entry": 0x1002}
    assert image.link_address == 0x140000000


def test_base_relocations_are_told(tmp_path: Path) -> None:
    """A place that the loader would adjust holds the image's own address."""
    assert load_bytes(WHOLE, tmp_path).relocations == (
        Relocation(0x1004, 8, signed=False, target_offset=0x1002),
    )


def test_the_file_offset_of_an_address_is_known() -> None:
    """An address in a section is found in the file, one between sections is not."""
    pe = read_pe(WHOLE, "stub.efi")
    assert WHOLE[pe.file_offset(0x1000) or 0 :].startswith(CODE)
    assert pe.file_offset(0x2000) is None
    assert [each.executable for each in pe.sections] == [True, False]


BROKEN = {
    "no PE file: it does not begin": (0, b"XY"),
    "no PE file: byte 0x40 does not": (0x40, b"NE"),
    "is for another processor .PE machine 0xaa64": (0x44, b"\x64\xaa"),
    "the magic of the optional header is 0x10b": (0x58, b"\x0b\x01"),
    "its image would take 0xffffffff bytes": (0x58 + 56, b"\xff\xff\xff\xff"),
    "its entry 0x5000 is past its end 0x4000": (0x58 + 16, b"\0\x50\0\0"),
    "its headers end at byte 0x4001": (0x58 + 60, b"\x01\x40\0\0"),
    "its relocations are past its end": (0x58 + 112 + 44, b"\xff\xff\xff\0"),
    "its optional header has 16 bytes": (0x40 + 20, b"\x10\0"),
    "section '.text' is past the image's end": (0x148 + 12, b"\0\x40\0\0"),
    "section '.text' ends at byte": (0x148 + 20, b"\xff\xff\0\0"),
    "section header 5 ends at byte": (0x46, b"\xff\xff"),
}


@pytest.mark.parametrize("words", BROKEN)
def test_what_makes_no_sense_is_refused(words: str, tmp_path: Path) -> None:
    """Each number that cannot be is told in one sentence."""
    offset, changed = BROKEN[words]
    data = WHOLE[:offset] + changed + WHOLE[offset + len(changed) :]
    with pytest.raises(BadInput, match=words):
        load_bytes(data, tmp_path)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255))), st.integers(0))
def test_a_corrupt_file_never_breaks_the_reader(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]], length: int
) -> None:
    """Whatever bytes change and wherever the file ends, it is loaded or refused."""
    data = bytearray(WHOLE)
    for offset, byte in changes:
        data[offset] = byte
    with suppress(BadInput):
        load_bytes(bytes(data[: length or len(data)]), tmp_path_factory.getbasetemp())
