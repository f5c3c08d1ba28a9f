"""Every path from a start to wherever it ends. Nothing here knows of claims."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from verifier.execution import calls
from verifier.execution.bulk import SEEN, Bulk
from verifier.execution.contract import CONTRACT, stand_in
from verifier.execution.exits import ExitAtInstruction, stands_at
from verifier.execution.flow import Flow, Loop, located
from verifier.execution.joining import joined
from verifier.execution.loops import Cutting, NotCut, Round
from verifier.execution.oracle import Knowledge, PathOracle
from verifier.execution.path import (
    Faulted,
    Occurrence,
    OutOfFuel,
    OutOfModel,
    Path,
    Reached,
    Subsumed,
)
from verifier.execution.segment import Root, Segment
from verifier.execution.step import Taken, take
from verifier.execution.trail import Trail, meet
from verifier.machine.events import Transfer
from verifier.solver import Contradictory, GaveUp, Satisfied, SolverGaveUp

if TYPE_CHECKING:
    from claripy.ast.bool import Bool

    from verifier.execution.exits import ExitRule
    from verifier.execution.oracle import Context
    from verifier.execution.path import Ending
    from verifier.machine.state import State


@dataclass(frozen=True, slots=True)
class Fuel:
    """Limits whose reaching ends a path as unknown."""

    instructions: int = 2000
    paths: int = 256


Progress = Callable[[int, int], None]
"""Is told how many paths have ended and how many instructions were executed."""
Watch = Callable[[Path], None]
"""Is told each path that ended outside of loops; what it raises ends the exploration."""


CALLS = "CALL"
"""How the manual's forms of a call begin."""
UNROLLED = 8
"""Rounds of a loop with several ways through it that are followed before it is cut."""


