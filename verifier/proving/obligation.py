"""What a claim obliges one to show, path by path.

An exit claim must hold at the exit of every path, and every path must get there. An event
claim must hold at each of its events, on every path, faulting ones included.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

import claripy

from verifier.execution.contract import CONTRACT
from verifier.execution.oracle import Knowledge, PathOracle
from verifier.execution.path import (
    Faulted,
    Occurrence,
    OutOfFuel,
    OutOfModel,
    Reached,
    Stopped,
    Subsumed,
)
from verifier.machine.events import (
    Access,
    ControlWrite,
    Execution,
    ModeChange,
    MsrWrite,
    Transfer,
)
from verifier.machine.oracle import Fault, Unmodelled
from verifier.machine.paging import Intent
from verifier.machine.words import symbol
from verifier.proving.evaluate import Moment
from verifier.solver import SolverGaveUp
from verifier.specification import expression as e
from verifier.specification.events import Event as Kind

if TYPE_CHECKING:
    from claripy.ast.bool import Bool
    from claripy.ast.bv import BV

    from verifier.execution.oracle import Context
    from verifier.execution.path import Path
    from verifier.machine.events import Event
    from verifier.proving.evaluate import Evaluator
    from verifier.solver import Fact
    from verifier.specification.spec import Claim


@dataclass(frozen=True, slots=True, eq=False)
class MustHold:
    """Under the path's facts ``condition`` must be true; ``broken`` says what it is if not.

    ``bound`` are the words that the claim is about all values of. Where ``partial``, the
    condition is only the first part of the claim that fails.
    """

    path: Path
    occurrence: Occurrence | None
    knowledge: Knowledge
    condition: Bool
    broken: str
    bound: Mapping[str, BV]
    partial: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Undecided:
    """Nothing can be shown on this path; concrete starts that differ in ``around`` may tell."""

    path: Path
    knowledge: Knowledge
    reason: str
    around: tuple[BV, ...] = ()


Obligation = MustHold | Undecided


@dataclass(frozen=True, slots=True, eq=False)
class Judging:
    """How claims are evaluated: the words of the spec and the shared solver context."""

    evaluator: Evaluator
    context: Context

    def obligations(self, claim: Claim, paths: tuple[Path, ...]) -> Iterator[Obligation]:
        """Give everything that ``claim`` asks of ``paths``."""
        if claim.event is None:
            for path in paths:
                yield from self._at_end(claim, path)
            return
        seen: set[tuple[int, int]] = set()
        for path in paths:
            for occurrence in relevant(claim, path):
                key = id(occurrence.step), id(occurrence.event)
                if key not in seen or isinstance(occurrence.event, Execution):
                    seen.add(key)
                    yield from self._at_event(claim, path, occurrence)
            if isinstance(path.ending, (OutOfModel, OutOfFuel)):
                yield _undecided(path)

    def _at_end(self, claim: Claim, path: Path) -> Iterator[Obligation]:
        match path.ending:
            case Reached(state):
                moment = Moment(state, bound=_bound(claim))
                yield from self._cases(claim, path, None, moment)
            case Faulted() | Stopped():
                yield _never(path, arrival_failure(path) or "")
            case OutOfModel() | OutOfFuel():
                yield _undecided(path)
            case Subsumed():
                return
            case _:
                assert_never(path.ending)

    def _at_event(self, claim: Claim, path: Path, occurrence: Occurrence) -> Iterator[Obligation]:
        moment = Moment(occurrence.step.before, occurrence.event, bound=_bound(claim))
        yield from self._cases(claim, path, occurrence, moment)

    def _cases(
        self, claim: Claim, path: Path, occurrence: Occurrence | None, moment: Moment
    ) -> Iterator[Obligation]:
        for here, oracle in self._branches(path, occurrence, moment):
            yield self._case(claim, path, occurrence, here, oracle)

    def _branches(
        self, path: Path, occurrence: Occurrence | None, moment: Moment
    ) -> Iterator[tuple[Moment, PathOracle]]:
        """Give the moment again wherever an address in a claim may lie in several places."""
        known = path.knowledge
        if occurrence is not None:
            known = Knowledge(known.facts[: occurrence.facts], known.models, {}, frozenset())
        pending: list[tuple[bool, ...]] = [()]
        while pending:
            oracle = PathOracle(self.context, known, pending.pop(), -1)
            yield Moment(moment.state, moment.event, oracle, moment.bound), oracle
            pending.extend(oracle.alternatives)

    def _case(
        self,
        claim: Claim,
        path: Path,
        occurrence: Occurrence | None,
        moment: Moment,
        oracle: PathOracle,
    ) -> Obligation:
        broken = f"`{_one_line(claim.holds.text)}` does not hold"
        if occurrence is not None:
            broken += f" at {occurrence.step.place}"
        try:
            condition = self._condition(claim, moment)
        except Fault as fault:
            condition = claripy.false()
            broken = f"there is no translation: {fault.why}"
        except (Unmodelled, SolverGaveUp) as gap:
            around = gap.around if isinstance(gap, Unmodelled) else ()
            return Undecided(path, oracle.knowledge, str(gap), around)
        known, cut = oracle.knowledge, bool(moment.cut)
        return MustHold(path, occurrence, known, condition, broken, moment.bound, cut)

    def _condition(self, claim: Claim, moment: Moment) -> Bool:
        holds = claim.holds.node
        whole = holds if claim.when is None else e.Implies(claim.when.node, holds)
        return self.evaluator.claimed(whole, moment)

    def meets(self, claim: Claim, paths: tuple[Path, ...]) -> bool:
        """Say whether any path may meet the claim's event, its ``when`` included."""
        if claim.event is None:
            return bool(paths)
        return any(
            isinstance(path.ending, (OutOfModel, OutOfFuel))
            or any(self._may_meet(claim, path, each) for each in relevant(claim, path))
            for path in paths
        )

    def _may_meet(self, claim: Claim, path: Path, occurrence: Occurrence) -> bool:
        try:
            return any(True for _ in self.meetings(claim, path, occurrence))
        except (Fault, Unmodelled, SolverGaveUp):
            return True

    def meetings(
        self, claim: Claim, path: Path, occurrence: Occurrence
    ) -> Iterator[tuple[tuple[Fact, ...], Bool]]:
        """Give facts and a condition that some start satisfies, which then meets the event.

        Raises Fault, Unmodelled or SolverGaveUp where the claim's ``when`` has no value.
        """
        if claim.when is None:
            yield path.facts[: occurrence.facts], claripy.true()
            return
        moment = Moment(occurrence.step.before, occurrence.event, bound=_bound(claim))
        for here, oracle in self._branches(path, occurrence, moment):
            when = self.evaluator.truth(claim.when.node, here)
            if not oracle.holds(claripy.Not(when)):
                yield oracle.knowledge.facts, when

    def may_hold(self, claim: Claim, truths: tuple[e.Truth, ...], paths: tuple[Path, ...]) -> bool:
        """Say whether all ``truths`` may hold at once anywhere that the claim speaks of."""
        return any(
            isinstance(path.ending, (OutOfModel, OutOfFuel))
            or any(
                self._may_hold(truths, path, occurrence, moment)
                for occurrence, moment in _moments(claim, path)
            )
            for path in paths
        )

    def _may_hold(
        self,
        truths: tuple[e.Truth, ...],
        path: Path,
        occurrence: Occurrence | None,
        moment: Moment,
    ) -> bool:
        if not truths:
            return True
        for here, oracle in self._branches(path, occurrence, moment):
            try:
                never = (claripy.Not(self.evaluator.truth(truth, here)) for truth in truths)
                if not oracle.holds(claripy.Or(*never)):
                    return True
            except (Fault, Unmodelled, SolverGaveUp):
                return True
        return False


