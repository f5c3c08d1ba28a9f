"""The path of a counterexample as text: by mode, with source lines, long runs elided."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import TYPE_CHECKING

from verifier.errors import printable
from verifier.reporting.wording import FAINT, counted, line, number

if TYPE_CHECKING:
    from rich.text import Text

    from verifier.proving.result import TraceLine

BEFORE_A_SWITCH, AFTER_A_SWITCH = 4, 3
AT_THE_START, AT_THE_END = 2, 8
WORTH_ELIDING = 3
"""A gap shorter than this is shown: its ellipsis would save no line."""
GAP = 2


@dataclass(frozen=True, slots=True)
class Layout:
    """How much to show: every step or not, and in how many columns, None for no limit."""

    everything: bool
    width: int | None


def trace_lines(trace: tuple[TraceLine, ...], layout: Layout, indent: str) -> list[Text]:
    """Give a path, one line a step; what does not fit is cut at its end, elsewhere nothing."""
    shown = trace if layout.everything else tuple(_kept(trace))
    rows = {step.number: _cells(step) for step in shown}
    if not rows:
        return []
    widths = [
        max(len(row[index]) for row in rows.values()) for index in range(len(_cells(shown[0])))
    ]
    result: list[Text] = []
    previous: TraceLine | None = None
    for mode, steps in groupby(shown, key=lambda step: step.mode):
        result.append(line(indent, (f"in {mode}:", FAINT)))
        for step in steps:
            skipped = step.number - (previous.number + 1 if previous else trace[0].number)
            if skipped:
                result.append(
                    line(indent, (f"  ... {counted(skipped, 'more instruction')}", FAINT))
                )
            result.append(_row(rows[step.number], widths, indent))
            previous = step
    if layout.width is not None:
        for each in result:
            each.truncate(layout.width, overflow="ellipsis")
    return result


def _row(cells: tuple[str, ...], widths: list[int], indent: str) -> Text:
    count, address, place, text, source, source_text = (
        cell.ljust(width) for cell, width in zip(cells, widths, strict=True)
    )
    row = line(
        f"{indent}  {count.strip().rjust(widths[0])}{'':{GAP}}{address}{'':{GAP}}",
        (f"{place}{'':{GAP}}", "cyan"),
        f"{text}{'':{GAP}}",
        (f"{source}{'':{GAP}}{source_text}".rstrip(), FAINT),
    )
    row.rstrip()
    return row


def _cells(step: TraceLine) -> tuple[str, ...]:
    return tuple(
        map(
            printable,
            (
                str(step.number),
                number(step.address),
                where(step),
                step.text,
                step.source.rpartition("/")[2],
                " ".join(step.source_text.split()),
            ),
        )
    )


def where(step: TraceLine) -> str:
    """Name the place of a step by the label its bytes have in the image, where they have one."""
    place = step.place.removesuffix("+0x0")
    return f"{place} ({step.origin})" if step.origin and step.origin != place else place


def _kept(trace: tuple[TraceLine, ...]) -> Iterator[TraceLine]:
    """Keep the start, what is around each change of mode, and the end."""
    if not trace:
        return
    switches = [
        index for index, (one, other) in enumerate(pairwise(trace), 1) if one.mode != other.mode
    ]
    spans = [
        range(AT_THE_START),
        *(range(at - BEFORE_A_SWITCH, at + AFTER_A_SWITCH) for at in switches),
        range(len(trace) - AT_THE_END, len(trace)),
    ]
    wanted = sorted({index for span in spans for index in span if 0 <= index < len(trace)})
    for index, following in zip(wanted, [*wanted[1:], len(trace)], strict=True):
        yield trace[index]
        if following - index - 1 < WORTH_ELIDING:
            yield from trace[index + 1 : following]
