"""The text of a report is the one that was looked at and found good."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from tests.reporting import build
from verifier.machine.models import ModelName
from verifier.proving.result import InputValue, Result
from verifier.reporting.recorded import Disagreement
from verifier.reporting.recorded_text import gate_lines, recorded_lines
from verifier.reporting.status import Status
from verifier.reporting.text import MODEL_SENTENCE, MOST_BRANCHES, summary_lines, tally
from verifier.reporting.trace import Layout
from verifier.specification.verdict import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from rich.text import Text

PIPE = Layout(everything=False, width=None)
WIDE = 100
TERMINAL = Layout(everything=False, width=WIDE)
DISAGREEMENT = Disagreement(
    "switch", "rsi-preserved", ModelName.ZEROING, (), "expected PROVED, is REFUTED", Status.REFUTED
)


def plain(lines: list[Text]) -> str:
    """Give lines as a file or a pipe gets them."""
    return "".join(f"{each.plain.rstrip()}\n" for each in lines)


GOLDEN = {
    "proof": lambda: summary_lines(build.summary(build.proved()), PIPE),
    "proof-explained": lambda: summary_lines(
        build.summary(build.proved()), Layout(everything=True, width=None)
    ),
    "counterexample": lambda: summary_lines(
        build.summary(build.proved(), build.refuted()), TERMINAL
    ),
    "undecided": lambda: summary_lines(
        build.summary(build.undecided(), dropped=("load-range",)), PIPE
    ),
    "recorded": lambda: recorded_lines([build.summary(build.proved(), build.refuted())], [], PIPE),
    "not-recorded": lambda: recorded_lines(
        [build.summary(build.proved(), build.refuted())], [DISAGREEMENT], PIPE
    ),
    "gate": lambda: gate_lines(
        build.summary(build.proved(), build.refuted()), [DISAGREEMENT], PIPE
    ),
}


def test_no_line_ends_in_blanks() -> None:
    """The table of what is recorded leaves none, with or without a disagreement."""
    results = [build.summary(build.proved(), build.refuted())]
    for found in ([], [DISAGREEMENT]):
        lines = [each.plain for each in recorded_lines(results, found, PIPE)]
        assert [each for each in lines if each != each.rstrip()] == []


def test_numbers_of_a_loop_are_no_inputs_of_a_start() -> None:
    """How often a loop goes round follows from the start, of which it is no part."""
    result = build.refuted()
    assert result.counterexample is not None
    names = (
        "rounds of the loop@205",
        "head of the loop@7",
        "r10 in the loop@7",
        "rounds of rcx to r15@9",
    )
    more = tuple(InputValue(name, 3, 64, matters=odd) for odd in (True, False) for name in names)
    shown = replace(result.counterexample, inputs=(*result.counterexample.inputs, *more))
    result = replace(result, counterexample=shown)
    assert "loop" not in plain(summary_lines(build.summary(result), PIPE))
    everything = plain(summary_lines(build.summary(result), Layout(everything=True, width=None)))
    assert all(name in everything for name in names)


def test_what_the_manuals_leave_undefined_is_told_as_such() -> None:
    """A value that a register has since an instruction is none of the start's."""
    result = build.refuted()
    assert result.counterexample is not None
    undefined = InputValue("rsp[63:32]@26", 1, 32, matters=True)
    shown = replace(result.counterexample, inputs=(*result.counterexample.inputs, undefined))
    text = plain(summary_lines(build.summary(replace(result, counterexample=shown)), PIPE))
    told = [each.split() for each in text.splitlines() if "rsp[63:32]" in each]
    assert " ".join(told[0]) == "rsp[63:32]@26 = 0x1 (undefined by the manuals since step 26)"


def test_a_start_that_was_tried_promises_nothing_of_other_starts() -> None:
    """What matters was not asked, so no input is said not to matter, and no start the smallest."""
    result = build.refuted()
    assert result.counterexample is not None
    tried = replace(result.counterexample, sampled=True, load=0x10_0000)
    result = replace(result, counterexample=tried, boundary=None)
    text = plain(summary_lines(build.summary(result), PIPE))
    assert "a start that was found by trial" in text
    assert "smallest start" not in text
    assert "do not matter" not in text
    assert "any allowed load breaks it" not in text


