"""Windows: how code reaches into a region at addresses that it computes.

A window is known by the symbolic part of its addresses, so offsets in it are numbers. Two
windows of one region may lie anywhere in it: what one of them stored, the other must not
touch.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from verifier.machine import memory as m
from verifier.machine.oracle import About
from verifier.machine.words import constant, signed, split

if TYPE_CHECKING:
    from claripy.ast.bv import BV

    from verifier.machine.memory import Extent, Memory, Region
    from verifier.machine.oracle import Oracle


def parent(memory: Memory, window: Region) -> Region | None:
    """Give the region that a window lies in, None for what is no window."""
    if window.within is None:
        return None
    return next(region for region in memory.regions if region.name == window.within)


def seen(memory: Memory, address: BV, size: int) -> tuple[Region, int] | None:
    """Give the window and the offset of bytes that were shown to lie in a region before."""
    if not memory.extents:
        return None
    base, offset = split(address)
    for window in memory.strays:
        if window.within is None or _origin(base) is not window.base:
            continue
        at = signed(offset)
        if any(low <= at and at + size <= high for low, high in memory.extents[window.name]):
            return window, at
    return None


def opened(
    memory: Memory, region: Region, address: BV, oracle: Oracle
) -> tuple[Memory, Region, int]:
    """Give the window of ``region`` through which ``address`` is reached, and its offset there."""
    base, offset = split(address)
    origin = _origin(base)
    for window in memory.strays:
        if window.within != region.name:
            continue
        distance = (
            offset if window.base is origin else oracle.value(address - window.base, About.ACCESS)
        )
        if distance is not None:
            return memory, window, signed(distance)
    new, extent = _new(region, base)
    extents = {**memory.extents, new.name: extent}
    return replace(memory, strays=(*memory.strays, new), extents=extents), new, signed(offset)


def _new(region: Region, base: BV | None) -> tuple[Region, tuple[Extent, ...]]:
    """Give a new window; the one at the region's own base goes by the region's name."""
    own, start = split(region.base)
    origin = _origin(base)
    if own is base and start == 0:
        window = m.Region(region.name, origin, 0, region.rights, stray=True, within=region.name)
        return window, ((0, region.size),)
    name = f"{region.name}@{_name_of(base)}"
    return m.Region(name, origin, 0, region.rights, stray=True, within=region.name), ()


def shown(memory: Memory, window: Region, offset: int, size: int) -> Memory:
    """Remember that bytes of a window lie within its region."""
    known = memory.extents[window.name]
    if any(low <= offset and offset + size <= high for low, high in known):
        return memory
    extents = {**memory.extents, window.name: (*known, (offset, offset + size))}
    return replace(memory, extents=extents)


def forgotten(memory: Memory, extents: dict[str, tuple[Extent, ...]]) -> Memory:
    """Give the memory with what was shown of its windows replaced by ``extents``."""
    empty: dict[str, tuple[Extent, ...]] = {
        window.name: () for window in memory.strays if window.within is not None
    }
    return replace(memory, extents={**empty, **extents})


def adopting(memory: Memory, other: Memory) -> Memory:
    """Give the memory with the windows of ``other``, whose regions are the same."""
    names = {stray.name for stray in memory.strays}
    further = tuple(
        each for each in other.strays if each.within is not None and each.name not in names
    )
    extents = {**other.extents, **memory.extents}
    return replace(memory, strays=(*memory.strays, *further), extents=extents)


def _origin(base: BV | None) -> BV:
    return constant(0) if base is None else base


def _name_of(base: BV | None) -> str:
    if base is None:
        return "0"
    return str(base.args[0]) if base.op == "BVS" else f"{base.hash():x}"
