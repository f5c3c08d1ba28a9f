"""That nothing was left out: the paths cover the starts, joins and loops lose no state.

Inside a segment trails only fork, so the conditions on which they end must cover it: that is
one obligation each. Between segments a state is handed on: where trails are joined, and at the
head of a loop on entering and after each round.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import claripy

from verifier.bundle.kinds import NOT_CASE, WAY_OUT, Kind
from verifier.bundle.renaming import Renaming
from verifier.bundle.stated import Stated, all_of, given, used
from verifier.execution.bounds import MOST_ROUNDS
from verifier.execution.oracle import CONTRACT_MARK
from verifier.execution.segment import Entry, Root, Segment
from verifier.execution.template import changed_cells
from verifier.machine.cells import byte_of
from verifier.machine.registers import Gpr
from verifier.machine.words import bits, width_of
from verifier.solver import Fact

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from claripy.ast.bool import Bool
    from claripy.ast.bv import BV

    from verifier.bundle.smtlib import Condition
    from verifier.execution.oracle import Context
    from verifier.execution.path import Path
    from verifier.machine.state import State

IN_THE_LOOP = "in the loop"


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """Where a trail of a segment ended, in words, and the facts that led there."""

    words: str
    facts: tuple[Fact, ...]


def cover(segment: Segment, leaves: Sequence[Leaf]) -> Stated | None:
    """State that one of the leaves is always reached; None where nothing forks."""
    ways: list[tuple[str, Bool]] = []
    for leaf in leaves:
        own = leaf.facts[len(segment.facts) :]
        if not own:
            return None
        ways.append((f"{WAY_OUT[2:]}{leaf.words}", claripy.Not(all_of(f.condition for f in own))))
        for index, fact in enumerate(own):
            if CONTRACT_MARK in fact.label:
                kept = fact.label.partition(CONTRACT_MARK)[2]
                broken = claripy.And(
                    *(each.condition for each in own[:index]), claripy.Not(fact.condition)
                )
                ways.append((f"taken for granted: the contract {kept}", claripy.Not(broken)))
    states = f"from {segment.root.value}, one of {len(leaves)} ways is always taken"
    return Stated(
        Kind.COVER, states, (*given(segment.facts), *ways), assumptions=used(segment.facts)
    )


def cases(context: Context) -> Stated | None:
    """State that one of the cases always holds; None where there is one alone."""
    if len(context.cases) == 1:
        return None
    asserted = [
        (f"{NOT_CASE[2:]}{number}", claripy.Not(case)) for number, case in enumerate(context.cases)
    ]
    return Stated(Kind.CASES, "one of the cases of the start always holds", tuple(asserted))


def begins(context: Context, number: int, *, allowed: bool) -> Stated:
    """State that a case has a start, or that it has none."""
    case = Fact(f"case {number}", context.cases[number])
    facts = context.assumptions if case.condition.is_true() else (*context.assumptions, case)
    name = "" if len(context.cases) == 1 else f" in case {number}"
    asserted = tuple((fact.label, fact.condition) for fact in facts)
    ids = used(context.assumptions)
    if allowed:
        return Stated(
            Kind.START, f"some start satisfies all assumptions{name}", asserted, assumptions=ids
        )
    return Stated(Kind.EXCLUDED, f"no start is allowed{name}", asserted, assumptions=ids)


def entered(context: Context, entry: Entry) -> Stated:
    """State that a loop is entered in one of the states of its head.

    Where rounds were taken at once, what is stated is that their conditions exclude no start.
    """
    head, state, facts = entry.head, entry.state, entry.facts
    if head.root is Root.SWEPT:
        values = Renaming()
        values.add(head.entered)
        goals = [values.of(each.condition) for each in head.facts[head.known :]]
        words = f"the rounds of the loop at {head.place} that are taken at once exclude no start"
        known = (*context.assumptions, *facts)
        return Stated(Kind.ENTRY, words, _refused(known, goals), assumptions=used(known))
    words = f"the state in which the loop at {head.place} is entered is one of its head"
    conditions = _at_head(head, state, (*context.assumptions, *facts), head.entered)
    return Stated(Kind.ENTRY, words, conditions, assumptions=used((*context.assumptions, *facts)))


def handed_on(context: Context, path: Path, by: Segment) -> Stated:
    """State of a path that others go on from that its state is one where ``by`` begins."""
    state, facts = path.ending.state, path.facts
    if by.root is Root.JOINED:
        words = "on this way, what was joined has the values that the way has"
        goals = [fact.condition for fact in by.facts] + _same(state, by.state, Renaming())
        return Stated(Kind.JOIN, words, _refused(facts, goals), assumptions=used(facts))
    words = (
        f"after a round of the loop at {by.place}, the state is one of its head again, of a number "
        f"of rounds that is 1 more and still below {MOST_ROUNDS:#x}: so the rounds end"
    )
    known = (*context.assumptions, *facts)
    conditions = _at_head(by, state, known, by.repeated)
    return Stated(Kind.ROUND, words, conditions, assumptions=used(known))


def _refused(facts: Iterable[Fact], goals: Iterable[Bool]) -> tuple[tuple[str, Condition], ...]:
    return (*given(facts), ("not all of what is stated", claripy.Not(all_of(goals))))


def _at_head(
    head: Segment,
    state: State,
    facts: tuple[Fact, ...],
    further: Iterable[tuple[BV, BV]],
) -> tuple[tuple[str, Condition], ...]:
    """Deny that the head's unknowns have values that make its state this one."""
    values = _values(head, state, further)
    own = head.facts[head.known :]
    goals = [values.of(each.condition) for each in own if values.touches(each.condition)]
    goals += _same(state, head.state, values)
    # What speaks of no unknown of the head gives the number of all rounds its name.
    named = [each for each in own if not values.touches(each.condition)]
    return _refused((*facts, *named), goals)


