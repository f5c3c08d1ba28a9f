"""The door to the solver: models satisfy, cores exclude, and giving up is an answer."""

from __future__ import annotations

import claripy
import pytest
import z3

from verifier.machine.words import constant, equals, symbol
from verifier.solver import Contradictory, Fact, GaveUp, Satisfied, Solver

X, Y, Z = symbol("x"), symbol("y"), symbol("z")
SMALL = Fact("small", claripy.ULT(X, 10))
LARGE = Fact("large", claripy.UGT(X, 5))
OTHER = Fact("other", Y == 3)
TRUE = Fact("true", claripy.true())


def test_model_satisfies_what_was_asked() -> None:
    """A model gives numbers that make every fact and goal true."""
    answer = Solver().ask("test", (SMALL, LARGE, OTHER), X + Y == 11)
    assert isinstance(answer, Satisfied)
    assert (answer.model.number(X), answer.model.number(Y)) == (8, 3)
    assert answer.model.number(X + Y + 1) == 12
    assert answer.model.satisfies(SMALL.condition)
    assert not answer.model.satisfies(X == 9)
    assert answer.model.number(constant(7)) == 7


def test_open_symbols_count_as_0() -> None:
    """What a model leaves open is 0, in numbers and in conditions alike."""
    answer = Solver().ask("test", (OTHER,))
    assert isinstance(answer, Satisfied)
    assert answer.model.number(Z) == 0
    assert answer.model.satisfies(Z == 0)


def test_core_names_what_excludes_the_goal() -> None:
    """Labels of a core exclude the goal by themselves, and others are not among them."""
    solver = Solver()
    answer = solver.ask("test", (TRUE, OTHER, SMALL, LARGE), X == 20)
    assert isinstance(answer, Contradictory)
    assert answer.core == {"small"}
    assert isinstance(solver.ask("test", (SMALL,), X == 20), Contradictory)
    assert isinstance(solver.ask("test", (OTHER, LARGE), X == 20), Satisfied)


def test_core_without_facts() -> None:
    """A goal that is false by itself needs no fact."""
    answer = Solver().ask("test", (SMALL,), claripy.And(Y == 1, Y == 2))
    assert isinstance(answer, Contradictory)
    assert answer.core == frozenset()


def test_smallest_core() -> None:
    """A core is cut down until each label left is needed."""
    facts = (SMALL, LARGE, Fact("even", X & 1 == 0), OTHER, Fact("also small", claripy.ULT(X, 9)))
    solver = Solver()
    core = frozenset(fact.label for fact in facts)
    goal = X == 11
    smallest = solver.smallest_core("test", facts, core, goal)
    assert len(smallest) == 1
    for label in smallest:
        rest = [fact for fact in facts if fact.label in smallest - {label}]
        assert isinstance(solver.ask("test", rest, goal), Satisfied)


def test_goals_do_not_stay() -> None:
    """A goal counts for its own question only."""
    solver = Solver()
    assert isinstance(solver.ask("test", (SMALL,), X == 3), Satisfied)
    assert isinstance(solver.ask("test", (SMALL,), X == 4), Satisfied)
    assert isinstance(solver.ask("test", ()), Satisfied)


def test_same_condition_under_two_labels() -> None:
    """Two facts of one condition are one switch, named by the first."""
    again = Fact("again", SMALL.condition)
    answer = Solver().ask("test", (SMALL, again), X == 20)
    assert isinstance(answer, Contradictory)
    assert answer.core == {"small"}


def test_nearest_facts_first() -> None:
    """Facts that share no symbol with the goal stay out of a core; all of them hold in a model."""
    solver = Solver()
    answer = solver.ask_nearest("test", (SMALL, OTHER), X == 20)
    assert isinstance(answer, Contradictory)
    assert answer.core == {"small"}
    linked = Fact("linked", Y == X)
    told = solver.ask_nearest("test", (SMALL, linked, Fact("y", Y == 7)), claripy.UGE(X, 5))
    assert isinstance(told, Satisfied)
    assert told.model.number(X) == 7


HARD = claripy.And(
    *(claripy.And(claripy.UGT(each, 1 << 20), claripy.ULT(each, 1 << 32)) for each in (X, Y)),
    X * Y == 0x1FFF_FFFF_FFFF_FFE1,
)
"""A number to factor: beyond any limit that a test sets."""


def test_giving_up_is_told() -> None:
    """A question beyond the limit is neither yes nor no, and the reason is kept."""
    answer = Solver(limit_seconds=0.05).ask("test", (), HARD)
    assert isinstance(answer, GaveUp)
    assert "no answer within" in answer.reason
    assert answer.reason


def test_a_busy_machine_takes_no_time_from_a_question(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked on while the processor did something else, and no longer when that is over."""
    clock = iter((0.0, 0.0, 0.0, 0.0, 0.0, 1.0))
    monkeypatch.setattr("verifier.solver.time.thread_time", lambda: next(clock))
    assert isinstance(Solver(limit_seconds=0.05).ask("test", (), HARD), GaveUp)
    assert next(clock, None) is None
    monkeypatch.setattr("verifier.solver.time.thread_time", lambda: 0.0)
    assert isinstance(Solver(limit_seconds=0.05).ask("test", (), HARD), GaveUp)


def test_an_interrupt_ends_a_question(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the solver takes for itself is handed on: it stopped long before its time."""

    class Interrupted(z3.Solver):  # type: ignore[misc]  # z3 has no types
        def check(self, *_: object) -> object:
            return z3.unknown

        def reason_unknown(self) -> str:
            return "canceled"

    solver = Solver()
    monkeypatch.setattr(solver, "_z3", Interrupted(ctx=solver._z3.ctx))  # noqa: SLF001 - a stub
    with pytest.raises(KeyboardInterrupt):
        solver.ask("test", (), X == 1)


def test_statistics() -> None:
    """Questions are counted by purpose."""
    solver = Solver()
    solver.ask("one", (SMALL,))
    solver.ask("two", (SMALL,))
    solver.ask("two", (LARGE,))
    assert dict(solver.statistics.questions) == {"one": 1, "two": 2}
    assert solver.statistics.total == 3
    assert solver.statistics.seconds > 0


@pytest.mark.parametrize("number", [0, 1, (1 << 64) - 1])
def test_numbers_are_exact(number: int) -> None:
    """Every 64-bit number comes back as it was."""
    answer = Solver().ask("test", (), equals(X, number))
    assert isinstance(answer, Satisfied)
    assert answer.model.number(X) == number
