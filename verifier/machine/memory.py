"""Physical memory: regions, and whatever lies outside all of them.

An address is resolved to a place: a region and an offset in it. A region's base is an
expression, so one offset stands for one byte at every load address. Nothing here picks a
value for an address: where it may lie in a region or not, both ways are executed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Flag, auto
from typing import TYPE_CHECKING

import claripy

from verifier.machine import indexed, windows
from verifier.machine.cells import BYTE, cells_of, join
from verifier.machine.oracle import About, Unmodelled
from verifier.machine.overlap import apart, distance_to, ends_below, runs, touches
from verifier.machine.words import WORD_MASK, constant, known, signed, split, symbol

if TYPE_CHECKING:
    from claripy.ast.bv import BV

    from verifier.machine.cells import Cell
    from verifier.machine.oracle import Oracle
    from verifier.machine.ram import Ram
    from verifier.machine.sweep import Sweep

Extent = tuple[int, int]
"""A first offset and the one after the last."""


class Rights(Flag):
    """What a spec declares may be done with a region."""

    NONE = 0
    READ = auto()
    WRITE = auto()
    EXECUTE = auto()


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """``size`` bytes at ``base``; ``content`` is what they hold at first, unknown where None.

    A stray is memory outside every declared region: it has no size and is known by the
    symbolic part of the addresses that reached it, offsets in it are signed. A region that is
    ``windowed`` is reached through addresses that the code computes; each symbolic part makes
    a window: a stray that lies ``within`` that region.
    """

    name: str
    base: BV
    size: int
    rights: Rights = Rights.READ | Rights.WRITE | Rights.EXECUTE
    content: bytes | Ram | None = field(default=None, repr=False)
    stray: bool = False
    windowed: bool = False
    within: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Where an access goes: a region and an offset in it, a number or a 64-bit expression.

    ``stretch`` has the few offsets that an expression may have in a large region.
    """

    region: Region
    offset: int | BV
    stretch: range | None = None

    def __str__(self) -> str:
        """Give ``region+0x10``."""
        if isinstance(self.offset, int):
            return f"{self.region.name}{self.offset:+#x}" if self.offset else self.region.name
        return f"{self.region.name} at a symbolic offset"


