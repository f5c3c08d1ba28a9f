"""What bounds the rounds of a loop: a register on its way to a value that no round changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import claripy

from verifier.execution.template import Shape
from verifier.machine.words import constant, known, symbol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from claripy.ast.bool import Bool
    from claripy.ast.bv import BV

    from verifier.execution.template import Template
    from verifier.execution.trail import Trail
    from verifier.machine.registers import Gpr

MOST_ROUNDS = 1 << 40
"""Rounds of the longest loop that is cut: far below what 64-bit sums could wrap."""


@dataclass(frozen=True, slots=True, eq=False)
class Bound:
    """How often a loop goes round: until ``register`` has gone all its ``way`` to an end.

    It goes ``step`` bytes a round, ``total`` rounds in all; both are above 0.
    """

    register: Gpr
    end_name: str
    way: BV
    step: int
    total: BV

    @property
    def key(self) -> tuple[Gpr, str]:
        """Give what tells it from the others of its loop."""
        return self.register, self.end_name

    @property
    def enters(self) -> Bool:
        """Say that on entering the way is some whole rounds long, and not too many."""
        whole = [] if self.step == 1 else [self.way % constant(self.step) == 0]
        return claripy.And(
            claripy.UGE(self.way, self.step), claripy.ULT(self.way, MOST_ROUNDS), *whole
        )

    def invariant(self, rounds: BV) -> list[Bool]:
        """State that the rounds so far are fewer than those that the way takes in all."""
        facts = [self.fewer(rounds)]
        if self.total is not self.way:
            facts += [self.total * self.step == self.way, claripy.ULT(self.total, MOST_ROUNDS)]
        return facts

    def fewer(self, rounds: BV) -> Bool:
        """Say that there are more than so many rounds in all."""
        return claripy.ULT(rounds, self.total)


def candidates(template: Template, start: Trail) -> Iterator[Bound]:
    """Give each register that moves, with each kept value that it may go to, and with 0."""
    state = start.state
    ends = [
        (register.name.lower(), state.gpr(register))
        for register, shape in template.shapes.items()
        if shape is Shape.KEPT
    ]
    if not any(known(end) == 0 for _, end in ends):
        ends.append(("0", constant(0)))
    for register, shape in template.shapes.items():
        if shape is not Shape.MOVING:
            continue
        step = template.distances[register]
        for name, end in ends:
            way = end - state.gpr(register) if step > 0 else state.gpr(register) - end
            total = way
            if abs(step) != 1:
                total = symbol(f"rounds of {register.name.lower()} to {name}@{start.number}")
            yield Bound(register, name, way, abs(step), total)


def in_words(template: Template, bounds: Sequence[Bound]) -> str:
    """Tell the invariant: what moves, what is told apart, what is anything."""
    parts = []
    for register in template.of(Shape.MOVING):
        name, step = register.name.lower(), template.distances[register]
        ends = [bound.end_name for bound in bounds if bound.register is register]
        on_its_way = f", on its way to {' and '.join(ends)}" if ends else ""
        parts.append(f"{name} = {name}₀ {'-' if step < 0 else '+'} {abs(step)}·k{on_its_way}")
    parts += [f"{each.name.lower()} is told apart" for each in template.told()]
    parts += [f"{each.name.lower()} is below 2^32" for each in template.of(Shape.SHORT)]
    free = [*(each.name.lower() for each in template.of(Shape.ANY)), "the flags"]
    if template.changed:
        count = len(template.changed)
        free.append(f"{count} byte{'s' if count > 1 else ''} of memory")
    *most, last = free
    parts.append(f"{', '.join(most)} and {last} are anything" if most else f"{last} are anything")
    return "; ".join(parts)
