"""The oracle of symbolic execution: the solver decides, and what it cannot decide forks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import claripy

from verifier.machine.oracle import About
from verifier.machine.words import FALSE, TRUE, constant, known, symbol
from verifier.solver import Contradictory, Fact, GaveUp, Satisfied, SolverGaveUp

if TYPE_CHECKING:
    from claripy.ast.bool import Bool
    from claripy.ast.bv import BV

    from verifier.execution.contract import Application, Contract
    from verifier.execution.segment import Entry
    from verifier.semantics.instruction import Instruction
    from verifier.solver import Model, Solver

KEPT_MODELS = 12
FACT_PREFIX = "path:"
CONTRACT_MARK = " by "
"""Stands in the label of a fact before the contract that ensures it."""


@dataclass(slots=True)
class Context:
    """What every path of one exploration shares: the solver, the assumptions, proved facts.

    ``proved`` maps a condition that follows from the assumptions alone to those it needs,
    ``cases`` are conditions on the start, one of which always holds: the paths of each are
    followed by themselves. ``cuts`` has the loops that were cut, with ``entries`` the trails
    that came to them, ``applied`` the calls that ``contracts`` stood for, ``executed`` every
    instruction that was. ``shown`` collects what the solver excluded, None where nobody wants
    to know.
    """

    solver: Solver
    assumptions: tuple[Fact, ...]
    cases: tuple[Bool, ...] = (TRUE,)
    proved: dict[int, frozenset[str]] = field(default_factory=dict)
    cuts: list[Cut] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    contracts: tuple[Contract, ...] = ()
    applied: list[Application] = field(default_factory=list)
    executed: set[Instruction] = field(default_factory=set)
    shown: list[Shown] | None = None

    def cut(self, cut: Cut, entry: Entry) -> None:
        """Take up a loop that was cut, and the trail that came to it."""
        self.cuts.append(cut)
        self.entries.append(entry)

    def keep_cuts(self, count: int) -> None:
        """Forget all loops cut but the first ones."""
        del self.cuts[count:], self.entries[count:]

    def note(self, shown: Shown) -> None:
        """Take down what was shown, where that is wanted."""
        if self.shown is not None:
            self.shown.append(shown)


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """A question that the solver answered with no: ``facts`` exclude that ``condition`` is false.

    It was asked at step number ``step``, with the next instruction at ``at``; -1 and None where
    a claim asked.
    """

    about: About
    step: int
    at: BV | None
    facts: tuple[Fact, ...]
    condition: Bool


@dataclass(frozen=True, slots=True)
class Cut:
    """A loop that was cut, in words: where its head is, its invariant, and how it was shown.

    ``heads`` counts the states at the head that were told apart, ``shown`` what was asked.
    """

    place: str
    invariant: str
    heads: int
    shown: int


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What is known on a path before a step; ``models`` satisfy all of ``facts``."""

    facts: tuple[Fact, ...]
    models: tuple[Model, ...]
    proved: Mapping[int, frozenset[str]]
    relied_on: frozenset[str]


