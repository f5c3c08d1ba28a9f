"""The operators of QF_BV by name: which operands each takes, and what it makes of them.

A value is a literal (sort Bool) or a vector of literals (sort BitVec), the lowest bit first.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from itertools import combinations, pairwise

from verifier.certificate import arithmetic
from verifier.certificate.arithmetic import Bits
from verifier.certificate.circuit import FALSE, Circuit, Literal
from verifier.certificate.sums import Sums
from verifier.errors import BadInput, nearest

Value = Literal | Bits
Binary = Callable[[Sums, Bits, Bits], Bits]
Comparison = Callable[[Circuit, Bits, Bits], Literal]

WIDEST = 1024
"""More bits than this no vector may have: what is longer is no question about a processor."""


def _each(gate: Callable[[Circuit, Literal, Literal], Literal]) -> Binary:
    return lambda circuit, a, b: tuple(gate(circuit, x, y) for x, y in zip(a, b, strict=True))


def _then_not(meaning: Binary) -> Binary:
    return lambda circuit, a, b: arithmetic.invert(meaning(circuit, a, b))


def _number(circuit: Sums, bits: Bits) -> int | None:
    """Give the value of a constant vector."""
    form = circuit.form(bits)
    return None if form.terms else form.constant


def _multiply(circuit: Sums, a: Bits, b: Bits) -> Bits:
    """Give the product: of a sum and a constant a sum, of two others the same in either order."""
    for x, y in ((a, b), (b, a)):
        if (factor := _number(circuit, y)) is not None:
            return circuit.scale(x, factor)
    return arithmetic.multiply(circuit, *sorted((a, b)))


def _shift_left(circuit: Sums, a: Bits, amount: Bits) -> Bits:
    by = _number(circuit, amount)
    if by is None:
        return arithmetic.shift_left(circuit, a, amount)
    return circuit.scale(a, 1 << min(by, len(a)))


_AND, _OR, _XOR = _each(Circuit.both), _each(Circuit.either), _each(Circuit.differ)

ASSOCIATIVE: dict[str, Binary] = {
    "bvadd": lambda circuit, a, b: circuit.combine(a, b, 1),
    "bvmul": _multiply,
    "bvand": _AND,
    "bvor": _OR,
    "bvxor": _XOR,
}
BINARY: dict[str, Binary] = {
    "bvsub": lambda circuit, a, b: circuit.combine(a, b, -1),
    "bvudiv": lambda circuit, a, b: arithmetic.divide(circuit, a, b)[0],
    "bvurem": lambda circuit, a, b: arithmetic.divide(circuit, a, b)[1],
    "bvsdiv": arithmetic.signed_quotient,
    "bvsrem": arithmetic.signed_remainder,
    "bvsmod": arithmetic.signed_modulo,
    "bvshl": _shift_left,
    "bvlshr": lambda circuit, a, b: arithmetic.shift_right(circuit, a, b, FALSE),
    "bvashr": lambda circuit, a, b: arithmetic.shift_right(circuit, a, b, a[-1]),
    "bvnand": _then_not(_AND),
    "bvnor": _then_not(_OR),
    "bvxnor": _then_not(_XOR),
    "bvcomp": lambda circuit, a, b: (circuit.same(a, b),),
    "ext_rotate_left": arithmetic.rotate_left,
    "ext_rotate_right": arithmetic.rotate_right,
}
UNARY: dict[str, Callable[[Sums, Bits], Bits]] = {
    "bvnot": lambda _, a: arithmetic.invert(a),
    "bvneg": lambda circuit, a: circuit.scale(a, -1),
}
COMPARISONS: dict[str, Comparison] = {
    "bvult": arithmetic.below,
    "bvugt": lambda circuit, a, b: arithmetic.below(circuit, b, a),
    "bvule": lambda circuit, a, b: arithmetic.below(circuit, b, a) ^ 1,
    "bvuge": lambda circuit, a, b: arithmetic.below(circuit, a, b) ^ 1,
    "bvslt": arithmetic.signed_below,
    "bvsgt": lambda circuit, a, b: arithmetic.signed_below(circuit, b, a),
    "bvsle": lambda circuit, a, b: arithmetic.signed_below(circuit, b, a) ^ 1,
    "bvsge": lambda circuit, a, b: arithmetic.signed_below(circuit, a, b) ^ 1,
}
CONNECTIVES: dict[str, Callable[[Circuit, Literal, Literal], Literal]] = {
    "and": Circuit.both,
    "or": Circuit.either,
    "xor": Circuit.differ,
}
INDEXED = {"extract": 2, "zero_extend": 1, "sign_extend": 1, "rotate_left": 1, "rotate_right": 1}
INDEXED["repeat"] = 1
GENERIC = ("not", "=>", "=", "distinct", "ite", "concat")
NAMES = (
    *ASSOCIATIVE,
    *BINARY,
    *UNARY,
    *COMPARISONS,
    *CONNECTIVES,
    *GENERIC,
)


def _vectors(name: str, values: list[Value], count: int | None = None) -> list[Bits]:
    """Give the operands as vectors; their number, or at least two of them, and equal widths."""
    found = [value for value in values if not isinstance(value, int)]
    if len(found) != len(values):
        raise BadInput(f"'{name}' takes bit-vectors, not a truth")
    if len(found) != count if count else len(found) < 2:
        raise BadInput(f"'{name}' has {len(found)} operands, expected {count or 'at least 2'}")
    if len(widths := {len(value) for value in found}) > 1 and name != "concat":
        raise BadInput(f"'{name}' takes operands of one width, not of {sorted(widths)}")
    return found


def _truths(name: str, values: list[Value], count: int | None = None) -> list[Literal]:
    found = [value for value in values if isinstance(value, int)]
    if len(found) != len(values):
        raise BadInput(f"'{name}' takes truths, not a bit-vector")
    if len(found) != count if count else not found:
        raise BadInput(f"'{name}' has {len(found)} operands, expected {count or 'at least 1'}")
    return found


def _same(circuit: Sums, name: str, a: Value, b: Value) -> Literal:
    if isinstance(a, int):
        first, second = _truths(name, [a, b])
        return circuit.differ(first, second) ^ 1
    return circuit.same(*_vectors(name, [a, b]))


def _generic(circuit: Sums, name: str, values: list[Value]) -> Value:
    match name, values:
        case "not", _:
            return _truths(name, values, 1)[0] ^ 1
        case "=>", [_, _, *_]:
            *premises, conclusion = _truths(name, values)
            return circuit.either(circuit.all(tuple(premises)) ^ 1, conclusion)
        case "=", [_, _, *_]:
            return circuit.all(tuple(_same(circuit, name, a, b) for a, b in pairwise(values)))
        case "distinct", [_, _, *_]:
            pairs = combinations(values, 2)
            return circuit.all(tuple(_same(circuit, name, a, b) ^ 1 for a, b in pairs))
        case "ite", [int(condition), int(yes), int(no)]:
            return circuit.choose(condition, yes, no)
        case "ite", [int(condition), yes, no]:
            return arithmetic.choose(circuit, condition, *_vectors(name, [yes, no]))
        case "concat", _:
            return _narrow(tuple(bit for v in reversed(_vectors(name, values)) for bit in v))
        case _:
            raise BadInput(f"'{name}' does not take {len(values)} operands of these sorts")


def _narrow(bits: Bits) -> Bits:
    if not 0 < len(bits) <= WIDEST:
        raise BadInput(f"a bit-vector has 1 to {WIDEST} bits, not {len(bits)}")
    return bits


def apply(circuit: Sums, name: str, values: list[Value]) -> Value:
    """Give the value of an operator without indices."""
    if name in GENERIC:
        return _generic(circuit, name, values)
    if name in ASSOCIATIVE:
        meaning = ASSOCIATIVE[name]
        return reduce(lambda a, b: meaning(circuit, a, b), _vectors(name, values))
    if name in BINARY:
        a, b = _vectors(name, values, 2)
        return BINARY[name](circuit, a, b)
    if name in UNARY:
        return UNARY[name](circuit, _vectors(name, values, 1)[0])
    if name in COMPARISONS:
        a, b = _vectors(name, values, 2)
        return COMPARISONS[name](circuit, a, b)
    if name in CONNECTIVES:
        gate = CONNECTIVES[name]
        return reduce(lambda p, q: gate(circuit, p, q), _truths(name, values))
    raise BadInput(f"'{name}' is no operator of QF_BV: {nearest(name, NAMES)}")


def apply_indexed(circuit: Sums, name: str, indices: list[int], values: list[Value]) -> Bits:
    """Give the value of an operator with indices: ``((_ extract 7 0) x)`` and its like."""
    if len(indices) != INDEXED.get(name):
        raise BadInput(f"'(_ {name} ...)' with {len(indices)} indices is no operator of QF_BV")
    (bits,) = _vectors(name, values, 1)
    by, width = indices[0], len(bits)
    match name:
        case "extract":
            if not width > by >= indices[1]:
                raise BadInput(f"bits {by} to {indices[1]} are not in a vector of {width} bits")
            return circuit.lowest(bits, by + 1)[indices[1] :]
        case "rotate_left":
            return bits[width - by % width :] + bits[: width - by % width]
        case "rotate_right":
            return bits[by % width :] + bits[: by % width]
        case "repeat":
            return _narrow(bits * min(by, WIDEST + 1))
        case _:
            fill = FALSE if name == "zero_extend" else bits[-1]
            return _narrow(bits + (fill,) * min(by, WIDEST))
