"""At which load addresses some start breaks a claim, and at which none does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import claripy

from verifier.machine.words import WORD, width_of
from verifier.proving.leaves import leaves_of
from verifier.proving.result import Boundary
from verifier.solver import Contradictory, Satisfied

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from claripy.ast import Base
    from claripy.ast.bool import Bool
    from claripy.ast.bv import BV

    from verifier.execution.oracle import Context
    from verifier.solver import Answer, Model

WITNESSES = 32
"""How many starts are tried to cover every load between the first and the last failing."""
TOP = (1 << 64) - 1


@dataclass(frozen=True, slots=True, eq=False)
class Search:
    """A question about the load: which loads satisfy ``condition`` under the assumptions."""

    context: Context
    load: BV

    def ask(self, *conditions: Bool) -> Answer:
        """Ask whether the conditions can hold under the assumptions."""
        return self.context.solver.ask("boundary", self.context.assumptions, *conditions)

    def smallest(self, condition: Bool) -> int | None:
        """Give the smallest load, None where there is none or the solver gave up."""
        match self.ask(condition):
            case Satisfied(model):
                best = model.number(self.load)
            case _:
                return None
        low = 0
        while low < best:
            probe = _probe(low, best)
            match self.ask(condition, claripy.ULE(self.load, probe)):
                case Satisfied(model):
                    best = model.number(self.load)
                case Contradictory():
                    low = probe + 1
                case _:
                    return None
        return best

    def largest(self, condition: Bool) -> int | None:
        """Give the largest load, None where there is none or the solver gave up."""
        bits = self._most_bits(condition)
        if not bits:
            return bits
        distance = claripy.BVV(1 << bits & TOP, WORD) - self.load
        topmost = claripy.And(condition, claripy.UGE(self.load, 1 << (bits - 1)))
        found = Search(self.context, distance).smallest(topmost)
        return None if found is None else (1 << bits) - found

    def _most_bits(self, condition: Bool) -> int | None:
        """Give how many bits the largest load has, None as above."""
        match self.ask(condition):
            case Satisfied(model):
                low, high = model.number(self.load).bit_length(), WORD
            case _:
                return None
        while low < high:
            middle = (low + high) // 2
            match self.ask(condition, claripy.UGE(self.load, 1 << middle)):
                case Satisfied(model):
                    low = model.number(self.load).bit_length()
                case Contradictory():
                    high = middle
                case _:
                    return None
        return low


def _probe(low: int, best: int) -> int:
    """Bisect the number of bits first, then try its power of two, where most bounds lie."""
    fewest, most = low.bit_length(), best.bit_length()
    if fewest < most:
        return (1 << (fewest + most) // 2) - 1
    return low if low & (low - 1) == 0 else (low + best) // 2


def allowed_range(context: Context, load: BV) -> tuple[int, int] | None:
    """Give the smallest and the largest load that the assumptions allow."""
    search = Search(context, load)
    lowest, highest = search.smallest(claripy.true()), search.largest(claripy.true())
    return None if lowest is None or highest is None else (lowest, highest)


def find_boundary(
    context: Context, load: BV, broken: Bool, gaps: Bool, allowed: tuple[int, int]
) -> Boundary | None:
    """Give where ``broken`` can hold; ``gaps`` is where nothing is known."""
    search = Search(context, load)
    lowest, highest = allowed
    first = lowest if _fails_at(search, broken, lowest) else search.smallest(broken)
    if first is None:
        return None
    last = highest if _fails_at(search, broken, highest) else search.largest(broken)
    if last is None:
        return None
    unknown_below = search.ask(gaps, claripy.ULT(load, first))
    return Boundary(
        first=first,
        last=last,
        lowest=lowest,
        highest=highest,
        unbroken=_covers(search, broken, first, last),
        proved_below=isinstance(unknown_below, Contradictory),
    )


def _fails_at(search: Search, broken: Bool, load: int) -> bool:
    return isinstance(search.ask(broken, search.load == load), Satisfied)


def _covers(search: Search, broken: Bool, first: int, last: int) -> bool:
    """Say whether every allowed load from first to last fails for some start.

    Each witness covers the loads that fail with its other inputs; what none covers is asked
    for the next witness.
    """
    if broken.is_true():
        return True
    between = claripy.And(claripy.UGE(search.load, first), claripy.ULE(search.load, last))
    covered: list[Bool] = []
    assumed = claripy.And(*(fact.condition for fact in search.context.assumptions))
    whole = claripy.And(assumed, broken)
    tied = dict(_tied(search))
    for _ in range(WITNESSES):
        match search.ask(between, *(claripy.Not(one) for one in covered)):
            case Contradictory():
                return True
            case Satisfied(model):
                load = model.number(search.load)
            case _:
                return False
        match search.ask(broken, search.load == load):
            case Satisfied(witness):
                covered.append(_at(whole, witness, search.load, tied))
            case _:
                return False
    return False


def _tied(search: Search) -> Iterator[tuple[int, Base]]:
    """Give each symbol that an assumption makes a function of the load, and the function."""
    for fact in search.context.assumptions:
        if fact.condition.op != "__eq__":
            continue
        one, other = cast("tuple[BV, BV]", fact.condition.args)
        for leaf, value in ((one, other), (other, one)):
            known = value.variables <= search.load.variables
            if known and leaf.op == "BVS" and not leaf.variables & search.load.variables:
                yield leaf.hash(), value


def _at(condition: Bool, witness: Model, load: BV, tied: Mapping[int, Base]) -> Bool:
    """Fix every symbol but the load, and what is tied to it, to its value in the witness."""
    values: dict[int, Base] = {
        leaf.hash(): claripy.BVV(witness.number(leaf), width_of(leaf))
        for name, leaf in leaves_of([condition]).items()
        if name not in load.variables
    }
    return cast("Bool", claripy.replace_dict(condition, {**values, **tied}))
