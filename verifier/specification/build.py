"""Expressions put together, with constants folded on the way."""

from __future__ import annotations

import operator as operators
from typing import TYPE_CHECKING

from verifier.machine.registers import ControlRegister, Cr4
from verifier.specification.expression import (
    Arithmetic,
    Compare,
    Conditional,
    Constant,
    Control,
    Invert,
    Label,
    Logic,
    Negate,
    Not,
    Number,
    RegionBase,
    Slice,
)
from verifier.specification.vocabulary import Junction, Operator, Relation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from verifier.specification.expression import Truth, Word
    from verifier.specification.scope import Extent
    from verifier.specification.vocabulary import When

WIDTH = 64
MASK = (1 << WIDTH) - 1
LA57 = Cr4.LA57.value

_CALCULATIONS: dict[Operator, Callable[[int, int], int]] = {
    Operator.ADD: operators.add,
    Operator.SUBTRACT: operators.sub,
    Operator.MULTIPLY: operators.mul,
    Operator.AND: operators.and_,
    Operator.OR: operators.or_,
    Operator.XOR: operators.xor,
    Operator.SHIFT_LEFT: operators.lshift,
    Operator.SHIFT_RIGHT: operators.rshift,
}

_COMPARISONS: dict[Relation, Callable[[int, int], bool]] = {
    Relation.EQUAL: operators.eq,
    Relation.UNEQUAL: operators.ne,
    Relation.LESS: operators.lt,
    Relation.LESS_OR_EQUAL: operators.le,
    Relation.GREATER: operators.gt,
    Relation.GREATER_OR_EQUAL: operators.ge,
}


def number(value: int) -> Number:
    """Give a constant, modulo 2**64."""
    return Number(value & MASK)


def calculate(operator: Operator, left: int, right: int) -> int:
    """Combine two constants, modulo 2**64."""
    if operator in {Operator.SHIFT_LEFT, Operator.SHIFT_RIGHT} and right >= WIDTH:
        return 0
    return _CALCULATIONS[operator](left, right) & MASK


def _position(word: Word, labels: Mapping[str, int]) -> tuple[int, int] | None:
    """Write a word as a multiple of the image's base plus a constant, where it is one."""
    match word:
        case Number(value=value):
            return 0, value
        case Label(name=name):
            return 1, labels[name]
        case Negate(word=inner):
            place = _position(inner, labels)
            return place and (-place[0], -place[1])
        case Arithmetic(operator=operator, left=left, right=right):
            one, other = _position(left, labels), _position(right, labels)
            if one is None or other is None:
                return None
            if operator is Operator.ADD:
                return one[0] + other[0], one[1] + other[1]
            if operator is Operator.SUBTRACT:
                return one[0] - other[0], one[1] - other[1]
    return None


def arithmetic(operator: Operator, left: Word, right: Word, labels: Mapping[str, int]) -> Word:
    """Combine two words; a distance between labels becomes a constant."""
    if isinstance(left, Number) and isinstance(right, Number):
        return Number(calculate(operator, left.value, right.value))
    made = Arithmetic(operator, left, right)
    match _position(made, labels):
        case (0, distance):
            return number(distance)
        case _:
            return made


def invert(word: Word) -> Word:
    """Turn every bit over."""
    return number(~word.value) if isinstance(word, Number) else Invert(word)


def negate(word: Word) -> Word:
    """Subtract from 0."""
    return number(-word.value) if isinstance(word, Number) else Negate(word)


def bits(word: Word, high: int, low: int) -> Word:
    """Give bits ``high`` to ``low``, 63 >= high >= low >= 0."""
    if isinstance(word, Number):
        return Number((word.value >> low) & ((1 << (high - low + 1)) - 1))
    return Slice(word, high, low)


def compare(relation: Relation, left: Word, right: Word) -> Truth:
    """Compare two words."""
    if isinstance(left, Number) and isinstance(right, Number):
        return Constant(_COMPARISONS[relation](left.value, right.value))
    return Compare(relation, left, right)


def negation(truth: Truth) -> Truth:
    """Give the opposite."""
    return Constant(not truth.value) if isinstance(truth, Constant) else Not(truth)


def joined(junction: Junction, truths: Iterable[Truth]) -> Truth:
    """Join one truth or more, flat; constants that decide nothing are left out."""
    deciding = Constant(junction is Junction.OR)
    terms: list[Truth] = []
    for truth in truths:
        if truth == deciding:
            return deciding
        if isinstance(truth, Logic) and truth.junction is junction:
            terms.extend(truth.terms)
        elif not isinstance(truth, Constant):
            terms.append(truth)
    match terms:
        case []:
            return Constant(junction is Junction.AND)
        case [single]:
            return single
        case _:
            return Logic(junction, tuple(terms))


def canonical(address: Word, when: When, labels: Mapping[str, int]) -> Truth:
    """Say that an address sign-extends from bit 47, or from bit 56 with 5-level paging."""
    la57 = compare(
        Relation.EQUAL,
        bits(Control(ControlRegister.CR4, when), LA57, LA57),
        Number(1),
    )
    moved = arithmetic(
        Operator.ADD,
        address,
        Conditional(la57, Number(2**56), Number(2**47)),
        labels,
    )
    return compare(Relation.LESS, moved, Conditional(la57, Number(2**57), Number(2**48)))


def base_of(name: str, extent: Extent) -> Word:
    """Give where a region begins: its name, or the constant it is."""
    return extent.base if isinstance(extent.base, Number) else RegionBase(name)


def inside(
    address: Word,
    size: Word,
    region: tuple[str, Extent],
    labels: Mapping[str, int],
) -> Truth:
    """Say that ``size`` bytes at ``address`` lie in a region, and that it does not wrap."""
    name, extent = region
    base, whole = base_of(name, extent), Number(extent.size)
    room = arithmetic(Operator.SUBTRACT, whole, size, labels)
    start = arithmetic(Operator.SUBTRACT, address, base, labels)
    return joined(
        Junction.AND,
        [
            compare(Relation.LESS_OR_EQUAL, base, number(-extent.size)),
            compare(Relation.LESS_OR_EQUAL, size, whole),
            compare(Relation.LESS_OR_EQUAL, start, room),
        ],
    )


def apart(regions: Iterable[tuple[str, Extent]], labels: Mapping[str, int]) -> Truth:
    """Say that no two of the regions share a byte, wherever they wrap."""
    pairs: list[Truth] = []
    before: list[tuple[Word, Number]] = []
    for name, extent in regions:
        base, size = base_of(name, extent), Number(extent.size)
        for other, length in before:
            forward = arithmetic(Operator.SUBTRACT, base, other, labels)
            backward = arithmetic(Operator.SUBTRACT, other, base, labels)
            pairs.append(compare(Relation.GREATER_OR_EQUAL, forward, length))
            pairs.append(compare(Relation.GREATER_OR_EQUAL, backward, size))
        before.append((base, size))
    return joined(Junction.AND, pairs)