def _values(head: Segment, state: State, further: Iterable[tuple[BV, BV]]) -> Renaming:
    """Give each unknown of a head with what it is in a state."""
    values = Renaming()
    values.add(further)
    own = [(head.state.gpr(register), state.gpr(register)) for register in Gpr]
    own += [(head.state.flags[flag], state.flags[flag]) for flag in head.state.flags]
    own += _cells(head.state, state)
    mark = f"{IN_THE_LOOP}@{_number(head)}"
    for general, value in own:
        unknown = cast("BV", general.args[1]) if general.op == "ZeroExt" else general
        if unknown.op == "BVS" and str(unknown.args[0]).endswith(mark):
            values.add([(unknown, bits(value, width_of(unknown) - 1, 0))])
    return values


def _number(head: Segment) -> str:
    """Give the number of the step by which the unknowns of a head are named."""
    symbol = head.entered[0][0]
    return str(symbol.args[0]).rpartition("@")[2]


def _cells(one: State, other: State) -> list[tuple[BV, BV]]:
    """Give the bytes that may differ between two states."""
    mine, theirs = one.memory, other.memory
    regions = {
        each.name: each for memory in (mine, theirs) for each in (*memory.regions, *memory.strays)
    }
    return [
        (byte_of(mine.cell(regions[name], offset)), byte_of(theirs.cell(regions[name], offset)))
        for name, offset in sorted(changed_cells(mine, theirs))
    ]


def _same(state: State, general: State, values: Renaming) -> list[Bool]:
    pairs = [(state.gpr(register), general.gpr(register)) for register in Gpr]
    pairs += [(state.flags[flag], general.flags[flag]) for flag in state.flags]
    pairs += [(mine, its) for its, mine in _cells(general, state)]
    found = [mine == values.of(its) for mine, its in pairs if mine is not its]
    return [each for each in found if not each.is_true()]
