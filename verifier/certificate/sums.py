"""Sums in a normal form: as ``constant + number * vector + ...`` modulo 2**width.

Two ways to write one sum become one vector of literals here, where without it a proof would
have to show anew, bit by bit, that addition is associative. A known form of a vector is one
that is equal to it at all inputs; a vector without one stands for itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from verifier.certificate import arithmetic
from verifier.certificate.arithmetic import Bits, constant
from verifier.certificate.circuit import FALSE, TRUE, Circuit, Literal

MOST_TERMS = 16
"""A sum of more is an ordinary gate-by-gate addition, so that normal forms stay cheap."""


@dataclass(frozen=True, slots=True)
class Form:
    """Vectors in ascending order, each once, with factors that are not 0, and a constant."""

    terms: tuple[tuple[Bits, int], ...]
    constant: int


class Sums(Circuit):
    """A circuit that remembers which of its vectors are sums of others."""

    def __init__(self, most: int) -> None:
        """Allow ``most`` nodes."""
        super().__init__(most)
        self._form_of: dict[Bits, Form] = {}

    def form(self, bits: Bits) -> Form:
        """Give the sum that a vector is known as; at least itself."""
        if all(bit in {FALSE, TRUE} for bit in bits):
            return Form((), sum(bit << place for place, bit in enumerate(bits)))
        return self._form_of.get(bits) or Form(((bits, 1),), 0)

    def combine(self, a: Bits, b: Bits, factor: int) -> Bits:
        """Give ``a + factor * b``."""
        first, second, modulus = self.form(a), self.form(b), 1 << len(a)
        factors = dict(first.terms)
        for vector, number in second.terms:
            factors[vector] = factors.get(vector, 0) + factor * number
        kept = {vector: number % modulus for vector, number in factors.items()}
        terms = tuple(sorted((v, n) for v, n in kept.items() if n))
        total = Form(terms, (first.constant + factor * second.constant) % modulus)
        if len(terms) > MOST_TERMS:
            return arithmetic.add(self, a, self._times(b, factor % modulus))
        return self._vector(total, len(a))

    def scale(self, a: Bits, factor: int) -> Bits:
        """Give ``factor * a``."""
        return self.combine(constant(0, len(a)), a, factor)

    def lowest(self, a: Bits, width: int) -> Bits:
        """Give the lowest bits, of a sum the sum of its vectors' lowest bits."""
        form, low = self.form(a), a[:width]
        if form.terms != ((a, 1),):
            result = constant(form.constant, width)
            for vector, number in form.terms:
                result = self.combine(result, vector[:width], number)
            return result
        return low

    def same(self, a: Bits, b: Bits) -> Literal:
        """Say whether ``a == b``, without what both sides have in common."""
        width = len(a)
        difference = self.form(self.combine(a, b, -1))
        left, right = constant(0, width), constant(-difference.constant, width)
        for vector, number in difference.terms:
            if number >> (width - 1):
                right = self.combine(right, vector, -number)
            else:
                left = self.combine(left, vector, number)
        return arithmetic.equal(self, left, right)

    def _vector(self, form: Form, width: int) -> Bits:
        """Give the bits of a sum: term after term, then the constant, and remember them."""
        result = constant(0, width)
        for vector, number in form.terms:
            if number >> (width - 1):
                less = self._times(vector, -number % (1 << width))
                result = arithmetic.subtract(self, result, less)
            else:
                result = arithmetic.add(self, result, self._times(vector, number))
        result = arithmetic.add(self, result, constant(form.constant, width))
        self._form_of.setdefault(result, form)
        return result

    def _times(self, a: Bits, number: int) -> Bits:
        return arithmetic.multiply(self, a, constant(number, len(a)))
