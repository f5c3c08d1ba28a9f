"""The line table of an ELF file's debug information, for reports only: no verdict needs it."""

from __future__ import annotations

import inspect
import io
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from verifier.loading.elf import COMPRESSED, Elf, Section, SectionType, printable
from verifier.loading.image import Line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from elftools.dwarf.dwarfinfo import DebugSectionDescriptor, DWARFInfo

_MAX_BYTES = 4 << 20
_MAX_SOURCE_BYTES = 1 << 20
_SECTIONS = ("info", "abbrev", "line", "str", "line_str", "str_offsets", "addr")


@dataclass(frozen=True, slots=True)
class LineRange:
    """The addresses of an image, and the folder whose source files may be shown."""

    base: int
    size: int
    folder: Path


def line_table(
    elf: Elf, contents: Callable[[Section], bytes], wanted: LineRange
) -> tuple[tuple[Line, ...], tuple[str, ...]]:
    """Give the lines of the ``wanted`` addresses as offsets, and a note if none can be had.

    ``contents`` gives a debug section with its relocations applied.
    """
    sections = {name: elf.named(f".debug_{name}") for name in _SECTIONS}
    found = {name: section for name, section in sections.items() if section is not None}
    if "line" not in found or "info" not in found:
        return (), ()
    if any(s.flags & COMPRESSED or s.type == SectionType.NOBITS for s in found.values()):
        return (), ("the debug information is compressed or absent: no source lines",)
    if sum(section.size for section in found.values()) > _MAX_BYTES:
        return (), ("the debug information is too large to read: no source lines",)
    try:
        debug = _open(elf, {name: contents(section) for name, section in found.items()})
        lines = tuple(_lines(debug, wanted))
    except Exception as error:  # noqa: BLE001 - the parser meets corrupt input with any exception
        return (), (f"the debug information is unreadable ({type(error).__name__}): no lines",)
    return lines, ()


def _open(elf: Elf, sections: dict[str, bytes]) -> DWARFInfo:
    from elftools.dwarf.dwarfinfo import (  # noqa: PLC0415 - its import takes longer than assembling
        DebugSectionDescriptor,
        DwarfConfig,
        DWARFInfo,
    )

    config = DwarfConfig(
        little_endian=True,
        machine_arch="x64" if elf.is_64 else "x86",
        default_address_size=8 if elf.is_64 else 4,
    )
    names = [name for name in inspect.signature(DWARFInfo).parameters if name != "config"]
    given: dict[str, DebugSectionDescriptor | None] = dict.fromkeys(names)
    for name, data in sections.items():
        given[f"debug_{name}_sec"] = DebugSectionDescriptor(
            io.BytesIO(data), f".debug_{name}", 0, len(data), 0
        )
    return DWARFInfo(config, **given)


def _lines(debug: DWARFInfo, wanted: LineRange) -> Iterator[Line]:
    """Give the lines by offset; where two sequences claim an address, the first has it."""
    files = _Files(wanted.folder)
    rows: dict[int, Line] = {}
    known: set[int] = set()
    for unit in debug.iter_CUs():
        program = debug.line_program_for_CU(unit)
        if program is None or program.program_start_offset in known:
            continue
        known.add(program.program_start_offset)
        states = [entry.state for entry in program.get_entries() if entry.state]
        for state, following in pairwise(states):
            offset = state.address - wanted.base
            length = following.address - state.address
            if not state.end_sequence and length > 0 and 0 <= offset < wanted.size:
                name = _file_name(program.header, state.file)
                text = files.line(name, state.line)
                rows.setdefault(offset, Line(offset, length, files.shown(name), state.line, text))
    yield from (rows[offset] for offset in sorted(rows))


def _file_name(header: Any, number: int) -> Path:  # noqa: ANN401 - a parsed struct of pyelftools
    """Resolve a file number of a line program, which counts from 0 since DWARF 5."""
    counts_from = 0 if header.version >= 5 else 1
    entry = header.file_entry[number - counts_from]
    directory = b"."
    if entry.dir_index >= counts_from:
        directory = header.include_directory[entry.dir_index - counts_from]
    return Path(printable(directory)) / printable(entry.name)


class _Files:
    """Source files named by debug information; only those in the image's folder are read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.texts: dict[Path, list[str]] = {}

    def shown(self, name: Path) -> str:
        """Give a name relative to the folder where it lies in it."""
        path = (self.folder / name).resolve()
        return str(path.relative_to(self.folder) if path.is_relative_to(self.folder) else name)

    def line(self, name: Path, number: int) -> str:
        """Give a line, stripped, or an empty text."""
        path = (self.folder / name).resolve()
        if path not in self.texts:
            self.texts[path] = self._read(path)
        lines = self.texts[path]
        return lines[number - 1].strip() if 0 < number <= len(lines) else ""

    def _read(self, path: Path) -> list[str]:
        if not path.is_relative_to(self.folder) or not path.is_file():
            return []
        if path.stat().st_size > _MAX_SOURCE_BYTES:
            return []
        return [printable(line.strip()) for line in path.read_bytes().split(b"\n")]
