"""The only door to the SMT solver: a named question, a three-valued answer.

A question is a set of labelled facts and a goal. The answer is a model that satisfies all of
them, or the labels of some facts that exclude the goal, or that the solver gave up and why.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import claripy
import z3

if TYPE_CHECKING:
    from claripy.ast.bool import Bool
    from claripy.ast.bv import BV

LIMIT_SECONDS = 20.0
MOST_RENEWALS = 20
"""Times that a question is asked on where the machine did something else meanwhile."""
EARLY = 0.9
"""Part of the time given before which the solver stops only when it is interrupted."""
NEGLIGIBLE = 0.05
"""Part of the limit that is too little to ask on for."""


@dataclass(frozen=True, slots=True, eq=False)
class Fact:
    """A condition and the label that it has in a core."""

    label: str
    condition: Bool


class Model:
    """Values that satisfy a question; a symbol that it leaves open counts as 0."""

    def __init__(self, model: Any, convert: Any) -> None:  # noqa: ANN401  (z3 has no type stubs)
        """Keep the solver's own model, which evaluates expressions fast."""
        self._model = model
        self._convert = convert

    def satisfies(self, condition: Bool) -> bool:
        """Say whether ``condition`` is true under these values."""
        if condition.is_true() or condition.is_false():
            return bool(condition.is_true())
        return bool(z3.is_true(self._model.eval(self._convert(condition), model_completion=True)))

    def number(self, expression: BV) -> int:
        """Give the value of ``expression``."""
        if expression.op == "BVV":
            return cast("int", expression.args[0])
        value = self._model.eval(self._convert(expression), model_completion=True)
        return cast("int", value.as_long())


@dataclass(frozen=True, slots=True)
class Satisfied:
    """The question has an answer."""

    model: Model


@dataclass(frozen=True, slots=True)
class Contradictory:
    """No values exist: the facts of these labels exclude the goal."""

    core: frozenset[str]


@dataclass(frozen=True, slots=True)
class GaveUp:
    """The solver did not answer, in its own words."""

    reason: str


OUT_OF_TIME = frozenset({"canceled", "timeout"})
"""What z3 calls a question that it was given too little time for."""
Answer = Satisfied | Contradictory | GaveUp


class SolverGaveUp(Exception):
    """A question that had to be answered was not."""


@dataclass(slots=True)
class Statistics:
    """How much was asked: questions by purpose, seconds inside the solver."""

    questions: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def total(self) -> int:
        """Give the number of questions."""
        return sum(self.questions.values())


class Solver:
    """One incremental solver; each fact is asserted once, behind a switch of its own."""

    def __init__(self, limit_seconds: float = LIMIT_SECONDS) -> None:
        """Give up on a question after ``limit_seconds`` of the processor's time."""
        self.statistics = Statistics()
        self._convert = claripy.backends.z3.convert
        self._z3: Any = z3.SimpleSolver(ctx=self._convert(claripy.true()).ctx)
        self._limit = limit_seconds
        self._switches: dict[int, tuple[Any, Bool]] = {}

    def ask(self, purpose: str, facts: Iterable[Fact], *goals: Bool) -> Answer:
        """Ask whether the ``facts`` and the ``goals`` can hold at once."""
        started = time.perf_counter()
        labels: dict[int, str] = {}
        switches = []
        for fact in facts:
            if fact.condition.is_true():
                continue
            switch = self._switch(fact.condition)
            if switch.get_id() not in labels:
                switches.append(switch)
                labels[switch.get_id()] = fact.label
        self._z3.push()
        try:
            self._z3.add(*(self._convert(goal) for goal in goals))
            return self._answer(switches, labels)
        finally:
            self._z3.pop()
            self.statistics.questions[purpose] += 1
            self.statistics.seconds += time.perf_counter() - started

    def ask_nearest(self, purpose: str, facts: Sequence[Fact], goal: Bool) -> Answer:
        """Ask the same, trying first the facts that share a symbol with the goal.

        Fewer facts make a faster answer and a smaller core.
        """
        near = [fact for fact in facts if fact.condition.variables & goal.variables]
        answer = self.ask(purpose, near, goal)
        match answer:
            case Satisfied(model) if not all(model.satisfies(f.condition) for f in facts):
                return self.ask(purpose, facts, goal)
            case GaveUp():
                return self.ask(purpose, facts, goal)
            case _:
                return answer

    def _switch(self, condition: Bool) -> Any:  # noqa: ANN401 - as above
        key = condition.hash()
        if key not in self._switches:
            switch = z3.Bool(f"switch {len(self._switches)}", ctx=self._z3.ctx)
            self._z3.add(z3.Implies(switch, self._convert(condition)))
            self._switches[key] = switch, condition
        return self._switches[key][0]

    def _answer(self, switches: list[Any], labels: Mapping[int, str]) -> Answer:
        outcome = self._check(switches)
        if outcome == z3.sat:
            return Satisfied(Model(self._z3.model(), self._convert))
        if outcome == z3.unsat:
            core = self._z3.unsat_core()
            return Contradictory(frozenset(labels[switch.get_id()] for switch in core))
        reason = str(self._z3.reason_unknown())
        if reason in OUT_OF_TIME:
            reason = (
                f"no answer within {self._limit:g} s of the processor, the limit `solver_seconds`"
            )
        return GaveUp(reason)

    def _check(self, switches: list[Any]) -> Any:  # noqa: ANN401 - as above
        """Ask on until the processor has spent the limit: a busy machine changes no verdict.

        The solver's own clock is the one on the wall. It takes an interrupt for itself, and stops
        before its time.
        """
        left, outcome = self._limit, z3.unknown
        for _ in range(MOST_RENEWALS):
            self._z3.set("timeout", int(left * 1000))
            before, began, given = time.thread_time(), time.monotonic(), left
            outcome = self._z3.check(*switches)
            left -= time.thread_time() - before
            in_time = outcome != z3.unknown or str(self._z3.reason_unknown()) not in OUT_OF_TIME
            if in_time or left < self._limit * NEGLIGIBLE:
                break
            if time.monotonic() - began < given * EARLY:
                raise KeyboardInterrupt
        return outcome

    def smallest_core(
        self, purpose: str, facts: Sequence[Fact], core: frozenset[str], *goals: Bool
    ) -> frozenset[str]:
        """Drop labels from a core one by one while what is left still excludes the goals."""
        needed = set(core)
        for label in sorted(core):
            if label not in needed:
                continue
            rest = [fact for fact in facts if fact.label in needed and fact.label != label]
            answer = self.ask(purpose, rest, *goals)
            if isinstance(answer, Contradictory):
                needed = set(answer.core)
        return frozenset(needed)
