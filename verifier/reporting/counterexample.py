"""A counterexample as text: the smallest start, its path, what differs, and who confirms it."""

from __future__ import annotations

import re
from shlex import quote
from typing import TYPE_CHECKING

from verifier.proving.result import Judge
from verifier.reporting.families import families, of_the_start
from verifier.reporting.trace import trace_lines
from verifier.reporting.wording import (
    FAINT,
    STRONG,
    VERDICT_STYLE,
    boundary_sentence,
    columns,
    counted,
    line,
    named,
    number,
    paragraph,
)

if TYPE_CHECKING:
    from rich.text import Text

    from verifier.proving.result import (
        Counterexample,
        Difference,
        InputValue,
        ReplayWord,
        Result,
    )
    from verifier.reporting.summary import Summary
    from verifier.reporting.trace import Layout

INDENT = "  "
DEEPER = "    "
PROSE = 100
ENGINE_NAME = {"bochs": "Bochs", "qemu": "QEMU"}

JUDGE_STYLE = {
    Judge.CONFIRMED: "green",
    Judge.CONTRADICTED: "bold red",
    Judge.NOT_REPRESENTABLE: "yellow",
    Judge.FAILED: "yellow",
}


_UNDEFINED = re.compile(r"\w+(?:\[\d+:\d+\])?@(\d{1,7})")
_HEADS = ("the smallest start that was found", "a start that was found by trial")
_RESTS = (
    "do not matter: any allowed value breaks it too",
    "the others are as usual, or as the processor that replays it has them",
)
"""The second where it is not known what matters."""


def refutation(summary: Summary, result: Result, layout: Layout) -> list[Text]:
    """Give a refuted claim in full; without a counterexample, its reason."""
    claim = summary.claims.get(result.claim)
    head = line(
        (result.verdict.value, VERDICT_STYLE[result.verdict]),
        "  ",
        (f"{summary.target}: {result.claim}", STRONG),
        f"  {result.model.value}",
    )
    result_lines = [head]
    if claim is not None:
        result_lines += paragraph(claim.text, INDENT, PROSE)
        result_lines += paragraph(claim.holds, DEEPER, PROSE)
    shown = result.counterexample
    if shown is None:
        return [*result_lines, line(), *paragraph(result.reason, INDENT, PROSE)]
    saved = summary.saved.get((result.claim, result.model))
    return [*result_lines, line(), *_counterexample(result, shown, layout), *_saved(saved)]


def _counterexample(result: Result, shown: Counterexample, layout: Layout) -> list[Text]:
    return [
        *(_reason(each) for each in paragraph(shown.reason or result.reason, INDENT, PROSE)),
        line(),
        *inputs(shown, everything=layout.everything),
        *_path(shown, layout),
        *differences(shown.differences),
        *paragraph(boundary_sentence(result.boundary, shown.load), INDENT, PROSE),
        *(told for each in shown.replays for told in word_lines(each)),
    ]


def _reason(text: Text) -> Text:
    text.stylize(STRONG)
    return text


def inputs(shown: Counterexample, *, everything: bool = False) -> list[Text]:
    """Give the start: the load and what matters one a line, what does not together."""
    given = [each for each in shown.inputs if everything or of_the_start(each.name)]
    first = given[:1] if shown.load is not None else []
    matter = [*first, *(each for each in given[len(first) :] if each.matters)]
    rest = [each for each in given if each not in matter]
    rows = [
        (
            named(each.name),
            f"= {number(each.value)}",
            _note(each) if each.matters or shown.sampled else "(any allowed load breaks it)",
        )
        for each in matter
    ]
    result = [line(INDENT, (_HEADS[shown.sampled], FAINT))]
    result += columns(rows, DEEPER, gap=1) if rows else [line(DEEPER, "any")]
    if rest and everything:
        result.append(line(INDENT, (_RESTS[shown.sampled], FAINT)))
        values = [(named(each.name), f"= {number(each.value)}") for each in rest]
        result += columns(values, DEEPER, gap=1)
    elif rest:
        result += [
            line(INDENT, (_RESTS[shown.sampled], FAINT)),
            *paragraph(families(each.name for each in rest), DEEPER, PROSE),
        ]
    return [*result, line()]


def _note(each: InputValue) -> str:
    """Say of a value that no start has where it comes from."""
    found = _UNDEFINED.fullmatch(each.name)
    return f"(undefined by the manuals since step {found[1]})" if found else ""


def _path(shown: Counterexample, layout: Layout) -> list[Text]:
    if not shown.trace:
        return []
    head = line(INDENT, (f"its path, {counted(len(shown.trace), 'instruction')}", FAINT))
    return [head, *trace_lines(shown.trace, layout, DEEPER), line()]


def differences(values: tuple[Difference, ...]) -> list[Text]:
    """Give only what differs: what the claim compares, then registers the path changed."""
    compared = [each for each in values if each.compared]
    changed = [each for each in values if not each.compared]
    return [*_table("should be", compared), *_table("at the entry", changed)]


def _table(reference: str, values: list[Difference]) -> list[Text]:
    if not values:
        return []
    rows = [("", "is", reference)]
    rows += [(each.name, number(each.actual), number(each.expected)) for each in values]
    head, *others = columns(rows, DEEPER)
    head.stylize(FAINT)
    return [head, *others, line()]


def word_lines(word: ReplayWord) -> list[Text]:
    """Give the word of one engine."""
    said = f"{ENGINE_NAME.get(word.engine, word.engine)} {word.judge.value}"
    told = paragraph(f"{said}: {word.sentence}" if word.sentence else f"{said}.", INDENT, PROSE)
    for each in told:
        each.stylize(JUDGE_STYLE[word.judge])
    return told


def _saved(path: str | None) -> list[Text]:
    if path is None:
        return []
    return [line(INDENT, "saved; to replay: ", (f"verifier replay {quote(path)}", STRONG))]
