"""An ELF executable or shared object: its loaded segments as they lie in memory."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from verifier.errors import BadInput
from verifier.loading.dwarf import LineRange, line_table
from verifier.loading.elf import (
    ABSOLUTE,
    UNDEFINED,
    Elf,
    Section,
    SectionType,
    Segment,
    Symbol,
    printable,
)
from verifier.loading.image import Image, digest_of
from verifier.loading.linking import check_size, collect_names, symbol_table

if TYPE_CHECKING:
    from pathlib import Path


def load_program(elf: Elf, name: str, segment: int | None, folder: Path) -> Image:
    """Lay out the loaded segments, or one by its number; the base is the lowest address.

    The bytes are those of the file: what a dynamic linker would change is not, and is noted.
    """
    segments = _chosen(elf, segment)
    base = min(segment.address for segment in segments)
    size = max(segment.address + segment.memory_size for segment in segments) - base
    check_size(size, elf.where)
    data = bytearray(size)
    for part in segments:
        start = part.address - base
        data[start : start + part.file_size] = elf.data[part.offset : part.offset + part.file_size]

    def offset_of(symbol: Symbol) -> int | None:
        return None if symbol.section in (UNDEFINED, ABSOLUTE) else symbol.value - base

    names = collect_names(symbol_table(elf), offset_of, size)
    lines, notes = line_table(elf, elf.contents, LineRange(base, size, folder))
    return Image(
        name,
        bytes(data),
        names.symbols,
        names.constants,
        lines,
        digest_of(bytes(data)),
        producer(elf),
        link_address=base,
        notes=(*notes, *names.notes(), *_dynamic_notes(elf)),
    )


def producer(elf: Elf) -> str:
    """Give the first compiler or linker that signed the file in ``.comment``, or ``''``."""
    section = elf.named(".comment")
    if section is None or section.type == SectionType.NOBITS:
        return ""
    return printable(elf.contents(section).strip(b"\0").partition(b"\0")[0])


def _chosen(elf: Elf, number: int | None) -> tuple[Segment, ...]:
    if not elf.segments:
        message = "the file has no segment to load"
        raise BadInput(message, elf.where)
    if number is None:
        ordered = tuple(sorted(elf.segments, key=lambda segment: segment.address))
        for below, above in pairwise(ordered):
            if below.address + below.memory_size > above.address:
                message = f"the file is corrupt: its segments overlap at {above.address:#x}"
                raise BadInput(message, elf.where)
        return ordered
    if not 0 <= number < len(elf.segments):
        message = f"there is no segment {number}: the file loads {len(elf.segments)}, from 0"
        raise BadInput(message, elf.where)
    return (elf.segments[number],)


def _dynamic_notes(elf: Elf) -> tuple[str, ...]:
    tables = [section for section in elf.sections if _is_dynamic_relocation(section)]
    count = sum(len(elf.relocations(table)) for table in tables)
    return (f"{count} dynamic relocations are not applied",) if count else ()


def _is_dynamic_relocation(section: Section) -> bool:
    return section.type in (SectionType.REL, SectionType.RELA) and section.allocated
