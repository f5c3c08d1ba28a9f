"""Loops that were cut are told in every form of a report, equal ones once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.reporting import build
from verifier.execution.oracle import Cut
from verifier.reporting.document import Run, document
from verifier.reporting.html import report_html, result_html
from verifier.reporting.text import summary_lines
from verifier.reporting.trace import Layout

if TYPE_CHECKING:
    from pathlib import Path

CUT = Cut("image+0x7", "rcx = rcx₀ - 1·k, on its way to rdx", 1, 32)
OTHER = Cut("image+0x30", "rsi = rsi₀ + 20·k, on its way to rdi", 3, 60)
INVARIANT = "rsi = rsi₀ + 20·k, on its way to rdi"


def told(*, everything: bool) -> str:
    """Give the text of a report whose two results were each judged past the same loops."""
    one = replace(build.proved(), cuts=(CUT, OTHER))
    other = replace(build.refuted(), cuts=(CUT,))
    lines = summary_lines(build.summary(one, other), Layout(width=None, everything=everything))
    return "\n".join(each.plain for each in lines)


def test_text_tells_each_loop_once() -> None:
    """The footer has each loop with its invariant, however many results rest on it."""
    text = told(everything=False)
    assert "2 loops cut at the head, for any number of rounds" in text
    assert text.count("image+0x7  1 state at the head told apart, 32 obligations shown") == 1
    assert text.count(f"after k rounds: {INVARIANT}") == 1


def test_explanation_tells_the_loops() -> None:
    """Why a claim is proved names the loops that were cut on the way."""
    assert told(everything=True).count(f"after k rounds: {INVARIANT}") == 2


def test_no_loop_is_no_line() -> None:
    """A report on code without such a loop does not speak of any."""
    lines = summary_lines(build.summary(build.proved()), Layout(width=None, everything=True))
    assert not any("loop" in each.plain for each in lines)


def test_document_tells_the_loops() -> None:
    """JSON has the loops of each result."""
    one = replace(build.proved(), cuts=(OTHER,))
    run = Run({}, [build.summary(one, build.refuted())], 1)
    first, second = document(run)["results"]
    shown = {"place": "image+0x30", "invariant": INVARIANT, "heads": 3, "shown": 60}
    assert first["cuts"] == [shown]
    assert second["cuts"] == []


def test_html_tells_the_loops(tmp_path: Path) -> None:
    """A notebook shows the loops with a result, and once with a report."""
    one = replace(build.proved(), cuts=(CUT, OTHER))
    assert INVARIANT in result_html(one)
    assert report_html(build.report(tmp_path, one, one)).count(INVARIANT) == 1
