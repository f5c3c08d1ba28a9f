"""Why a claim breaks: a claim about a point in the code that every such start breaks first."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import claripy

from verifier.execution.path import OutOfFuel, OutOfModel
from verifier.proving.obligation import MustHold
from verifier.solver import Contradictory, Satisfied
from verifier.specification.events import Event

if TYPE_CHECKING:
    from collections.abc import Sequence

    from claripy.ast.bool import Bool

    from verifier.execution.path import Path
    from verifier.proving.candidate import Candidate
    from verifier.proving.obligation import Judging
    from verifier.proving.prove import Failing
    from verifier.solver import Answer, Fact
    from verifier.specification.spec import Claim


def with_cause(
    claim: Claim,
    candidate: Candidate,
    failing: Sequence[Failing],
    paths: Sequence[Path],
    judging: Judging,
) -> Candidate:
    """Add to a candidate's sentence which claim about an instruction it follows from.

    That is one that this start breaks first, and without which no start breaks ``claim`` where
    it is known to fail; some start keeps it, or it would say nothing.
    """
    own = candidate.rehearsal.breaking(claim)
    for other in judging.evaluator.spec.claims:
        if other.id == claim.id or other.event is not Event.INSTRUCTION:
            continue
        found = candidate.rehearsal.breaking(other)
        if found is None or (own is not None and own.number <= found.number):
            continue
        implied = all(_implies(one, other, judging) for one in failing)
        if implied and any(_may_hold(path, other, judging) for path in paths):
            where = candidate.rehearsal.place_after(found)
            sentence = f"{candidate.broken.sentence}; follows from {other.id}, broken {where}"
            return replace(candidate, broken=replace(candidate.broken, sentence=sentence))
    return candidate


def _implies(one: Failing, other: Claim, judging: Judging) -> bool:
    """Say whether no start breaks the obligation but those that break the other claim, too."""
    path, facts = one.obligation.path, one.obligation.knowledge.facts
    kept = _kept(path, other, judging)
    if isinstance(path.ending, (OutOfModel, OutOfFuel)) or not kept:
        return False
    broken = claripy.Not(one.obligation.condition)
    answer = _ask(judging, facts, [broken, *kept])
    return isinstance(answer, Contradictory)


def _may_hold(path: Path, other: Claim, judging: Judging) -> bool:
    """Say whether some start takes the path and keeps the other claim."""
    kept = _kept(path, other, judging)
    return bool(kept) and isinstance(_ask(judging, path.facts, kept), Satisfied)


def _ask(judging: Judging, facts: Sequence[Fact], goals: Sequence[Bool]) -> Answer:
    context = judging.context
    return context.solver.ask("cause", [*context.assumptions, *facts], *goals)


def _kept(path: Path, other: Claim, judging: Judging) -> list[Bool]:
    """Give what it takes to keep a claim about an instruction on a path."""
    kept: list[Bool] = []
    for each in judging.obligations(other, (path,)):
        if isinstance(each, MustHold):
            given = claripy.And(*(fact.condition for fact in each.knowledge.facts))
            kept.append(claripy.Or(claripy.Not(given), each.condition))
    return kept