@dataclass(slots=True)
class Exploration:
    """One exploration under way."""

    context: Context
    exit_rule: ExitRule
    fuel: Fuel
    progress: Progress | None = None
    ended: list[Path] = field(default_factory=list)
    executed: int = 0
    flow: Flow = field(default_factory=Flow)
    cut_heads: set[tuple[str, int]] = field(default_factory=set)
    watch: Watch | None = None
    rounds: int = 0

    def run(self, start: State) -> bool:
        """Follow every path from ``start``, each of the context's cases by itself.

        Say whether there is any start that the assumptions allow.
        """
        begun = [self._begin(start, case) for case in self.context.cases]
        return any(begun)

    def _begin(self, start: State, case: Bool) -> bool:
        trail = Trail(start, Knowledge((), (), {}, frozenset()))
        if not case.is_true():
            trail = trail.knowing(case)
        trail = replace(trail, segment=Segment(Root.START, start, trail.knowledge.facts))
        known = [*self.context.assumptions, *trail.knowledge.facts]
        match self.context.solver.ask("assumptions", known):
            case Satisfied(model):
                knowledge = replace(trail.knowledge, models=(model,))
                self.follow([replace(trail, knowledge=knowledge)], lambda _: False)
                return True
            case Contradictory():
                return False
            case GaveUp(reason):
                self._end(trail, OutOfFuel(start, f"the solver gave up: {reason}"))
                return True

    def follow(
        self, trails: Iterable[Trail], stops: calls.Stops, *, joining: bool = True
    ) -> list[Trail]:
        """Follow trails to their ends; give back those that ``stops`` names.

        Trails that meet at one instruction are joined, where ``joining`` says so.
        """
        stopped: list[Trail] = []
        pending = list(trails)
        while pending:
            trail = self._next(pending, joining=joining)
            if not trail.choices and stops(trail):
                stopped.append(trail)
                continue
            limit = self._limit(trail, len(pending))
            if limit is not None:
                self._end(trail, OutOfFuel(trail.state, limit))
                continue
            loop = None if trail.choices else self.flow.loop_at(trail.state)
            if loop is not None:
                pending += self._loop(trail, loop)
            else:
                pending += self.step(trail)
        return stopped

    def _next(self, pending: list[Trail], *, joining: bool) -> Trail:
        """Take the trail to follow next: the last, or of all the one that others may join."""
        if not joining or len(pending) == 1:
            return pending.pop()
        for place, trail in enumerate(pending):
            if trail.choices:
                return pending.pop(place)
        ways = list(pending)
        first = min(ways, key=lambda trail: self.flow.order(trail.state))
        same = [trail for trail in ways if meet(first, trail)]
        joint = joined(same) if len(same) > 1 else None
        if joint is None:
            pending.remove(first)
            return first
        for way in same:
            pending.remove(way)
            self._end(way, Subsumed(way.state, joint.segment))
        return joint

    def _limit(self, trail: Trail, pending: int) -> str | None:
        apart = sum(not isinstance(path.ending, Subsumed) for path in self.ended)
        if apart + pending >= self.fuel.paths:
            return f"the limit of {self.fuel.paths} paths was reached"
        if trail.number >= self.fuel.instructions:
            return f"the limit of {self.fuel.instructions} instructions was reached"
        return None

    def step(self, trail: Trail) -> list[Trail]:
        """Execute one instruction; give the trails that go on, the one to follow first last."""
        at = trail.state.rip
        oracle = PathOracle(self.context, trail.knowledge, trail.choices, trail.number, at)
        here = trail.state, oracle, trail.number
        taken = stand_in(self.context, *here) or take(*here, oracle.fact_count)
        ending = taken.ending or self._exit(trail, taken, oracle)
        others = [replace(trail, choices=other) for other in oracle.alternatives]
        self.executed += 1
        if taken.step is not None and taken.step.form != CONTRACT:
            self.context.executed.add(taken.step.instruction)
        if self.progress is not None:
            self.progress(len(self.ended), self.executed)
        after = _advance(trail, taken, ending, oracle)
        if ending is not None:
            self._end(after, ending)
            return others
        if taken.step is not None and taken.step.form.startswith(CALLS):
            return [*others, *self._call(trail, after)]
        return [*others, after]

    def _call(self, caller: Trail, called: Trail) -> list[Trail]:
        """Follow a call; where it returns on several ways, go on with one trail for all."""
        returns = calls.returning(self.context, caller, called)
        if returns is None:
            return [called]
        ways = self.follow([called], returns)
        joint = joined(ways) if len(ways) > 1 else None
        if joint is None:
            return ways
        for way in ways:
            self._end(way, Subsumed(way.state, joint.segment))
        return [joint]

    def _loop(self, trail: Trail, loop: Loop) -> list[Trail]:
        """Follow a loop to whatever lies outside it, cutting it where its length is data."""
        rounds = Rounds(self, loop)
        key = loop.region, loop.head
        before = len(self.context.cuts)
        first = rounds.go(trail)
        if key not in self.cut_heads:
            outside = rounds.unrolled(trail, first)
            if outside is not None:
                return outside
            self.cut_heads.add(key)
        place = f"{loop.region}+{loop.head:#x}"
        if not first.back:
            return rounds.kept(first)
        self.context.keep_cuts(before)
        try:
            closed = Cutting(self.context, trail, rounds.go, place).close(first.back)
        except (NotCut, SolverGaveUp) as why:
            reason = f"the loop at {place} is not bounded here: {why}"
            self._end(trail, OutOfModel(trail.state, reason))
            return []
        self.context.cut(closed.cut, closed.entry)
        self.ended += closed.ended
        return list(closed.outside)

    def _exit(self, trail: Trail, taken: Taken, oracle: PathOracle) -> Ending | None:
        if not any(isinstance(event, Transfer) for event in taken.events):
            return None
        rule = self.exit_rule
        try:
            if isinstance(rule, ExitAtInstruction):
                before = taken.step.before if taken.step else trail.state
                at_exit = stands_at(before, rule, oracle)
            else:
                at_exit = oracle.decide(rule.reached(taken.state))
        except SolverGaveUp as gave_up:
            return OutOfModel(taken.state, f"the solver gave up: {gave_up}")
        return Reached(taken.state) if at_exit else None

    def _end(self, trail: Trail, ending: Ending) -> None:
        ended = Path(trail.steps, trail.occurrences, ending, trail.knowledge, trail.segment)
        self.ended.append(ended)
        if self.watch is not None and not self.rounds:
            self.watch(ended)


