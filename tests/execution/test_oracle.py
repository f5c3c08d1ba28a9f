"""The oracle of a path: it proves, forks, and remembers what each answer rests on."""

from __future__ import annotations

import claripy
import pytest

from verifier.execution.oracle import ConcreteOracle, Context, Knowledge, PathOracle
from verifier.machine.words import constant, known, symbol
from verifier.solver import Fact, Satisfied, Solver, SolverGaveUp

X, Y = symbol("x"), symbol("y")
SMALL = Fact("small", claripy.ULT(X, 10))
OTHER = Fact("other", Y == 5)


def oracle(
    *facts: Fact, choices: tuple[bool, ...] = (), solver: Solver | None = None
) -> PathOracle:
    """Give the oracle of the first step under some assumptions."""
    context = Context(solver or Solver(), facts)
    answer = context.solver.ask("test", facts)
    assert isinstance(answer, Satisfied)
    return PathOracle(context, Knowledge((), (answer.model,), {}, frozenset()), choices, 3)


def test_holds_is_a_proof() -> None:
    """A condition holds only if the path excludes its opposite."""
    asked = oracle(SMALL, OTHER)
    assert asked.holds(claripy.ULE(X, 9))
    assert not asked.holds(X == 0)
    assert asked.holds(claripy.true())
    assert not asked.holds(claripy.false())


def test_what_a_proof_rests_on_is_remembered() -> None:
    """Only the assumptions that were needed count, also when a proof is used again."""
    asked = oracle(SMALL, OTHER)
    assert asked.holds(claripy.ULE(X, 9))
    assert asked.knowledge.relied_on == {"small"}
    questions = asked._context.solver.statistics.total  # noqa: SLF001 - that none is asked
    assert asked.holds(claripy.ULE(X, 9))
    assert asked._context.solver.statistics.total == questions  # noqa: SLF001 - likewise
    assert asked.holds(Y == 5)
    assert asked.knowledge.relied_on == {"small", "other"}


def test_decide_forks_where_both_ways_are_possible() -> None:
    """The true side goes on, the other is left as choices; the fact is remembered."""
    asked = oracle(SMALL)
    assert asked.decide(claripy.ULT(X, 5))
    assert asked.alternatives == [(False,)]
    assert asked.holds(claripy.ULT(X, 5))
    assert asked.fact_count == 1
    assert asked.decide(X == 2)
    assert asked.alternatives == [(False,), (True, False)]


def test_choices_are_taken() -> None:
    """With choices a path takes the other sides, and forks anew beyond them."""
    asked = oracle(SMALL, choices=(False,))
    assert not asked.decide(claripy.ULT(X, 5))
    assert asked.alternatives == []
    assert asked.holds(claripy.UGE(X, 5))
    assert asked.decide(X == 7)
    assert asked.alternatives == [(False, False)]


def test_no_fork_where_one_way_is_excluded() -> None:
    """A condition that the path decides is no fork."""
    asked = oracle(SMALL)
    assert not asked.decide(claripy.UGE(X, 10))
    assert asked.decide(claripy.ULT(X, 11))
    assert asked.alternatives == []
    assert asked.fact_count == 0


def test_value_is_the_only_one() -> None:
    """An expression has a value where it can have no other."""
    asked = oracle(SMALL, OTHER)
    assert asked.value(Y + 1) == 6
    assert asked.value(X) is None
    assert asked.value(constant(4)) == 4
    assert asked.decide(X == 3)
    assert asked.value(X * 2) == 6


def test_fresh_values_are_named_by_step() -> None:
    """The same name at one step is the same unknown, at another step another."""
    asked = oracle(SMALL)
    assert asked.fresh("rflags.AF", 1) is asked.fresh("rflags.AF", 1)
    assert asked.fresh("rflags.AF", 1).variables == {"rflags.AF@3"}


def test_giving_up_is_never_an_answer() -> None:
    """Where the solver gives up the oracle says so instead of choosing a side."""
    asked = oracle(SMALL, solver=Solver(limit_seconds=0.05))
    bounds = [claripy.UGT(each, 1 << 20) for each in (X + 0x1_0000_0000, Y)]
    product = (X * X * 3 + X * Y * Y + Y * Y * Y) * Y == 0x1FFF_FFFF_FFFF_FFE1
    with pytest.raises(SolverGaveUp):
        asked.holds(claripy.Not(claripy.And(*bounds, product)))


def test_concrete_oracle() -> None:
    """A concrete run's oracle computes, takes open values by name, and tells which."""
    asked = ConcreteOracle({"rflags.AF@2": 3}, 2)
    assert asked.decide(constant(4) == 4)
    assert not asked.holds(claripy.ULT(constant(4), constant(3)))
    assert asked.value(constant(4) + constant(3)) == 7
    assert known(asked.fresh("rflags.AF", 1)) == 1
    assert known(asked.fresh("rflags.OF", 1)) == 0
    told = [(each.name, each.step, each.width, each.value) for each in asked.asked]
    assert told == [("rflags.AF", 2, 1, 1), ("rflags.OF", 2, 1, 0)]
