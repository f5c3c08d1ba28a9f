"""Why a claim is proved, as text: what was to show, and where the values come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verifier.reporting.loops import cut_lines
from verifier.reporting.wording import (
    FAINT,
    STRONG,
    VERDICT_STYLE,
    columns,
    counted,
    elapsed,
    line,
    paragraph,
)

if TYPE_CHECKING:
    from rich.text import Text

    from verifier.proving.result import Explanation, Origin, Result
    from verifier.reporting.trace import Layout

INDENT = "  "
DEEPER = "    "
PROSE = 100
"""Columns of prose where no screen says otherwise."""


def explanation(result: Result, layout: Layout) -> list[Text]:
    """Give the obligations, the origin of each value instruction by instruction, the cost."""
    head = line(
        ("why  ", FAINT),
        (result.verdict.value, VERDICT_STYLE[result.verdict]),
        "  ",
        (result.claim, STRONG),
        f"  {result.model.value}",
    )
    told = [head]
    if result.explanation is not None:
        told += _explained(result.explanation, layout)
    needs = ", ".join(result.assumptions) or "no assumption"
    return [
        *told,
        *cut_lines(result.cuts, INDENT, layout.width or PROSE),
        *paragraph(f"needs: {needs}", INDENT),
        line(INDENT, _cost(result)),
    ]


def _explained(why: Explanation, layout: Layout) -> list[Text]:
    told = [line(INDENT, ("to show", FAINT))]
    told += [line(DEEPER, each) for each in why.obligations]
    if why.origins:
        told.append(line(INDENT, ("where the values come from", FAINT)))
        rows = columns([_cells(each) for each in why.origins], DEEPER)
        for row in rows:
            if layout.width is not None:
                row.truncate(layout.width, overflow="ellipsis")
        told += rows
    return told


def _cells(origin: Origin) -> tuple[str, ...]:
    at = f"at {origin.place}" if origin.place else "at the entry"
    return f"{origin.name} := {origin.value}", at, origin.text, origin.source.rpartition("/")[2]


def _cost(result: Result) -> str:
    return (
        f"{counted(result.obligations, 'obligation')} on {counted(result.paths, 'path')}, "
        f"{counted(result.instructions, 'instruction')}, {elapsed(result.seconds)}"
    )
