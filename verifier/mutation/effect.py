"""Whether changed bytes have the effect of the original's: the same end from every start.

Two explorations of one spec share its symbols, those for what the manuals leave open included.
Where for all their values both end alike, whatever one processor may do with the one, it may
do with the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import claripy
from claripy.ast.bv import BV

from verifier.execution.path import Faulted, Reached, Stopped
from verifier.machine.cells import byte_of, same_cell
from verifier.machine.descriptors import SegmentRegister
from verifier.machine.events import (
    Access,
    AccessBy,
    ControlWrite,
    Execution,
    ModeChange,
    MsrWrite,
    Transfer,
)
from verifier.machine.paging import Intent
from verifier.machine.registers import Gpr
from verifier.machine.words import FALSE, TRUE
from verifier.mutation.copies import copied_code
from verifier.solver import Contradictory

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from claripy.ast.bool import Bool

    from verifier.execution.path import Occurrence, Path
    from verifier.machine.cells import Cell
    from verifier.machine.events import Event
    from verifier.machine.memory import Place, Region
    from verifier.machine.state import State
    from verifier.mutation.copies import Spot
    from verifier.proving.session import Session

EVENTS = "events"
MEMORY = "memory"
MODE = "mode"
ENDING = "ending"
SEGMENT_PARTS = tuple(part.name for part in fields(SegmentRegister))

Unequal = tuple[str, "Bool"]
"""A part of the state, and the condition under which its two values differ."""


@dataclass(frozen=True, slots=True, eq=False)
class Both:
    """Two sessions on one spec, whose images differ in the bytes at ``changed`` alone."""

    original: Session
    mutant: Session
    changed: range

    def differs(self) -> frozenset[str]:
        """Give the parts of the end state, and of what happens on the way, that may differ.

        Registers and flags go by their names. The changed bytes themselves do not count, nor do
        they where they run in a copy. A fault is an end like any other, where both sides have
        it at the same instruction.
        """
        if _conditions(self.original) != _conditions(self.mutant):
            return frozenset({ENDING})
        if _covers_more(self.original) or _covers_more(self.mutant):
            return frozenset({ENDING})
        pairs = [
            (one, other)
            for one in self.original.paths
            for other in self.mutant.paths
            if self._meet(one, other)
        ]
        if not pairs:
            return frozenset({ENDING})
        return frozenset[str]().union(*(self._between(*pair) for pair in pairs))

    def unreached(self) -> bool:
        """Say whether no path fetches or reads a changed byte, and the end of each is known."""
        return all(
            isinstance(path.ending, Reached | Faulted | Stopped)
            and not any(self._touches(step.place, step.instruction.size) for step in path.steps)
            and not any(
                isinstance(each.event, Access) and self._touches(each.event.place, each.event.size)
                for each in path.occurrences
            )
            for path in self.mutant.paths
        )

    def _touches(self, place: Place, size: int) -> bool:
        """Say whether bytes may be changed ones; those of a window may, wherever it is."""
        region, offset = place.region, place.offset
        if region.within is None and region.content != self.mutant.target.image.data:
            return False
        if region.within is not None or not isinstance(offset, int):
            return True
        return offset < self.changed.stop and self.changed.start < offset + size

    def _meet(self, one: Path, other: Path) -> bool:
        facts = [*self.mutant.context.assumptions, *one.facts, *other.facts]
        answer = self.mutant.context.solver.ask("equivalent", facts)
        return not isinstance(answer, Contradictory)

    def _between(self, one: Path, other: Path) -> set[str]:
        if not _alike(one, other):
            return {ENDING}
        copies = self._copies(one, other)
        found = [
            *_registers(one.ending.state, other.ending.state),
            *self._memory(one.ending.state, other.ending.state, copies),
            *self._events(one, other, copies),
        ]
        conditions = [fact.condition for fact in (*one.facts, *other.facts)]
        return self._unequal(found, conditions)

    def _copies(self, one: Path, other: Path) -> Mapping[Spot, int]:
        """Give where both paths executed a copy of the same changed byte."""
        left, right = (
            copied_code(path, session.target.image.data, self.changed)
            for path, session in ((one, self.original), (other, self.mutant))
        )
        return {spot: at for spot, at in left.items() if right.get(spot) == at}

    def _is_changed(self, at: int | None, left: Cell, right: Cell) -> bool:
        """Say whether two bytes are a changed one, and apart in the changed bits alone.

        In others they may have been stored to: descriptors get marked.
        """
        if at is None or at not in self.changed:
            return False
        if not isinstance(left, int) or not isinstance(right, int):
            return False
        bits = self.original.target.image.data[at] ^ self.mutant.target.image.data[at]
        return (left ^ right) & ~bits == 0

    def _unequal(self, found: Iterable[Unequal], conditions: list[Bool]) -> set[str]:
        """Give the parts whose two values the solver does not show to be the same."""
        unequal: dict[str, list[Bool]] = {}
        for name, condition in found:
            if not condition.is_false():
                unequal.setdefault(name, []).append(condition)
        context = self.mutant.context
        return {
            name
            for name, either in unequal.items()
            if not isinstance(
                context.solver.ask(
                    "equivalent", context.assumptions, *conditions, claripy.Or(*either)
                ),
                Contradictory,
            )
        }

    def _memory(self, one: State, other: State, copies: Mapping[Spot, int]) -> Iterator[Unequal]:
        for name in sorted({*one.memory.cells, *other.memory.cells}):
            here, there = _region(one, name), _region(other, name)
            if here is None or there is None:
                yield MEMORY, TRUE
                continue
            offsets = {*one.memory.cells.get(name, {}), *other.memory.cells.get(name, {})}
            image = here.content == self.original.target.image.data
            for offset in sorted(offsets):
                left, right = one.memory.cell(here, offset), other.memory.cell(there, offset)
                at = offset if image else copies.get((name, offset))
                if not same_cell(left, right) and not self._is_changed(at, left, right):
                    yield MEMORY, _apart(byte_of(left), byte_of(right))

    def _events(self, one: Path, other: Path, copies: Mapping[Spot, int]) -> Iterator[Unequal]:
        """Compare what happened; the order of accesses to memory alone does not matter.

        Where many bytes are stored, copies of changed code that runs there do not count.
        """
        left, right = _in_order(one), _in_order(other)
        if [_shape(each.event) for each in left] != [_shape(each.event) for each in right]:
            yield EVENTS, TRUE
            return
        after, behind = _after(one), _after(other)
        for each, twin in zip(left, right, strict=True):
            for value, same in zip(_values(each.event), _values(twin.event), strict=True):
                yield EVENTS, _apart(value, same)
            for spot, cells in _stored(each, after[id(each.step)], twin, behind[id(twin.step)]):
                if not self._is_changed(copies.get(spot), *cells):
                    yield EVENTS, _apart(byte_of(cells[0]), byte_of(cells[1]))


def _alike(one: Path, other: Path) -> bool:
    """Say whether two paths end alike, from equal states.

    What a fault hands over beside its error code is told by the instruction that has it.
    """
    match one.ending, other.ending:
        case (Reached(), Reached()) | (Stopped(), Stopped()):
            return True
        case (Faulted() as fault, Faulted() as twin):
            last, counterpart = (
                [step.instruction.raw for step in way.steps[-1:]] for way in (one, other)
            )
            return last == counterpart and (fault.vector, fault.error) == (twin.vector, twin.error)
        case _:
            return False


def _covers_more(session: Session) -> bool:
    """Say whether symbols stand for more than what is left open.

    Behind a contract, and behind rounds taken at once, one and the same stands for values that
    may differ between the two sides.
    """
    return bool(session.context.applied or session.context.entries)


def _conditions(session: Session) -> list[int]:
    return [fact.condition.hash() for fact in session.context.assumptions]


def _region(state: State, name: str) -> Region | None:
    known = (*state.memory.regions, *state.memory.strays)
    return next((region for region in known if region.name == name), None)


def _apart(one: BV, other: BV) -> Bool:
    if one is other:
        return FALSE
    if one.length != other.length:
        return TRUE
    return one != other


def _registers(one: State, other: State) -> Iterator[Unequal]:
    yield "rip", _apart(one.rip, other.rip)
    for gpr in Gpr:
        yield gpr.name.lower(), _apart(one.gprs[gpr], other.gprs[gpr])
    for flag, value in one.flags.items():
        yield flag.name.lower(), _apart(value, other.flags[flag])
    yield "iopl", _apart(one.iopl, other.iopl)
    for control, value in one.controls.items():
        yield control.value, _apart(value, other.controls[control])
    for segment, held in one.segments.items():
        for part in SEGMENT_PARTS:
            loaded = other.segments[segment]
            yield segment.name.lower(), _apart(getattr(held, part), getattr(loaded, part))
    for name, table, pointer in (("gdtr", one.gdtr, other.gdtr), ("idtr", one.idtr, other.idtr)):
        yield name, _apart(table.base, pointer.base)
        yield name, _apart(table.limit, pointer.limit)
    yield MODE, claripy.BoolV(one.mode is not other.mode)


def _in_order(path: Path) -> list[Occurrence]:
    counted = [each for each in path.occurrences if not isinstance(each.event, Execution)]
    system = [each for each in counted if not isinstance(each.event, Access)]
    accesses = [
        each
        for each in counted
        if isinstance(each.event, Access) and each.event.by is AccessBy.INSTRUCTION
    ]
    return [*system, *sorted(accesses, key=lambda each: repr(_shape(each.event)))]


def _after(path: Path) -> dict[int, State]:
    """Give the state after each step; a fetch that faults at once leaves none."""
    states = [*(step.before for step in path.steps[1:]), path.ending.state]
    return {id(step): state for step, state in zip(path.steps, states, strict=False)}


def _stored(
    one: Occurrence, after: State, other: Occurrence, behind: State
) -> Iterator[tuple[Spot, tuple[Cell, Cell]]]:
    """Give the bytes that differ, and which they are, where too many were written for one value."""
    event, twin = one.event, other.event
    if not isinstance(event, Access) or not isinstance(twin, Access):
        return
    start = event.place.offset
    if event.intent is not Intent.WRITE or event.value is not None or not isinstance(start, int):
        return
    for at in range(start, start + event.size):
        left = after.memory.cell(event.place.region, at)
        right = behind.memory.cell(twin.place.region, at)
        if not same_cell(left, right):
            yield (event.place.region.name, at), (left, right)


def _shape(event: Event) -> tuple[object, ...]:
    """Give what of an event is no expression."""
    match event:
        case ControlWrite(register):
            return ("control", register.value)
        case MsrWrite(msr):
            return ("msr", msr)
        case Transfer(_, _, far, before, after):
            return ("transfer", far, before.value, after.value)
        case ModeChange(before, after):
            return ("mode", before.value, after.value)
        case Access():
            offset = event.place.offset
            where = offset if isinstance(offset, int) else offset.hash()
            if event.value is None and not isinstance(offset, int):
                # Nothing tells what such a store left, so that it is like no other.
                where = id(event)
            stored = event.value is None
            return (event.intent.value, event.place.region.name, where, event.size, stored)
        case Execution():
            return ("execution",)


def _values(event: Event) -> tuple[BV, ...]:
    match event:
        case ControlWrite(_, old, value) | MsrWrite(_, old, value):
            return (old, value)
        case Transfer(source, target):
            return (source, target)
        case Access(Intent.WRITE, value=BV() as value):
            return (value,)
        case Access():
            return ()
        case ModeChange() | Execution():
            return ()