@dataclass(frozen=True, slots=True, eq=False)
class Memory:
    """Regions and the bytes that differ from their first content.

    ``extents`` has, by window, the offsets that were shown to lie within its region; ``sweep``
    is the one under way, while a round of a loop is executed for all of them.
    """

    regions: tuple[Region, ...]
    cells: Mapping[str, Mapping[int, Cell]] = field(default_factory=dict)
    strays: tuple[Region, ...] = ()
    extents: Mapping[str, tuple[Extent, ...]] = field(default_factory=dict)
    sweep: Sweep | None = None

    def place(self, address: BV, size: int, oracle: Oracle) -> tuple[Memory, Place]:
        """Resolve ``size`` bytes at a physical address; a new stray is remembered.

        Raises Unmodelled for an access that straddles the edge of a region.
        """
        seen = windows.seen(self, address, size)
        if seen is not None:
            window, offset = seen
            self.require_unstored(address, size, window, oracle)
            return self, Place(window, offset)
        others = []
        for region in self.regions:
            distance = None if region.windowed else distance_to(region, address)
            if distance is None:
                others.append(region)
                continue
            place = _place_by_distance(region, distance, size)
            if place is not None:
                return self, place
        for region in _likely_first(others, address, size, oracle):
            place = _place_by_oracle(region, address, size, oracle)
            if place is not None:
                return self._windowed(place, address, size, oracle)
        return self._stray(address, size, oracle)

    def _windowed(
        self, place: Place, address: BV, size: int, oracle: Oracle
    ) -> tuple[Memory, Place]:
        """Give a place in a windowed region as one in a window of it, which is remembered."""
        if not place.region.windowed:
            return self, place
        memory, window, offset = windows.opened(self, place.region, address, oracle)
        memory.require_unstored(address, size, window, oracle)
        return windows.shown(memory, window, offset, size), Place(window, offset)

    def noticing(self, address: BV, size: int, oracle: Oracle) -> Memory:
        """Give the memory that knows which windowed region the bytes lie in, if one surely."""
        if known(address) is not None or windows.seen(self, address, size) is not None:
            return self
        for region in self.regions:
            if not region.windowed or size > region.size:
                continue
            inside = claripy.ULE(address - region.base, region.size - size)
            if oracle.likely(inside) and oracle.holds(inside, About.ACCESS):
                memory, window, offset = windows.opened(self, region, address, oracle)
                return windows.shown(memory, window, offset, size)
        return self

    def containing(self, address: BV, size: int) -> Region | None:
        """Give the declared region that holds the bytes at every value of its base."""
        seen = windows.seen(self, address, size)
        if seen is not None:
            return windows.parent(self, seen[0])
        for region in self.regions:
            distance = distance_to(region, address)
            if distance is not None and distance + size <= region.size:
                return region
        return None

    def below(self, address: BV, size: int, bound: BV, oracle: Oracle) -> bool:
        """Say whether the bytes lie in a declared region that ends at or below ``bound``.

        One proof for a region serves every access in it; False says nothing.
        """
        number, end = known(address), known(bound)
        if number is not None and end is not None:
            return number + size <= end
        region = self.containing(address, size) or self._around(address, size, oracle)
        return region is not None and oracle.holds(ends_below(region, bound), About.ACCESS)

    def _around(self, address: BV, size: int, oracle: Oracle) -> Region | None:
        """Give the region that holds the bytes at a distance that the path leaves one value."""
        base, offset = split(address)
        if base is None:
            return None
        for each in self.regions:
            if oracle.likely(claripy.ULT(address - each.base, each.size)) and not each.windowed:
                start = oracle.value(base - each.base, About.ACCESS)
                inside = start is not None and (start + offset & WORD_MASK) + size <= each.size
                return each if inside else None
        return None

    def _stray(self, address: BV, size: int, oracle: Oracle) -> tuple[Memory, Place]:
        base, offset = split(address)
        origin = constant(0) if base is None else base
        for stray in self.strays:
            if stray.within is not None:
                continue
            same = stray.base is origin
            distance = offset if same else oracle.value(address - stray.base, About.ACCESS)
            if distance is not None:
                self.require_unstored(address, size, stray, oracle)
                return self, Place(stray, signed(distance))
        new = Region(_stray_name(base), origin, 0, content=None, stray=True)
        self.require_unstored(address, size, new, oracle)
        return replace(self, strays=(*self.strays, new)), Place(new, signed(offset))

    def require_unstored(self, address: BV, size: int, own: Region, oracle: Oracle) -> None:
        """Raise Unmodelled where the bytes may be some that were stored through another stray."""
        for stray in self.strays:
            if stray is own or stray.within != own.within:
                continue
            for low, high in runs(self.cells.get(stray.name, {})):
                gap = stray.base + constant(low) - address
                clear = claripy.And(claripy.UGE(gap, size), claripy.UGE(-gap, constant(high - low)))
                if not oracle.holds(clear, About.ACCESS):
                    where = "outside every region" if own.within is None else f"in {own.within}"
                    reason = f"two accesses {where} may be the same memory"
                    raise Unmodelled(reason, (gap,))

    def require_apart(self, place: Place, address: BV, size: int, oracle: Oracle) -> None:
        """Make sure that a store to ``place`` changes no other declared region.

        Raises Unmodelled on the paths where it does.
        """
        home = windows.parent(self, place.region) or place.region
        for other in self.regions:
            if other is home:
                continue
            if not home.stray and oracle.holds(apart(home, other), About.ACCESS):
                continue
            if oracle.decide(touches(address, size, other), About.ACCESS):
                reason = f"a store to {place} also hits region {other.name}"
                raise Unmodelled(reason, (address - other.base,))

    def cell(self, region: Region, offset: int) -> Cell:
        """Give one byte."""
        cell = self.cells.get(region.name, {}).get(offset)
        if cell is not None:
            return cell
        content = region.content
        if content is not None and 0 <= offset < len(content):
            return content[offset]
        return symbol(f"{region.name}[{offset:#x}]", BYTE), 0

    def read_cells(self, place: Place, size: int) -> list[Cell]:
        """Give ``size`` bytes from the lowest address up."""
        opened = None if self.sweep is None else self.sweep.read(place, size)
        if opened is not None:
            return opened
        if isinstance(place.offset, int):
            return [self.cell(place.region, place.offset + index) for index in range(size)]
        return [(indexed.load(self, place, index), 0) for index in range(size)]

    def read(self, place: Place, size: int) -> BV:
        """Give ``size`` bytes as one little-endian value."""
        return join(self.read_cells(place, size))

    def write_cells(self, place: Place, cells: Sequence[Cell]) -> Memory:
        """Give the memory after a store of ``cells``.

        Raises Unmodelled for a store at an offset that is no number: it may hit any byte.
        """
        if not isinstance(place.offset, int):
            if self.sweep is not None and self.sweep.region == place.region.name:
                return self
            reason = f"a store to {place.region.name} at an offset that the start does not fix"
            raise Unmodelled(reason, (place.offset,))
        region = dict(self.cells.get(place.region.name, {}))
        region.update(enumerate(cells, place.offset))
        return replace(self, cells={**self.cells, place.region.name: region})

    def determined(self, place: Place, size: int) -> bool:
        """Say whether every byte was stored, or is part of a region's first content."""
        if not isinstance(place.offset, int):
            return False
        stored, content = self.cells.get(place.region.name, {}), place.region.content or b""
        return all(
            at in stored or 0 <= at < len(content)
            for at in range(place.offset, place.offset + size)
        )

    def write(self, place: Place, value: BV) -> Memory:
        """Give the memory after a little-endian store of ``value``."""
        return self.write_cells(place, cells_of(value))


