"""A PE file for x86 as it lies in memory: an EFI program, or a kernel seen as one.

PE format, "Optional Header" and "Section Table". pefile reads such files too; it goes on where
a field makes no sense, and here that is the user's mistake.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, NoReturn

from verifier.errors import BadInput
from verifier.loading.elf import printable
from verifier.loading.image import MAX_IMAGE_BYTES, Image, Relocation, digest_of

_MACHINES = {0x14C: 32, 0x8664: 64}
_OPTIONAL_MAGIC = {0x10B: 32, 0x20B: 64}
_SUBSYSTEMS = {
    1: "native",
    2: "Windows, graphical",
    3: "Windows, console",
    10: "EFI application",
    11: "EFI boot service driver",
    12: "EFI runtime driver",
    16: "boot application",
}
_EXECUTABLE = 0x2000_0000
_RELOCATION_TABLE = 5
_WIDTHS = {0: 0, 3: 4, 10: 8}


@dataclass(frozen=True, slots=True)
class PeSection:
    """A section: ``file_size`` bytes at ``offset``, at ``address`` from the image's base."""

    name: str
    address: int
    memory_size: int
    offset: int
    file_size: int
    executable: bool


@dataclass(frozen=True, slots=True)
class Pe:
    """What a PE file's headers say; ``entry`` and sections count from the image's base."""

    bits: int
    entry: int
    base: int
    size: int
    headers_size: int
    subsystem: str
    sections: tuple[PeSection, ...]
    relocations: tuple[int, int]

    def file_offset(self, address: int) -> int | None:
        """Give where in the file the byte at ``address`` stands, None where it is in none."""
        for section in self.sections:
            if 0 <= address - section.address < min(section.file_size, section.memory_size):
                return address - section.address + section.offset
        return address if address < self.headers_size else None


def is_pe(data: bytes) -> bool:
    """Say whether a file begins as one does, whether or not the rest is."""
    return data[:2] == b"MZ"


def load_pe(data: bytes, name: str, where: str) -> Image:
    """Lay out the sections; the label ``entry`` is where firmware enters."""
    pe = read_pe(data, where)
    laid = bytearray(pe.size)
    laid[: pe.headers_size] = data[: pe.headers_size]
    for section in pe.sections:
        length = min(section.file_size, section.memory_size)
        laid[section.address : section.address + length] = data[
            section.offset : section.offset + length
        ]
    found = bytes(laid)
    return Image(
        name,
        found,
        {"entry": pe.entry},
        {},
        (),
        digest_of(found),
        "",
        link_address=pe.base,
        relocations=_relocations(pe, found, where),
    )


def read_pe(data: bytes, where: str) -> Pe:
    """Read and check the headers; BadInput says what cannot be."""
    return _Reader(data, where).read()


