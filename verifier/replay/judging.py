"""The other CPU's word: on each counterexample, and on samples of what was proved."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from verifier.errors import Bug
from verifier.execution.path import Faulted, OutOfFuel, Reached
from verifier.machine.registers import Gpr
from verifier.proving.concretise import Bench
from verifier.proving.result import Judge, Result, beyond_qemu
from verifier.proving.telling import counterexample
from verifier.replay.bochs_models import (
    BOCHS_CR4_SUPPORTED,
    BOCHS_EFER_SUPPORTED,
    BOCHS_PHYSICAL_BITS,
    bochs_model,
)
from verifier.replay.confirm import confirm
from verifier.replay.engine import Engine
from verifier.solver import Satisfied
from verifier.specification.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from claripy.ast.bool import Bool

    from verifier.proving.candidate import Candidate, Found
    from verifier.proving.rehearsal import Rehearsal
    from verifier.proving.result import Counterexample, ReplayWord
    from verifier.proving.session import Session, Verdicts
    from verifier.replay.replayer import Replayer

SAMPLED_LOADS = (5 << 30, 0x10_0000, (1 << BOCHS_PHYSICAL_BITS) - (16 << 20), 3 << 30, 1 << 32)
"""Load addresses, in bytes, at which what was proved is replayed, most telling first."""

STACK_ABOVE = 0x1000
"""How far above such an address RSP is, in bytes, where the stack is put there."""


def bench() -> Bench:
    """Give what Bochs can run."""
    cpuid = {}
    for has_la57 in (False, True):
        answers = bochs_model(has_la57=has_la57).cpuid
        cpuid[has_la57] = {
            question: (answer.eax, answer.ebx, answer.ecx, answer.edx)
            for question, answer in answers.items()
        }
    return Bench(BOCHS_PHYSICAL_BITS, BOCHS_CR4_SUPPORTED, BOCHS_EFER_SUPPORTED, cpuid)


def confirmed(verdicts: Verdicts, replayer: Replayer) -> Result:
    """Give the result with every engine's word; a refutation needs that of Bochs.

    Of the candidates the first that an engine can judge counts.
    """
    if verdicts.candidate is None:
        return verdicts.result
    first = _judged(verdicts.result, verdicts.candidate, replayer)
    if first.verdict is not Verdict.UNKNOWN:
        return first
    for candidate in verdicts.others:
        told = replace(verdicts.result, reason=candidate.broken.sentence)
        result = _judged(told, candidate, replayer)
        if result.verdict is not Verdict.UNKNOWN:
            return result
    return first


def _judged(result: Result, candidate: Candidate, replayer: Replayer) -> Result:
    words = tuple(_word(candidate, replayer, engine) for engine in replayer.engines)
    told = replace(counterexample(candidate, _load(candidate)), replays=words)
    judges = {word.judge for word in words}
    if Judge.CONTRADICTED in judges:
        return _with(result, told, "an engine contradicts the counterexample", contradicted=True)
    if Judge.CONFIRMED in judges:
        return replace(result, counterexample=told)
    said = "; ".join(f"{word.engine}: {word.sentence}" for word in words)
    return _with(result, told, f"counterexample not replayable ({said or 'no engine'})")


def _with(
    result: Result, told: Counterexample, reason: str, *, contradicted: bool = False
) -> Result:
    verdict = Verdict.REFUTED if contradicted else Verdict.UNKNOWN
    return replace(
        result,
        verdict=verdict,
        counterexample=told,
        reason=f"{reason}: {result.reason}",
        contradicted=contradicted,
    )


def _load(candidate: Candidate) -> int | None:
    words = candidate.rehearsal.evaluator
    return words.number_of_base()


def _word(candidate: Candidate, replayer: Replayer, engine: Engine) -> ReplayWord:
    word = confirm(candidate.rehearsal, candidate.start, replayer, engine)
    if engine is not Engine.QEMU or word.judge is not Judge.CONTRADICTED:
        return word
    path = candidate.rehearsal.path
    excuse = beyond_qemu(
        word.sentence,
        faults=isinstance(path.ending, Faulted),
        asks_cpuid=any(step.form == "CPUID" for step in path.steps),
    )
    if excuse is None:
        return word
    return replace(word, judge=Judge.NOT_REPRESENTABLE, sentence=excuse)


def sample(session: Session, results: Iterable[Result], replayer: Replayer, count: int) -> int:
    """Replay what was proved at ``count`` load addresses; give how many starts agreed.

    A start whose run exceeds the spec's limit of instructions shows nothing and is left out.
    Raises Bug where the engine does anything but what was proved.
    """
    claims = _proved(session, results)
    agreed = 0
    for load in SAMPLED_LOADS if claims and Engine.BOCHS in replayer.engines else ():
        if agreed >= count:
            break
        rehearsal = _start_at(session, load, claims)
        if rehearsal is not None:
            agreed += _agrees(rehearsal, replayer)
    return agreed


def sampled_starts(session: Session, count: int) -> tuple[Found, ...]:
    """Give starts at the sampled loads, up to ``count`` at each, on different ways."""
    solver, found = session.context.solver, []
    for load in SAMPLED_LOADS:
        here = 0
        for conditions in _wanted(session, load):
            if here >= count:
                break
            answer = solver.ask("sample", session.context.assumptions, *conditions)
            start = session.finder.found(conditions) if isinstance(answer, Satisfied) else None
            if start is not None:
                found.append(start)
                here += 1
    return tuple(found)


def resample(
    session: Session, results: Iterable[Result], replayer: Replayer, starts: Iterable[Found]
) -> int:
    """Replay what was proved from starts that were found for other bytes of the same spec.

    Gives how many agreed; raises Bug as ``sample`` does.
    """
    claims, agreed = _proved(session, results), 0
    for start in starts if claims and Engine.BOCHS in replayer.engines else ():
        rehearsal = session.finder.rehearsed_from(start)
        if rehearsal is None:
            continue
        _check(session, rehearsal, claims)
        if not isinstance(rehearsal.path.ending, OutOfFuel):
            agreed += _agrees(rehearsal, replayer)
    return agreed


def _proved(session: Session, results: Iterable[Result]) -> list[str]:
    return [
        result.claim
        for result in results
        if result.verdict is Verdict.PROVED and result.model is session.model
    ]


def _agrees(rehearsal: Rehearsal, replayer: Replayer) -> bool:
    word = confirm(rehearsal, rehearsal.start, replayer, Engine.BOCHS)
    if word.judge is Judge.CONTRADICTED:
        load = _number_of_base(rehearsal)
        message = f"Bochs at load {load} does not do what was proved: {word.sentence}"
        raise Bug(message)
    return word.judge is Judge.CONFIRMED


def _number_of_base(rehearsal: Rehearsal) -> str:
    load = rehearsal.evaluator.number_of_base()
    return "its fixed address" if load is None else f"{load:#x}"


def _start_at(session: Session, load: int, claims: list[str]) -> Rehearsal | None:
    """Give a run to its end, with the image at ``load``, or the stack there where it cannot be.

    Raises Bug where the model's own run from such a start breaks a claim.
    """
    for conditions in _wanted(session, load):
        answer = session.context.solver.ask("sample", session.context.assumptions, *conditions)
        rehearsal = None
        if isinstance(answer, Satisfied):
            rehearsal = session.finder.rehearsed(conditions)
        if rehearsal is not None:
            _check(session, rehearsal, claims)
            if not isinstance(rehearsal.path.ending, OutOfFuel):
                return rehearsal
    return None


def _wanted(session: Session, load: int) -> Iterator[list[Bool]]:
    """Give what to ask of a start: the image at ``load`` on each way, then the stack there."""
    entry, usual = session.begin.state, session.finder.bench_conditions
    image = [] if session.load is None else [session.load == load]
    for place in (image, [entry.gprs[Gpr.RSP] == load + STACK_ABOVE]):
        for way in _ways(session):
            yield [*usual, *place, *way]


def _ways(session: Session) -> Iterator[list[Bool]]:
    """Give what holds on each way to the exit, those that change the mode first.

    A start that only the assumptions bound comes last, and not at all where callees must do
    what contracts say.
    """
    ways = [path for path in session.paths if isinstance(path.ending, Reached)]
    for path in sorted(ways, key=lambda path: -path.ending.state.switches):
        yield [fact.condition for fact in path.facts]
    if not session.context.applied:
        yield []


def _check(session: Session, rehearsal: Rehearsal, claims: list[str]) -> None:
    for claim in session.target.spec.claims:
        if claim.id not in claims:
            continue
        broken = rehearsal.breaks(claim)
        if broken is not None or (
            claim.event is None and not isinstance(rehearsal.path.ending, Reached | OutOfFuel)
        ):
            said = broken.sentence if broken is not None else "the exit is not reached"
            message = f"{claim.id} was proved, yet a start breaks it: {said}"
            raise Bug(message)
