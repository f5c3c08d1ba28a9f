"""From the solver's values to a concrete start: registers, bytes and real page tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import claripy

from verifier.machine.cells import byte_of
from verifier.machine.concrete import SegmentValue, Start, TableRegister
from verifier.machine.cpuid import ANSWERED, NO_ANSWER
from verifier.machine.paging import FIVE_LEVELS, FOUR_LEVELS
from verifier.machine.registers import Cr4, Flag, Gpr
from verifier.machine.words import WORD_MASK, constant, is_set, low32, symbol

if TYPE_CHECKING:
    from claripy.ast.bool import Bool

    from verifier.machine.descriptors import SegmentRegister
    from verifier.machine.memory import Region
    from verifier.machine.state import LoaderTables, State, TablePointer
    from verifier.solver import Model

PAGE = 0x1000
ENTRIES = 512
INDEX_BITS = 9
REACH = 1 << 40
"""Bytes that are mapped at most: what Bochs can map."""
TABLE_ENTRY = 0x23
"""Present, writable and accessed: a table for the supervisor."""
PAGE_ENTRY = 0x63
"""Present, writable, accessed, dirty: a page for the supervisor."""
LARGE_ENTRY = 0x80
LARGE_LEVELS = (2, 3)
WIDE_MARGIN, NARROW_MARGIN = 0x100, 0x10
"""Bytes around multiples of 4G where Bochs is no judge of far returns that cross them."""
LOCAL_APIC, LOCAL_APIC_END = 0xFEE0_0000, 0xFEE0_1000
_ANSWER = re.compile(r"^cpuid\(0x([0-9a-f]+),([0-9]+)\)\.(e[abcd]x)$")
_UNKNOWN_BYTE = re.compile(r"^(?P<region>.+)\[(?P<sign>-?)0x(?P<offset>[0-9a-f]+)\]$")


@dataclass(frozen=True, slots=True)
class Bench:
    """The processor that replays: what a start must keep to so that it can be run there.

    ``cr4`` and ``efer`` are masks of the bits that exist, ``physical_bits`` is MAXPHYADDR,
    ``cpuid`` the answers by leaf and subleaf, for a processor with and without LA57.
    """

    physical_bits: int
    cr4: int
    efer: int
    cpuid: Mapping[bool, Mapping[tuple[int, int], tuple[int, int, int, int]]]


def representable(entry: State, bench: Bench, margin: int = WIDE_MARGIN) -> list[Bool]:
    """Give the conditions under which a start can be run on the bench.

    ``margin`` is how many bytes RSP must keep from a multiple of 4G.
    """
    end = constant(1 << bench.physical_bits)
    features = entry.features
    conditions = [
        features.physical_limit == end,
        features.cr4 | (1 << Cr4.LA57) == bench.cr4 | (1 << Cr4.LA57),
        features.efer == bench.efer,
        entry.flags[Flag.TF] == 0,
        claripy.UGE(low32(entry.gprs[Gpr.RSP]), margin),
        claripy.ULE(low32(entry.gprs[Gpr.RSP]), (1 << 32) - margin),
    ]
    for region in entry.memory.regions:
        conditions.append(claripy.ULE(region.base, end - region.size))
        low, high = constant(LOCAL_APIC), constant(LOCAL_APIC_END)
        apart = claripy.Or(
            claripy.ULE(region.base + region.size, low), claripy.UGE(region.base, high)
        )
        conditions.append(apart)
    for tables in entry.tables:
        conditions.append(claripy.ULE(tables.root, end - PAGE))
        conditions.append(tables.identity_end & (PAGE - 1) == 0)
    return conditions


def answered(entry: State, bench: Bench, names: Iterable[str]) -> list[Bool]:
    """Give the conditions that CPUID answers as on the bench, as far as ``names`` has answers."""
    conditions = []
    la57 = is_set(entry.features.cr4, Cr4.LA57)
    for name in names:
        found = _ANSWER.match(name)
        if found is None:
            continue
        asked, register = (int(found[1], 16), int(found[2])), ANSWERED.index(found[3])
        there, lacking = (
            constant(bench.cpuid[has_la57].get(asked, NO_ANSWER)[register], 32)
            for has_la57 in (True, False)
        )
        conditions.append(symbol(name, 32) == claripy.If(la57, there, lacking))
    return conditions


def start_of(
    entry: State, model: Model, names: Iterable[str], strays: Iterable[Region] = ()
) -> Start | None:
    """Give the start that ``model`` stands for; ``names`` are the symbols that matter.

    ``strays`` are what was reached outside the regions. None where the loader's tables cannot
    be laid out beside what else is fixed.
    """
    memory: dict[int, bytes] = {}
    regions = (*entry.memory.regions, *strays)
    bases = {region.name: model.number(region.base) for region in regions}
    for tables in entry.tables:
        pages = _tables(entry, tables, model, memory)
        if pages is None:
            return None
        memory.update(pages)
    taken, laid_out = _occupied(memory), frozenset(memory)
    for region in entry.memory.regions:
        if isinstance(region.content, bytes):
            base = bases[region.name]
            if any(base + at in taken for at in range(0, len(region.content), 64)):
                return None
            memory[base] = region.content
    chosen = _unknown_bytes(model, bases, names)
    memory.update({at: byte for at, byte in chosen.items() if at & -PAGE not in laid_out})
    memory.update(_patched_bytes(entry, model, bases))
    return Start(
        gprs={register: model.number(entry.gprs[register]) for register in Gpr},
        rip=model.number(entry.rip),
        rflags=model.number(entry.rflags),
        controls={name: model.number(value) for name, value in entry.controls.items()},
        segments={name: _segment(register, model) for name, register in entry.segments.items()},
        gdtr=_pointer(entry.gdtr, model),
        idtr=_pointer(entry.idtr, model),
        memory=memory,
        has_la57=model.satisfies(is_set(entry.features.cr4, Cr4.LA57)),
    )


def _segment(register: SegmentRegister, model: Model) -> SegmentValue:
    return SegmentValue(
        selector=model.number(register.selector),
        base=model.number(register.base),
        limit=model.number(register.limit),
        type=model.number(register.type),
        s=bool(model.number(register.s)),
        dpl=model.number(register.dpl),
        present=bool(model.number(register.present)),
        long=bool(model.number(register.long)),
        default_big=bool(model.number(register.big)),
        granular=bool(model.number(register.granular)),
    )


def _pointer(pointer: TablePointer, model: Model) -> TableRegister:
    return TableRegister(model.number(pointer.base), model.number(pointer.limit))


def _unknown_bytes(
    model: Model, bases: Mapping[str, int], names: Iterable[str]
) -> dict[int, bytes]:
    chosen: dict[int, bytes] = {}
    for name in names:
        found = _UNKNOWN_BYTE.match(name)
        if found is None or found["region"] not in bases:
            continue
        offset = int(found["sign"] + found["offset"], 16)
        value = model.number(symbol(name, 8))
        chosen[bases[found["region"]] + offset & WORD_MASK] = bytes([value])
    return chosen


def _patched_bytes(entry: State, model: Model, bases: Mapping[str, int]) -> dict[int, bytes]:
    return {
        bases[region] + offset & WORD_MASK: bytes([model.number(byte_of(cell))])
        for region, cells in entry.memory.cells.items()
        for offset, cell in cells.items()
    }


def _occupied(memory: Mapping[int, bytes]) -> set[int]:
    return {at for base, data in memory.items() for at in range(base, base + len(data))}


def _tables(
    entry: State, tables: LoaderTables, model: Model, before: Mapping[int, bytes]
) -> dict[int, bytes] | None:
    """Map every page below the identity map's end to itself, and no other.

    None where a table of those laid out ``before`` is in the way.
    """
    root = model.number(tables.root)
    if root % PAGE or root in before:
        return None
    end = min(model.number(tables.identity_end), REACH)
    taken = {*before, *(model.number(each.root) for each in entry.tables)}
    free = (page for page in _free_pages(entry, model, root) if page not in taken)
    five = model.satisfies(tables.five_levels)
    lower = [each for each in entry.tables if not model.satisfies(each.five_levels)]
    layout = _Layout(end, free, model.number(lower[0].root) if five and lower else None)
    layout.fill(root, FIVE_LEVELS if five else FOUR_LEVELS, 0)
    return layout.memory


@dataclass(frozen=True, slots=True)
class _Layout:
    """Page tables in the making: identity below ``end``, each new table in a free page.

    With 5 levels, the first entry leads to the table of 4 levels at ``lower`` where there is one.
    """

    end: int
    free: Iterator[int]
    lower: int | None = None
    memory: dict[int, bytes] = field(default_factory=dict)

    def fill(self, page: int, level: int, start: int) -> None:
        """Write the table of ``level`` for the addresses from ``start`` into ``page``."""
        table = bytearray(PAGE)
        span = PAGE << INDEX_BITS * (level - 1)
        for index, frame in enumerate(range(start, min(start + ENTRIES * span, self.end), span)):
            whole = level == 1 or (level in LARGE_LEVELS and frame + span <= self.end)
            if whole:
                entry = frame | PAGE_ENTRY | (LARGE_ENTRY if level > 1 else 0)
            elif level == FIVE_LEVELS and frame == 0 and self.lower is not None:
                entry = self.lower | TABLE_ENTRY
            else:
                below = next(self.free)
                self.fill(below, level - 1, frame)
                entry = below | TABLE_ENTRY
            table[index * 8 : index * 8 + 8] = entry.to_bytes(8, "little")
        self.memory[page] = bytes(table)


def _free_pages(entry: State, model: Model, root: int) -> Iterator[int]:
    """Give pages for further tables: those of the region that holds the root, then others."""
    spans = [(model.number(region.base), region.size) for region in entry.memory.regions]
    for base, size in spans:
        if base <= root < base + size:
            first = -(-base // PAGE) * PAGE
            yield from (page for page in range(first, base + size - PAGE + 1, PAGE) if page != root)
    for page in range(0x10_0000, 0x1000_0000, PAGE):
        if page != root and all(page + PAGE <= base or page >= base + size for base, size in spans):
            yield page