class _Reader:
    """The headers, each number checked against the file or the memory it counts."""

    def __init__(self, data: bytes, where: str) -> None:
        self.data = data
        self.where = where

    def read(self) -> Pe:
        if not is_pe(self.data):
            self._refuse("is no PE file: it does not begin with 'MZ'")
        (start,) = self._unpack("<I", 0x3C, "the DOS header")
        if self.data[start : start + 4] != b"PE\0\0":
            self._refuse(f"is no PE file: byte {start:#x} does not begin 'PE'")
        machine, count, _, _, _, optional, _ = self._unpack("<HHIIIHH", start + 4, "the PE header")
        if machine not in _MACHINES:
            self._refuse(
                f"is for another processor (PE machine {machine:#x}); expected x86-64 (0x8664)"
                " or i386 (0x14c)"
            )
        pe = self._optional(start + 24, _MACHINES[machine])
        if optional < (112 if pe.bits == 64 else 96):
            self._refuse(f"is a corrupt PE file: its optional header has {optional} bytes")
        sections = tuple(
            self._section(start + 24 + optional + 40 * number, number, pe.size)
            for number in range(count)
        )
        return Pe(
            pe.bits,
            pe.entry,
            pe.base,
            pe.size,
            pe.headers_size,
            pe.subsystem,
            sections,
            pe.relocations,
        )

    def _optional(self, at: int, bits: int) -> Pe:
        what = "the optional header"
        (magic,) = self._unpack("<H", at, what)
        if _OPTIONAL_MAGIC.get(magic) != bits:
            self._refuse(f"is a corrupt PE file: the magic of {what} is {magic:#x}")
        (entry,) = self._unpack("<I", at + 16, what)
        (base,) = self._unpack(*(("<Q", at + 24) if bits == 64 else ("<I", at + 28)), what)
        size, headers = self._unpack("<II", at + 56, what)
        (subsystem,) = self._unpack("<H", at + 68, what)
        directories = at + (108 if bits == 64 else 92)
        (count,) = self._unpack("<I", directories, what)
        if not 0 < size <= MAX_IMAGE_BYTES:
            self._refuse(f"is a corrupt PE file: its image would take {size:#x} bytes")
        if headers > min(size, len(self.data)):
            self._refuse(f"is cut short or corrupt: its headers end at byte {headers:#x}")
        if entry >= size:
            self._refuse(f"is a corrupt PE file: its entry {entry:#x} is past its end {size:#x}")
        table = (0, 0)
        if count > _RELOCATION_TABLE:
            address, length = self._unpack("<II", directories + 4 + 8 * _RELOCATION_TABLE, what)
            table = (address, length)
        if sum(table) > size:
            self._refuse("is a corrupt PE file: its relocations are past its end")
        name = _SUBSYSTEMS.get(subsystem, f"subsystem {subsystem}")
        return Pe(bits, entry, base, size, headers, name, (), table)

    def _section(self, at: int, number: int, image_size: int) -> PeSection:
        name, memory, address, size, offset, _, _, _, _, flags = self._unpack(
            "<8sIIIIIIHHI", at, f"section header {number}"
        )
        title = printable(name.rstrip(b"\0"))
        memory = memory or size
        if address + memory > image_size:
            self._refuse(f"is a corrupt PE file: section '{title}' is past the image's end")
        if min(size, memory) and offset + min(size, memory) > len(self.data):
            self._refuse(
                f"is cut short or corrupt: section '{title}' ends at byte"
                f" {offset + min(size, memory):#x}, and the file has {len(self.data):#x}"
            )
        return PeSection(title, address, memory, offset, size, bool(flags & _EXECUTABLE))

    def _unpack(self, form: str, offset: int, what: str) -> tuple[Any, ...]:
        end = offset + struct.calcsize(form)
        if end > len(self.data):
            self._refuse(
                f"is cut short or corrupt: {what} ends at byte {end:#x},"
                f" and the file has {len(self.data):#x}"
            )
        return struct.unpack_from(form, self.data, offset)

    def _refuse(self, message: str) -> NoReturn:
        sentence = f"the file {message}"
        raise BadInput(sentence, self.where)


def _relocations(pe: Pe, laid: bytes, where: str) -> tuple[Relocation, ...]:
    """Read the base relocations: the places that hold the image's own addresses."""
    at, length = pe.relocations
    end, found = at + length, []
    while at + 8 <= end:
        page, block = struct.unpack_from("<II", laid, at)
        if block < 8 or at + block > end:
            message = f"the file is a corrupt PE file: a block of relocations has {block} bytes"
            raise BadInput(message, where)
        for (entry,) in struct.iter_unpack("<H", laid[at + 8 : at + 8 + (block - 8 & ~1)]):
            place, width = page + (entry & 0xFFF), _WIDTHS.get(entry >> 12)
            if width is None or place + width > len(laid):
                message = f"the file is a corrupt PE file: relocation {entry:#x} makes no sense"
                raise BadInput(message, where)
            if width:
                value = int.from_bytes(laid[place : place + width], "little")
                found.append(Relocation(place, width, signed=False, target_offset=value - pe.base))
        at += block
    return tuple(found)
