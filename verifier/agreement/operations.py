"""What the operations of P-code compute, as Ghidra's P-code reference manual defines them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from operator import add, and_, mul, or_, sub, xor
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

import claripy
from pypcode import OpCode

from verifier.machine.oracle import Unmodelled
from verifier.machine.words import bit, bits, concat, constant, extend, known, width_of

if TYPE_CHECKING:
    from claripy.ast.bool import Bool
    from claripy.ast.bv import BV

BYTE = 8
NIBBLE = 4
Meaning = Callable[[list["BV"], int], "BV"]
"""Takes an operation's inputs and the width of its output in bits."""


def out_of_bit_3(one: BV, other: BV, result: BV) -> BV:
    """Give the carry or borrow out of bit 3 of a sum or difference, one bit wide."""
    return bit(result, NIBBLE) ^ bit(one, NIBBLE) ^ bit(other, NIBBLE)


def _truth(condition: Bool, width: int) -> BV:
    return extend(claripy.If(condition, constant(1, 1), constant(0, 1)), width)


def _compared(compare: Callable[[BV, BV], Bool]) -> Meaning:
    return lambda values, width: _truth(compare(values[0], values[1]), width)


def _plain(combine: Callable[[BV, BV], BV]) -> Meaning:
    return lambda values, _: combine(values[0], values[1])


def _and(values: list[BV], width: int) -> BV:
    """Mask; by the lowest bits alone, give these with zeros above."""
    value, mask = values
    number = known(mask)
    if number and not number & (number + 1):
        return extend(bits(value, number.bit_length() - 1, 0), width)
    return value & mask


def _shift(combine: Callable[[BV, BV], BV], *, keeps_sign: bool = False) -> Meaning:
    """Shift by a count that may be wider than the value: all bits go where it is too large."""

    def meaning(values: list[BV], width: int) -> BV:
        value, count = values
        whole = max(width_of(value), width_of(count))
        missing = whole - width_of(value)
        wide = claripy.SignExt(missing, value) if keeps_sign else extend(value, whole)
        return bits(combine(wide, extend(count, whole)), width - 1, 0)

    return meaning


def _signed_carry(values: list[BV], width: int) -> BV:
    """Say whether operands of one sign have a sum of the other."""
    one, other, result = _tops(*values, add(*values))
    return extend((one ^ other ^ 1) & (one ^ result), width)


def _signed_borrow(values: list[BV], width: int) -> BV:
    """Say whether operands of unlike signs have a difference of the second one's."""
    one, other, result = _tops(*values, sub(*values))
    return extend((one ^ other) & (one ^ result), width)


def _tops(*values: BV) -> tuple[BV, ...]:
    return tuple(bit(value, width_of(value) - 1) for value in values)


def _carry(values: list[BV], width: int) -> BV:
    return _truth(claripy.ULT(add(*values), values[0]), width)


def _less(values: list[BV], width: int) -> BV:
    """Compare as signed numbers; with 0, that is the sign."""
    if known(values[1]) == 0:
        return extend(bit(values[0], width_of(values[0]) - 1), width)
    return _truth(claripy.SLT(*values), width)


def _subpiece(values: list[BV], width: int) -> BV:
    value, dropped = values
    low = BYTE * _number(dropped)
    return bits(value, low + width - 1, low)


def _popcount(values: list[BV], width: int) -> BV:
    ones = [extend(each, width) for each in _bits(values[0])]
    return reduce(add, ones, constant(0, width))


def _bits(value: BV) -> list[BV]:
    """Give the bits, one bit wide each, without zeros that were put above them."""
    if value.op == "ZeroExt":
        return _bits(cast("BV", value.args[1]))
    if value.op == "Concat" and known(cast("BV", value.args[0])) == 0:
        return _bits(concat(*cast("tuple[BV, ...]", value.args[1:])))
    return [bit(value, at) for at in range(width_of(value))]


def _number(value: BV) -> int:
    number = known(value)
    if number is None:
        raise Unmodelled("P-code cuts a value where a register says")
    return number


MEANINGS: Mapping[OpCode, Meaning] = MappingProxyType(
    {
        OpCode.COPY: lambda values, _: values[0],
        OpCode.INT_ZEXT: lambda values, width: extend(values[0], width),
        OpCode.INT_SEXT: lambda values, width: values[0].sign_extend(width - width_of(values[0])),
        OpCode.INT_2COMP: lambda values, _: -values[0],
        OpCode.INT_NEGATE: lambda values, _: ~values[0],
        OpCode.INT_ADD: _plain(add),
        OpCode.INT_SUB: _plain(sub),
        OpCode.INT_MULT: _plain(mul),
        OpCode.INT_AND: _and,
        OpCode.INT_OR: _plain(or_),
        OpCode.INT_XOR: _plain(xor),
        OpCode.INT_LEFT: _shift(lambda value, count: value << count),
        OpCode.INT_RIGHT: _shift(claripy.LShR),
        OpCode.INT_SRIGHT: _shift(lambda value, count: value >> count, keeps_sign=True),
        OpCode.INT_EQUAL: _compared(lambda one, other: one == other),
        OpCode.INT_NOTEQUAL: _compared(lambda one, other: one != other),
        OpCode.INT_LESS: _compared(claripy.ULT),
        OpCode.INT_SLESS: _less,
        OpCode.INT_CARRY: _carry,
        OpCode.INT_SCARRY: _signed_carry,
        OpCode.INT_SBORROW: _signed_borrow,
        OpCode.BOOL_NEGATE: lambda values, width: _truth(values[0] == 0, width),
        OpCode.BOOL_AND: _plain(and_),
        OpCode.BOOL_OR: _plain(or_),
        OpCode.BOOL_XOR: _plain(xor),
        OpCode.SUBPIECE: _subpiece,
        OpCode.POPCOUNT: _popcount,
    }
)
"""What an operation gives of its inputs, as wide as its output, in bits."""
