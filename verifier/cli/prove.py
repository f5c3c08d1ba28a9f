"""``prove``: judge specs, print what came of them, keep counterexamples, give the exit code."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from verifier.bundle.layout import Staging, parts_in, require_of, sealed
from verifier.cli.bugs import keep_bug
from verifier.cli.choose import Wish, fitting
from verifier.cli.find import document_of, present, shown, target_of
from verifier.cli.kernel import divide, kernel_lines
from verifier.cli.screen import Progress, Screen
from verifier.cli.versions import tools
from verifier.cli.work import Outcome, judge_all
from verifier.errors import BadInput, printable
from verifier.reporting.contracts import contract_lines
from verifier.reporting.counterexample import PROSE
from verifier.reporting.document import Run, dumped
from verifier.reporting.files import write_whole
from verifier.reporting.recorded import Disagreement, agreement_code
from verifier.reporting.recorded_text import recorded_lines
from verifier.reporting.saved import save
from verifier.reporting.status import Status, exit_code, worst
from verifier.reporting.text import summary_lines, tally, tool_lines
from verifier.reporting.wording import counted, line

if TYPE_CHECKING:
    from rich.text import Text

    from verifier.machine.models import ModelName
    from verifier.reporting.summary import Summary

KEPT_IN = Path("counterexamples")
"""Where counterexamples go unless said otherwise."""
STDOUT = Path("-")


@dataclass(frozen=True, slots=True)
class Order:
    """A ``prove`` command; ``keep_in`` is None where the default folder will do.

    Among ``specs`` may be a kernel; ``wish.image`` is one that was named as such. ``certify``
    is where a proof bundle goes.
    """

    specs: tuple[Path, ...]
    wish: Wish
    json: Path | None = None
    jobs: int = 0
    keep_in: Path | None = None
    certify: Path | None = None


@dataclass(slots=True)
class Ledger:
    """What has come of the specs so far."""

    order: Order
    screen: Screen
    summaries: list[Summary] = field(default_factory=list)
    disagreements: list[Disagreement] = field(default_factory=list)
    statuses: list[Status] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)

    def enter(self, outcome: Outcome) -> None:
        """Take up the outcome of one spec, and print it."""
        outcome = outcome.named(shown)
        self.parts += outcome.parts
        if outcome.bad is not None:
            self._fail(printable(str(outcome.bad)), Status.BAD_INPUT)
        elif outcome.bug is not None:
            self._fail(self._keep(outcome, outcome.bug), Status.BUG)
        elif self.order.wish.recorded:
            self._compare(outcome)
        else:
            for summary in outcome.summaries:
                self._tell(summary)

    def _fail(self, sentence: str, status: Status) -> None:
        self.errors.append(sentence)
        self.statuses.append(status)
        self.screen.complain(sentence)

    def _keep(self, outcome: Outcome, bug: tuple[str, str]) -> str:
        name = outcome.spec.resolve().name
        return keep_bug(*bug, self.order.keep_in or KEPT_IN, name)

    def _tell(self, summary: Summary) -> None:
        kept = self._saved(summary, everything=True)
        self.summaries.append(kept)
        self.statuses.append(exit_code(kept.results))
        if self._prints:
            layout = self.screen.layout(everything=self.order.wish.explain)
            self.screen.show([*summary_lines(kept, layout), line()])

    def _compare(self, outcome: Outcome) -> None:
        summaries = [self._kept_beside(each, outcome.disagreements) for each in outcome.summaries]
        self.summaries += summaries
        self.disagreements += outcome.disagreements
        self.statuses.append(agreement_code(outcome.disagreements))
        if self._prints:
            layout = self.screen.layout(everything=self.order.wish.explain)
            self.screen.show(recorded_lines(summaries, outcome.disagreements, layout))

    def _kept_beside(self, summary: Summary, found: tuple[Disagreement, ...]) -> Summary:
        """Keep counterexamples that are news, all where a folder was named."""
        news = {(each.claim, each.model) for each in found if each.dropped == summary.dropped}
        return self._saved(summary, everything=self.order.keep_in is not None, news=news)

    def _saved(
        self, summary: Summary, *, everything: bool, news: set[tuple[str, ModelName]] | None = None
    ) -> Summary:
        saved = {}
        for result in summary.results:
            key = result.claim, result.model
            if not everything and key not in (news or ()):
                continue
            try:
                path = save(summary, result, self.order.keep_in or KEPT_IN)
            except BadInput as problem:
                if self.order.keep_in is not None:
                    raise
                self.screen.complain(f"the counterexample was not kept: {problem}")
                break
            if path is not None:
                saved[key] = str(path)
        return replace(summary, saved=saved)

    def _sealed(self, status: Status) -> list[Text]:
        """Put the bundle in its place, unless a spec had no outcome; give the line on it."""
        made, folder = self.order.wish.bundle, self.order.certify
        if made is None or folder is None:
            return []
        if status in {Status.BUG, Status.BAD_INPUT}:
            self.screen.complain("no bundle was written, as not every spec had a verdict")
            return []
        before = parts_in(folder)
        seal = sealed(made, folder, tuple(self.parts), tools())
        told = f"bundle in {folder}: {counted(len(self.parts), 'part')}, seal SHA-256 {seal}"
        replaced = f"a bundle with {counted(len(before), 'part')} was in {folder} and is replaced"
        return [*([line(replaced)] if before else []), line(told)]

    @property
    def _prints(self) -> bool:
        return self.order.json != STDOUT

    def close(self) -> Status:
        """Print and write what concerns the whole run; give its exit code."""
        status = worst(self.statuses)
        run = Run(
            tools=tools(),
            summaries=self.summaries,
            exit_code=status,
            errors=self.errors,
            disagreements=self.disagreements if self.order.wish.recorded else None,
        )
        sealed = self._sealed(status)
        if self._prints and self.summaries:
            results = [each for summary in self.summaries for each in summary.results]
            told = [tally(results), *contract_lines(self.summaries, PROSE), *tool_lines(tools())]
            self.screen.show([*told, *sealed])
        if self.order.json == STDOUT:
            self.screen.out.file.write(dumped(run))
        elif self.order.json is not None:
            write_whole(self.order.json, dumped(run))
        return status


def prove(order: Order) -> Status:
    """Judge specs and tell what came of it; write a bundle of the proofs where one is wanted."""
    if order.certify is None:
        return _prove(order)
    with Staging(order.certify) as made:
        return _prove(replace(order, wish=replace(order.wish, bundle=made)))


def _prove(order: Order) -> Status:
    screen = Screen()
    specs, image = divide(order.specs, order.wish.image)
    if not order.specs and image is None:
        specs = present(specs, screen.complain)
    if order.certify is not None:
        require_of(order.certify, [target_of(spec) for spec in specs])
    report = order.json
    if report is not None and report != STDOUT and not report.absolute().parent.is_dir():
        raise BadInput(f"there is no folder '{report.parent}' to write the report to")
    wish = replace(order.wish, image=image, several=len(specs) > 1)
    specs = fitting(specs, wish, screen.complain)
    mistakes = [spec for spec in specs if "mistake" in document_of(spec)]
    if mistakes and wish.recorded:
        message = "a mistake is not compared with its spec's verdicts; leave --recorded out"
        raise BadInput(message, mistakes[0])
    told = kernel_lines(image) if image is not None else []
    ledger, progress = Ledger(order, screen), Progress(screen)
    if order.json != STDOUT:
        screen.show(told)
    jobs = order.jobs or os.cpu_count() or 1
    outcomes = judge_all(specs, wish, jobs, progress)
    for outcome in watched(outcomes, progress):
        ledger.enter(outcome)
    return ledger.close()


def watched(outcomes: Iterator[Outcome], progress: Progress) -> Iterator[Outcome]:
    """Give outcomes as they come, showing progress while one is waited for."""
    while True:
        with progress.shown():
            outcome = next(outcomes, None)
        if outcome is None:
            return
        yield outcome