class PathOracle:
    """Answers for one path. ``choices`` are the ways to take at its first forks.

    At a fork beyond them the true side is taken, and ``alternatives`` gets the choices that
    lead to the other side.
    """

    def __init__(
        self,
        context: Context,
        knowledge: Knowledge,
        choices: Sequence[bool],
        step: int,
        at: BV | None = None,
    ) -> None:
        """Start with what is known before step number ``step``, of the instruction at ``at``."""
        self._context = context
        self._facts = list(knowledge.facts)
        self._models = list(knowledge.models)
        self._proved = dict(knowledge.proved)
        self._relied_on = set(knowledge.relied_on)
        self._choices = choices
        self._taken: list[bool] = []
        self._step = step
        self._at = at
        self.alternatives: list[tuple[bool, ...]] = []

    @property
    def knowledge(self) -> Knowledge:
        """Give what is known now."""
        models = tuple(self._models[-KEPT_MODELS:])
        return Knowledge(tuple(self._facts), models, self._proved, frozenset(self._relied_on))

    @property
    def fact_count(self) -> int:
        """Give how many facts the path has by now."""
        return len(self._facts)

    @property
    def fork_count(self) -> int:
        """Give how many forks were passed by now."""
        return len(self._taken)

    def holds(self, condition: Bool, about: About = About.INSTRUCTION) -> bool:
        """Say whether the path excludes the opposite of ``condition``."""
        if condition.is_true():
            return True
        if condition.is_false():
            return False
        key = condition.hash()
        core = self._context.proved.get(key, self._proved.get(key))
        if core is not None:
            self._relied_on |= core
            return True
        if any(not model.satisfies(condition) for model in self._models):
            return False
        return self._ask(condition, key, about)

    def _ask(self, condition: Bool, key: int, about: About) -> bool:
        facts = [*self._context.assumptions, *self._facts]
        goal = claripy.Not(condition)
        answer = self._context.solver.ask_nearest("explore", facts, goal)
        match answer:
            case Satisfied(model):
                self._models.append(model)
                return False
            case Contradictory(core):
                self._remember(key, core)
                used = tuple(fact for fact in facts if fact.label in core)
                self._context.note(Shown(about, self._step, self._at, used, condition))
                return True
            case GaveUp(reason):
                raise SolverGaveUp(reason)

    def _remember(self, key: int, core: frozenset[str]) -> None:
        needed = frozenset(label for label in core if not label.startswith(FACT_PREFIX))
        if needed == core:
            self._context.proved[key] = needed
        else:
            self._proved[key] = needed
        self._relied_on |= needed

    def likely(self, condition: Bool) -> bool:
        """Say whether the condition is true in the last model."""
        return self._models[-1].satisfies(condition)

    def decide(self, condition: Bool, about: About = About.INSTRUCTION) -> bool:
        """Say which way ``condition`` goes, forking where it can go both."""
        if condition.is_true() or condition.is_false():
            return bool(condition.is_true())
        if self.holds(condition, about):
            return True
        if self.holds(claripy.Not(condition), about):
            return False
        return self._fork(condition)

    def _fork(self, condition: Bool) -> bool:
        index = len(self._taken)
        if index < len(self._choices):
            choice = self._choices[index]
        else:
            choice = True
            self.alternatives.append((*self._taken, False))
        self._taken.append(choice)
        self._assume(condition if choice else claripy.Not(condition))
        return choice

    def _assume(self, condition: Bool, contract: str = "") -> None:
        label = f"{FACT_PREFIX}{len(self._facts)}"
        label += f"{CONTRACT_MARK}{contract}" if contract else ""
        self._facts.append(Fact(label, condition))
        self._models = [model for model in self._models if model.satisfies(condition)]
        self.find_model()

    def suppose(self, contract: str, condition: Bool) -> None:
        """Take for granted what a callee ensures, and name its contract.

        Raises SolverGaveUp where the path excludes it.
        """
        self._relied_on.add(contract)
        if not condition.is_true():
            self._assume(condition, contract)

    def find_model(self) -> None:
        """Make sure that there is a model of all that is known.

        Raises SolverGaveUp where none is found.
        """
        if self._models:
            return
        facts = [*self._context.assumptions, *self._facts]
        match self._context.solver.ask("explore", facts):
            case Satisfied(model):
                self._models.append(model)
            case Contradictory() | GaveUp() as answer:
                raise SolverGaveUp(f"no start found for a path that has one: {answer}")

    def value(self, expression: BV, about: About = About.INSTRUCTION) -> int | None:
        """Give the only value the path allows, or None."""
        number = known(expression)
        if number is not None:
            return number
        guess = self._models[-1].number(expression)
        return guess if self.holds(expression == guess, about) else None

    def fresh(self, name: str, width: int) -> BV:
        """Give the unknown of that name at this step."""
        return symbol(f"{name}@{self._step}", width)


@dataclass(frozen=True, slots=True)
class Choice:
    """A value that the manuals leave open and a concrete run asked for: ``width`` bits.

    ``step`` is the number of the instruction at which it was asked.
    """

    step: int
    name: str
    width: int
    value: int


class ConcreteOracle:
    """Answers for one concrete run, where every value is a number.

    ``values`` holds what the manuals leave open, by name and step as in ``rflags.AF@3``, or by
    name alone for whenever it is asked;
    ``asked`` collects what was chosen.
    """

    def __init__(self, values: Mapping[str, int], step: int) -> None:
        """Answer for step number ``step``."""
        self._values = values
        self._step = step
        self.asked: list[Choice] = []

    def decide(self, condition: Bool, _: object = None) -> bool:
        """Say whether the condition is true."""
        return self.holds(condition)

    def holds(self, condition: Bool, _: object = None) -> bool:
        """Say whether the condition is true."""
        if condition is TRUE or condition is FALSE:
            return condition is TRUE
        return bool(claripy.simplify(condition).is_true())

    def likely(self, condition: Bool) -> bool:
        """Say whether the condition is true."""
        return self.holds(condition)

    def value(self, expression: BV, _: object = None) -> int | None:
        """Give the number."""
        number = known(expression)
        return number if number is not None else known(claripy.simplify(expression))

    def fresh(self, name: str, width: int) -> BV:
        """Give the chosen value of an open one, 0 where none was chosen."""
        exact = self._values.get(f"{name}@{self._step}", self._values.get(name, 0))
        value = exact & ((1 << width) - 1)
        self.asked.append(Choice(self._step, name, width, value))
        return constant(value, width)
