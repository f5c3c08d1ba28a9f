"""A summary as text: a line for each verdict, then what must be read, then what it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from verifier.errors import printable
from verifier.reporting.counterexample import DEEPER, INDENT, PROSE, refutation
from verifier.reporting.explanation import explanation
from verifier.reporting.lifters import lifter_lines
from verifier.reporting.loops import cut_lines, cuts_of
from verifier.reporting.wording import (
    FAINT,
    STRONG,
    VERDICT_STYLE,
    beside,
    counted,
    elapsed,
    gap_ids,
    holds_where,
    line,
    paragraph,
)
from verifier.specification.verdict import Verdict

if TYPE_CHECKING:
    from rich.text import Text

    from verifier.machine.models import ModelName
    from verifier.proving.result import Result
    from verifier.reporting.summary import Summary
    from verifier.reporting.trace import Layout

MOST_BRANCHES = 6
"""Branches that always go one way, of which each is told without being asked for."""
VERDICT_WIDTH = max(len(verdict.value) for verdict in Verdict)

MODEL_SENTENCE = {
    "architectural": "what the manuals leave undefined after 32-bit code is any value",
    "retaining": "upper halves of registers survive 32-bit code, as on processors that are known",
    "zeroing": "upper halves of registers are zero after 32-bit code",
}


def summary_lines(summary: Summary, layout: Layout) -> list[Text]:
    """Give the report on one target."""
    result = [*heading(summary), *verdict_lines(summary)]
    for each in summary.results:
        if layout.everything and each.explanation is not None:
            result += [line(), *explanation(each, layout)]
    for each in summary.results:
        match each.verdict:
            case Verdict.REFUTED:
                result += [line(), *refutation(summary, each, layout)]
            case Verdict.UNKNOWN | Verdict.VACUOUS:
                result += [line(), *undecided(each)]
            case Verdict.PROVED:
                pass
        if each.contradicted:
            result += contradicted(summary, each)
    return [*result, line(), *footer(summary, layout)]


def heading(summary: Summary) -> list[Text]:
    """Name the target."""
    dropped = f"  without {', '.join(summary.dropped)}" if summary.dropped else ""
    return [line((summary.target, STRONG), "  ", summary.title, (dropped, "yellow"))]


def verdict_lines(summary: Summary) -> list[Text]:
    """Give a line for each claim and model: verdict, claim, model, where it holds or breaks."""
    results = summary.results
    if not results:
        return [line("no claim was judged, so nothing is proved")]
    claims = max(len(printable(each.claim)) for each in results)
    models = max(len(each.model.value) for each in results)
    return [
        line(
            (each.verdict.value.ljust(VERDICT_WIDTH), VERDICT_STYLE[each.verdict]),
            f"  {printable(each.claim).ljust(claims)}  {each.model.value.ljust(models)}  ",
            holds_where(each, has_load=summary.has_load),
            (f"  {elapsed(each.seconds)}", FAINT),
        )
        for each in results
    ]


def undecided(result: Result) -> list[Text]:
    """Give the whole reason why a claim has no answer."""
    head = line(
        (result.verdict.value, VERDICT_STYLE[result.verdict]),
        "  ",
        (result.claim, STRONG),
        f"  {result.model.value}",
    )
    return [head, *paragraph(result.reason, INDENT, PROSE)]


def contradicted(summary: Summary, result: Result) -> list[Text]:
    """Say that an engine does not do what we say it does: a bug of the verifier."""
    saved = summary.saved.get((result.claim, result.model))
    told = f"BUG of the verifier: an engine contradicts it. {result.reason}"
    where = [line(INDENT, f"kept in {saved}")] if saved else []
    return [*paragraph(told, INDENT, PROSE), *where]


def footer(summary: Summary, layout: Layout) -> list[Text]:
    """Give what the verdicts rest on: models, assumptions, bytes, and what they cost."""
    return [
        *_models({each.model for each in summary.results}),
        *_assumptions(summary),
        *_idle(summary.results),
        *cut_lines(cuts_of(summary.results), INDENT, PROSE),
        *_bytes(summary),
        *_notes(summary, layout),
        *lifter_lines(summary.comparison, INDENT, PROSE),
        *_gaps(summary),
        *_work(summary),
    ]


def _models(models: set[ModelName]) -> list[Text]:
    return [
        line(INDENT, (name.ljust(len("architectural")), "cyan"), "  ", MODEL_SENTENCE[name])
        for name in sorted(model.value for model in models)
    ]


def _assumptions(summary: Summary) -> list[Text]:
    needed, granted = summary.needed, summary.granted
    width = max((len(printable(name)) for name in needed), default=0)
    proved = any(each.verdict is Verdict.PROVED for each in summary.results)
    head = "the proofs need no assumption" if proved else "nothing is proved here"
    if needed:
        head = f"rests on {counted(len(needed), 'assumption')}:"
    result = [line(INDENT, head)]
    for name in needed:
        result += beside(name, granted[name], DEEPER, width)
    if proved and summary.unneeded:
        result += paragraph(
            f"needed by no proof here: {', '.join(summary.unneeded)}", INDENT, PROSE
        )
    if summary.dropped:
        result += paragraph(f"dropped on request: {', '.join(summary.dropped)}", INDENT, PROSE)
    return result


def _idle(results: Sequence[Result]) -> list[Text]:
    """Tell which part of a proved claim says nothing, the models that it says nothing under."""
    found: dict[tuple[str, str], list[str]] = {}
    for each in results:
        for premise in each.idle:
            found.setdefault((each.claim, premise), []).append(each.model.value)
    return [
        told
        for (claim, premise), models in found.items()
        for told in paragraph(
            f"{claim}: `{premise}` is never true ({', '.join(models)}), so what follows from it "
            "is not looked at",
            INDENT,
            PROSE,
        )
    ]


def _gaps(summary: Summary) -> list[Text]:
    told = f"what SOUNDNESS.md leaves between this and the metal: {gap_ids(summary.gaps)}"
    return paragraph(told, INDENT, PROSE) if summary.gaps else []


def _bytes(summary: Summary) -> list[Text]:
    kernel = summary.producer.startswith("Linux ")
    by = ", a kernel that calls itself" if kernel else ", by"
    made = f"{by} {summary.producer}" if summary.producer else ""
    told = f"{summary.size} bytes of {summary.source}{made}"
    return [*paragraph(told, INDENT, PROSE), line(INDENT, f"sha256 {summary.digest}")]


def _notes(summary: Summary, layout: Layout) -> list[Text]:
    """Give each note; many branches that always go one way are counted."""
    notes = [*summary.notes, *summary.unreached]
    if len(summary.unreached) > MOST_BRANCHES and not layout.everything:
        count = len(summary.unreached)
        told = f"{count} branches always go one way, past code that no start reaches"
        notes[len(summary.notes) :] = [f"{told}; --explain lists them"]
    return [text for note in notes for text in paragraph(f"note: {note}", INDENT, PROSE)]


def _work(summary: Summary) -> list[Text]:
    work = summary.work
    told = (
        f"{counted(work.paths, 'path')}, {counted(work.instructions, 'instruction')}, "
        f"{counted(work.questions, 'solver question')} in {elapsed(work.solver_seconds)}; "
        f"{elapsed(work.seconds)} in all"
    )
    replayed = (
        f"{counted(work.samples, 'proved start')} replayed on another CPU, arriving as proved"
    )
    return [line(INDENT, told), *([line(INDENT, replayed)] if work.samples else [])]


def tool_lines(tools: Mapping[str, str]) -> list[Text]:
    """Give the versions that verdicts depend on, in one paragraph."""
    told = ", ".join(f"{name} {version}" for name, version in tools.items())
    return paragraph(told, "", PROSE)


def tally(results: Sequence[Result]) -> Text:
    """Count the verdicts of a run."""
    counts = [(each, sum(1 for one in results if one.verdict is each)) for each in Verdict]
    parts = [
        (f"{count} {verdict.value}", VERDICT_STYLE[verdict]) for verdict, count in counts if count
    ]
    told = [piece for part in parts for piece in (", ", part)][1:]
    return line(*told) if told else line("nothing was judged")
