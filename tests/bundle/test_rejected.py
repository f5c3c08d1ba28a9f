"""What the report of a recheck says of certificates that are rejected."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import jsonschema

from verifier.bundle.kinds import Kind
from verifier.bundle.read import read_bundle
from verifier.bundle.recheck import Checked
from verifier.bundle.report import SCHEMA_FILE, Rechecked, dumped, recheck_lines
from verifier.bundle.solvers import Reply, SolverName
from verifier.reporting.status import Status

if TYPE_CHECKING:
    from pathlib import Path

    from verifier.bundle.part import Bundle

ONE = (SolverName.BITWUZLA,)


def told_of(bundle: Bundle, checked: list[Checked], acl2: str = "") -> str:
    """Give the report as a text, whose JSON keeps to its schema."""
    found = Rechecked(bundle, checked, ONE, Status.BUG, acl2)
    jsonschema.validate(json.loads(dumped(found)), json.loads(SCHEMA_FILE.read_text()))
    return "\n".join(each.plain for each in recheck_lines(found))


def test_a_rejected_certificate_is_named(made: Path) -> None:
    """Which obligation, which file, by which checker and why; no solver is said to contradict."""
    bundle = read_bundle(made)
    answers = [
        Checked(
            each, (Reply(ONE[0], each.expected, 0.1),), certified=True if each.certificate else None
        )
        for each in bundle.parts[0].obligations
    ]
    place = next(n for n, each in enumerate(answers) if each.obligation.kind is Kind.CLAIM)
    answers[place] = replace(answers[place], certified=False, why="step 3 is none")
    name = answers[place].obligation.name
    text = told_of(bundle, answers)
    assert f"REJECTED  {name}" in text
    lrat = name.replace(".smt2", ".lrat")
    words = " ".join(text.split())
    assert (
        f"its certificate {lrat} is rejected by the verifier's own checker: step 3 is none" in words
    )
    assert "bitwuzla: unsat, as expected" in text
    assert "contradicted" not in text.lower()
    assert re.search(r"PROVED +claim-0 +not confirmed, as a certificate is rejected: \d+-", text)
    assert re.search(r"PROVED +claim-1 +confirmed", text)
    present = sum(each.obligation.certificate is not None for each in answers)
    assert f"own checker: {present - 1} accepted, 1 rejected" in text


def test_a_rejection_that_concerns_all_claims_says_so(made: Path) -> None:
    """What is shared by all is told as such with each; ACL2 is told apart from our own checker."""
    bundle = read_bundle(made)
    answers = [
        Checked(each, (Reply(ONE[0], each.expected, 0.1),)) for each in bundle.parts[0].obligations
    ]
    place = next(n for n, each in enumerate(answers) if each.obligation.kind is Kind.COVER)
    answers[place] = replace(answers[place], certified=True, acl2=False)
    name = answers[place].obligation.name.rpartition("/")[2]
    text = told_of(bundle, answers, "acl2 gave no answer")
    assert f"a certificate is rejected: {name}, on which all claims rest" in text
    assert "is not verified by ACL2's proved checker" in text
    assert "the verifier's own checker: 1 accepted" in text
    assert "0 accepted, 1 rejected; the others were not put to it: acl2 gave no answer" in text