@dataclass(slots=True)
class Rounds:
    """Goes round one loop, its head apart followed as everything is."""

    exploration: Exploration
    loop: Loop

    def go(self, trail: Trail) -> Round:
        """Follow a trail at the head until it is there again, outside, or ended."""
        own, self.exploration.ended = self.exploration.ended, []
        self.exploration.rounds += 1
        try:
            back: list[Trail] = []
            outside: list[Trail] = []
            first = self.exploration.step(trail)
            for found in self.exploration.follow(first, self._leaves, joining=False):
                (back if self._at_head(found) else outside).append(found)
            return Round(tuple(back), tuple(outside), tuple(self.exploration.ended))
        finally:
            self.exploration.ended = own
            self.exploration.rounds -= 1

    def _leaves(self, trail: Trail) -> bool:
        found = located(trail.state)
        return found is None or found[1] not in self.loop.body or self._at_head(trail)

    def _at_head(self, trail: Trail) -> bool:
        found = located(trail.state)
        return (
            found is not None and found[0].name == self.loop.region and (found[1] == self.loop.head)
        )

    def unrolled(self, entered: Trail, first: Round) -> list[Trail] | None:
        """Go round until nothing comes back; None where that is no way to the end of it."""
        done, current, forked, seen = [first], first, 0, [entered]
        while current.back:
            forked += len(current.back) + len(current.outside) + len(current.ended) > 1
            if len(current.back) > 1 and len(done) == 1:
                done[-1] = current = _met(current)
            if len(current.back) > 1 or forked > UNROLLED:
                return None
            head = current.back[0]
            seen = [] if forked else [*seen, head]
            if len(seen) == SEEN:
                place = f"{self.loop.region}+{self.loop.head:#x}"
                head = Bulk(self.exploration.context, seen, self.go, place).taken() or head
            current = self.go(head)
            done.append(current)
        return [trail for one in done for trail in self.kept(one)]

    def kept(self, one: Round) -> list[Trail]:
        """Count the paths that ended in a round; give the trails outside."""
        self.exploration.ended += one.ended
        return list(one.outside)


def _met(one: Round) -> Round:
    """Give a round with what came back as one trail, where that can be joined."""
    joint = joined(one.back)
    if joint is None:
        return one
    met = (
        Path(b.steps, b.occurrences, Subsumed(b.state, joint.segment), b.knowledge, b.segment)
        for b in one.back
    )
    return replace(one, back=(joint,), ended=(*one.ended, *met))


def _advance(trail: Trail, taken: Taken, ending: Ending | None, oracle: PathOracle) -> Trail:
    steps, occurrences = trail.steps, trail.occurrences
    if taken.step is not None:
        steps = (*steps, taken.step)
        if not isinstance(ending, OutOfModel):
            count = oracle.fact_count
            occurrences += tuple(Occurrence(event, taken.step, count) for event in taken.events)
    state = trail.state if isinstance(ending, (Faulted, OutOfModel)) else taken.state
    number = trail.number + 1
    return Trail(state, oracle.knowledge, steps, occurrences, (), number, trail.segment)


def explore(  # noqa: PLR0913 - who looks on is no part of what is explored
    start: State,
    context: Context,
    exit_rule: ExitRule,
    fuel: Fuel | None = None,
    progress: Progress | None = None,
    *,
    watch: Watch | None = None,
) -> list[Path] | None:
    """Give every path from ``start``, or None where no start satisfies the assumptions."""
    exploration = Exploration(context, exit_rule, fuel or Fuel(), progress, watch=watch)
    return exploration.ended if exploration.run(start) else None
