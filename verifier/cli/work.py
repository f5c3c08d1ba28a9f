"""Specs judged one after the other, or several at once, each in a process of its own."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from verifier.cli.bugs import details_of
from verifier.cli.choose import Wish, narrowed
from verifier.cli.find import shown
from verifier.errors import BadInput
from verifier.parent import end_with_parent
from verifier.replay.engine import available
from verifier.replay.replayer import Replayer

if TYPE_CHECKING:
    from multiprocessing.queues import SimpleQueue

    from verifier.proving.result import Report
    from verifier.reporting.recorded import Disagreement
    from verifier.reporting.summary import Summary

Say = Callable[[str], None]
LOOK = 0.5
"""Seconds between two looks at what other processes say they are at."""


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

    def named(self, name: Callable[[str], str]) -> Outcome:
        """Give the outcome with texts in which ``name`` gave files the names that users know."""
        bad, bug = self.bad, self.bug
        if bad is not None:
            where = None if bad.where is None else name(str(bad.where))
            bad = BadInput(name(bad.message), where, bad.line, bad.column)
        return replace(self, bad=bad, bug=None if bug is None else (name(bug[0]), bug[1]))


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

    say(f"{shown(spec)}: reading")
    try:
        wish = narrowed(spec, wish)
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
    from verifier.proving.named import open_target  # noqa: PLC0415 - likewise
    from verifier.proving.target import Choice  # noqa: PLC0415 - likewise
    from verifier.reporting.recorded import alterations  # noqa: PLC0415 - likewise
    from verifier.verify import Options, verify_target  # noqa: PLC0415 - likewise

    named = tuple(ModelName(name) for name in wish.models)
    choice = Choice(models=named, claims=wish.claims, every=wish.all_models or wish.recorded)
    options = Options(choice, explain=wish.explain, certify=wish.bundle is not None)
    target = open_target(spec, wish.without, wish.image, wish.solver_seconds)
    yield verify_target(target, options, replayer, say)
    for each in alterations(target.spec) if wish.recorded else ():
        if named and each.model not in named:
            continue
        choice = Choice(models=(each.model,), claims=wish.claims)
        target = open_target(spec, (each.drop,), wish.image, wish.solver_seconds)
        options = Options(choice, explain=wish.explain)
        yield verify_target(target, options, replayer, say)


def _judge_apart(specs: tuple[Path, ...], wish: Wish, jobs: int, say: Say) -> Iterator[Outcome]:
    context = multiprocessing.get_context("spawn")
    board = _Board(context.SimpleQueue(), len(specs))
    pool = ProcessPoolExecutor(min(jobs, len(specs)), context, _begin, (board.told,))
    try:
        futures = [pool.submit(_judge_here, spec, wish) for spec in specs]
        for spec, future in zip(specs, futures, strict=True):
            while not future.done():
                say(board.read())
                wait(_pending(futures), LOOK, return_when=FIRST_COMPLETED)
            yield _outcome(spec, future)
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in multiprocessing.active_children():
            process.terminate()
        raise
    pool.shutdown()


@dataclass(slots=True)
class _Board:
    """What the processes say they are at: ``told`` brings a spec and a sentence, None at its end.

    ``latest`` is the last sentence on each spec that is being judged.
    """

    told: SimpleQueue[tuple[str, str | None]]
    total: int
    done: int = 0
    latest: dict[str, str] = field(default_factory=dict)

    def read(self) -> str:
        """Take up what was said; give it in one line."""
        while not self.told.empty():
            spec, sentence = self.told.get()
            if sentence is None:
                self.latest.pop(spec, None)
                self.done += 1
            else:
                self.latest[spec] = sentence
        count = f"{self.done} of {self.total} specs done"
        return "; ".join([count, *self.latest.values()])


def _pending(futures: list[Future[Outcome]]) -> list[Future[Outcome]]:
    return [each for each in futures if not each.done()]


def _outcome(spec: Path, future: Future[Outcome]) -> Outcome:
    try:
        return future.result()
    except BrokenProcessPool as error:
        return Outcome(spec, bug=(f"{spec}: the process that proved it died", details_of(error)))


def _judge_here(spec: Path, wish: Wish) -> Outcome:
    try:
        with Replayer(available()) as replayer:
            replayer.warm_up()
            return judge(spec, wish, replayer, lambda text: _channel[0].put((str(spec), text)))
    finally:
        _channel[0].put((str(spec), None))


_channel: list[SimpleQueue[tuple[str, str | None]]] = []
"""In a process that judges: where it says what it is at."""


def _begin(told: SimpleQueue[tuple[str, str | None]]) -> None:
    """Leave an interrupt to the main process, which ends the others, and keep the way to it."""
    end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _channel.append(told)
