"""Mutants judged one by one: the same claims, the same models, other bytes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from verifier.errors import BadInput
from verifier.execution.path import (
    Faulted,
    OutOfFuel,
    OutOfModel,
    Reached,
    Stopped,
    Subsumed,
)
from verifier.mutation.effect import Both
from verifier.mutation.fate import (
    Ended,
    Equivalent,
    Fate,
    Killed,
    Strength,
    Surviving,
    Unreachable,
)
from verifier.mutation.kept import kept
from verifier.mutation.sites import mutants_of, shuffled
from verifier.proving.obligation import arrival_failure, where_ended
from verifier.proving.prove import Open, Proved, Refutable, prove
from verifier.proving.session import Session
from verifier.proving.target import altered_target
from verifier.replay.judging import bench, confirmed, resample, sampled_starts
from verifier.solver import Solver
from verifier.specification.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from verifier.execution.path import Path
    from verifier.mutation.kept import Keep, Kept
    from verifier.mutation.mutant import Mutant
    from verifier.proving.candidate import Found
    from verifier.proving.result import Result
    from verifier.proving.target import Choice, Target
    from verifier.replay.replayer import Replayer
    from verifier.specification.spec import Claim
    from verifier.specification.survivor import Survivor


MOST_OPEN = 3
"""Paths that end outside the model, or out of fuel, after which no failure is waited for."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What to judge, and how much.

    Without a ``seed`` mutants come in the order of the bytes. ``limit`` is how many to judge,
    ``seconds`` how long to begin another. ``replay`` has each refutation confirmed, and
    ``samples`` is from how many starts at each load address a mutant that is proved is replayed.
    ``keep`` has each fate kept, and those that were taken from there.
    """

    choice: Choice
    seed: int | None = None
    limit: int | None = None
    seconds: float | None = None
    replay: bool = False
    samples: int = 1
    keep: Keep | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Original:
    """A target as it is, under one model: its claims, the cheapest to prove first."""

    session: Session
    claims: tuple[Claim, ...]
    results: tuple[Result, ...]
    starts: tuple[Found, ...]


class _Enough(Exception):
    """The paths so far decide the mutant's fate."""

    def __init__(self, path: Path) -> None:
        """Keep the path that does not reach the exit."""
        super().__init__()
        self.path = path


@dataclass(slots=True)
class _Watch:
    """Ends an exploration once claims at the exit cannot be proved any more."""

    open: int = 0

    def __call__(self, path: Path) -> None:
        """Look at one path: the first that fails counts, or one of several that nobody knows."""
        match path.ending:
            case Faulted() | Stopped():
                raise _Enough(path)
            case OutOfModel() | OutOfFuel():
                self.open += 1
                if self.open == MOST_OPEN:
                    raise _Enough(path)
            case Reached() | Subsumed():
                pass


@dataclass(slots=True)
class Trial:
    """The judging of one target's mutants."""

    target: Target
    wish: Wish
    replayer: Replayer
    originals: list[Original] = field(default_factory=list)

    def begin(self) -> None:
        """Judge the original; BadInput where it does not keep what it promises."""
        for model, claims in self.wish.choice.pairs(self.target.spec):
            session = Session(self.target, model, bench(), self._solver())
            results, cost = [], {}
            for claim in claims:
                asked = session.context.solver.statistics.total
                result = session.judge(claim).result
                cost[claim.id] = session.context.solver.statistics.total - asked
                if result.verdict is not Verdict.PROVED:
                    message = (
                        f"{claim.id} is {result.verdict.value} under {model.value} of the target "
                        "as it is; only what is proved of it can see a change"
                    )
                    raise BadInput(message, self.target.spec.description.path, claim.line)
                results.append(result)
            ordered = sorted(claims, key=lambda claim: cost[claim.id])
            starts = sampled_starts(session, self.wish.samples)
            self.originals.append(Original(session, tuple(ordered), tuple(results), starts))
        if not self.originals:
            message = "no claim is promised under these models, so no change can be seen"
            raise BadInput(message, self.target.spec.description.path)

    def _solver(self) -> Solver:
        return Solver(self.target.spec.limits.solver_seconds)

    def mutants(self) -> tuple[Mutant, ...]:
        """Give every mutant of what the paths of any model execute or read."""
        paths = [path for each in self.originals for path in each.session.paths]
        return mutants_of(self.target.image, paths)

    def fate(self, mutant: Mutant) -> Fate:
        """Judge one mutant, up to the first claim that is not proved of it."""
        target = altered_target(self.target, mutant.put(self.target.image))
        solver = self._solver()
        sessions = []
        for original in self.originals:
            found = self._explored(target, original, solver)
            if isinstance(found, Session):
                killed = self._killed(found, original.claims)
                if killed is None:
                    sessions.append(found)
                    continue
                found = killed
            return found
        samples = sum(
            resample(session, original.results, self.replayer, original.starts)
            for session, original in zip(sessions, self.originals, strict=True)
        )
        both = [
            Both(original.session, session, mutant.changed)
            for session, original in zip(sessions, self.originals, strict=True)
        ]
        if all(each.unreached() for each in both):
            return Unreachable(samples)
        differs = frozenset[str]().union(*(each.differs() for each in both))
        if not differs:
            return Equivalent(samples)
        return self.explained(mutant, Surviving(tuple(sorted(differs)), None, samples))

    def explained(self, mutant: Mutant, fate: Surviving) -> Surviving:
        """Give the fate of a survivor with what the spec says of it now."""
        return replace(fate, why=self._why(mutant, frozenset(fate.differs)))

    def _explored(self, target: Target, original: Original, solver: Solver) -> Session | Killed:
        """Explore a mutant under one model, as far as its fate is open."""
        model, like = original.session.model, original.session
        at_exit = next((claim for claim in original.claims if claim.event is None), None)
        if at_exit is None or self.wish.replay:
            return Session(target, model, bench(), solver, like=like)
        try:
            return Session(target, model, bench(), solver, like=like, watch=_Watch())
        except _Enough as enough:
            failure = arrival_failure(enough.path)
            if failure is not None:
                return Killed(at_exit.id, model, Verdict.REFUTED, failure, replayed=False)
            reason = f"the model ends at {where_ended(enough.path)}"
            return Killed(at_exit.id, model, Verdict.UNKNOWN, reason, replayed=False)

    def _killed(self, session: Session, claims: Sequence[Claim]) -> Killed | None:
        for claim in claims:
            if not session.paths:
                return Killed(claim.id, session.model, Verdict.VACUOUS, "no start", replayed=False)
            finding = prove(claim, session.paths, session.judging)
            if isinstance(finding, Proved):
                continue
            if self.wish.replay:
                result = confirmed(session.judge(claim), self.replayer)
                return Killed(claim.id, session.model, result.verdict, result.reason, replayed=True)
            match finding:
                case Refutable(failing):
                    verdict, reason = Verdict.REFUTED, failing[0].obligation.broken
                case Open(gaps):
                    verdict, reason = Verdict.UNKNOWN, gaps[0].reason
                case _:
                    verdict, reason = Verdict.VACUOUS, finding.reason
            return Killed(claim.id, session.model, verdict, reason, replayed=False)
        return None

    def _why(self, mutant: Mutant, differs: frozenset[str]) -> Survivor | None:
        """Give what the spec says of a survivor."""
        image, file = self.target.image, self.target.spec.description.path
        data = mutant.put(image).data
        for each in self.target.spec.survivors:
            if each.differs and differs <= set(each.differs):
                return each
            for form in each.forms:
                if any(form.put(image, at).data == data for at in form.find(image, file)):
                    return each
        return None


