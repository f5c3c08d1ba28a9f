"""The comparison of a spec with what it records, as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from verifier.errors import printable
from verifier.reporting.counterexample import INDENT, PROSE, refutation
from verifier.reporting.text import footer, heading
from verifier.reporting.wording import (
    STRONG,
    VERDICT_STYLE,
    counted,
    elapsed,
    line,
    paragraph,
)
from verifier.specification.verdict import Verdict

if TYPE_CHECKING:
    from rich.text import Text

    from verifier.machine.models import ModelName
    from verifier.proving.result import Result
    from verifier.reporting.recorded import Disagreement
    from verifier.reporting.summary import Summary
    from verifier.reporting.trace import Layout


def recorded_lines(
    summaries: Sequence[Summary], found: Sequence[Disagreement], layout: Layout
) -> list[Text]:
    """Give one table for each run of a spec, then every disagreement in full."""
    told: list[Text] = []
    for summary in summaries:
        here = [each for each in found if each.dropped == summary.dropped]
        told += [*heading(summary), *_table(summary, here), *_tail(summary, here, layout), line()]
    return told


def _table(summary: Summary, found: Sequence[Disagreement]) -> list[Text]:
    """Give a row for each claim and a column for each model; ``!`` marks a disagreement."""
    models = list(dict.fromkeys(each.model for each in summary.results))
    claims = list(dict.fromkeys(each.claim for each in summary.results))
    cells = {(each.claim, each.model): each for each in summary.results}
    wrong = {(each.claim, each.model) for each in found}
    width = max((len(printable(claim)) for claim in claims), default=0)
    told = [line(INDENT, "".ljust(width), *(f"  {each.value:<13}" for each in models))]
    for claim in claims:
        row = [_cell(cells.get((claim, model)), (claim, model) in wrong) for model in models]
        told.append(
            line(INDENT, printable(claim).ljust(width), *(part for cell in row for part in cell))
        )
    for each in told:
        each.rstrip()
    return told


def _cell(result: Result | None, is_wrong: bool) -> tuple[str, tuple[str, str]]:  # noqa: FBT001 - a cell has two properties
    if result is None:
        return "  ", ("-".ljust(13), "")
    mark = " !" if is_wrong else ""
    return "  ", (f"{result.verdict.value}{mark}".ljust(13), VERDICT_STYLE[result.verdict])


def _tail(summary: Summary, found: Sequence[Disagreement], layout: Layout) -> list[Text]:
    models: list[ModelName] = list(dict.fromkeys(each.model for each in summary.results))
    if not found:
        judged = counted(len(summary.results), "verdict")
        under = counted(len(models), "model")
        return [
            line(
                INDENT,
                (f"all {judged} as recorded", "green"),
                f" under {under}, {elapsed(summary.work.seconds)}",
            )
        ]
    results = {(each.claim, each.model): each for each in summary.results}
    told: list[Text] = []
    for each in found:
        head = f"{each.claim} under {each.model.value} is not as recorded: {each.sentence}"
        told += [line(), *paragraph(head, INDENT, PROSE)]
        told += _refutation(summary, results.get((each.claim, each.model)), layout)
    return [*told, line(), *footer(summary, layout)]


def gate_lines(summary: Summary, found: Sequence[Disagreement], layout: Layout) -> list[Text]:
    """Give one line where all promises are kept, else what is broken, in full."""
    results = {(each.claim, each.model): each for each in summary.results}
    if not results:
        return [line((summary.target, STRONG), "  ", ("promises nothing", "yellow"))]
    if not found:
        kept = counted(len(results), "promised verdict")
        return [line((summary.target, STRONG), "  ", (f"{kept} as recorded", "green"))]
    told = [
        line((summary.target, STRONG), "  ", (counted(len(found), "broken promise"), "bold red"))
    ]
    for each in found:
        result = results.get((each.claim, each.model))
        verdict = result.verdict.value if result else "not judged"
        told.append(line(INDENT, f"{verdict}  {each.claim}  {each.model.value}  {each.sentence}"))
    for each in found:
        told += _refutation(summary, results.get((each.claim, each.model)), layout)
    return told


def _refutation(summary: Summary, result: Result | None, layout: Layout) -> list[Text]:
    """Give the counterexample, where there is one; other reasons are in the sentence."""
    if result is None or result.verdict is not Verdict.REFUTED:
        return []
    return [line(), *refutation(summary, result, layout)]
