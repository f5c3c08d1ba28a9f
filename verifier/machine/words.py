"""Small words for bit-vector expressions; widths are in bits, ``high:low`` is inclusive."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, cast

import claripy

if TYPE_CHECKING:
    from claripy.ast.bool import Bool
    from claripy.ast.bv import BV

WORD = 64
LOW_HALF = 32
WORD_MASK = (1 << WORD) - 1
TRUE: Bool = claripy.true()
FALSE: Bool = claripy.false()


def constant(value: int, width: int = WORD) -> BV:
    """Give ``value`` modulo 2^``width``."""
    return _constant(value & ((1 << width) - 1), width)


@lru_cache(maxsize=1 << 16)
def _constant(value: int, width: int) -> BV:
    return claripy.BVV(value, width)


def width_of(value: BV) -> int:
    """Give the width of an expression."""
    return cast("int", value.length)


def symbol(name: str, width: int = WORD) -> BV:
    """Give an unknown of that very name."""
    return claripy.BVS(name, width, explicit_name=True)


def bits(value: BV, high: int, low: int) -> BV:
    """Give bits ``high:low`` of ``value``."""
    number = known(value)
    if number is not None:
        return constant(number >> low, high - low + 1)
    return _cut(value, high, low)


@lru_cache(maxsize=1 << 14)
def _cut(value: BV, high: int, low: int) -> BV:
    return value[high:low]


def bit(value: BV, position: int) -> BV:
    """Give one bit, one bit wide."""
    return bits(value, position, position)


def is_set(value: BV, position: int) -> Bool:
    """Say whether a bit is 1."""
    number = known(value)
    if number is not None:
        return TRUE if number >> position & 1 else FALSE
    return _is_set(value, position)


@lru_cache(maxsize=1 << 12)
def _is_set(value: BV, position: int) -> Bool:
    return bit(value, position) == 1


def low32(value: BV) -> BV:
    """Give the low half of a 64-bit value, 32 bits wide."""
    return bits(value, LOW_HALF - 1, 0)


def extend(value: BV, width: int = WORD) -> BV:
    """Zero-extend to ``width``."""
    missing = width - width_of(value)
    number = known(value)
    if number is not None and missing >= 0:
        return constant(number, width)
    return claripy.ZeroExt(missing, value) if missing else value


def low_half(value: BV) -> BV:
    """Give the low half of a 64-bit value, zero-extended to 64 bits."""
    return extend(low32(value))


def with_bit(value: BV, position: int, new: BV) -> BV:
    """Give ``value`` with one bit replaced by the one-bit ``new``."""
    top = width_of(value) - 1
    above = [bits(value, top, position + 1)] if position < top else []
    below = [bits(value, position - 1, 0)] if position else []
    return concat(*above, new, *below)


def concat(*parts: BV) -> BV:
    """Put expressions together, the topmost first; numbers give a number at once."""
    if len(parts) == 1:
        return parts[0]
    merged: list[BV] = []
    for part in parts:
        number, above = known(part), known(merged[-1]) if merged else None
        if number is not None and above is not None:
            size = width_of(part)
            merged[-1] = constant(above << size | number, width_of(merged[-1]) + size)
        else:
            merged.append(part)
    return claripy.Concat(*merged) if len(merged) > 1 else merged[0]


def known(value: BV) -> int | None:
    """Give the number where the expression is one."""
    return cast("int", value.args[0]) if value.op == "BVV" else None


def plus(value: BV, other: BV | int) -> BV:
    """Give the sum, of numbers at once."""
    one = known(value)
    two = other if isinstance(other, int) else known(other)
    if one is not None and two is not None:
        return constant(one + two, width_of(value))
    return value + other if two != 0 else value


def masked(value: BV, mask: int) -> BV:
    """Give the bits of ``value`` that ``mask`` has, of a number at once."""
    number = known(value)
    return value & mask if number is None else constant(number & mask, width_of(value))


def equals(value: BV, number: int) -> Bool:
    """Say whether ``value`` is ``number``."""
    if known(value) is None:
        return value == number
    return TRUE if known(value) == number else FALSE


def negated(condition: Bool) -> Bool:
    """Give the opposite, of a constant at once."""
    if condition is TRUE or condition is FALSE:
        return FALSE if condition is TRUE else TRUE
    return claripy.Not(condition)


def both(*conditions: Bool) -> Bool:
    """Give whether all are true, at once where one is false or all but one are true."""
    if any(condition is FALSE for condition in conditions):
        return FALSE
    open_ones = [condition for condition in conditions if condition is not TRUE]
    return claripy.And(*open_ones) if len(open_ones) > 1 else (*open_ones, TRUE)[0]


def either(*conditions: Bool) -> Bool:
    """Give whether one is true, at once where one is, or all but one are false."""
    if any(condition is TRUE for condition in conditions):
        return TRUE
    open_ones = [condition for condition in conditions if condition is not FALSE]
    return claripy.Or(*open_ones) if len(open_ones) > 1 else (*open_ones, FALSE)[0]


def at_least(value: BV, bound: BV) -> Bool:
    """Say whether ``value`` is ``bound`` or more, unsigned; of numbers at once."""
    one, other = known(value), known(bound)
    if one is None or other is None:
        return claripy.UGE(value, bound)
    return TRUE if one >= other else FALSE


def split(address: BV) -> tuple[BV | None, int]:
    """Split a 64-bit sum into its symbolic part and its constant, modulo 2^64."""
    number = known(address)
    if number is not None:
        return None, number
    if address.op in {"__add__", "__sub__"}:
        last = known(cast("BV", address.args[-1]))
        if last is not None:
            rest = cast("tuple[BV, ...]", address.args[:-1])
            offset = last if address.op == "__add__" else -last & WORD_MASK
            return (rest[0] if len(rest) == 1 else sum(rest[1:], rest[0])), offset
    return address, 0


def reduced(value: BV) -> BV:
    """Give the difference of two 64-bit sums over one base as the number that it is."""
    if value.op != "__sub__" or len(value.args) != 2:
        return value
    left, right = cast("tuple[BV, BV]", value.args)
    (base, offset), (other, far) = split(left), split(right)
    return constant(offset - far) if base is not None and base is other else value


def widened(short: BV) -> BV | None:
    """Give the 64-bit sum of which a 32-bit sum is the low half, None where it is not one.

    ``low32(x) + 4`` gives ``x + 4``, ``low32(x) - 4`` gives ``x - 4``.
    """
    base, offset = short, 0
    if short.op in {"__add__", "__sub__"} and len(short.args) == 2:
        last = known(cast("BV", short.args[1]))
        if last is None:
            return None
        base = cast("BV", short.args[0])
        offset = signed(last, LOW_HALF) * (1 if short.op == "__add__" else -1)
    if base.op == "Extract" and base.args[:2] == (LOW_HALF - 1, 0):
        whole = cast("BV", base.args[2])
        if whole.length == WORD:
            start, already = split(whole)
            return joined(start, already + offset)
    return None


def joined(base: BV | None, offset: int) -> BV:
    """Give the sum that ``split`` took apart."""
    if base is None:
        return constant(offset)
    return base + (offset & WORD_MASK) if offset & WORD_MASK else base


def signed(number: int, width: int = WORD) -> int:
    """Give the two's-complement reading of ``number``."""
    return number - (1 << width) if number >> (width - 1) & 1 else number
