"""What an emitted text gives is what claripy itself computes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import claripy
import pytest

from tests.differential.expressions import OPERATIONS, Emitter, function
from verifier.machine.words import constant, known, symbol, width_of

if TYPE_CHECKING:
    import random

    from claripy.ast.base import Base
    from claripy.ast.bv import BV

WIDTHS = (1, 7, 8, 32, 64)
EDGES = (0, 1, 2, 7, 31, 63, -1, -2)
BINARY: dict[str, Callable[[BV, BV], Base]] = {
    "__add__": lambda a, b: a + b,
    "__sub__": lambda a, b: a - b,
    "__mul__": lambda a, b: a * b,
    "__and__": lambda a, b: a & b,
    "__or__": lambda a, b: a | b,
    "__xor__": lambda a, b: a ^ b,
    "__lshift__": lambda a, b: a << b,
    "__rshift__": lambda a, b: a >> b,
    "LShR": claripy.LShR,
    "__invert__": lambda a, _: ~a,
    "__neg__": lambda a, _: -a,
    "Concat": claripy.Concat,
    "Extract": lambda a, _: a[width_of(a) - 1 : width_of(a) // 2],
    "ZeroExt": lambda a, _: a.zero_extend(9),
    "SignExt": lambda a, _: a.sign_extend(9),
    "If": lambda a, b: claripy.If(claripy.ULT(a, b), a, b),
    "And": lambda a, b: claripy.If(claripy.And(claripy.ULT(a, b), a != 0), a, b),
    "Or": lambda a, b: claripy.If(claripy.Or(claripy.ULT(a, b), a != b), a, b),
    "Not": lambda a, b: claripy.If(claripy.Not(claripy.ULT(a, b)), a, b),
    "__eq__": lambda a, b: claripy.If(a == b, a, b),
    "__ne__": lambda a, b: claripy.If(a != b, a, b),
    "ULE": lambda a, b: claripy.If(claripy.ULE(a, b), a, b),
    "UGT": lambda a, b: claripy.If(claripy.UGT(a, b), a, b),
    "UGE": lambda a, b: claripy.If(claripy.UGE(a, b), a, b),
    "SLT": lambda a, b: claripy.If(claripy.SLT(a, b), a, b),
    "SLE": lambda a, b: claripy.If(claripy.SLE(a, b), a, b),
    "SGT": lambda a, b: claripy.If(claripy.SGT(a, b), a, b),
    "SGE": lambda a, b: claripy.If(claripy.SGE(a, b), a, b),
}
"""An expression with each operation in it."""


@pytest.mark.parametrize("operation", BINARY)
def test_numbers_are_those_of_claripy(operation: str, rng: random.Random) -> None:
    """At every width, at once and in a function, at edges and elsewhere."""
    for width in WIDTHS:
        a, b = symbol("a", width), symbol("b", width)
        expression = BINARY[operation](a, b)
        for _ in range(8):
            one, other = (
                rng.choice((*EDGES, rng.getrandbits(64))) % (1 << width) for _ in range(2)
            )
            # Shifts by more than memory has bits are beyond claripy.
            other %= 256 if operation in {"__lshift__", "__rshift__", "LShR"} else 1 << width
            given = {"a": ("v[0]", one), "b": ("v[1]", other)}
            emitter = Emitter(_leaf(given))
            number = emitter.number(expression)
            made = function(emitter.lines, f"0, {emitter.text(expression)}")
            expected = known(
                cast("BV", BINARY[operation](constant(one, width), constant(other, width)))
            )
            assert expected is not None
            assert number == expected, (one, other, width)
            assert made([one, other], int, {}) == (0, expected)


def _leaf(given: dict[str, tuple[str, int]]) -> Callable[[str, int], tuple[str, int]]:
    return lambda name, _: given[name]


def test_every_operation_is_tried() -> None:
    """No operation has a text and no comparison with claripy."""
    assert set(OPERATIONS) <= set(BINARY)