def _moments(claim: Claim, path: Path) -> Iterator[tuple[Occurrence | None, Moment]]:
    """Give where a claim speaks of a path: at each of its events, or at the exit."""
    if claim.event is None:
        if isinstance(path.ending, Reached):
            yield None, Moment(path.ending.state, bound=_bound(claim))
        return
    for each in relevant(claim, path):
        yield each, Moment(each.step.before, each.event, bound=_bound(claim))


def arrival_failure(path: Path, where: str = "") -> str | None:
    """Say why a path does not reach the exit, None where it does or nobody knows.

    ``where`` names the last instruction, by its region where not given.
    """
    where = where or where_ended(path)
    match path.ending:
        case Faulted() as fault:
            code = "" if fault.error is None else f"({fault.error:#x})"
            return f"does not arrive: {fault.vector.mnemonic}{code} at {where}: {fault.why}"
        case Stopped():
            return f"does not arrive: halts at {where}"
        case _:
            return None


def _bound(claim: Claim) -> dict[str, BV]:
    return {name: symbol(f"for all {name}") for name in claim.for_all}


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _never(path: Path, sentence: str) -> MustHold:
    return MustHold(path, None, path.knowledge, claripy.false(), sentence, {})


def _undecided(path: Path) -> Undecided:
    ending = path.ending
    if not isinstance(ending, (OutOfModel, OutOfFuel)):
        return Undecided(path, path.knowledge, "the path did not end")
    around = ending.around if isinstance(ending, OutOfModel) else ()
    return Undecided(path, path.knowledge, f"at {where_ended(path)}: {ending.reason}", around)


def where_ended(path: Path) -> str:
    """Name the instruction at which a path ended."""
    if not path.steps:
        return "the entry"
    last = path.steps[-1]
    return f"{last.place} (`{last.instruction.text}`)"


def relevant(claim: Claim, path: Path) -> Iterator[Occurrence]:
    """Give the events of a path that the claim is about, whatever its ``when`` says."""
    if claim.event is Kind.INSTRUCTION:
        for step in path.steps:
            if step.form == CONTRACT:
                continue
            base, offset = step.place.region.base, step.place.offset
            yield Occurrence(Execution(base + offset, step.instruction.size), step, step.facts)
        return
    for occurrence in path.occurrences:
        if _is_kind(occurrence.event, claim):
            yield occurrence


def _is_kind(event: Event, claim: Claim) -> bool:
    match claim.event:
        case Kind.CONTROL_WRITE:
            wanted = claim.register
            return isinstance(event, ControlWrite) and wanted in {None, event.register}
        case Kind.MSR_WRITE:
            return isinstance(event, MsrWrite)
        case Kind.TRANSFER:
            return isinstance(event, Transfer)
        case Kind.MODE_CHANGE:
            return isinstance(event, ModeChange)
        case Kind.READ:
            return isinstance(event, Access) and event.intent is Intent.READ
        case Kind.WRITE:
            return isinstance(event, Access) and event.intent is Intent.WRITE
        case Kind.INSTRUCTION:
            return False
        case None:
            return False
        case _:
            assert_never(claim.event)
