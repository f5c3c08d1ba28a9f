"""The parts of an ELF file that an image needs, each checked against the file's end."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import NoReturn

from verifier.errors import BadInput
from verifier.loading.image import MAX_IMAGE_BYTES

ALLOCATED = 0x2
COMPRESSED = 0x800
UNDEFINED = 0
ABSOLUTE = 0xFFF1
COMMON = 0xFFF2
FIRST_RESERVED_INDEX = 0xFF00

_LITTLE_ENDIAN = 1
_MAX_NAME_BYTES = 4096
MOST_ENTRIES = 4_000_000
"""Symbols and relocations read of one file, which may have the same ones in many tables."""
_NAME_BYTES_OF_ENTRY = 16
_LOAD = 1
_LOCAL, _WEAK = 0, 2
_MACHINES = {(2, 62): 64, (1, 3): 32}
_HEADER = {64: "<16sHHIQQQIHHHHHH", 32: "<16sHHIIIIIHHHHHH"}
_SECTION = {64: "<IIQQQQIIQQ", 32: "<IIIIIIIIII"}
_SEGMENT = {64: "<IIQQQQQQ", 32: "<IIIIIIII"}
_SYMBOL = {64: "<IBBHQQ", 32: "<IIIBBH"}
_RELA = {64: "<QQq", 32: "<IIi"}
_REL = {64: "<QQ", 32: "<II"}


class FileType(IntEnum):
    """What an ELF file is: an object still to be linked, a program, or a shared object."""

    REL = 1
    EXEC = 2
    DYN = 3


class SectionType(IntEnum):
    """The section types that are told apart; a section may have another."""

    SYMTAB = 2
    RELA = 4
    NOTE = 7
    NOBITS = 8
    REL = 9
    DYNSYM = 11


class SymbolType(IntEnum):
    """The symbol types that are not labels."""

    SECTION = 3
    FILE = 4
    TLS = 6


@dataclass(frozen=True, slots=True)
class Section:
    """A section header; ``address``, ``offset`` and ``size`` are in bytes."""

    index: int
    name: str
    type: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    alignment: int

    @property
    def allocated(self) -> bool:
        """Say whether the section takes memory when the program runs."""
        return bool(self.flags & ALLOCATED)


@dataclass(frozen=True, slots=True)
class Segment:
    """A loaded segment: ``file_size`` bytes at ``offset``, then zeros up to ``memory_size``."""

    offset: int
    address: int
    file_size: int
    memory_size: int


@dataclass(frozen=True, slots=True)
class Symbol:
    """A symbol; ``section`` is an index of the section table or one of the reserved ones."""

    name: str
    value: int
    type: int
    is_local: bool
    is_weak: bool
    section: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A relocation as stored; ``addend`` is None where it lies in the place itself."""

    offset: int
    type: int
    symbol: int
    addend: int | None


