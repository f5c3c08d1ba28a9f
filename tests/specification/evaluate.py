"""A second reading of expressions, over plain integers, to check the first against."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

from verifier.specification.expression import (
    Arithmetic,
    Compare,
    Conditional,
    Constant,
    Control,
    Implies,
    Input,
    Invert,
    Label,
    Logic,
    Negate,
    Not,
    Number,
    RegionBase,
    Register,
    Slice,
)
from verifier.specification.vocabulary import Junction

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from verifier.specification.expression import Truth, Word

MASK = (1 << 64) - 1

_SIGNS: dict[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
    "<<": lambda word, by: word << by if by <= 64 else 0,
    ">>": lambda word, by: word >> min(by, 64),
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def word_value(word: Word, values: Mapping[object, int]) -> int:
    """Give a word's value where ``values`` has those of its names."""
    match word:
        case Number(value=value):
            return value
        case Register() | Control() | Input() | Label() | RegionBase():
            return values[word]
        case Arithmetic(operator=sign, left=left, right=right):
            one, other = word_value(left, values), word_value(right, values)
            return _SIGNS[sign.value](one, other) & MASK
        case Invert(word=inner):
            return MASK - word_value(inner, values)
        case Negate(word=inner):
            return -word_value(inner, values) & MASK
        case Slice(word=inner, high=high, low=low):
            return (word_value(inner, values) & ((2 << high) - 1)) >> low
        case Conditional(condition=condition, then=then, otherwise=otherwise):
            return word_value(then if truth_value(condition, values) else otherwise, values)
        case _:
            raise NotImplementedError(word)


def truth_value(truth: Truth, values: Mapping[object, int]) -> bool:
    """Say whether a truth holds where ``values`` has the values of its names."""
    match truth:
        case Constant(value=value):
            return value
        case Compare(relation=sign, left=left, right=right):
            one, other = word_value(left, values), word_value(right, values)
            return bool(_SIGNS[sign.value](one, other))
        case Not(truth=inner):
            return not truth_value(inner, values)
        case Logic(junction=junction, terms=terms):
            results = [truth_value(term, values) for term in terms]
            return all(results) if junction is Junction.AND else any(results)
        case Implies(premise=premise, conclusion=conclusion):
            return not truth_value(premise, values) or truth_value(conclusion, values)
        case _:
            raise NotImplementedError(truth)
