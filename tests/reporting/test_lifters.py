"""What a second lifter says is told in every form of a report."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import jsonschema

from tests.reporting import build
from verifier.agreement.found import MISTAKES, Comparison, Disagreed, NotCompared, Unequal
from verifier.reporting.document import SCHEMA_FILE, Run, document
from verifier.reporting.html import report_html
from verifier.reporting.text import summary_lines
from verifier.reporting.trace import Layout

if TYPE_CHECKING:
    from pathlib import Path

DISAGREED = Disagreed(
    "ADD r/m, r",
    "addl %ebx, %eax",
    bytes.fromhex("01d8"),
    (Unequal("CF", "0x1", "0x0"),),
    ("rax = 0x1", "rbx = 0x0"),
    ("t0 = Add32(t1,t2)",),
    ("CF = carry(EAX, EBX)",),
)
REFUSED = NotCompared("NOP m", "nopq (%rax)", bytes.fromhex("480f1f00"), "P-code has none")
AGREED = Comparison(("MOV r/m, r", "SHR r/m, 1"), 3)
ALL = replace(
    AGREED,
    apart=(("SHR r/m, 1", MISTAKES[0]),),
    disagreed=(DISAGREED,),
    uncompared=(REFUSED,),
)
SENTENCE = "agreed: 2 forms, 3 ordinary instructions, by VEX and P-code"


def told(found: Comparison) -> str:
    """Give the text of a report with a comparison."""
    summary = replace(build.summary(build.proved()), comparison=found)
    lines = summary_lines(summary, Layout(width=None, everything=False))
    return "\n".join(each.plain for each in lines)


def test_text_counts_the_forms() -> None:
    """The footer has one line where all agree."""
    assert f"  {SENTENCE}\n" in told(AGREED)
    assert "not compared" not in told(AGREED)


def test_text_tells_what_does_not_agree() -> None:
    """Mistakes left out, what has one meaning alone, and both meanings where they differ."""
    text = told(ALL)
    assert f"  {SENTENCE}; not compared: 1\n" in text
    assert "not compared: OF of SHR r/m, 1: SDM" in text
    assert "as one lifter says: `nopq (%rax)` (bytes 48 0f 1f 00): P-code has none" in text
    assert "CF is 0x1 by VEX, 0x0 by P-code, from rax = 0x1, rbx = 0x0" in " ".join(text.split())
    assert "`addl %ebx, %eax` by VEX:\n    t0 = Add32(t1,t2)\n" in text
    assert "`addl %ebx, %eax` by P-code:\n    CF = carry(EAX, EBX)\n" in text


def test_nothing_executed_is_no_line() -> None:
    """A report on no ordinary instruction does not speak of lifters."""
    assert "agreed" not in told(Comparison())


def test_document_has_both_meanings() -> None:
    """JSON has all of it, after the schema."""
    summary = replace(build.summary(build.proved()), comparison=ALL)
    made = document(Run({}, [summary], 0))
    jsonschema.validate(made, json.loads(SCHEMA_FILE.read_text(encoding="utf-8")))
    (target,) = made["targets"]
    shown = target["lifters"]
    assert (shown["forms"], shown["compared"]) == (["MOV r/m, r", "SHR r/m, 1"], 3)
    assert shown["apart"][0]["value"] == "OF"
    assert shown["uncompared"][0]["bytes"] == "48 0f 1f 00"
    assert shown["disagreed"][0]["vex"] == ["t0 = Add32(t1,t2)"]
    assert shown["disagreed"][0]["pcode"] == ["CF = carry(EAX, EBX)"]


def test_html_tells_it(tmp_path: Path) -> None:
    """A notebook's report has the count and every remark."""
    made = replace(build.report(tmp_path, build.proved()), comparison=ALL)
    shown = report_html(made)
    assert SENTENCE in shown
    assert "two lifters disagree" in shown
    assert "P-code has none" in shown