def _stray_name(base: BV | None) -> str:
    """Name a stray by its addresses, so that different ones never share a byte's symbol."""
    if base is None:
        return "stray"
    return f"stray {base.args[0]}" if base.op == "BVS" else f"stray {base.hash():x}"


def _place_by_distance(region: Region, distance: int, size: int) -> Place | None:
    """Place an access ``distance`` bytes, modulo 2^64, above the region's base."""
    if distance + size <= region.size:
        return Place(region, distance)
    if distance < region.size or (WORD_MASK + 1 - distance) < size:
        raise Unmodelled(f"an access straddles the edge of region {region.name}")
    return None


def _likely_first(
    regions: Sequence[Region], address: BV, size: int, oracle: Oracle
) -> Sequence[Region]:
    """Give the first region that the bytes surely lie in, else all of them.

    What is likely saves questions alone: a path that is taken again must fork as it did.
    """
    base, _ = split(address)
    for region in regions:
        inside = claripy.ULE(address - region.base, region.size - size)
        if size <= region.size and oracle.likely(inside):
            # Where it has one distance only, one question serves every offset from it.
            fixed = base is not None and oracle.value(base - region.base, About.ACCESS) is not None
            if fixed or oracle.holds(inside, About.ACCESS):
                return [region]
    return regions


def _place_by_oracle(region: Region, address: BV, size: int, oracle: Oracle) -> Place | None:
    base, offset = split(address)
    if base is not None:
        start = oracle.value(base - region.base, About.ACCESS)
        if start is not None:
            return _place_by_distance(region, start + offset & WORD_MASK, size)
    near = touches(address, size, region)
    if oracle.holds(claripy.Not(near), About.ACCESS):
        return None
    distance = address - region.base
    inside = claripy.ULE(distance, region.size - size)
    if size <= region.size and oracle.decide(inside, About.ACCESS):
        exact = oracle.value(distance, About.ACCESS)
        if exact is not None:
            return Place(region, exact)
        return Place(region, distance, indexed.stretch_of(region, distance, size, oracle))
    if oracle.decide(near, About.ACCESS):
        raise Unmodelled(f"an access straddles the edge of region {region.name}", (distance,))
    return None