class Elf:
    """An x86 ELF file whose tables all lie inside it; BadInput names what does not."""

    def __init__(self, data: bytes, where: str) -> None:
        """Read the headers of ``data``; ``where`` is the file to name in errors."""
        self.data = data
        self.where = where
        self._entries = 0
        self.bits = self._bits()
        fields = self._unpack(_HEADER[self.bits], 0, "the ELF header")
        self.type = self._file_type(fields[1])
        self.entry = fields[4]
        program_table, section_table = fields[5], fields[6]
        segment_size, segment_count, section_size, section_count, names = fields[9:14]
        self.segments = self._segments(program_table, segment_size, segment_count)
        self.sections = self._sections((section_table, section_size, section_count), names)

    @property
    def is_64(self) -> bool:
        """Say whether the file is for x86-64, and not for i386."""
        return self.bits == 64

    def contents(self, section: Section) -> bytes:
        """Give a section's bytes; those of a section without file space are zeros."""
        if section.type == SectionType.NOBITS:
            if section.size > MAX_IMAGE_BYTES:
                self._refuse_corrupt(f"{section.name} would take {section.size:#x} bytes")
            return bytes(section.size)
        return self.data[section.offset : section.offset + section.size]

    def named(self, name: str) -> Section | None:
        """Give the first section of that name."""
        return next((section for section in self.sections if section.name == name), None)

    def symbols(self, table: Section) -> tuple[Symbol, ...]:
        """Read a symbol table, index 0 (the null symbol) included."""
        if table.link >= len(self.sections):
            self._refuse_corrupt(f"{table.name} names section {table.link}, which does not exist")
        strings = self.contents(self.sections[table.link])
        symbols = []
        for fields in self._rows(_SYMBOL[self.bits], table):
            if self.is_64:
                name, info, _, section, value, _ = fields
            else:
                name, value, _, info, _, section = fields
            text = self._string(strings, name, table.name)
            binding = info >> 4
            symbols.append(
                Symbol(text, value, info & 15, binding == _LOCAL, binding == _WEAK, section)
            )
        return tuple(symbols)

    def relocations(self, table: Section) -> tuple[Entry, ...]:
        """Read a relocation section of either form."""
        has_addend = table.type == SectionType.RELA
        form = (_RELA if has_addend else _REL)[self.bits]
        shift, mask = (32, 0xFFFF_FFFF) if self.is_64 else (8, 0xFF)
        return tuple(
            Entry(
                fields[0], fields[1] & mask, fields[1] >> shift, fields[2] if has_addend else None
            )
            for fields in self._rows(form, table)
        )

    def _bits(self) -> int:
        if self.data[:4] != b"\x7fELF":
            self._refuse("is not an ELF file: it does not begin with 7f 45 4c 46")
        kind, order, machine = self._unpack("<4xBB12xH", 0, "the ELF header")
        if order != _LITTLE_ENDIAN or (kind, machine) not in _MACHINES:
            self._refuse(
                f"is for another processor (ELF machine {machine}, class {kind}, byte order"
                f" {order}); expected x86-64 (62, 2, 1) or i386 (3, 1, 1)"
            )
        return _MACHINES[kind, machine]

    def _file_type(self, number: int) -> FileType:
        if number not in {kind.value for kind in FileType}:
            self._refuse(
                f"has ELF type {number}; expected an object, an executable or a shared object"
            )
        return FileType(number)

    def _segments(self, start: int, size: int, count: int) -> tuple[Segment, ...]:
        segments: list[Segment] = []
        form = _SEGMENT[self.bits]
        if count and size < struct.calcsize(form):
            self._refuse_corrupt(f"a program header has {size} bytes")
        for number in range(count):
            fields = self._unpack(form, start + number * size, f"program header {number}")
            if self.is_64:
                kind, _, offset, address, _, file_size, memory_size, _ = fields
            else:
                kind, offset, address, _, file_size, memory_size, _, _ = fields
            if kind != _LOAD:
                continue
            self._check_end(offset + file_size, f"segment {len(segments)}")
            if file_size > memory_size:
                self._refuse_corrupt(
                    f"segment {len(segments)} has more bytes in file than in memory"
                )
            segments.append(Segment(offset, address, file_size, memory_size))
        return tuple(segments)

    def _sections(self, table: tuple[int, int, int], names: int) -> tuple[Section, ...]:
        start, size, count = table
        form = _SECTION[self.bits]
        if count == 0 and start:
            self._refuse(f"has {FIRST_RESERVED_INDEX} sections or more; link it first")
        if count and (size < struct.calcsize(form) or names >= count):
            self._refuse_corrupt("the section table's description makes no sense")
        rows = [
            self._unpack(form, start + number * size, f"section header {number}")
            for number in range(count)
        ]
        strings = b""
        if rows:
            self._check_end(rows[names][4] + rows[names][5], "the section names")
            strings = self.data[rows[names][4] : rows[names][4] + rows[names][5]]
        sections = []
        for index, (name, kind, flags, address, offset, length, link, info, align, _) in enumerate(
            rows
        ):
            text = self._string(strings, name, "the section names") if kind else ""
            if kind not in (0, SectionType.NOBITS):
                self._check_end(offset + length, f"section '{text}'")
            sections.append(
                Section(index, text, kind, flags, address, offset, length, link, info, align)
            )
        return tuple(sections)

    def _rows(self, form: str, table: Section) -> list[tuple[int, ...]]:
        content = self.contents(table)
        if table.type == SectionType.NOBITS or len(content) % struct.calcsize(form):
            self._refuse_corrupt(f"{table.name} does not hold a whole number of entries")
        self._spend(len(content) // struct.calcsize(form))
        return list(struct.iter_unpack(form, content))

    def _spend(self, entries: int) -> None:
        self._entries += entries
        if self._entries > MOST_ENTRIES:
            self._refuse(f"has more than {MOST_ENTRIES} symbols and relocations, or as long names")

    def _string(self, strings: bytes, start: int, table: str) -> str:
        if start == 0:
            return ""
        end = strings.find(b"\0", start, start + _MAX_NAME_BYTES)
        if end < 0:
            self._refuse_corrupt(f"a name of {table} lies outside its string table or is endless")
        self._spend((end - start) // _NAME_BYTES_OF_ENTRY)
        return printable(strings[start:end])

    def _unpack(self, form: str, offset: int, what: str) -> tuple[int, ...]:
        self._check_end(offset + struct.calcsize(form), what)
        return struct.unpack_from(form, self.data, offset)

    def _check_end(self, end: int, what: str) -> None:
        if end > len(self.data):
            self._refuse(
                f"is cut short or corrupt: {what} ends at byte {end:#x},"
                f" and the file has {len(self.data):#x}"
            )

    def _refuse_corrupt(self, message: str) -> NoReturn:
        self._refuse(f"is corrupt: {message}")

    def _refuse(self, message: str) -> NoReturn:
        sentence = f"the file {message}"
        raise BadInput(sentence, self.where)


def printable(text: bytes) -> str:
    """Decode a stranger's bytes so that they cannot steer a terminal."""
    decoded = text.decode("utf-8", "backslashreplace")
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in decoded)