def test_a_command_to_copy_keeps_a_name_with_blanks_whole() -> None:
    """The command that replays a saved start is quoted for a shell."""
    summary = build.summary(build.refuted())
    saved = {("rsi-preserved", ModelName.ZEROING): "kept here/a start.json"}
    text = plain(summary_lines(replace(summary, saved=saved), PIPE))
    assert "verifier replay 'kept here/a start.json'" in text


@pytest.mark.parametrize(("count", "everything"), [(6, False), (7, False), (7, True)])
def test_many_branches_that_go_one_way_are_counted(count: int, everything: bool) -> None:
    """Beyond a few there is one line, and each with ``--explain``; other notes stay."""
    branches = tuple(f"no start reaches image+{number:#x}" for number in range(count))
    summary = replace(build.summary(build.proved()), unreached=branches)
    text = plain(summary_lines(summary, Layout(everything=everything, width=None)))
    listed = everything or count <= MOST_BRANCHES
    assert text.count("note: no start reaches") == (count if listed else 0)
    assert text.count(f"note: {count} branches always go one way") == (not listed)
    assert ("--explain lists them" in text) == (not listed)
    assert f"note: {summary.notes[0]}" in text


@pytest.mark.parametrize("name", GOLDEN)
def test_text_is_golden(name: str, root: Path) -> None:
    """Each text is that of its golden file, line for line."""
    text = plain(GOLDEN[name]())
    assert text == (root / "tests/reporting/golden" / f"{name}.txt").read_text(), text


def test_every_golden_file_is_compared(root: Path) -> None:
    """No golden file is left that nothing makes any more."""
    found = {path.stem for path in (root / "tests/reporting/golden").iterdir()}
    assert found == set(GOLDEN)


def test_fits_a_terminal_of_100_columns() -> None:
    """No line of a path is longer than the terminal; colours are there and change no letter."""
    lines = summary_lines(build.summary(build.refuted()), TERMINAL)
    assert all(len(each.plain) <= WIDE for each in lines if "code.S:7" in each.plain)
    stream = StringIO()
    console = Console(file=stream, force_terminal=True, width=WIDE, color_system="standard")
    for each in lines:
        console.print(each, soft_wrap=True)
    assert "\x1b[1;31mREFUTED\x1b[0m" in stream.getvalue()


def test_one_line_for_each_verdict() -> None:
    """Verdict, claim, model and where it holds stand on one line, for scripts that look."""
    text = plain(summary_lines(build.summary(build.proved(), build.refuted()), PIPE))
    assert "\nPROVED   cr3-below-4g   retaining  every load  0.25 s\n" in text
    assert "\nREFUTED  rsi-preserved  zeroing    breaks at every load  1.50 s\n" in text


def test_nothing_judged_is_said() -> None:
    """An empty set of results is no silence."""
    assert "no claim was judged" in plain(summary_lines(build.summary(), PIPE))
    assert tally([]).plain == "nothing was judged"


def test_spec_cannot_shape_the_report() -> None:
    """Line ends and terminal codes in names and reasons are written out."""
    evil = "x\x1b[2J\nPROVED   all"
    result = Result("switch", "rsi-preserved", ModelName.ZEROING, Verdict.UNKNOWN, reason=evil)
    text = plain(summary_lines(build.summary(result), PIPE))
    assert "\x1b" not in text
    assert "\nPROVED" not in text
    assert r"x\x1b[2J" in text


def test_contradiction_is_told_as_our_bug() -> None:
    """A counterexample that an engine contradicts is called a bug of the verifier."""
    result = Result(
        "switch",
        "rsi-preserved",
        ModelName.ZEROING,
        Verdict.REFUTED,
        reason="Bochs goes on",
        contradicted=True,
    )
    assert "BUG of the verifier" in plain(summary_lines(build.summary(result), PIPE))


def test_every_model_is_explained() -> None:
    """The footer knows each processor model."""
    assert set(MODEL_SENTENCE) == {model.value for model in ModelName}