def strength(
    target: Target, wish: Wish, replayer: Replayer, say: Callable[[str], None]
) -> Strength:
    """Judge the mutants of a target."""
    kept_before = _kept(target, wish)
    say(f"{target.spec.name}: proving it as it is")
    trial = Trial(target, wish, replayer)
    trial.begin()
    mutants = trial.mutants()
    chosen = list(mutants) if wish.seed is None else shuffled(mutants, wish.seed)
    started = time.perf_counter()
    run = _Run(trial, chosen[: wish.limit], kept_before)
    ended = tuple(run.ended(say))
    whole = len(ended) == len(mutants)
    return Strength(
        spec=target.spec,
        models=tuple(each.session.model for each in trial.originals),
        baseline=tuple(result for each in trial.originals for result in each.results),
        total=len(mutants),
        ended=tuple(sorted(ended, key=lambda each: (each.mutant.offset, each.mutant.after))),
        stale=tuple(_stale(target, ended)) if whole else (),
        seed=wish.seed,
        seconds=time.perf_counter() - started,
        resumed=run.resumed,
    )


def _kept(target: Target, wish: Wish) -> Kept | None:
    wishes = {
        "models": ", ".join(model.value for model, _ in wish.choice.pairs(target.spec)),
        "claims": ", ".join(wish.choice.claims) or "all that are promised",
        "without": ", ".join(target.dropped) or "nothing",
        "replay": "of all" if wish.replay else "of survivors",
        "starts": str(wish.samples),
    }
    return None if wish.keep is None else kept(wish.keep, target, wishes)


@dataclass(slots=True)
class _Run:
    """The mutants to judge, those whose fate is kept among them."""

    trial: Trial
    chosen: Sequence[Mutant]
    kept: Kept | None
    resumed: int = 0

    def ended(self, say: Callable[[str], None]) -> Iterator[Ended]:
        """Give each mutant with its fate, but for those that no time is left for."""
        name, judged, started = self.trial.target.spec.name, 0, time.perf_counter()
        for number, mutant in enumerate(self.chosen):
            fate = None if self.kept is None else self.kept.get(mutant)
            if fate is not None:
                self.resumed += 1
                told = self.trial.explained(mutant, fate) if isinstance(fate, Surviving) else fate
                yield Ended(mutant, told)
                continue
            passed, limit = time.perf_counter() - started, self.trial.wish.seconds
            if limit is not None and passed > limit:
                continue
            rate = f", {judged / passed:.2f} a second" if judged else ""
            say(f"{name}: mutant {number + 1} of {len(self.chosen)}{rate}")
            ended = Ended(mutant, self.trial.fate(mutant))
            if self.kept is not None:
                self.kept.add(ended)
            judged += 1
            yield ended


def _stale(target: Target, ended: Sequence[Ended]) -> Iterator[str]:
    """Tell explanations that no survivor needs."""
    file, image = target.spec.description.path, target.image
    unseen = {
        each.mutant.put(image).data: each.fate for each in ended if isinstance(each.fate, Surviving)
    }
    used = {id(fate.why) for fate in unseen.values() if fate.why is not None}
    for each in target.spec.survivors:
        if each.differs and id(each) not in used:
            yield f"{file}:{each.line}: no mutant survives whose effect is confined so"
        for form in each.forms:
            if not any(form.put(image, at).data in unseen for at in form.find(image, file)):
                yield f"{file}:{form.line}: this change does not survive, or is no mutant"
