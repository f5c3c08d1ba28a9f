"""A path that has not ended: where it is and what led there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from verifier.execution.oracle import FACT_PREFIX, Knowledge
from verifier.machine.registers import Gpr
from verifier.machine.words import split
from verifier.solver import Fact

if TYPE_CHECKING:
    from claripy.ast.bool import Bool
    from claripy.ast.bv import BV

    from verifier.execution.path import Occurrence, Step
    from verifier.execution.segment import Segment
    from verifier.machine.state import State


@dataclass(frozen=True, slots=True, eq=False)
class Trail:
    """A path under way.

    ``choices`` are the ways to take at the forks of its next step. ``number`` is that step's:
    it grows along the path, also where trails were joined, so that what is unknown at a step
    has a name of its own. ``segment`` is the stretch of the exploration that it is in.
    """

    state: State
    knowledge: Knowledge
    steps: tuple[Step, ...] = ()
    occurrences: tuple[Occurrence, ...] = ()
    choices: tuple[bool, ...] = ()
    number: int = 0
    segment: Segment | None = None

    def knowing(self, *conditions: Bool) -> Trail:
        """Give the trail with further facts; the models that break one are dropped."""
        facts = list(self.knowledge.facts)
        for condition in conditions:
            facts.append(Fact(f"{FACT_PREFIX}{len(facts)}", condition))
        models = tuple(
            model
            for model in self.knowledge.models
            if all(model.satisfies(condition) for condition in conditions)
        )
        return replace(self, knowledge=replace(self.knowledge, facts=tuple(facts), models=models))


def same_place(one: BV, other: BV) -> bool:
    """Say whether two addresses are the same sum."""
    here, there = split(one), split(other)
    return here[0] is there[0] and here[1] == there[1]


def meet(one: Trail, other: Trail) -> bool:
    """Say whether two trails are at the same instruction with the same stack."""
    mine, theirs = one.state, other.state
    return (
        mine.mode is theirs.mode
        and same_place(mine.rip, theirs.rip)
        and same_place(mine.gpr(Gpr.RSP), theirs.gpr(Gpr.RSP))
    )
