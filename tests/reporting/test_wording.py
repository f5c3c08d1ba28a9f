"""Boundaries, times and numbers are said in words that are true."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.reporting import build
from verifier.errors import printable
from verifier.reporting.families import families
from verifier.reporting.wording import (
    GLIMPSE,
    beside,
    boundary_sentence,
    breaks_at,
    columns,
    counted,
    elapsed,
    holds_where,
    line,
    named,
    paragraph,
    shortened,
)

if TYPE_CHECKING:
    from verifier.proving.result import Boundary

GAPS = replace(build.FROM_4G, unbroken=False)
OPEN_BELOW = replace(build.FROM_4G, proved_below=False)


@pytest.mark.parametrize(
    ("boundary", "short"),
    [
        (None, "breaks"),
        (build.EVERY_LOAD, "breaks at every load"),
        (build.FROM_4G, "breaks from load 0x100000000 up"),
        (build.FROM_2G_TO_4G, "breaks from load 0x80000000 to 0xfffff000"),
        (GAPS, "breaks from load 0x100000000 to 0x7ffffffff000, not throughout"),
        (OPEN_BELOW, "breaks at least from load 0x100000000 up"),
    ],
)
def test_boundary_in_a_few_words(boundary: Boundary | None, short: str) -> None:
    """The line of a refuted claim says where failures begin and whether they go on."""
    assert breaks_at(boundary) == short


@pytest.mark.parametrize(
    ("boundary", "parts"),
    [
        (None, ["at one address"]),
        (build.EVERY_LOAD, ["Every load", "0x100000 to 0x7ffffffff000"]),
        (
            build.FROM_4G,
            ["0x100000000; below, from 0x100000 on, it is proved", "every load breaks"],
        ),
        (build.FROM_2G_TO_4G, ["The largest is 0xfffff000", "between the two breaks it"]),
        (GAPS, ["some loads may not break it"]),
        (OPEN_BELOW, ["whether one below does is not decided"]),
    ],
)
def test_boundary_in_full(boundary: Boundary | None, parts: list[str]) -> None:
    """The sentence says what was proved below, and whether failures reach the end."""
    sentence = boundary_sentence(boundary)
    assert all(part in sentence for part in parts), sentence


def test_load_of_a_start_that_was_tried_is_no_boundary() -> None:
    """Where nothing is known of other loads, that is said, and not that they do not matter."""
    sentence = boundary_sentence(None, 0x10_0000)
    assert "at load 0x100000" in sentence
    assert "not known" in sentence


def test_prose_beside_a_name_is_broken_there() -> None:
    """Each line begins where the first one does, and is no longer than others."""
    told = [each.plain for each in beside("id", "word " * 40, "  ", 10)]
    assert told[0].startswith("  id          word word")
    assert all(each.startswith(" " * 14 + "word") for each in told[1:])
    assert len(told) == 3
    assert max(map(len, told)) <= 100
    assert [each.plain for each in beside("id", "")] == ["id  "]


def test_a_long_reason_is_cut_between_words() -> None:
    """The beginning ends with a whole word, within its room."""
    reason = "at copy_of_trampoline+0x24 (`popq %rbx`): an address beyond the identity map is used"
    short = shortened(reason)
    assert short == "at copy_of_trampoline+0x24 (`popq %rbx`): an address ..."
    assert len(shortened("x" * 200)) <= GLIMPSE
    assert shortened("short") == "short"


def test_memory_at_a_computed_address_has_a_name_for_people() -> None:
    """No number of an expression is told, in lists, in rows and in sentences."""
    window = "low@1f0a9b8c7d6e5f40"
    assert families([f"{window}[0x10]", "low[0x11]"]) == "bytes of low"
    assert named(f"{window}[0x10]") == "low at a computed address, byte 0x10"
    (told,) = paragraph(f"a store to {window} at an offset")
    assert told.plain == "a store to low at a computed address at an offset"
    assert named("rsp[63:32]@26") == "rsp[63:32]@26"


def test_boundary_never_promises_what_was_not_proved() -> None:
    """Where loads below were not decided, no word of a proof below is said."""
    assert "proved" not in boundary_sentence(OPEN_BELOW)
    assert "every load breaks" not in boundary_sentence(GAPS)


def test_image_that_does_not_move_has_no_loads() -> None:
    """A proof about a fixed image speaks of every start."""
    assert holds_where(build.proved(), has_load=True) == "every load"
    assert holds_where(build.proved(), has_load=False) == "every start"


def test_long_reason_is_cut_in_the_line_alone() -> None:
    """A verdict's line shows a glimpse of a long reason."""
    result = replace(build.undecided(), reason="why " * 100)
    assert len(holds_where(result, has_load=True)) <= 60


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.004, "0.00 s"), (9.994, "9.99 s"), (12.4, "12 s"), (59.4, "59 s"), (185, "3 min 5 s")],
)
def test_times(seconds: float, text: str) -> None:
    """A time has the digits that matter."""
    assert elapsed(seconds) == text


def test_counts() -> None:
    """One thing is not plural."""
    assert [counted(number, "path") for number in (0, 1, 2)] == ["0 paths", "1 path", "2 paths"]


@given(st.text())
def test_any_text_stays_one_harmless_line(text: str) -> None:
    """Whatever a name holds, what is printed has no control character."""
    assert printable(text).isprintable()
    assert line(text, (text, "bold")).plain.isprintable()


@given(st.text(), st.integers(20, 100))
def test_paragraph_loses_no_word(text: str, width: int) -> None:
    """Breaking lines keeps every word, and each line fits unless it is one word."""
    lines = [each.plain for each in paragraph(text, "  ", width)]
    assert (
        " ".join(each.strip(" ") for each in lines).split()
        == printable(" ".join(text.split())).split()
    )
    assert all(len(each) <= width or " " not in each.strip(" ") for each in lines)


def test_columns_align_and_leave_nothing_behind() -> None:
    """Cells stand under each other; no line ends in blanks."""
    rows = columns([("a", "bb", ""), ("ccc", "d", "e")], " ")
    assert [each.plain for each in rows] == [" a    bb", " ccc  d   e"]


def test_families_of_inputs() -> None:
    """A hundred names become kinds: registers in order, parts under their register, memory."""
    names = ["r8", "rax", "cr4.PGE", "cr4.LA57", "cr3", "ds.base", "low[0x10]", "load", "cpu.NXE"]
    told = "rax, r8; cr3; load; parts of cr4, ds, cpu; bytes of low"
    assert families(names) == told
    assert families([]) == ""
