"""Vectors of literals, the lowest bit first, and what SMT-LIB's QF_BV computes with them.

Division is as SMT-LIB says: by zero the quotient is all ones and the remainder the dividend.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from verifier.certificate.circuit import FALSE, TRUE

if TYPE_CHECKING:
    from verifier.certificate.circuit import Circuit, Literal

Bits = tuple[int, ...]


def constant(value: int, width: int) -> Bits:
    """Give ``value`` modulo 2**width."""
    return tuple(value >> place & 1 for place in range(width))


def invert(a: Bits) -> Bits:
    """Give each bit negated."""
    return tuple(bit ^ 1 for bit in a)


def choose(circuit: Circuit, condition: Literal, yes: Bits, no: Bits) -> Bits:
    """Give one of two vectors."""
    return tuple(circuit.choose(condition, a, b) for a, b in zip(yes, no, strict=True))


def add(circuit: Circuit, a: Bits, b: Bits, carry: Literal = FALSE) -> Bits:
    """Give ``a + b + carry``."""
    result = []
    for x, y in zip(a, b, strict=True):
        odd = circuit.differ(x, y)
        result.append(circuit.differ(odd, carry))
        carry = circuit.choose(odd, carry, x)
    return tuple(result)


def subtract(circuit: Circuit, a: Bits, b: Bits) -> Bits:
    """Give ``a - b``."""
    return add(circuit, a, invert(b), TRUE)


def negate(circuit: Circuit, a: Bits) -> Bits:
    """Give ``-a``."""
    return add(circuit, constant(0, len(a)), invert(a), TRUE)


def multiply(circuit: Circuit, a: Bits, b: Bits) -> Bits:
    """Give ``a * b``: the sum of ``a`` at each bit of ``b``."""
    result = constant(0, len(a))
    for place, bit in enumerate(b):
        if bit != FALSE:
            row = constant(0, place) + tuple(circuit.both(bit, x) for x in a[: len(a) - place])
            result = add(circuit, result, row)
    return result


def divide(circuit: Circuit, a: Bits, b: Bits) -> tuple[Bits, Bits]:
    """Give the unsigned quotient and remainder, bit by bit as on paper."""
    width = len(a)
    wide = (*b, FALSE)
    remainder = constant(0, width)
    quotient: list[Literal] = []
    for bit in reversed(a):
        shifted = (bit, *remainder)
        fits = below(circuit, shifted, wide) ^ 1
        remainder = choose(circuit, fits, subtract(circuit, shifted, wide), shifted)[:width]
        quotient.insert(0, fits)
    return tuple(quotient), remainder


def magnitude(circuit: Circuit, a: Bits) -> Bits:
    """Give the absolute value of a two's complement number; the smallest one's is itself."""
    return choose(circuit, a[-1], negate(circuit, a), a)


def signed_quotient(circuit: Circuit, a: Bits, b: Bits) -> Bits:
    """Give ``bvsdiv``: rounded towards zero."""
    quotient, _ = divide(circuit, magnitude(circuit, a), magnitude(circuit, b))
    odd = circuit.differ(a[-1], b[-1])
    return choose(circuit, odd, negate(circuit, quotient), quotient)


def signed_remainder(circuit: Circuit, a: Bits, b: Bits) -> Bits:
    """Give ``bvsrem``: with the sign of the dividend."""
    _, remainder = divide(circuit, magnitude(circuit, a), magnitude(circuit, b))
    return choose(circuit, a[-1], negate(circuit, remainder), remainder)


def signed_modulo(circuit: Circuit, a: Bits, b: Bits) -> Bits:
    """Give ``bvsmod``: with the sign of the divisor."""
    rest = signed_remainder(circuit, a, b)
    there = circuit.all(invert(rest)) ^ 1
    other = circuit.both(there, circuit.differ(a[-1], b[-1]))
    return choose(circuit, other, add(circuit, rest, b), rest)


def below(circuit: Circuit, a: Bits, b: Bits) -> Literal:
    """Say whether ``a < b``, unsigned: decided by the highest bit at which they differ."""
    result = FALSE
    for x, y in zip(a, b, strict=True):
        result = circuit.choose(circuit.differ(x, y), y, result)
    return result


def signed_below(circuit: Circuit, a: Bits, b: Bits) -> Literal:
    """Say whether ``a < b`` in two's complement."""
    return below(circuit, (*a[:-1], a[-1] ^ 1), (*b[:-1], b[-1] ^ 1))


def equal(circuit: Circuit, a: Bits, b: Bits) -> Literal:
    """Say whether all bits are equal."""
    return circuit.all(tuple(circuit.differ(x, y) ^ 1 for x, y in zip(a, b, strict=True)))


def shift_left(circuit: Circuit, a: Bits, amount: Bits) -> Bits:
    """Give ``a`` times 2**amount; 0 where the amount reaches the width."""
    return shift_right(circuit, a[::-1], amount, FALSE)[::-1]


def shift_right(circuit: Circuit, a: Bits, amount: Bits, fill: Literal) -> Bits:
    """Give ``a`` moved down by ``amount``; each bit that gets free is ``fill``."""
    result = a
    for place, bit in enumerate(amount):
        by = min(1 << place, len(a))
        result = choose(circuit, bit, result[by:] + (fill,) * by, result)
    return result


def rotate_left(circuit: Circuit, a: Bits, amount: Bits) -> Bits:
    """Give ``a`` rotated by ``amount`` modulo the width."""
    width = len(a)
    result = a
    for place, bit in enumerate(amount):
        by = width - pow(2, place, width)
        result = choose(circuit, bit, result[by:] + result[:by], result)
    return result


def rotate_right(circuit: Circuit, a: Bits, amount: Bits) -> Bits:
    """Give ``a`` rotated the other way."""
    return rotate_left(circuit, a[::-1], amount)[::-1]
