"""Whether the two lifters give an ordinary instruction the same meaning, from every start.

The one that paths are executed with is VEX; the other is P-code. What the manuals leave
undefined is not compared. In 32-bit code the low halves of the registers are: what becomes of
the upper ones is the processor model's, not the lifters'.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING, cast

from verifier.agreement.alone import Place, lifted_outcomes
from verifier.agreement.found import MISTAKES, Agreed, Disagreed, NotCompared, Unequal
from verifier.agreement.pcode import operations, pcode_outcomes
from verifier.agreement.products import without_products
from verifier.errors import Bug
from verifier.machine.oracle import Fault, Unmodelled
from verifier.machine.registers import Mode
from verifier.machine.words import FALSE, both, negated, symbol, width_of
from verifier.semantics.forms import find_form
from verifier.semantics.instruction import decode
from verifier.semantics.lifted import listing
from verifier.semantics.table import find_row
from verifier.solver import Contradictory, GaveUp, Satisfied, Solver

if TYPE_CHECKING:
    from claripy.ast.base import Base
    from claripy.ast.bool import Bool
    from claripy.ast.bv import BV

    from verifier.agreement.alone import Outcome
    from verifier.agreement.found import Agreement
    from verifier.semantics.instruction import Instruction
    from verifier.solver import Answer, Model

SECONDS = 10.0
"""For one question; most take a millisecond."""
ABSENT = "nothing"
BASE = symbol("base")
"""Any address, 64 bits; in 32-bit code its low half is the address."""


def compare(instruction: Instruction) -> Agreement | None:
    """Compare the two meanings of an instruction, None for what is no ordinary one.

    It lies at any address, as far as its lifts at two tell, so its bytes are all that counts.
    """
    if find_row(instruction) is not None or find_form(instruction) is None:
        return None
    mode = Mode.LONG_64 if instruction.mode.is_64 else Mode.PROTECTED_32
    return _compared(instruction.raw, mode)


def forget() -> None:
    """Forget every comparison."""
    _compared.cache_clear()


@lru_cache(maxsize=1)
def _solver() -> Solver:
    """Give a solver of its own, so that no verdict depends on what was compared before."""
    return Solver(SECONDS)


@lru_cache(maxsize=1 << 14)
def _compared(raw: bytes, mode: Mode) -> Agreement:
    instruction = decode(raw, mode)
    form = None if instruction is None else find_form(instruction)
    if instruction is None or form is None:
        raise Bug(f"bytes {raw.hex(' ')} are no ordinary instruction")
    told = form.name, instruction.text, raw
    place = Place(BASE, 0)
    try:
        ways = product(
            lifted_outcomes(instruction, form, place), pcode_outcomes(instruction, place)
        )
    except (Fault, Unmodelled) as gap:
        return NotCompared(*told, str(gap))
    apart = tuple(each for each in MISTAKES if each.concerns(form.name, raw))
    open_ones = {flag.name for flag in form.undefined_flags(instruction)}
    open_ones |= {each.value for each in apart}
    pairs = [_Pair(one, other, frozenset(open_ones)) for one, other in ways]
    gave_up: NotCompared | None = None
    for pair in pairs:
        match pair.ask(_solver()):
            case Contradictory():
                continue
            case GaveUp(reason):
                gave_up = NotCompared(*told, f"the solver gave up: {reason}")
            case Satisfied(model):
                vex = tuple(listing(instruction))
                pcode = tuple(each.text for each in operations(instruction, place))
                return Disagreed(*told, pair.unequal(model), pair.start(model), vex, pcode)
    return gave_up or Agreed(form.name, apart)


@dataclass(frozen=True, slots=True, eq=False)
class _Pair:
    """One way by each meaning; ``open_ones`` are names of what need not be equal."""

    one: Outcome
    other: Outcome
    open_ones: frozenset[str]

    @property
    def names(self) -> list[str]:
        """Give what is not plainly equal."""
        names = dict.fromkeys((*self.one.values, *self.other.values))
        return [
            name
            for name in names
            if name not in self.open_ones
            and self.one.values.get(name) is not self.other.values.get(name)
        ]

    def _same(self, name: str) -> Bool:
        one, other = self.one.values.get(name), self.other.values.get(name)
        if one is None or other is None or width_of(one) != width_of(other):
            return FALSE
        return one == other

    def ask(self, solver: Solver) -> Answer:
        """Ask for a start that goes both ways, and leaves what is not equal."""
        differs = negated(both(*(self._same(name) for name in self.names)))
        if differs.is_false():
            return Contradictory(frozenset())
        question = both(self.one.condition, self.other.condition, differs)
        less = without_products(question)
        if less is not question:
            answer = solver.ask("agreement", (), less)
            if isinstance(answer, Contradictory):
                return answer
        return solver.ask("agreement", (), question)

    def unequal(self, model: Model) -> tuple[Unequal, ...]:
        """Give what differs from the start of a model."""
        return tuple(
            Unequal(name, _told(self.one.values.get(name), model), _told(other, model))
            for name in self.names
            for other in (self.other.values.get(name),)
            if not model.satisfies(self._same(name))
        )

    def start(self, model: Model) -> tuple[str, ...]:
        """Give the start of a model as far as it matters."""
        names = self.names
        every: list[Base] = [self.one.condition, self.other.condition]
        for outcome in (self.one, self.other):
            every += [value for name, value in outcome.values.items() if name in names]
        leaves = {leaf for each in every for leaf in each.leaf_asts() if leaf.op == "BVS"}
        told = {cast("str", leaf.args[0]): cast("BV", leaf) for leaf in leaves}
        return tuple(f"{name} = {_told(told[name], model)}" for name in sorted(told))


def _told(value: BV | None, model: Model) -> str:
    return ABSENT if value is None else f"{model.number(value):#x}"
