"""The smallest and the largest load are exact, wherever the bounds lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

import claripy
import pytest

from verifier.execution.oracle import Context
from verifier.machine.words import symbol
from verifier.proving.boundary import TOP, Search
from verifier.solver import Fact, Solver

if TYPE_CHECKING:
    import random

CASES = 60
LOAD = symbol("load")
PAGE = 0x1000


def near_power(rng: random.Random) -> int:
    """Give a word at a power of two, close to one, or anywhere above it."""
    exponent = rng.randrange(64)
    offset = rng.choice([0, -1, 1, -PAGE, PAGE, rng.randrange(1 << exponent)])
    return rng.choice([0, TOP, *[min(TOP, max(0, (1 << exponent) + offset))] * 8])


def test_bounds_are_found(rng: random.Random) -> None:
    """Of the multiples of 1 or of a page between two words the first and the last are found."""
    for _ in range(CASES):
        first, last = sorted((near_power(rng), near_power(rng)))
        step = rng.choice([1, PAGE])
        context = Context(Solver(), (Fact("first", claripy.UGE(LOAD, first)),))
        condition = claripy.And(claripy.ULE(LOAD, last), LOAD & (step - 1) == 0)
        lowest, highest = -(-first // step) * step, last // step * step
        search = Search(context, LOAD)
        found = search.smallest(condition), search.largest(condition)
        expected = (lowest, highest) if lowest <= highest else (None, None)
        assert found == expected, f"between {first:#x} and {last:#x} by {step:#x}"


@pytest.mark.parametrize("bound", [0x10_0000, 1 << 32])
def test_a_power_of_two_is_found_at_once(bound: int) -> None:
    """A bound at a power of two, as most are, takes a dozen questions."""
    solver = Solver()
    search = Search(Context(solver, ()), LOAD)
    assert search.smallest(claripy.UGE(LOAD, bound)) == bound
    assert solver.statistics.total <= 12
