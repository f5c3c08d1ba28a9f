"""Products as unknowns: what is equal of any product needs no multiplication to be shown.

A product of n bits is the low half of the signed product of 2n bits of the same factors. With
one unknown for both, a question says less, so what it excludes is excluded indeed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import claripy

from verifier.machine.words import bits, constant, known, signed, symbol, width_of

if TYPE_CHECKING:
    from claripy.ast.base import Base
    from claripy.ast.bool import Bool
    from claripy.ast.bv import BV

PRODUCT = "__mul__"


def without_products(condition: Bool) -> Bool:
    """Give a condition that is true at least where ``condition`` is, free of multiplications."""
    replaced: dict[int, Base] = {}
    names: dict[tuple[int, frozenset[int]], str] = {}
    for node in condition.children_asts():
        product = cast("BV", node)
        if node.op != PRODUCT or len(node.args) != 2 or _is_shift(product):
            continue
        wide = _narrowed(product)
        factors = cast("tuple[BV, BV]", product.args) if wide is None else wide
        width = width_of(factors[0])
        key = width, frozenset(factor.hash() for factor in factors)
        name = names.setdefault(key, f"product {len(names)}")
        whole = symbol(name, 2 * width)
        replaced[product.hash()] = bits(whole, width - 1, 0) if wide is None else whole
    return cast("Bool", claripy.replace_dict(condition, replaced)) if replaced else condition


def _is_shift(product: BV) -> bool:
    numbers = [known(cast("BV", factor)) for factor in product.args]
    return any(number is not None and not number & (number - 1) for number in numbers)


def _narrowed(product: BV) -> tuple[BV, BV] | None:
    """Give the factors of a product as half as wide numbers whose sign was extended."""
    half, odd = divmod(width_of(product), 2)
    factors = [_half(cast("BV", factor), half) for factor in product.args]
    one, other = factors
    return None if odd or one is None or other is None else (one, other)


def _half(factor: BV, half: int) -> BV | None:
    number = known(factor)
    if number is not None:
        low = constant(number, half)
        same = signed(number, 2 * half) == signed(known(low) or 0, half)
        return low if same else None
    if factor.op != "SignExt":
        return None
    inner = cast("BV", factor.args[1])
    return inner if width_of(inner) == half else None
