"""A file of unknown kind is recognised; where its bytes stand in the file stays known."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.loading.boot import SETUP_SIZE, make_bzimage, make_pe
from verifier.errors import BadInput
from verifier.inspection import inspect
from verifier.loading import Kind
from verifier.loading.binary import Binary, open_binary

if TYPE_CHECKING:
    from pathlib import Path

SECTION_TABLE, SECTION_COUNT = slice(0x28, 0x30), slice(0x3C, 0x40)
"""Where an ELF header of 64 bits says where the section headers are, and how many."""
CODE = bytes(range(256)) * 4


def opened(data: bytes, folder: Path) -> Binary:
    """Open the bytes of a file."""
    path = folder / "file"
    path.write_bytes(data)
    return open_binary(path)


def test_a_bzimage_is_searched_without_its_payload(tmp_path: Path) -> None:
    """Code may be before and behind the payload; file offsets count the setup code too."""
    binary = opened(make_bzimage(CODE, payload_offset=0x220, payload_length=0x100), tmp_path)
    assert binary.kind is Kind.BZIMAGE
    assert binary.code == (range(0x220), range(0x320, len(CODE)))
    assert (binary.entry, binary.pe) == (0x200, None)
    assert (binary.place(0x10), binary.offset(SETUP_SIZE + 0x10)) == (SETUP_SIZE + 0x10, 0x10)
    assert binary.place(len(CODE)) is None
    assert binary.offset(0) is None


@pytest.mark.parametrize("name", ["program", "program.o", "program.so", "small32.o"])
def test_the_code_of_an_elf_file_is_its_executable_sections(name: str, built: Path) -> None:
    """Each byte of code stands in the file where the image says, and data is not searched."""
    binary = open_binary(built / name)
    data = (built / name).read_bytes()
    assert binary.kind is Kind.ELF
    assert binary.code
    for each in binary.code:
        for offset in each:
            place = binary.place(offset)
            assert place is not None
            if not name.endswith(".o"):
                assert data[place] == binary.image.data[offset]
    if "counter" in binary.image.symbols:
        assert not any(binary.image.symbols["counter"] in each for each in binary.code)


def test_a_program_without_sections_is_searched_by_its_segments(
    built: Path, tmp_path: Path
) -> None:
    """Without a section table the loaded segments are what may be code."""
    data = bytearray((built / "program").read_bytes())
    data[SECTION_TABLE] = bytes(8)
    data[SECTION_COUNT] = bytes(4)
    whole, binary = open_binary(built / "program"), opened(bytes(data), tmp_path)
    (code,) = (each for each in whole.code if each)
    assert any(code.start in each and code.stop - 1 in each for each in binary.code)
    assert binary.place(code.start) == whole.place(code.start)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.integers(0, 0x2000), st.integers(0, 255)), max_size=8), st.data())
def test_any_damage_is_opened_or_refused(
    built: Path, changes: list[tuple[int, int]], data: st.DataObject
) -> None:
    """Whatever bytes of a program or object change, what may be code lies in the image."""
    name = data.draw(st.sampled_from(["program", "program.o", "program.so"]))
    damaged = bytearray((built / name).read_bytes())
    tables = st.integers(len(damaged) - 0x400, len(damaged) - 1)
    for offset, byte in [*changes, *((data.draw(tables), byte) for _, byte in changes)]:
        damaged[offset % len(damaged)] = byte
    with suppress(BadInput):
        binary = opened(bytes(damaged), built)
        assert all(each.stop <= len(binary.image.data) for each in binary.code)
        assert inspect(binary).missing is not None


def test_an_efi_program_is_a_pe_file(tmp_path: Path) -> None:
    """Its executable sections are searched, and its entry is a 64-bit one."""
    binary = opened(make_pe(CODE), tmp_path)
    assert binary.kind is Kind.PE
    assert binary.code == (range(0x1000, 0x1000 + len(CODE)),)
    assert binary.entry == 0x1002
    assert binary.offset(binary.place(0x1010) or 0) == 0x1010


def test_all_else_is_raw(tmp_path: Path) -> None:
    """A file without a known beginning is searched as it is."""
    binary = opened(CODE, tmp_path)
    assert (binary.kind, binary.code, binary.entry) == (Kind.FLAT, (range(len(CODE)),), None)
    assert binary.place(0x33) == 0x33


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (b"\x1f\x8b", "is compressed by gzip: unpack it first"),
        (b"!<arch>\ndebian-binary", "is an archive, as packages and libraries are"),
        (b"\x28\xb5\x2f\xfd", "is compressed by zstd"),
        (b"PK\x03\x04", "is a zip archive"),
        (b"\x7fELF", "is cut short or corrupt: the ELF header ends at byte"),
        (b"MZ", "is no PE file: byte 0x0 does not begin 'PE'"),
    ],
)
def test_a_foreign_or_broken_file_is_refused(start: bytes, words: str, tmp_path: Path) -> None:
    """What is packed is to be unpacked first; what is cut short is told so."""
    data = start + bytes(0x100) if start == b"MZ" else start
    with pytest.raises(BadInput, match=words):
        opened(data, tmp_path)


def test_what_claims_to_be_a_bzimage_is_read_as_one(tmp_path: Path) -> None:
    """A damaged bzImage is not taken for raw bytes."""
    with pytest.raises(BadInput, match="its boot_flag, 0x0, is not 0xaa55"):
        opened(make_bzimage(CODE, boot_flag=0), tmp_path)
