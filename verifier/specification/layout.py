"""Which regions can be told apart, or told to overlap, by their bases alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from verifier.specification.build import MASK
from verifier.specification.expression import Arithmetic, Label, Negate, Number
from verifier.specification.vocabulary import Operator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from verifier.specification.expression import Word
    from verifier.specification.spec import Region


@dataclass(frozen=True, slots=True)
class Sum:
    """A word as a sum: how often each part that is no constant occurs, and the constant."""

    parts: frozenset[tuple[Word, int]]
    constant: int

    def plus(self, other: Sum, sign: int) -> Sum:
        """Add another sum, or subtract it where ``sign`` is -1."""
        counts = dict(self.parts)
        for part, count in other.parts:
            counts[part] = counts.get(part, 0) + sign * count
        parts = frozenset((part, count) for part, count in counts.items() if count)
        return Sum(parts, (self.constant + sign * other.constant) & MASK)


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the image begins, and the offset of each of its labels."""

    base: Word
    labels: Mapping[str, int]

    def sum_of(self, word: Word) -> Sum:
        """Take a word apart at its additions and subtractions."""
        match word:
            case Number(value=value):
                return Sum(frozenset(), value)
            case Label(name=name):
                return self.sum_of(self.base).plus(Sum(frozenset(), self.labels[name]), 1)
            case Negate(word=inner):
                return Sum(frozenset(), 0).plus(self.sum_of(inner), -1)
            case Arithmetic(operator=Operator.ADD, left=left, right=right):
                return self.sum_of(left).plus(self.sum_of(right), 1)
            case Arithmetic(operator=Operator.SUBTRACT, left=left, right=right):
                return self.sum_of(left).plus(self.sum_of(right), -1)
            case _:
                return Sum(frozenset({(word, 1)}), 0)

    def distance(self, start: Word, end: Word) -> int | None:
        """Give ``end - start`` modulo 2**64 where it is a constant."""
        difference = self.sum_of(end).plus(self.sum_of(start), -1)
        return None if difference.parts else difference.constant

    def overlap(self, one: Region, other: Region) -> bool:
        """Say whether two regions share a byte wherever they are."""
        apart = self.distance(one.base.node, other.base.node)
        return apart is not None and (apart < one.size or MASK + 1 - apart < other.size)
