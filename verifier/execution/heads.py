"""The states at the head of a loop that are told apart: each begins a segment of its own."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import claripy

from verifier.execution.bounds import MOST_ROUNDS, Bound
from verifier.execution.path import Path, Subsumed
from verifier.execution.segment import Root, Segment
from verifier.execution.template import Template, general
from verifier.machine.words import constant, symbol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from claripy.ast.bool import Bool
    from claripy.ast.bv import BV

    from verifier.execution.trail import Trail


@dataclass(slots=True)
class Heads:
    """The heads of the loop at ``place``, entered as ``start``, after any number of ``rounds``.

    ``told`` has for each the values of the registers that tell it from the others.
    """

    start: Trail
    template: Template
    rounds: BV
    bounds: Sequence[Bound]
    place: str
    told: list[tuple[BV, ...]]
    segments: list[Segment] = field(default_factory=list)

    def begin(self) -> Trail:
        """Give the next head, as the first trail of its segment."""
        index = len(self.segments)
        state = general(self.template, self.start, self.told[index], self.rounds)
        facts: list[Bool] = [claripy.ULT(self.rounds, MOST_ROUNDS)]
        for bound in self.bounds:
            facts += bound.invariant(self.rounds)
        which = symbol(f"head of the loop@{self.start.number}")
        trail = replace(self.start, state=state, choices=(), number=self.start.number + 1)
        # Two heads may have the same facts, and must not be mixed where trails are joined.
        trail = trail.knowing(*facts, which == index)
        here = which, constant(index)
        segment = Segment(
            Root.HEAD,
            state,
            trail.knowledge.facts,
            self.place,
            known=len(self.start.knowledge.facts),
            entered=((self.rounds, constant(0)), here),
            repeated=((self.rounds, self.rounds + 1), here),
        )
        self.segments.append(segment)
        return replace(trail, segment=segment)

    def place_of(self, values: tuple[BV, ...]) -> int:
        """Give which head has these told values, one more where none has."""
        for place, head in enumerate(self.told):
            if all(a is b for a, b in zip(values, head, strict=True)):
                return place
        self.told.append(values)
        return len(self.told) - 1

    def ended(self, back: Trail, place: int) -> Path:
        """Give the path of a trail that came back to the head at ``place``."""
        ending = Subsumed(back.state, self.segments[place])
        return Path(back.steps, back.occurrences, ending, back.knowledge, back.segment)
