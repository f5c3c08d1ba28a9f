"""A long path is elided in the middle, never around a change of mode, the start or the end."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.reporting.build import step
from verifier.machine.registers import Mode
from verifier.reporting.trace import Layout, trace_lines

LONG = tuple(
    step(number, 0x1000 + number, Mode.LONG_64 if number < 60 else Mode.COMPATIBILITY)
    for number in range(100)
)
SHORT = Layout(everything=False, width=None)
ALL = Layout(everything=True, width=None)


def numbers(layout: Layout) -> list[int]:
    """Give the numbers of the instructions that are shown."""
    first_words = (each.plain.split()[0] for each in trace_lines(LONG, layout, ""))
    return [int(word) for word in first_words if word.isdigit()]


def test_everything_is_shown_on_request() -> None:
    """With ``--explain`` no instruction is left out."""
    assert numbers(ALL) == list(range(100))


def test_start_switch_and_end_are_shown() -> None:
    """Around a switch of mode and at both ends the path is whole; the rest is counted."""
    shown = numbers(SHORT)
    assert {0, 1, 57, 58, 59, 60, 61, 62, 98, 99} <= set(shown)
    text = "\n".join(each.plain for each in trace_lines(LONG, SHORT, ""))
    gaps = [after - before - 1 for before, after in pairwise(shown) if after > before + 1]
    assert gaps
    assert [f"... {gap} more instructions" in text for gap in gaps] == [True] * len(gaps)


def test_modes_are_headings() -> None:
    """Each stretch in one mode has a heading, in the manuals' words."""
    lines = [each.plain.strip() for each in trace_lines(LONG, SHORT, "")]
    assert [each for each in lines if each.startswith("in ")] == [
        "in 64-bit mode:",
        "in compatibility mode:",
    ]


def test_terminal_cuts_lines_and_pipe_does_not() -> None:
    """Only where there is an edge are lines cut."""
    narrow = trace_lines(LONG, Layout(everything=True, width=40), "    ")
    assert max(len(each.plain) for each in narrow) == 40
    assert all("…" not in each.plain for each in trace_lines(LONG, ALL, ""))


@pytest.mark.parametrize("count", range(4))
def test_short_paths_are_whole(count: int) -> None:
    """A path of a few instructions, or of none, is shown as it is."""
    lines = trace_lines(LONG[:count], SHORT, "")
    assert len(lines) == (count + 1 if count else 0)
