"""One target under one processor model: explored once, then asked claim by claim."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING

import claripy

from verifier.agreement.found import comparison
from verifier.execution.explore import Fuel, explore
from verifier.execution.oracle import Context, Shown
from verifier.machine.models import MODELS
from verifier.machine.words import symbol
from verifier.proving.boundary import allowed_range, find_boundary
from verifier.proving.candidate import Finder
from verifier.proving.cause import with_cause
from verifier.proving.contracts import contracts_of
from verifier.proving.entry import begin
from verifier.proving.exits import exit_rule
from verifier.proving.explain import explain
from verifier.proving.gaps import Gap, gaps_of, replay_gaps
from verifier.proving.idle import idle_premises
from verifier.proving.obligation import Judging
from verifier.proving.prove import (
    Open,
    Proved,
    Refutable,
    Vacuous,
    prove,
    smallest_contradiction,
    violation,
)
from verifier.proving.rehearsal import Stage
from verifier.proving.result import Report, Result
from verifier.proving.unreached import unreached
from verifier.solver import Solver, Statistics
from verifier.specification.expression import Input
from verifier.specification.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from claripy.ast.bv import BV

    from verifier.agreement.found import Comparison
    from verifier.execution.explore import Watch
    from verifier.execution.path import Path
    from verifier.machine.models import ModelName
    from verifier.proving.candidate import Candidate
    from verifier.proving.concretise import Bench
    from verifier.proving.entry import Begin
    from verifier.proving.obligation import Undecided
    from verifier.proving.result import Boundary, InputValue
    from verifier.proving.target import Target
    from verifier.solver import Fact
    from verifier.specification.spec import Claim

SPARE = 8
"""Further candidates that are tried where no engine can judge the first."""


@dataclass(frozen=True, slots=True, eq=False)
class Verdicts:
    """A result, and the candidate behind it that a replay has still to confirm.

    ``others`` are for when no engine can judge the first.
    """

    result: Result
    candidate: Candidate | None = None
    others: Iterator[Candidate] = field(default_factory=lambda: iter(()))


class Session:
    """Every path of a target under one model, and the verdicts on its claims."""

    def __init__(  # noqa: PLR0913 - what sessions may share is theirs to give
        self,
        target: Target,
        model: ModelName,
        bench: Bench,
        solver: Solver | None = None,
        *,
        certify: bool = False,
        like: Session | None = None,
        watch: Watch | None = None,
    ) -> None:
        """Explore every path; sessions of one target may share a solver.

        ``certify`` keeps what the solver excluded, and each proof, for a bundle. What ``like``
        showed from assumptions alone holds where the same are made. ``watch`` is told each
        path, and what it raises leaves no session.
        """
        self.target: Target = target
        self.model: ModelName = model
        self.begin: Begin = begin(target.spec, target.image, model)
        limits = target.spec.limits
        facts = tuple(fact for fact in self.begin.facts if fact.label not in target.dropped)
        contracts = contracts_of(self.begin.evaluator, target.dropped)
        solver = solver or Solver(limits.solver_seconds)
        shown: list[Shown] | None = [] if certify else None
        cases = self.begin.cases
        self.context: Context = Context(solver, facts, cases, contracts=contracts, shown=shown)
        if like is not None and not certify and _same(facts, like.context.assumptions):
            self.context.proved.update(like.context.proved)
        self.proofs: dict[str, Proved] = {}
        self.judging = Judging(self.begin.evaluator, self.context)
        fuel = Fuel(limits.instructions, limits.paths)
        rule = exit_rule(self.begin.evaluator)
        explored = explore(self.begin.state, self.context, rule, fuel, watch=watch)
        self.contradiction = smallest_contradiction(self.context) if explored is None else ()
        self.paths: tuple[Path, ...] = tuple(explored or ())
        self.stage = Stage(self.begin.evaluator, MODELS[model], fuel, bench)
        self._allowed: tuple[int, int] | None = None

    @property
    def load(self) -> BV | None:
        """Give the symbol of the load address, None where the image does not move."""
        node = self.target.spec.base.node
        return symbol(node.name) if isinstance(node, Input) else None

    @cached_property
    def finder(self) -> Finder:
        """Give what looks for counterexamples."""
        return Finder(self.stage, self.context, self.begin.state, self.load)

    @cached_property
    def comparison(self) -> Comparison:
        """Give what came of holding the lifter's meanings against a second lifter's."""
        return compared([self])

    def judge(self, claim: Claim, *, told: bool = False) -> Verdicts:
        """Judge one claim; ``told`` asks for an explanation of a proof."""
        started = time.perf_counter()
        verdicts = self._judged(claim, told=told)
        seconds = time.perf_counter() - started
        return replace(verdicts, result=self._doubted(replace(verdicts.result, seconds=seconds)))

    def _doubted(self, result: Result) -> Result:
        """Give up a proof where the lifters disagree on an instruction that was executed."""
        if result.verdict is not Verdict.PROVED or not self.comparison.disagreed:
            return result
        reason = "; ".join(each.sentence for each in self.comparison.disagreed)
        given_up = replace(result, verdict=Verdict.UNKNOWN, reason=reason)
        return replace(given_up, assumptions=(), obligations=0, explanation=None)

    def _judged(self, claim: Claim, *, told: bool) -> Verdicts:
        if not self.paths:
            names = ", ".join(self.contradiction)
            reason = f"no start satisfies the assumptions: {names} contradict each other"
            return Verdicts(self._result(claim, Verdict.VACUOUS, reason))
        match prove(claim, self.paths, self.judging):
            case Proved(obligations, needed) as proof:
                if self.context.shown is not None:
                    self.proofs[claim.id] = proof
                result = replace(
                    self._result(claim, Verdict.PROVED),
                    assumptions=tuple(sorted(needed)),
                    obligations=len(obligations),
                    explanation=explain(claim, obligations, self.begin.evaluator) if told else None,
                    idle=self._idle(claim),
                )
                return Verdicts(result)
            case Vacuous(reason):
                return Verdicts(self._result(claim, Verdict.VACUOUS, reason))
            case Refutable() as refutable:
                return self._refuted(claim, refutable)
            case Open(gaps):
                return self._open(claim, gaps)

    def _idle(self, claim: Claim) -> tuple[str, ...]:
        """Give the premises of a proved claim that are true nowhere, which no bundle is about."""
        if self.context.shown is not None:
            return ()
        return idle_premises(claim, self.paths, self.judging)

    def _refuted(self, claim: Claim, refutable: Refutable) -> Verdicts:
        boundary = self._boundary(refutable)
        hint = None if boundary is None else boundary.first
        candidate = self.finder.from_failing(claim, refutable.failing, hint)
        if candidate is None:
            opened = self._open(claim, refutable.gaps)
            if opened.candidate is not None:
                return opened
            reason = f"{refutable.failing[0].obligation.broken}, but not replayable"
            return Verdicts(self._result(claim, Verdict.UNKNOWN, reason))
        candidate = with_cause(claim, candidate, refutable.failing, self.paths, self.judging)
        result = replace(
            self._result(claim, Verdict.REFUTED, candidate.broken.sentence), boundary=boundary
        )
        every = boundary is not None and boundary.every_load
        return Verdicts(result, replace(candidate, inputs=self._with_load(candidate, every=every)))

    def _with_load(self, candidate: Candidate, *, every: bool) -> tuple[InputValue, ...]:
        """Say that the load matters, unless some start fails at every load."""
        names = frozenset[str]() if self.load is None else self.load.variables
        return tuple(
            replace(one, matters=not every) if one.name in names else one
            for one in candidate.inputs
        )

    def _open(self, claim: Claim, gaps: tuple[Undecided, ...]) -> Verdicts:
        found = self.finder.from_gaps(claim, gaps)
        first = next(found, None)
        if first is not None:
            result = self._result(claim, Verdict.REFUTED, first.broken.sentence)
            return Verdicts(result, first, islice(found, SPARE))
        reasons = dict.fromkeys(gap.reason for gap in gaps)
        return Verdicts(self._result(claim, Verdict.UNKNOWN, "; ".join(list(reasons)[:3])))

    def _boundary(self, refutable: Refutable) -> Boundary | None:
        load = self.load
        if load is None:
            return None
        if self._allowed is None:
            self._allowed = allowed_range(self.context, load)
        if self._allowed is None:
            return None
        known = [gap.knowledge for gap in refutable.gaps]
        known += [one.obligation.knowledge for one in refutable.failing if one.obligation.partial]
        gaps = claripy.Or(*(claripy.And(*(fact.condition for fact in one.facts)) for one in known))
        broken = violation(refutable.failing)
        return find_boundary(self.context, load, broken, gaps, self._allowed)

    def _result(self, claim: Claim, verdict: Verdict, reason: str = "") -> Result:
        return Result(
            target=self.target.spec.name,
            claim=claim.id,
            model=self.model,
            verdict=verdict,
            reason=reason,
            paths=len(self.paths),
            instructions=sum(len(path.steps) for path in self.paths),
            cuts=tuple(dict.fromkeys(self.context.cuts)),
        )


def _same(facts: Sequence[Fact], others: Sequence[Fact]) -> bool:
    """Say whether two sets of assumptions are one, by ids and conditions."""
    return [(each.label, each.condition.hash()) for each in facts] == [
        (each.label, each.condition.hash()) for each in others
    ]


def unneeded(target: Target, results: Iterable[Result]) -> tuple[str, ...]:
    """Give the assumptions that no proof among ``results`` needed, none without a proof."""
    proofs = [result for result in results if result.verdict is Verdict.PROVED]
    needed = {name for result in proofs for name in result.assumptions}
    ids = target.spec.granted if proofs else {}
    return tuple(name for name in ids if name not in needed and name not in target.dropped)


def compared(sessions: Iterable[Session]) -> Comparison:
    """Compare both meanings of each ordinary instruction that was executed, by its bytes."""
    from verifier.agreement.compare import compare  # noqa: PLC0415  (it imports both lifters)

    executed = {
        (each.mode.is_64, each.raw): each
        for session in sessions
        for each in session.context.executed
    }
    found = [compare(each) for _, each in sorted(executed.items(), key=itemgetter(0))]
    return comparison(tuple(each for each in found if each is not None))


def gaps_behind(sessions: Iterable[Session], results: Iterable[Result]) -> tuple[Gap, ...]:
    """Give the gaps between proved and true that verdicts rest on, in the order of their ids."""
    found = replay_gaps(results).union(*(gaps_of(session) for session in sessions))
    return tuple(gap for gap in Gap if gap in found)


def report_of(target: Target, sessions: Iterable[Session], results: Sequence[Result]) -> Report:
    """Put together what the sessions of one target, which share a solver, found."""
    sessions = tuple(sessions)
    statistics = sessions[-1].context.solver.statistics if sessions else Statistics()
    return Report(
        target.spec,
        target.image,
        tuple(results),
        target.dropped,
        unneeded=unneeded(target, results),
        solver_questions=statistics.total,
        solver_seconds=statistics.seconds,
        unreached=unreached(session.paths for session in sessions),
        paths={session.model: session.paths for session in sessions},
        comparison=compared(sessions),
        gaps=gaps_behind(sessions, results),
        sessions=tuple(each for each in sessions if each.context.shown is not None),
    )
