"""Pieces of HTML: tables, paragraphs, code; whatever a spec says, it stays text."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from verifier.errors import printable
from verifier.specification.verdict import Verdict

COLOUR = {
    Verdict.PROVED: "#1a7f37",
    Verdict.REFUTED: "#cf222e",
    Verdict.UNKNOWN: "#9a6700",
    Verdict.VACUOUS: "#8250df",
}
CELL = "text-align:left;padding:1px 10px 1px 0"


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Cell = str | Markup
"""What a table holds: text, or what is HTML already."""


def verdict_markup(verdict: Verdict) -> Markup:
    """Give a verdict in its colour."""
    return Markup(f'<b style="color:{COLOUR[verdict]}">{verdict.value}</b>')


def code(text: str) -> Markup:
    """Give text as code."""
    return Markup(f"<code>{escaped(text)}</code>")


def escaped(cell: Cell) -> str:
    """Give text so that it says the same in HTML, on one line."""
    return cell if isinstance(cell, Markup) else escape(printable(" ".join(cell.split())))


def title(name: str, more: str, before: str = "") -> str:
    """Give a line with a name in bold."""
    return f"<p>{before} <b>{escaped(name)}</b> {escaped(more)}</p>"


def paragraph(text: str) -> str:
    """Give a paragraph, nothing for an empty text."""
    return f"<p>{escaped(text)}</p>" if text else ""


def folded(summary: str, inside: str) -> str:
    """Give what opens on a click, nothing where there is nothing inside."""
    return f"<details><summary>{escaped(summary)}</summary>{inside}</details>" if inside else ""


def table(rows: Iterable[tuple[Cell, ...]], head: tuple[str, ...]) -> str:
    """Give a table, nothing where it has no row."""
    body = "".join(_row(row, "td") for row in rows)
    return f"<table>{_row(head, 'th')}{body}</table>" if body else ""


def _row(cells: tuple[Cell, ...], tag: str) -> str:
    inside = "".join(f'<{tag} style="{CELL}">{escaped(cell)}</{tag}>' for cell in cells)
    return f"<tr>{inside}</tr>"
