"""From claims and paths to verdicts: guards first, then every obligation by number.

A claim that fails leaves candidates: concrete starts still to be confirmed by a replay.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import claripy

from verifier.execution.oracle import FACT_PREFIX
from verifier.proving.obligation import MustHold, Undecided
from verifier.solver import Contradictory, Fact, GaveUp, Satisfied

if TYPE_CHECKING:
    from claripy.ast.bool import Bool

    from verifier.execution.oracle import Context
    from verifier.execution.path import Path
    from verifier.proving.obligation import Judging
    from verifier.solver import Model
    from verifier.specification.spec import Claim


@dataclass(frozen=True, slots=True, eq=False)
class Proved:
    """Every obligation was shown; ``needed`` are the assumptions that took part.

    ``facts`` has for each obligation those under which it cannot fail.
    """

    obligations: tuple[MustHold, ...]
    needed: frozenset[str]
    facts: tuple[tuple[Fact, ...], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Failing:
    """An obligation that some start breaks, and one such start."""

    obligation: MustHold
    model: Model


@dataclass(frozen=True, slots=True, eq=False)
class Refutable:
    """Starts exist that break the claim, by the model; ``gaps`` is what else is unknown."""

    failing: tuple[Failing, ...]
    gaps: tuple[Undecided, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Open:
    """Nothing breaks the claim on what is modelled, but some of it is not."""

    gaps: tuple[Undecided, ...]


@dataclass(frozen=True, slots=True)
class Vacuous:
    """The claim speaks of nothing."""

    reason: str


Finding = Proved | Refutable | Open | Vacuous


def prove(claim: Claim, paths: tuple[Path, ...], judging: Judging) -> Finding:
    """Judge one claim over all paths."""
    if not judging.meets(claim, paths):
        return Vacuous("no path meets the event that the claim is about")
    shown: list[MustHold] = []
    facts: list[tuple[Fact, ...]] = []
    failing: list[Failing] = []
    gaps: list[Undecided] = []
    needed: set[str] = set()
    for path in paths:
        needed |= path.knowledge.relied_on
    for obligation in judging.obligations(claim, paths):
        if isinstance(obligation, Undecided):
            gaps.append(obligation)
            continue
        match _show(obligation, judging.context):
            case Contradictory(core):
                shown.append(obligation)
                known = (*judging.context.assumptions, *obligation.knowledge.facts)
                facts.append(tuple(fact for fact in known if fact.label in core))
                needed |= {label for label in core if not label.startswith(FACT_PREFIX)}
                needed |= obligation.knowledge.relied_on
            case Satisfied(model):
                failing.append(Failing(obligation, model))
            case GaveUp(reason):
                gap = f"the solver gave up: {reason}"
                gaps.append(Undecided(obligation.path, obligation.knowledge, gap))
    if failing:
        return Refutable(tuple(failing), tuple(gaps))
    return Open(tuple(gaps)) if gaps else Proved(tuple(shown), frozenset(needed), tuple(facts))


def _show(obligation: MustHold, context: Context) -> Contradictory | Satisfied | GaveUp:
    if obligation.condition.is_true():
        return Contradictory(frozenset())
    facts = [*context.assumptions, *obligation.knowledge.facts]
    return context.solver.ask_nearest("prove", facts, claripy.Not(obligation.condition))


def violation(failing: Iterable[Failing]) -> Bool:
    """Give the condition under which some obligation fails, the assumptions apart."""
    return claripy.Or(
        *(
            claripy.And(
                *(fact.condition for fact in one.obligation.knowledge.facts),
                claripy.Not(one.obligation.condition),
            )
            for one in failing
        )
    )


def smallest_contradiction(context: Context) -> tuple[str, ...]:
    """Give a smallest set of assumptions that no start satisfies, empty where some does."""
    match context.solver.ask("assumptions", context.assumptions):
        case Contradictory(core):
            facts: list[Fact] = list(context.assumptions)
            return tuple(sorted(context.solver.smallest_core("assumptions", facts, core)))
        case _:
            return ()
