"""Symbols are replaced all at once, and what is shared is gone through once."""

from __future__ import annotations

import claripy

from verifier.bundle.renaming import Renaming
from verifier.machine.words import known, symbol

X, Y, Z = symbol("x"), symbol("y"), symbol("z")


def test_symbols_that_occur_in_each_others_values_are_replaced_at_once() -> None:
    """Exchanged symbols are exchanged; one that is not named stays."""
    renaming = Renaming()
    renaming.add([(X, Y), (Y, X)])
    assert renaming.of(X - Y + Z) is Y - X + Z
    assert renaming.touches(X + Z)
    assert not renaming.touches(Z)
    assert renaming.of(Z) is Z


def test_deeply_shared_expressions_are_no_longer_than_they_are() -> None:
    """A value that each of many joins uses twice is gone through once, replaced or not."""
    shared = X
    for number in range(200):
        shared = claripy.If(symbol(f"c{number}", 1) == 1, shared + number, shared ^ Z)
    kept, replaced = Renaming(), Renaming()
    kept.add([(Y, Z)])
    replaced.add([(X, Y)])
    assert kept.of(shared) is shared
    assert not replaced.of(shared).variables & X.variables
    assert replaced.of(shared).variables >= Y.variables


def test_a_value_that_is_a_number_is_computed_with() -> None:
    """Replaced by numbers, an expression is one."""
    renaming = Renaming()
    renaming.add([(X, claripy.BVV(3, 64)), (Y, claripy.BVV(4, 64))])
    assert known(claripy.simplify(renaming.of(X * Y))) == 12
