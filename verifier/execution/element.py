"""What one round of a sweeping loop stores, and the check that it stands for all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import claripy

from verifier.execution.joining import alike
from verifier.execution.template import (
    Shape,
    Template,
    changed_cells,
    is_fixed,
    same_control_flags,
)
from verifier.machine.cells import cells_of
from verifier.machine.events import Access
from verifier.machine.memory import Place
from verifier.machine.paging import Intent
from verifier.machine.words import constant, signed

if TYPE_CHECKING:
    from claripy.ast.bool import Bool
    from claripy.ast.bv import BV

    from verifier.execution.asking import Asking
    from verifier.execution.trail import Trail
    from verifier.machine.cells import Cell
    from verifier.machine.memory import Memory, Region
    from verifier.machine.registers import Gpr


class NoSweep(Exception):
    """The rounds do more than to fill or copy memory."""


@dataclass(frozen=True, slots=True)
class Store:
    """What each round stores: ``size`` bytes, ``step`` further than the round before.

    ``offset`` is that of the first round of all that are taken at once.
    """

    region: Region
    offset: int
    size: int
    step: int

    def at(self, rounds: BV) -> BV:
        """Give the offset after so many rounds."""
        return constant(self.offset) + rounds * constant(self.step)

    def extent(self, rounds: int) -> tuple[int, int]:
        """Give the lowest offset of so many rounds, and the one after the highest."""
        last = self.offset + (rounds - 1) * self.step
        return min(self.offset, last), max(self.offset, last) + self.size

    def room(self) -> int:
        """Give after how many rounds the next store would leave the region."""
        if self.step > 0:
            return max(0, (self.region.size - self.size - self.offset) // self.step + 1)
        return max(0, self.offset // -self.step + 1) if self.step else 0


@dataclass(frozen=True, slots=True)
class Writer:
    """Where the bytes of a store come from: ``value``, or a ``source`` that moves with it."""

    store: Store
    value: BV
    source: Place | None

    def cells(self, memory: Memory, number: int) -> list[Cell]:
        """Give the bytes that round ``number`` stores, of the memory before all of them."""
        if self.source is None or not isinstance(self.source.offset, int):
            return cells_of(self.value)
        offset = self.source.offset + number * self.store.step
        return memory.read_cells(replace(self.source, offset=offset), self.store.size)


@dataclass(slots=True)
class OneRound:
    """A round that stands for all: from ``head`` to ``back``.

    ``rounds`` counts those between ``start`` and the head.
    """

    start: Trail
    template: Template
    rounds: BV
    asking: Asking
    head: Trail
    back: Trail
    asked: int = 0

    def _holds(self, condition: Bool) -> bool:
        self.asked += 1
        return self.asking.holds(self.back, condition)

    def keeps(self) -> bool:
        """Say whether the state that came back is that of the next round, but for the sweep."""
        head, back = self.head.state, self.back.state
        return (
            alike(head, back)
            and same_control_flags(head, back)
            and head.live == back.live
            and _same_windows(head.memory, back.memory)
            and not changed_cells(head.memory, back.memory)
            and all(self._fits(register, shape) for register, shape in self._shapes())
        )

    def _shapes(self) -> Iterator[tuple[Gpr, Shape]]:
        yield from self.template.shapes.items()

    def _fits(self, register: Gpr, shape: Shape) -> bool:
        start = self.start.state.gpr(register)
        value = self.back.state.gpr(register)
        match shape:
            case Shape.KEPT:
                return value is start or self._holds(value == start)
            case Shape.MOVING:
                moved = (self.rounds + 1) * self.template.distances[register]
                return self._holds(value == start + moved)
            case Shape.ANY:
                return True
            case Shape.TOLD | Shape.SHORT:
                return False

    def writers(self, stores: Sequence[Store], length: int) -> list[Writer]:
        """Give what each of ``length`` rounds stores.

        Raises NoSweep where its number does not tell.
        """
        # A store that does not move, undone within the round, would change what a load finds.
        found = stored(self.head, self.back)
        if len(found) != len(stores):
            raise NoSweep
        self._require_clear_of_loads()
        return [
            self._writer(access, store, length) for access, store in zip(found, stores, strict=True)
        ]

    def _require_clear_of_loads(self) -> None:
        sweep = self.head.state.memory.sweep
        for access in _accesses(self.head, self.back, Intent.READ):
            offset = access.place.offset
            if sweep is None or isinstance(offset, int):
                continue
            clear = claripy.UGE(offset - sweep.low, sweep.high - sweep.low)
            apart = claripy.And(clear, claripy.UGE(sweep.low - offset, access.size))
            if access.place.region.name == sweep.region and not self._holds(apart):
                raise NoSweep

    def _writer(self, access: Access, store: Store, length: int) -> Writer:
        offset, value = access.place.offset, access.value
        if isinstance(offset, int) or value is None or access.size != store.size:
            raise NoSweep
        if access.place.region is not store.region:
            raise NoSweep
        if not self._holds(offset == store.at(self.rounds)):
            raise NoSweep
        if is_fixed(value, self.start):
            return Writer(store, value, None)
        return Writer(store, value, self._source(store, value, length))

    def _source(self, store: Store, value: BV, length: int) -> Place:
        """Give where the first of the rounds loads what it stores."""
        for access in _accesses(self.head, self.back, Intent.READ):
            place = access.place
            if access.value is None or access.size != store.size or isinstance(place.offset, int):
                continue
            if access.value is not value and not self._holds(access.value == value):
                continue
            base = place.offset - self.rounds * constant(store.step)
            first = signed(self.back.knowledge.models[-1].number(base))
            last = first + (length - 1) * store.step
            inside = min(first, last) >= 0 and max(first, last) + store.size <= place.region.size
            if inside and not place.region.stray and self._holds(base == first):
                return Place(place.region, first)
        raise NoSweep


def _same_windows(one: Memory, other: Memory) -> bool:
    return one.strays == other.strays and one.extents == other.extents


def stored(before: Trail, after: Trail) -> list[Access]:
    """Give the stores between two points of one path."""
    return _accesses(before, after, Intent.WRITE)


def _accesses(before: Trail, after: Trail, intent: Intent) -> list[Access]:
    new = after.occurrences[len(before.occurrences) :]
    events = [each.event for each in new]
    return [each for each in events if isinstance(each, Access) and each.intent is intent]
