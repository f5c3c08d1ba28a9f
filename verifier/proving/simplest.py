"""A model with simple values: 0 wherever nothing asks for more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import claripy

from verifier.machine.registers import Segment
from verifier.machine.words import width_of
from verifier.proving.leaves import leaves_of
from verifier.solver import Contradictory, Fact, Satisfied

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from claripy.ast.bool import Bool
    from claripy.ast.bv import BV

    from verifier.execution.oracle import Context
    from verifier.machine.state import State
    from verifier.proving.leaves import Leaves
    from verifier.solver import Answer, Model

SIMPLE = (0, 1, 0x1000, 0x1_0000, 0x9_0000, 0x20_0000, 0x100_0000, 1 << 32, 1 << 33, 1 << 39)
"""Values tried for an input that cannot have its usual one."""
TELLING = (0, 8, 0x20, 0x40, 0x80, 0xA0, 0x100, 0x800, -8)
"""Distances, in bytes, at which overlapping memory is tried."""
FEW = 4
"""How many usual values are given up at first; each time that does not do, twice as many."""
USUAL_STACK = 0x9_0000
USUAL_CODE, USUAL_DATA = 0x10, 0x18
FLAT_PARTS = {"base": 0, "limit": 0xFFFF_FFFF, "type": 3, "DPL": 0, "present": 1, "D": 1, "G": 1}


@dataclass(frozen=True, slots=True, eq=False)
class Wishes:
    """Looks for simple models of one exploration; ``fixed`` is what has its value already."""

    context: Context
    entry: State
    fixed: frozenset[str]

    def simplest(self, conditions: Sequence[Bool]) -> Model | None:
        """Give a model of the conditions whose inputs are as usual as they can be.

        All usual values at once, then without those that contradict, then a simple value for
        each of these; None where there is no model or the solver gave up.
        """
        usual_one = self.usual(conditions)
        if usual_one is None:
            return None
        model, wishes, unsettled = usual_one
        return self._settled(model, list(wishes), unsettled, conditions)

    def others(
        self, conditions: Sequence[Bool], around: Sequence[BV], count: int
    ) -> Iterator[Model]:
        """Give up to ``count`` models that differ in the values ``around``.

        Telling values of the first come first, whatever the solver would choose.
        """
        first = self.usual(conditions)
        if first is None:
            return
        model, wishes, _ = first
        yield model
        moving = frozenset[str]().union(*(value.variables for value in around))
        kept = [wish for wish in wishes if not wish.condition.variables & moving]
        given = 1
        for wanted in TELLING if around else ():
            if given == count:
                return
            exact = around[0] == fitting(wanted, around[0])
            answer = self._ask(kept, [*conditions, exact])
            if isinstance(answer, Satisfied):
                given += 1
                yield answer.model
        different = [value != model.number(value) for value in around]
        while given < count:
            answer = self._ask(kept, [*conditions, *different])
            if not isinstance(answer, Satisfied):
                return
            given += 1
            different += [value != answer.model.number(value) for value in around]
            yield answer.model

    def usual(self, conditions: Sequence[Bool]) -> tuple[Model, tuple[Fact, ...], Leaves] | None:
        """Give a model with as many usual values as fit, those, and the symbols without one."""
        leaves = self._leaves(conditions)
        wishes = [Fact(name, leaf == usual(name)) for name, leaf in leaves.items()]
        dropped: list[str] = []
        rounds = 0
        answer = self._ask(wishes, conditions)
        while isinstance(answer, Contradictory):
            bad = answer.core & {wish.label for wish in wishes}
            if not bad:
                return None
            given_up = sorted(bad)[: FEW << rounds]
            rounds += 1
            dropped += given_up
            wishes = [wish for wish in wishes if wish.label not in given_up]
            answer = self._ask(wishes, conditions)
        if not isinstance(answer, Satisfied):
            return None
        return answer.model, tuple(wishes), {name: leaves[name] for name in dropped}

    def _settled(
        self, model: Model, wishes: list[Fact], leaves: Leaves, conditions: Sequence[Bool]
    ) -> Model:
        for name, leaf in leaves.items():
            simple = claripy.Or(*(leaf == fitting(value, leaf) for value in SIMPLE))
            answer = self._ask(wishes, [*conditions, simple])
            if isinstance(answer, Satisfied):
                model = answer.model
                wishes.append(Fact(name, leaf == model.number(leaf)))
        return model

    def _ask(self, wishes: Sequence[Fact], conditions: Sequence[Bool]) -> Answer:
        facts = [*self.context.assumptions, *wishes]
        return self.context.solver.ask("simplify", facts, *conditions)

    def _leaves(self, conditions: Sequence[Bool]) -> Leaves:
        assumed = [fact.condition for fact in self.context.assumptions]
        leaves = leaves_of([*conditions, *assumed, *_segment_parts(self.entry)])
        return {
            name: leaf
            for name, leaf in leaves.items()
            if name not in self.fixed and not name.startswith("cpu.")
        }


def _segment_parts(entry: State) -> list[BV]:
    return [
        part
        for register in entry.segments.values()
        for part in (
            register.selector,
            register.base,
            register.limit,
            register.type,
            register.dpl,
            register.present,
            register.big,
            register.granular,
        )
    ]


def fitting(value: int, leaf: BV) -> int:
    """Cut a number to the width of a symbol."""
    return value & ((1 << width_of(leaf)) - 1)


def usual(name: str) -> int:
    """Give the value that an input has in a usual start."""
    if name == "rsp":
        return USUAL_STACK
    segment, _, part = name.partition(".")
    if segment.upper() not in Segment.__members__:
        return 0
    if part.startswith("selector"):
        selector = USUAL_CODE if segment == "cs" else USUAL_DATA
        return selector >> (2 if "[" in part else 0)
    return FLAT_PARTS.get(part, 0)
