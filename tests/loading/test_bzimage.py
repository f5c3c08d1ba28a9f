"""A bzImage is its protected-mode part with its header's sizes; a broken one, one sentence."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.loading.boot import SETUP_SIZE, make_bzimage
from verifier.errors import BadInput
from verifier.loading import Image, ImageDescription, Kind, load
from verifier.loading.bzimage import FIELDS, HEADER_END, read_header

if TYPE_CHECKING:
    from pathlib import Path

CODE = bytes(range(256)) * 4
WHOLE = make_bzimage(CODE)


def load_bytes(data: bytes, folder: Path) -> Image:
    """Load the bytes of a file."""
    path = folder / "vmlinuz"
    path.write_bytes(data)
    return load(ImageDescription(Kind.BZIMAGE, path))


def test_the_image_is_the_protected_mode_part(tmp_path: Path) -> None:
    """The setup code is left out; offset 0 is the 32-bit entry, 0x200 the 64-bit one."""
    image = load_bytes(WHOLE, tmp_path)
    assert image.data == CODE
    assert image.symbols == {"entry32": 0, "entry64": 0x200}
    assert image.producer == "Linux 6.99.0-test (someone@somewhere) #1"
    assert image.link_address == 0


def test_header_fields_are_constants(tmp_path: Path) -> None:
    """A spec may use the header's sizes by name."""
    constants = load_bytes(WHOLE, tmp_path).constants
    assert constants["SETUP_SIZE"] == SETUP_SIZE
    assert constants["INIT_SIZE"] == 0x2000000
    assert constants["PAYLOAD_OFFSET"] == 0x210
    assert constants["PAYLOAD_LENGTH"] == len(CODE) - 0x220
    assert constants["PREF_ADDRESS"] == 0x1000000
    assert constants["KERNEL_ALIGNMENT"] == 0x200000
    assert constants["XLOADFLAGS"] == 0x7F


def test_a_signature_behind_the_code_is_no_part_of_it(tmp_path: Path) -> None:
    """What follows the size that the header states, as signatures do, is left out."""
    assert load_bytes(WHOLE + b"signature" * 100, tmp_path).data == CODE


def test_no_setup_sectors_are_four(tmp_path: Path) -> None:
    """Zero setup sectors mean four, as the boot protocol says."""
    data = make_bzimage(CODE, setup_sects=0)
    padded = data[:SETUP_SIZE] + bytes(512) + data[SETUP_SIZE:]
    assert load_bytes(padded, tmp_path).data == CODE


def test_a_kernel_without_a_64_bit_entry_has_no_such_label(tmp_path: Path) -> None:
    """Bit 0 of xloadflags says whether the 64-bit entry is there."""
    assert load_bytes(make_bzimage(CODE, xloadflags=0), tmp_path).symbols == {"entry32": 0}


BROKEN = {
    "boot_flag": (0xAA54, "its boot_flag, 0xaa54, is not 0xaa55"),
    "header": (0, "is no bzImage: it has no 'HdrS' at byte 0x202"),
    "version": (0x20B, "its version, 0x20b, is older than boot protocol 2.12"),
    "jump": (0xE9, "its jump, 0xe9, is no short jump"),
    "jump_distance": (0x10, "its jump_distance, 0x10, ends the header before byte 0x26c"),
    "loadflags": (0, "its loadflags, 0x0, says that it is loaded low"),
    "setup_sects": (200, "is cut short: by its header it has at least"),
    "syssize": (0x1000, "is cut short: by its header it has at least 0x10800 bytes"),
    "kernel_version": (0x3000, "its kernel_version, 0x3000, lies outside the setup code"),
    "kernel_alignment": (0x200001, "its kernel_alignment, 0x200001, is no power of two"),
    "relocatable_kernel": (2, "its relocatable_kernel, 0x2, is neither 0 nor 1"),
    "min_alignment": (64, "its min_alignment, 0x40, is no shift of an address"),
    "payload_offset": (0x400, "its payload_offset, 0x400, is past the end of the code"),
    "payload_length": (0x300, "its payload_length, 0x300, is past the end of the code"),
    "pref_address": (0x1000, "its pref_address, 0x1000, is not aligned as it must be"),
    "init_size": (0x3FF, "its init_size, 0x3ff, is less than the code's size"),
    "handover_offset": (0x400, "its handover_offset, 0x400, is past the end"),
    "kernel_info_offset": (0x10, "its kernel_info_offset, 0x10, leads to no 'LToP'"),
}
ANY_VALUE = {"code32_start", "xloadflags", "cmdline_size"}


@pytest.mark.parametrize("name", BROKEN)
def test_each_field_is_checked(name: str, tmp_path: Path) -> None:
    """A value that a field cannot have is told by the field's name, in one sentence."""
    value, words = BROKEN[name]
    with pytest.raises(BadInput) as caught:
        load_bytes(make_bzimage(CODE, **{name: value}), tmp_path)
    assert words in caught.value.message
    assert "\n" not in str(caught.value)


def test_every_field_is_checked_or_may_be_anything() -> None:
    """No field that is read goes unchecked, but those that no part of this depends on."""
    assert {each.name for each in FIELDS} == BROKEN.keys() | ANY_VALUE


@pytest.mark.parametrize(
    "length", [0, 1, 0x202, 0x206, HEADER_END - 1, SETUP_SIZE, len(WHOLE) - 16]
)
def test_a_file_cut_short_is_refused(length: int, tmp_path: Path) -> None:
    """Wherever a file ends too early, the user reads that it is no bzImage, or cut short."""
    with pytest.raises(BadInput, match=r"is no bzImage|is cut short"):
        load_bytes(WHOLE[:length], tmp_path)


@pytest.mark.parametrize("start", [b"\x7fELF", b"MZ", b"\x1f\x8b", b"#!/bin/sh\n"])
def test_foreign_files_are_refused(start: bytes, tmp_path: Path) -> None:
    """A file of another kind is told to be no bzImage."""
    with pytest.raises(BadInput, match="is no bzImage: it has no 'HdrS'"):
        load_bytes(start + bytes(4096), tmp_path)


def test_options_of_other_files_are_refused(tmp_path: Path) -> None:
    """A bzImage is linked at 0; a link address for it is a mistake."""
    path = tmp_path / "vmlinuz"
    path.write_bytes(WHOLE)
    with pytest.raises(BadInput, match="an image of kind 'bzimage' has no 'link_address'"):
        load(ImageDescription(Kind.BZIMAGE, path, link_address=1))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0x1F1, HEADER_END - 1), st.integers(0, 255)), min_size=1))
def test_a_corrupt_header_never_breaks_the_reader(changes: list[tuple[int, int]]) -> None:
    """Whatever the header's bytes are, it is read as lying inside the file, or refused."""
    data = bytearray(WHOLE)
    for offset, byte in changes:
        data[offset] = byte
    with suppress(BadInput):
        header = read_header(bytes(data), "vmlinuz")
        assert header.setup_size + header.size <= len(data)
        assert header.payload.stop <= header.size


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=0x300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """No bytes at all make the reader fail otherwise than by a sentence."""
    marked = data[:0x202] + b"HdrS" + data[0x206:] if len(data) > 0x206 else data
    for each in (data, marked):
        with suppress(BadInput):
            read_header(each, "vmlinuz")
