"""Words fold numbers and keep sums, and neither changes any value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import claripy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.machine.build import value_at
from verifier.machine.words import (
    FALSE,
    TRUE,
    WORD_MASK,
    at_least,
    bits,
    both,
    concat,
    constant,
    either,
    equals,
    extend,
    is_set,
    joined,
    known,
    low32,
    masked,
    negated,
    plus,
    signed,
    split,
    symbol,
    widened,
    with_bit,
)

if TYPE_CHECKING:
    from claripy.ast.bv import BV

X, Y = symbol("x"), symbol("y")
words = st.integers(0, WORD_MASK)
positions = st.integers(0, 63)


@given(words, positions, positions)
def test_bits_of_a_number(number: int, one: int, other: int) -> None:
    """Bits of a number are what shifting and masking give."""
    high, low = max(one, other), min(one, other)
    assert known(bits(constant(number), high, low)) == number >> low & (1 << high - low + 1) - 1
    assert is_set(constant(number), low).is_true() == bool(number >> low & 1)


@given(words, words)
def test_sums_and_masks_of_numbers(one: int, other: int) -> None:
    """Sums are modulo 2^64; masks and comparisons are the plain ones."""
    assert known(plus(constant(one), other)) == (one + other) & WORD_MASK
    assert known(plus(constant(one), constant(other))) == (one + other) & WORD_MASK
    assert known(masked(constant(one), other)) == one & other
    assert equals(constant(one), other).is_true() == (one == other)


@given(words, positions, st.integers(0, 1))
def test_with_bit(number: int, position: int, new: int) -> None:
    """One bit is replaced, the others stay."""
    expected = number & ~(1 << position) | new << position
    assert known(with_bit(constant(number), position, constant(new, 1))) == expected


@given(words, st.integers(1, 63))
def test_concat_undoes_bits(number: int, cut: int) -> None:
    """Two parts of a number put together are the number, known or not."""
    whole = constant(number)
    assert known(concat(bits(whole, 63, cut), bits(whole, cut - 1, 0))) == number
    parts = concat(bits(X, 63, cut), bits(X, cut - 1, 0))
    assert value_at(parts, X, number) == number


@given(words, words)
def test_split_and_joined(one: int, other: int) -> None:
    """A sum is split into its symbol and its constant, however it was built."""
    base, offset = split(X + one + other)
    assert base is X
    assert offset == (one + other) & WORD_MASK
    assert split(X - one)[1] == -one & WORD_MASK
    assert joined(*split(X + one)) is X + one
    assert split(constant(one)) == (None, one)
    assert joined(None, one) is constant(one)


def test_split_keeps_identity() -> None:
    """The symbolic part of two sums of the same symbols is the same object."""
    one, other = split(X + Y + 4), split(X + Y + 8)
    assert one[0] is other[0]
    assert (one[1], other[1]) == (4, 8)
    assert split(X * 3) == (X * 3, 0)


@given(st.integers(-(1 << 31), (1 << 31) - 1), words)
def test_widened_has_the_low_half(offset: int, number: int) -> None:
    """The 64-bit sum that is offered has the 32-bit sum as its low half."""
    short = low32(X) + (offset & 0xFFFF_FFFF)
    whole = widened(short)
    assert whole is not None
    assert value_at(low32(whole), X, number) == value_at(short, X, number)


@pytest.mark.parametrize(
    "short", [low32(X) * 2, low32(X) + low32(Y), symbol("z", 32), bits(X, 63, 32)]
)
def test_not_widened(short: BV) -> None:
    """What is no low half of one sum has no 64-bit sum."""
    assert widened(short) is None


def test_widened_of_nothing_added() -> None:
    """The low half alone is the low half of the symbol."""
    assert widened(low32(X)) is X
    assert widened(low32(X + 4)) is X + 4


@given(st.integers(1, 64), words)
def test_signed(width: int, number: int) -> None:
    """The two's complement reading has the same bits."""
    value = number & (1 << width) - 1
    assert signed(value, width) % (1 << width) == value
    assert -(1 << width - 1) <= signed(value, width) < 1 << width - 1


@given(st.lists(st.booleans(), max_size=4), words, words)
def test_conditions_fold(values: list[bool], one: int, other: int) -> None:
    """Conditions on constants are constants, and an unknown among them decides only if it must."""
    constants = [TRUE if value else FALSE for value in values]
    assert both(*constants) is (TRUE if all(values) else FALSE)
    assert either(*constants) is (TRUE if any(values) else FALSE)
    assert [negated(each) is TRUE for each in constants] == [not value for value in values]
    unknown = X == Y
    assert both(*constants, unknown) is (unknown if all(values) else FALSE)
    assert either(unknown, *constants) is (TRUE if any(values) else unknown)
    assert at_least(constant(one), constant(other)) is (TRUE if one >= other else FALSE)


def test_conditions_on_unknowns() -> None:
    """Conditions that nothing decides stay the solver's."""
    one, two = X == Y, X == 3
    assert both(one, two) is claripy.And(one, two)
    assert either(one, two) is claripy.Or(one, two)
    assert negated(one) is claripy.Not(one)
    assert at_least(X, Y) is claripy.UGE(X, Y)
    assert both() is TRUE
    assert either() is FALSE


def test_extend() -> None:
    """Zero extension of a number is a number; of nothing, the value itself."""
    assert known(extend(constant(5, 16))) == 5
    assert extend(X) is X
