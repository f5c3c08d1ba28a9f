"""Specs judged one after the other, or several at once, each in a process of its own."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from verifier.cli.bugs import details_of
from verifier.errors import BadInput
from verifier.replay.engine import available
from verifier.replay.replayer import Replayer

if TYPE_CHECKING:
    from verifier.proving.result import Report
    from verifier.reporting.recorded import Disagreement
    from verifier.reporting.summary import Summary

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wish:
    """What to judge of each spec; without models, each claim under those it promises.

    ``recorded`` judges all that a spec records, ``[[without]]`` included. ``image`` is the
    kernel to judge them on, None where each spec has its own; ``bundle`` the folder that the
    proofs are written to, None where they are not.
    """

    models: tuple[str, ...] = ()
    all_models: bool = False
    claims: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    explain: bool = False
    recorded: bool = False
    image: Path | None = None
    bundle: Path | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one spec: summaries, or why there is none.

    ``parts`` are those of a bundle that were written; ``bug`` is the sentence of a mistake of
    ours and its details.
    """

    spec: Path
    summaries: tuple[Summary, ...] = ()
    disagreements: tuple[Disagreement, ...] = ()
    parts: tuple[str, ...] = ()
    bad: BadInput | None = None
    bug: tuple[str, str] | None = None


def judge_all(specs: tuple[Path, ...], wish: Wish, jobs: int, say: Say) -> Iterator[Outcome]:
    """Give the outcome of each spec, in their order, as soon as it is there."""
    if jobs <= 1 or len(specs) == 1:
        with Replayer(available()) as replayer:
            # It starts while this process imports what proves.
            replayer.warm_up()
            for spec in specs:
                yield judge(spec, wish, replayer, say)
        return
    yield from _judge_apart(specs, wish, jobs, say)


def judge(spec: Path, wish: Wish, replayer: Replayer, say: Say) -> Outcome:
    """Judge one spec; every way to fail becomes an outcome."""
    from verifier.reporting.recorded import compare  # noqa: PLC0415 - after the replayer's start
    from verifier.reporting.summary import summarise  # noqa: PLC0415 - likewise

    say(f"{spec}: reading")
    try:
        reports = list(_reports(spec, wish, replayer, say))
        whole = wish.recorded and not (wish.claims or wish.models)
        return Outcome(
            spec,
            tuple(summarise(report) for report in reports),
            tuple(each for report in reports for each in compare(report, whole=whole)),
            _written(reports, wish.bundle),
        )
    except BadInput as mistake:
        return Outcome(spec, bad=mistake)
    except Exception as error:  # noqa: BLE001 - the other specs still have their say
        return Outcome(spec, bug=(f"{spec}: {error or type(error).__name__}", details_of(error)))


def _written(reports: Sequence[Report], bundle: Path | None) -> tuple[str, ...]:
    """Write the proofs of reports into a bundle's folder, if any; give the names of its parts."""
    if bundle is None:
        return ()
    from verifier.bundle.write import write_parts  # noqa: PLC0415 - only for a bundle
    from verifier.certificate.certify import proof_for  # noqa: PLC0415 - likewise

    return tuple(name for report in reports for name in write_parts(bundle, report, proof_for))


def _reports(spec: Path, wish: Wish, replayer: Replayer, say: Say) -> Iterator[Report]:
    from verifier.machine.models import ModelName  # noqa: PLC0415 - after the replayer's start
    from verifier.proving.target import Choice  # noqa: PLC0415 - likewise
    from verifier.reporting.recorded import alterations  # noqa: PLC0415 - likewise
    from verifier.verify import Options, verify  # noqa: PLC0415 - likewise

    named = tuple(ModelName(name) for name in wish.models)
    every = wish.all_models or wish.recorded
    choice = Choice(models=named, claims=wish.claims, every=every)
    certify = wish.bundle is not None
    options = Options(choice, wish.without, wish.image, wish.explain, certify=certify)
    report = verify(spec, options, replayer, say)
    yield report
    for each in alterations(report.spec) if wish.recorded else ():
        if named and each.model not in named:
            continue
        choice = Choice(models=(each.model,), claims=wish.claims)
        options = Options(choice, (each.drop,), wish.image, wish.explain)
        yield verify(spec, options, replayer, say)


def _judge_apart(specs: tuple[Path, ...], wish: Wish, jobs: int, say: Say) -> Iterator[Outcome]:
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(jobs, len(specs)), context, _leave_interrupts)
    try:
        futures = [pool.submit(_judge_here, spec, wish) for spec in specs]
        for spec, future in zip(specs, futures, strict=True):
            while not future.done():
                done = sum(each.done() for each in futures)
                say(f"{len(specs)} specs, {done} done")
                wait(_pending(futures), return_when=FIRST_COMPLETED)
            yield _outcome(spec, future)
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in multiprocessing.active_children():
            process.terminate()
        raise
    pool.shutdown()


def _pending(futures: list[Future[Outcome]]) -> list[Future[Outcome]]:
    return [each for each in futures if not each.done()]


def _outcome(spec: Path, future: Future[Outcome]) -> Outcome:
    try:
        return future.result()
    except BrokenProcessPool as error:
        return Outcome(spec, bug=(f"{spec}: the process that proved it died", details_of(error)))


def _judge_here(spec: Path, wish: Wish) -> Outcome:
    with Replayer(available()) as replayer:
        replayer.warm_up()
        return judge(spec, wish, replayer, lambda _: None)


def _leave_interrupts() -> None:
    """Leave an interrupt to the main process, which ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
