"""Every path from a start to wherever it ends. Nothing here knows of claims."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import claripy

from verifier.execution.oracle import Knowledge, PathOracle
from verifier.execution.path import (
    Faulted,
    Occurrence,
    OutOfFuel,
    OutOfModel,
    Path,
    Reached,
)
from verifier.execution.step import Taken, take
from verifier.machine.events import Transfer
from verifier.machine.words import split
from verifier.solver import Contradictory, GaveUp, Satisfied, SolverGaveUp

if TYPE_CHECKING:
    from claripy.ast.bool import Bool
    from claripy.ast.bv import BV

    from verifier.execution.oracle import Context
    from verifier.execution.path import Ending, Step
    from verifier.machine.registers import ControlRegister
    from verifier.machine.state import State
    from verifier.solver import Model


@dataclass(frozen=True, slots=True, eq=False)
class ExitAtInstruction:
    """The exit is the transfer executed at one of these addresses, given by source."""

    addresses: tuple[BV, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ExitAfterBit:
    """The exit is the first transfer to 64-bit code after a control bit differs from the entry."""

    register: ControlRegister
    bit: int
    at_entry: BV

    def reached(self, after: State) -> Bool:
        """Say whether the step ended in 64-bit code with the bit changed."""
        changed = (after.control(self.register) ^ self.at_entry)[self.bit] == 1
        return claripy.And(changed, claripy.BoolV(after.mode.is_64))


@dataclass(frozen=True, slots=True, eq=False)
class ExitLeavesRanges:
    """The exit is the first transfer to a target outside these ranges of linear addresses."""

    ranges: tuple[tuple[BV, int], ...]

    def reached(self, after: State) -> Bool:
        """Say whether the step's target lies outside."""
        return claripy.And(*(claripy.UGE(after.rip - base, size) for base, size in self.ranges))


ExitRule = ExitAtInstruction | ExitAfterBit | ExitLeavesRanges


@dataclass(frozen=True, slots=True)
class Fuel:
    """Limits whose reaching ends a path as unknown."""

    instructions: int = 2000
    paths: int = 256


@dataclass(frozen=True, slots=True, eq=False)
class Trail:
    """A path that has not ended: where it is and what led there."""

    state: State
    knowledge: Knowledge
    steps: tuple[Step, ...] = ()
    occurrences: tuple[Occurrence, ...] = ()
    choices: tuple[bool, ...] = ()


Progress = Callable[[int, int], None]
"""Is told how many paths have ended and how many instructions were executed."""


@dataclass(slots=True)
class Exploration:
    """One exploration under way."""

    context: Context
    exit_rule: ExitRule
    fuel: Fuel
    progress: Progress | None = None
    ended: list[Path] = field(default_factory=list)
    executed: int = 0

    def run(self, start: State, models: tuple[Model, ...]) -> list[Path]:
        """Follow every path from ``start``; ``models`` satisfy the assumptions."""
        pending = [Trail(start, Knowledge((), models, {}, frozenset()))]
        while pending:
            trail = pending.pop()
            if len(self.ended) + len(pending) >= self.fuel.paths:
                reason = f"the limit of {self.fuel.paths} paths was reached"
                self._end(trail, OutOfFuel(trail.state, reason))
                continue
            self._follow(trail, pending)
        return self.ended

    def _follow(self, trail: Trail, pending: list[Trail]) -> None:
        while True:
            if len(trail.steps) >= self.fuel.instructions:
                reason = f"the limit of {self.fuel.instructions} instructions was reached"
                self._end(trail, OutOfFuel(trail.state, reason))
                return
            oracle = PathOracle(self.context, trail.knowledge, trail.choices, len(trail.steps))
            facts = oracle.fact_count
            taken = take(trail.state, oracle, len(trail.steps), facts)
            ending = taken.ending or self._exit(trail, taken, oracle)
            pending.extend(replace(trail, choices=other) for other in oracle.alternatives)
            self.executed += 1
            if self.progress is not None:
                self.progress(len(self.ended), self.executed)
            trail = _advance(trail, taken, ending, oracle)
            if ending is not None:
                self._end(trail, ending)
                return

    def _exit(self, trail: Trail, taken: Taken, oracle: PathOracle) -> Ending | None:
        if not any(isinstance(event, Transfer) for event in taken.events):
            return None
        rule = self.exit_rule
        try:
            if isinstance(rule, ExitAtInstruction):
                before = taken.step.before if taken.step else trail.state
                at_exit = _stands_at(before, rule, oracle)
            else:
                at_exit = oracle.decide(rule.reached(taken.state))
        except SolverGaveUp as gave_up:
            return OutOfModel(taken.state, f"the solver gave up: {gave_up}")
        return Reached(taken.state) if at_exit else None

    def _end(self, trail: Trail, ending: Ending) -> None:
        self.ended.append(Path(trail.steps, trail.occurrences, ending, trail.knowledge))


def _stands_at(state: State, rule: ExitAtInstruction, oracle: PathOracle) -> bool:
    for address in rule.addresses:
        here, there = split(state.rip), split(address)
        if here[0] is there[0]:
            if here[1] == there[1]:
                return True
            continue
        if oracle.decide(state.rip == address):
            return True
    return False


def _advance(trail: Trail, taken: Taken, ending: Ending | None, oracle: PathOracle) -> Trail:
    steps, occurrences = trail.steps, trail.occurrences
    if taken.step is not None:
        steps = (*steps, taken.step)
        if not isinstance(ending, OutOfModel):
            count = oracle.fact_count
            occurrences += tuple(Occurrence(event, taken.step, count) for event in taken.events)
    state = trail.state if isinstance(ending, (Faulted, OutOfModel)) else taken.state
    return Trail(state, oracle.knowledge, steps, occurrences)


def explore(
    start: State,
    context: Context,
    exit_rule: ExitRule,
    fuel: Fuel | None = None,
    progress: Progress | None = None,
) -> list[Path] | None:
    """Give every path from ``start``, or None where no start satisfies the assumptions."""
    match context.solver.ask("assumptions", context.assumptions):
        case Satisfied(model):
            exploration = Exploration(context, exit_rule, fuel or Fuel(), progress)
            return exploration.run(start, (model,))
        case Contradictory():
            return None
        case GaveUp(reason):
            ending = OutOfFuel(start, f"the solver gave up: {reason}")
            return [Path((), (), ending, Knowledge((), (), {}, frozenset()))]
