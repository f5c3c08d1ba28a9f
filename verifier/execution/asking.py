"""Questions about a trail between its steps, which leave it as it is."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from verifier.execution.oracle import PathOracle
from verifier.machine.oracle import About
from verifier.solver import SolverGaveUp

if TYPE_CHECKING:
    from claripy.ast.bool import Bool
    from claripy.ast.bv import BV

    from verifier.execution.oracle import Context, Knowledge
    from verifier.execution.trail import Trail

MOST_VALUES = 4
"""Values of a register that are told apart where one expression has several."""


@dataclass(slots=True)
class Asking:
    """Asks, and remembers in ``needed`` the assumptions behind each yes."""

    context: Context
    needed: set[str] = field(default_factory=set)

    def holds(self, trail: Trail, condition: Bool, about: About = About.LOOP) -> bool:
        """Say whether the trail excludes the opposite; no where the solver gives up."""
        try:
            at = trail.state.rip
            oracle = PathOracle(self.context, trail.knowledge, (), trail.number, at)
            holds = oracle.holds(condition, about)
        except SolverGaveUp:
            return False
        if holds:
            self.needed |= oracle.knowledge.relied_on
        return holds

    def needing(self, knowledge: Knowledge) -> Knowledge:
        """Add what was needed to what a path relied on."""
        return replace(knowledge, relied_on=knowledge.relied_on | self.needed)

    def with_model(self, trail: Trail) -> Trail:
        """Give the trail with a model of its facts, which its oracle must have."""
        if trail.knowledge.models:
            return trail
        oracle = PathOracle(self.context, trail.knowledge, (), trail.number)
        oracle.find_model()
        return replace(trail, knowledge=oracle.knowledge)

    def values(self, trail: Trail, value: BV) -> list[tuple[Trail, int]] | None:
        """Give each number that a value may be, with the trail that knows it.

        None where they are too many.
        """
        found: list[tuple[Trail, int]] = []
        rest = trail
        while True:
            rest = self.with_model(rest)
            number = rest.knowledge.models[-1].number(value)
            if self.holds(rest, value == number):
                return [*found, (rest, number)]
            if len(found) + 1 >= MOST_VALUES:
                return None
            found.append((self.with_model(rest.knowing(value == number)), number))
            rest = rest.knowing(value != number)
