"""Pages that hold, byte by byte, what another page held at first: copies of page tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from verifier.machine.cells import byte_of, same_cell
from verifier.machine.memory import Place
from verifier.machine.oracle import About
from verifier.machine.words import signed, split

if TYPE_CHECKING:
    from claripy.ast.bv import BV

    from verifier.machine.cells import Cell
    from verifier.machine.memory import Memory
    from verifier.machine.oracle import Oracle

PAGE = 0x1000
_KNOWN: dict[tuple[int, int, str, int], tuple[Mapping[int, Cell], bool]] = {}
"""Answers by the stored bytes of a region, which are never changed in place, and by the origin."""
MOST_KNOWN = 64


def copy_at(memory: Memory, table: BV, root: BV, oracle: Oracle) -> Place | None:
    """Give the place of the page at ``table`` where it is a copy of the one at ``root``.

    ``root`` must lie in a region by its very sum, and must never have been stored to.
    """
    origin = _known_place(memory, root)
    if origin is None or memory.cells.get(origin.region.name):
        return None
    first = memory.cell(origin.region, _offset(origin))
    place = _known_place(memory, table) or _stored_place(memory, table, oracle)
    if isinstance(first, int) or place is None or not isinstance(place.offset, int):
        return None
    stored = memory.cells.get(place.region.name, {})
    if not _same(stored.get(place.offset), first):
        return None
    key = id(stored), place.offset, origin.region.name, _offset(origin)
    found = _KNOWN.get(key)
    if found is None or found[0] is not stored:
        while len(_KNOWN) >= MOST_KNOWN:
            _KNOWN.pop(next(iter(_KNOWN)))
        _KNOWN[key] = found = stored, _all_same(memory, stored, place.offset, origin)
    return place if found[1] else None


def _all_same(memory: Memory, stored: Mapping[int, Cell], offset: int, origin: Place) -> bool:
    first = _offset(origin)
    return all(
        _same(stored.get(offset + at), memory.cell(origin.region, first + at)) for at in range(PAGE)
    )


def _same(one: Cell | None, other: Cell) -> bool:
    if one is None or isinstance(one, int) or isinstance(other, int):
        return False
    if same_cell(one, other):
        return True
    mine, theirs = byte_of(one), byte_of(other)
    return mine is theirs or mine.hash() == theirs.hash()


def _offset(place: Place) -> int:
    return place.offset if isinstance(place.offset, int) else 0


def _stored_place(memory: Memory, address: BV, oracle: Oracle) -> Place | None:
    """Give the place of an address in what was stored to, where the solver shows its offset."""
    for region in (*memory.strays, *memory.regions):
        if region.windowed or not memory.cells.get(region.name):
            continue
        offset = oracle.value(address - region.base, About.ACCESS)
        if offset is not None and (region.stray or offset <= region.size - PAGE):
            return Place(region, signed(offset) if region.stray else offset)
    return None


def _known_place(memory: Memory, address: BV) -> Place | None:
    base, offset = split(address)
    for region in (*memory.strays, *memory.regions):
        origin, start = split(region.base)
        if region.windowed or origin is not base:
            continue
        distance = offset - start
        if region.stray or 0 <= distance <= region.size - PAGE:
            return Place(region, distance)
    return None
