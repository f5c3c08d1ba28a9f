"""The loops that were cut at their head instead of unrolled, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verifier.reporting.wording import FAINT, counted, line, paragraph

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.text import Text

    from verifier.execution.oracle import Cut
    from verifier.proving.result import Result

CUT_HEAD = ("loop", "after k rounds, at its head", "")


def cuts_of(results: Iterable[Result]) -> tuple[Cut, ...]:
    """Give the loops that were cut for some result, equal ones once."""
    return tuple(dict.fromkeys(cut for result in results for cut in result.cuts))


def shown_by(cut: Cut) -> str:
    """Say how an invariant was shown: in how many states at the head, by how many answers."""
    heads, shown = counted(cut.heads, "state"), counted(cut.shown, "obligation")
    return f"{heads} at the head told apart, {shown} shown"


def cut_cells(cut: Cut) -> tuple[str, str, str]:
    """Give a loop as a row: where it is, its invariant, how that was shown."""
    return cut.place, cut.invariant, shown_by(cut)


def cut_lines(cuts: tuple[Cut, ...], indent: str, width: int) -> list[Text]:
    """Give the loops that were cut, a few lines each; nothing where none was."""
    if not cuts:
        return []
    told = [
        line(indent, f"{counted(len(cuts), 'loop')} cut at the head, for any number of rounds:")
    ]
    for cut in cuts:
        told.append(line(indent, "  ", (cut.place, "cyan"), ("  " + shown_by(cut), FAINT)))
        told += paragraph(f"after k rounds: {cut.invariant}", indent + "    ", width)
    return told
