"""The words and numbers of every report, and lines that no spec can shape."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.text import Text

from verifier.errors import printable
from verifier.specification.verdict import Verdict

if TYPE_CHECKING:
    from verifier.proving.result import Boundary, Result

VERDICT_STYLE = {
    Verdict.PROVED: "bold green",
    Verdict.REFUTED: "bold red",
    Verdict.UNKNOWN: "bold yellow",
    Verdict.VACUOUS: "bold magenta",
}
GLIMPSE = 60
"""Columns that a reason may take in a line of verdicts."""
_WINDOW = re.compile(r"@-?[0-9a-f]{8,}")
_ELSEWHERE = " at a computed address"
_WINDOW_BYTE = re.compile(rf"{_ELSEWHERE}\[(0x[0-9a-f]+)\]")
FAINT = "dim"
STRONG = "bold"

Part = str | tuple[str, str]
"""A piece of a line, with its style where it has one."""


def line(*parts: Part) -> Text:
    """Give one line; whatever its parts hold, it stays one line and steers no terminal."""
    result = Text(end="")
    for part in parts:
        text, style = part if isinstance(part, tuple) else (part, "")
        result.append(printable(text), style)
    return result


def paragraph(text: str, indent: str = "", width: int = 100) -> list[Text]:
    """Break prose into lines of at most ``width`` columns; an empty text gives none."""
    lines, current = [], ""
    for word in printable(" ".join(named(text).split())).split(" "):
        longer = f"{current} {word}" if current else word
        if current and len(indent) + len(longer) > width:
            lines.append(line(indent, current))
            longer = word
        current = longer
    return [*lines, line(indent, current)] if current else lines


def beside(name: str, text: str, indent: str = "", width: int = 0) -> list[Text]:
    """Give a name, over ``width`` columns at least, with prose beside it that is broken there."""
    label = printable(name).ljust(width)
    room = f"{indent}{' ' * len(label)}  "
    first, *others = paragraph(text, room) or [line(room)]
    return [line(indent, (label, "cyan"), "  ", first.plain[len(room) :]), *others]


def columns(rows: Iterable[tuple[str, ...]], indent: str, gap: int = 2) -> list[Text]:
    """Align rows of cells; the last cell of each row takes what room it needs."""
    cells = [tuple(printable(cell) for cell in row) for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(*cells, strict=True)]
    return [line(indent, _aligned(row, widths, gap)) for row in cells]


def _aligned(row: tuple[str, ...], widths: list[int], gap: int) -> str:
    padded = (cell.ljust(width + gap) for cell, width in zip(row, widths, strict=True))
    return "".join(padded).rstrip()


def number(value: int) -> str:
    """Write an address or a register as reports and specs do."""
    return f"{value:#x}"


def elapsed(seconds: float) -> str:
    """Write a time: ``0.41 s``, ``12 s``, ``3 min 5 s``."""
    whole = round(seconds)
    if whole >= 60:
        return f"{whole // 60} min {whole % 60} s"
    return f"{seconds:.2f} s" if seconds < 10 else f"{whole} s"


def counted(count: int, noun: str) -> str:
    """Write a number of things: ``1 path``, ``2 paths``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def breaks_at(boundary: Boundary | None) -> str:
    """Say in a few words at which loads a refuted claim breaks."""
    if boundary is None:
        return "breaks"
    if boundary.every_load:
        return "breaks at every load"
    least = "from" if boundary.proved_below else "at least from"
    if boundary.last == boundary.highest and boundary.unbroken:
        return f"breaks {least} load {number(boundary.first)} up"
    between = "" if boundary.unbroken else ", not throughout"
    return f"breaks {least} load {number(boundary.first)} to {number(boundary.last)}{between}"


def boundary_sentence(boundary: Boundary | None, load: int | None = None) -> str:
    """Say in full where failures begin and end, and what was proved around them.

    Without a boundary ``load`` is where one is known, None where the image does not move.
    """
    if boundary is None and load is not None:
        return f"It breaks at load {number(load)}; which other loads break it is not known."
    if boundary is None:
        return "The image is at one address, so there is no other load."
    lowest, highest = number(boundary.lowest), number(boundary.highest)
    if boundary.every_load:
        return f"Every load: at each allowed load, {lowest} to {highest}, some start breaks it."
    first, last = number(boundary.first), number(boundary.last)
    told = [_below(boundary, first, lowest)]
    if boundary.last < boundary.highest:
        told.append(f"The largest is {last}: no start breaks it from there up to {highest}.")
    if not boundary.unbroken:
        told.append(f"Between {first} and {last} some loads may not break it.")
    elif boundary.last == boundary.highest:
        told.append(f"From there up to the highest allowed load, {highest}, every load breaks it.")
    else:
        told.append("Every allowed load between the two breaks it.")
    return " ".join(told)


def _below(boundary: Boundary, first: str, lowest: str) -> str:
    if boundary.first == boundary.lowest:
        return f"The smallest allowed load, {first}, breaks it."
    if boundary.proved_below:
        return (
            f"The smallest load that breaks it is {first}; "
            f"below, from {lowest} on, it is proved for every load."
        )
    return f"{first} is a load that breaks it; whether one below does is not decided."


def holds_where(result: Result, *, has_load: bool) -> str:
    """Say in a few words for which starts a result speaks, or why it says nothing."""
    match result.verdict:
        case Verdict.PROVED:
            return "every load" if has_load else "every start"
        case Verdict.REFUTED:
            return breaks_at(result.boundary)
        case Verdict.UNKNOWN | Verdict.VACUOUS:
            return shortened(result.reason)


def shortened(text: str) -> str:
    """Give the beginning of a long sentence, for a line that the whole one follows."""
    text = named(text)
    if len(text) <= GLIMPSE:
        return text
    whole = text[: GLIMPSE - 3].rpartition(" ")[0] or text[: GLIMPSE - 4]
    return f"{whole.rstrip(' ,;:')} ..."


def named(text: str) -> str:
    """Give a text in which memory at an address that the code computed is told as such.

    Its name is otherwise that of its region with the number of an expression.
    """
    return _WINDOW_BYTE.sub(r" at a computed address, byte \1", _WINDOW.sub(_ELSEWHERE, text))


def gap_ids(ids: Iterable[str]) -> str:
    """Name rows of SOUNDNESS.md, those in a row by their first and last: ``B1 to B3, C5``."""
    runs: list[list[str]] = []
    for each in ids:
        follows = runs and runs[-1][-1] == f"{each[0]}{int(each[1:]) - 1}"
        if follows:
            runs[-1].append(each)
        else:
            runs.append([each])
    return ", ".join(run[0] if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs)
