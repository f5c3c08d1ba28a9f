"""Why a claim breaks: a claim about a point in the code that every such start breaks first."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import claripy

from verifier.execution.path import OutOfFuel, OutOfModel
from verifier.proving.obligation import MustHold
from verifier.solver import Contradictory
from verifier.specification.events import Event

if TYPE_CHECKING:
    from collections.abc import Sequence

    from claripy.ast.bool import Bool

    from verifier.proving.candidate import Candidate
    from verifier.proving.obligation import Judging
    from verifier.proving.prove import Failing
    from verifier.specification.spec import Claim


def with_cause(
    claim: Claim, candidate: Candidate, failing: Sequence[Failing], judging: Judging
) -> Candidate:
    """Add to a candidate's sentence which claim about an instruction it follows from.

    That is one that this start breaks first, and without which no start breaks ``claim`` where
    it is known to fail.
    """
    own = candidate.rehearsal.breaking(claim)
    for other in judging.evaluator.spec.claims:
        if other.id == claim.id or other.event is not Event.INSTRUCTION:
            continue
        found = candidate.rehearsal.breaking(other)
        if found is None or (own is not None and own.number <= found.number):
            continue
        if all(_implies(one, other, judging) for one in failing):
            where = candidate.rehearsal.place_after(found)
            sentence = f"{candidate.broken.sentence}; follows from {other.id}, broken {where}"
            return replace(candidate, broken=replace(candidate.broken, sentence=sentence))
    return candidate


def _implies(one: Failing, other: Claim, judging: Judging) -> bool:
    """Say whether no start breaks the obligation but those that break the other claim, too."""
    path = one.obligation.path
    if isinstance(path.ending, (OutOfModel, OutOfFuel)):
        return False
    holds: list[Bool] = []
    for each in judging.obligations(other, (path,)):
        if not isinstance(each, MustHold):
            return False
        given = claripy.And(*(fact.condition for fact in each.knowledge.facts))
        holds.append(claripy.Or(claripy.Not(given), each.condition))
    facts = [*judging.context.assumptions, *one.obligation.knowledge.facts]
    broken = claripy.Not(one.obligation.condition)
    answer = judging.context.solver.ask("cause", facts, broken, *holds)
    return isinstance(answer, Contradictory)
