"""Oracles for tests of the machine: the solver under given facts, with one way at each fork."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import claripy

from verifier.execution.oracle import Context, Knowledge, PathOracle
from verifier.machine.words import constant, known, width_of
from verifier.solver import Fact, Satisfied, Solver

if TYPE_CHECKING:
    from claripy.ast.bool import Bool
    from claripy.ast.bv import BV


def value_at(expression: BV, symbol: BV, number: int) -> int | None:
    """Give the number that an expression of one symbol has where the symbol has another."""
    replaced = claripy.replace(expression, symbol, constant(number, width_of(symbol)))
    return known(claripy.simplify(cast("BV", replaced)))


def oracle(*facts: Bool, choices: tuple[bool, ...] = ()) -> PathOracle:
    """Give the oracle of a path on which exactly ``facts`` are assumed."""
    context = Context(Solver(), tuple(Fact(f"fact {n}", each) for n, each in enumerate(facts)))
    answer = context.solver.ask("test", context.assumptions)
    assert isinstance(answer, Satisfied)
    return PathOracle(context, Knowledge((), (answer.model,), {}, frozenset()), choices, 0)
