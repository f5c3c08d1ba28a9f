"""Trails that meet become one: each value says on which way it came.

Nothing is lost: the conditions of the ways exclude each other, and a way that never comes
here is a path of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import claripy

from verifier.execution.oracle import KEPT_MODELS
from verifier.execution.segment import Root, Segment
from verifier.machine import windows
from verifier.machine.cells import join, same_cell
from verifier.machine.registers import Gpr

if TYPE_CHECKING:
    from claripy.ast.bool import Bool
    from claripy.ast.bv import BV

    from verifier.execution.trail import Trail
    from verifier.machine.cells import Cell
    from verifier.machine.memory import Memory, Region
    from verifier.machine.state import State
    from verifier.solver import Model

WORD_BYTES = 8
Kind = TypeVar("Kind")
Chosen = Callable[[Sequence["BV"]], "BV"]
"""Makes one value of those that the ways have."""


def joined(ways: Sequence[Trail]) -> Trail | None:
    """Give the one trail that ``ways`` make, None where they differ too much."""
    states = [way.state for way in ways]
    if not all(alike(states[0], state) for state in states[1:]):
        return None
    start = _shared(ways)
    shared = len(start.knowledge.facts)
    conditions = [
        claripy.And(*(fact.condition for fact in way.knowledge.facts[shared:])) for way in ways
    ]

    def chosen(values: Sequence[BV]) -> BV:
        return _chosen(values, conditions)

    state = replace(
        states[0],
        gprs=tuple(chosen([state.gprs[register] for state in states]) for register in Gpr),
        flags={flag: chosen([state.flags[flag] for state in states]) for flag in states[0].flags},
        memory=_memory([state.memory for state in states], chosen),
        live=frozenset().union(*(state.live for state in states)),
    )
    joint = replace(start, state=state).knowing(claripy.Or(*conditions))
    segment = Segment(Root.JOINED, state, joint.knowledge.facts)
    joint = replace(joint, segment=segment)
    return replace(joint, knowledge=replace(joint.knowledge, models=_models(ways)))


def _shared(ways: Sequence[Trail]) -> Trail:
    """Give what the ways have in common: their first steps, events and facts."""
    first = ways[0]
    steps = _prefix([way.steps for way in ways])
    facts = _prefix([way.knowledge.facts for way in ways])
    occurrences = _prefix([way.occurrences for way in ways])
    knowledge = replace(
        first.knowledge,
        facts=facts,
        proved={
            key: needed
            for key, needed in first.knowledge.proved.items()
            if all(way.knowledge.proved.get(key) is needed for way in ways[1:])
        },
        relied_on=frozenset().union(*(way.knowledge.relied_on for way in ways)),
    )
    number = max(way.number for way in ways)
    return replace(
        first,
        knowledge=knowledge,
        steps=steps,
        occurrences=occurrences,
        choices=(),
        number=number,
    )


def _prefix(lists: Sequence[tuple[Kind, ...]]) -> tuple[Kind, ...]:
    length = 0
    for each in zip(*lists, strict=False):
        if any(item is not each[0] for item in each):
            break
        length += 1
    return lists[0][:length]


def alike(one: State, other: State) -> bool:
    """Say whether two states differ at most in general registers, flags and memory."""
    return (
        one.mode is other.mode
        and one.iopl is other.iopl
        and one.switches == other.switches
        and one.paging_was_off == other.paging_was_off
        and one.tables is other.tables
        and one.stale == other.stale
        and all(one.controls[each] is other.controls[each] for each in one.controls)
        and all(
            getattr(one.segments[each], part) is getattr(other.segments[each], part)
            for each in one.segments
            for part in one.segments[each].__slots__
        )
        and all(
            getattr(mine, part) is getattr(theirs, part)
            for mine, theirs in ((one.gdtr, other.gdtr), (one.idtr, other.idtr))
            for part in ("base", "limit")
        )
    )


def _models(ways: Sequence[Trail]) -> tuple[Model, ...]:
    each = max(1, KEPT_MODELS // len(ways))
    models = [model for way in ways for model in way.knowledge.models[-each:]]
    return tuple(models[-KEPT_MODELS:])


def _chosen(values: Sequence[BV], conditions: Sequence[Bool]) -> BV:
    ways: list[tuple[BV, list[Bool]]] = []
    for value, condition in zip(values, conditions, strict=True):
        for known, under in ways:
            if known is value:
                under.append(condition)
                break
        else:
            ways.append((value, [condition]))
    result = ways[-1][0]
    for value, under in reversed(ways[:-1]):
        result = claripy.If(claripy.Or(*under), value, result)
    return result


def _memory(memories: Sequence[Memory], chosen: Chosen) -> Memory:
    strays: dict[str, Region] = {}
    for memory in memories:
        strays.update({stray.name: stray for stray in memory.strays})
    regions = {region.name: region for region in (*memories[0].regions, *strays.values())}
    cells = {name: dict(memories[0].cells.get(name, {})) for name in _touched(memories)}
    for name, mine in cells.items():
        region = regions[name]
        for run in _runs(name, memories):
            ways = [join([memory.cell(region, at) for at in run]) for memory in memories]
            value = chosen(ways)
            mine.update({at: (value, index) for index, at in enumerate(run)})
    whole = replace(memories[0], cells=cells, strays=tuple(strays.values()))
    extents = {
        name: tuple(
            each for each in shown if all(each in m.extents.get(name, ()) for m in memories)
        )
        for name, shown in memories[0].extents.items()
    }
    return windows.forgotten(whole, extents)


def _touched(memories: Sequence[Memory]) -> set[str]:
    return {name for memory in memories for name in memory.cells}


def _runs(name: str, memories: Sequence[Memory]) -> list[range]:
    """Give the bytes that differ, those together that each way stored as one, or never did."""
    all_cells = [memory.cells.get(name, {}) for memory in memories]
    found: list[range] = []
    for at in sorted(_differing(name, memories)):
        last = found[-1] if found else range(0)
        together = last.stop == at and len(last) in range(1, WORD_BYTES)
        if together and all(_goes_on(cells.get(at - 1), cells.get(at)) for cells in all_cells):
            found[-1] = range(last.start, at + 1)
        else:
            found.append(range(at, at + 1))
    return found


def _goes_on(one: Cell | None, following: Cell | None) -> bool:
    if isinstance(one, tuple) and isinstance(following, tuple):
        return one[0] is following[0] and one[1] + 1 == following[1]
    return type(one) is type(following)


def _differing(name: str, memories: Sequence[Memory]) -> set[int]:
    all_cells = [memory.cells.get(name, {}) for memory in memories]
    if all(cells is all_cells[0] for cells in all_cells):
        return set()
    offsets = {offset for cells in all_cells for offset in cells}
    return {
        offset
        for offset in offsets
        if not all(same_cell(cells.get(offset), all_cells[0].get(offset)) for cells in all_cells)
    }
