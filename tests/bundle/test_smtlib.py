"""Expressions as SMT-LIB text mean to other solvers what they mean to ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import claripy
import pytest

from verifier.bundle.kinds import Answer
from verifier.bundle.smtlib import CHAINED, PLAIN, Applied, script
from verifier.bundle.solvers import SolverName, ask
from verifier.errors import Bug
from verifier.machine.words import equals, symbol
from verifier.solver import Model, Satisfied, Solver

if TYPE_CHECKING:
    import random

A, B = symbol("a.b@3 in the loop", 16), symbol("b", 16)
BIT = symbol("rflags.CF", 1)
BINARY: dict[str, Any] = {
    "__add__": lambda a, b: a + b,
    "__sub__": lambda a, b: a - b,
    "__mul__": lambda a, b: a * b,
    "__and__": lambda a, b: a & b,
    "__or__": lambda a, b: a | b,
    "__xor__": lambda a, b: a ^ b,
    "__floordiv__": lambda a, b: a // b,
    "__mod__": lambda a, b: a % b,
    "SDiv": claripy.SDiv,
    "SMod": claripy.SMod,
    "__lshift__": lambda a, b: a << (b & 31),
    "__rshift__": lambda a, b: a >> (b & 31),
    "LShR": lambda a, b: claripy.LShR(a, b & 31),
    "Concat": lambda a, b: claripy.Concat(a, b)[27:12],
    "RotateLeft": lambda a, _: claripy.RotateLeft(a, 5),
    "RotateRight": lambda a, _: claripy.RotateRight(a, 5),
    "Reverse": lambda a, _: claripy.Reverse(a),
    "ZeroExt": lambda a, _: claripy.ZeroExt(16, a)[20:5],
    "SignExt": lambda a, _: claripy.SignExt(16, a)[20:5],
    "__invert__": lambda a, _: ~a,
    "__neg__": lambda a, _: -a,
    "If": lambda a, b: claripy.If(BIT == 1, a, b),
}
TRUTHS: dict[str, Any] = {
    "__eq__": lambda a, b: a == b,
    "__ne__": lambda a, b: a != b,
    "ULT": claripy.ULT,
    "ULE": claripy.ULE,
    "UGT": claripy.UGT,
    "UGE": claripy.UGE,
    "SLT": claripy.SLT,
    "SLE": claripy.SLE,
    "SGT": claripy.SGT,
    "SGE": claripy.SGE,
    "And": lambda a, b: claripy.And(a == b, BIT == 1),
    "Or": lambda a, b: claripy.Or(a == b, BIT == 1),
    "Not": lambda a, b: claripy.Not(claripy.And(a == b, BIT == 1)),
}
NUMBERS = (0, 1, 0x7FFF, 0x8000, 0xFFFF)


def answers(*conditions: Any) -> list[Answer]:  # noqa: ANN401 - claripy's and Applied
    """Give what each solver says of conditions."""
    text = script(["a test"], [("one of them", each) for each in conditions], "sat")
    replies = [ask(name, text, 30) for name in SolverName]
    assert not [each.problem for each in replies if each.problem], text
    return [each.answer for each in replies]


def model(one: int, two: int) -> Model:
    """Give the values in which the two words are numbers."""
    answer = Solver().ask("test", (), equals(A, one), equals(B, two), equals(BIT, 1))
    assert isinstance(answer, Satisfied)
    return answer.model


def pairs(rng: random.Random) -> list[tuple[int, int]]:
    """Give numbers to try: boundaries, and some at random."""
    return [
        (rng.choice(NUMBERS), rng.choice(NUMBERS)),
        (rng.randrange(1 << 16), rng.randrange(1 << 16)),
    ]


@pytest.mark.parametrize("name", BINARY)
def test_words_have_the_values_that_claripy_computes(name: str, rng: random.Random) -> None:
    """Each operator has, in each solver, the value that claripy gives it on numbers."""
    for one, two in pairs(rng):
        word: Any = BINARY[name](A, B)
        ours = model(one, two).number(word)
        given = [one == A, two == B, BIT == 1]
        assert answers(*given, word == ours) == [Answer.SAT] * 3, (hex(one), hex(two))
        assert answers(*given, word != ours) == [Answer.UNSAT] * 3, (hex(one), hex(two))


@pytest.mark.parametrize("name", TRUTHS)
def test_truths_are_what_claripy_says(name: str, rng: random.Random) -> None:
    """Each relation and each connective holds, in each solver, where claripy says so."""
    for one, two in pairs(rng):
        truth: Any = TRUTHS[name](A, B)
        ours = Answer.SAT if model(one, two).satisfies(truth) else Answer.UNSAT
        assert answers(one == A, two == B, BIT == 1, truth) == [ours] * 3, (hex(one), hex(two))


def test_every_operator_that_has_a_form_is_tried() -> None:
    """No operator is written that the two tests above leave out, but Xor of truths."""
    assert {*CHAINED, *PLAIN} - {"Xor"} <= {*BINARY, *TRUTHS}


def test_what_occurs_twice_is_defined_once() -> None:
    """A shared term does not make the text grow with every use."""
    term = A + B
    for _ in range(40):
        term = (term ^ A) * (term | B)
    text = script([], [("shared", term == 1)], "sat")
    assert len(text) < 20_000
    assert text.count("(declare-const") == 2


def test_a_folded_claim_is_written_as_it_stood() -> None:
    """Both sides of an equality that claripy would drop are in the text, and it is no gap."""
    same = Applied("__eq__", (A + 1, A + 1))
    assert answers(Applied("Not", (same,))) == [Answer.UNSAT] * 3
    assert "(bvadd |a.b@3 in the loop| #x0001)" in script([], [("", same)], "sat")


def test_an_operator_without_a_form_is_our_bug() -> None:
    """What cannot be written is told, not left out."""
    with pytest.raises(Bug, match="RotateLeft"):
        script([], [("", claripy.RotateLeft(A, B) == 1)], "sat")


def test_a_name_that_is_no_symbol_is_our_bug() -> None:
    """A name that would end its own quotes is refused."""
    with pytest.raises(Bug, match="name"):
        script([], [("", symbol("a| |b", 16) == 1)], "sat")
