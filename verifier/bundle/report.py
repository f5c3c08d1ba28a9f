"""What came of a recheck, as text and as JSON after ``schema.json`` beside this file."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from verifier.bundle.audit import GOES_ON
from verifier.bundle.kinds import Answer, Kind
from verifier.bundle.recheck import Checked, Standing
from verifier.reporting.wording import (
    FAINT,
    STRONG,
    columns,
    counted,
    elapsed,
    line,
    paragraph,
)

if TYPE_CHECKING:
    from rich.text import Text

    from verifier.bundle.part import Bundle, Obligation, Part
    from verifier.bundle.solvers import SolverName

SCHEMA = "verifier-recheck"
VERSION = 1
SCHEMA_FILE = Path(__file__).with_name("schema.json")
INDENT = "  "
STYLE = {
    Standing.CONFIRMED: "bold green",
    Standing.UNKNOWN: "bold yellow",
    Standing.CONTRADICTED: "bold red",
}
GAPS = ("C13", "C14")
"""The rows of SOUNDNESS.md on what a recheck and its certificates leave to be believed."""
BELIEVED = (
    "To be believed still: that the paths, the values on them and the formulas are what the bytes, "
    "the spec and the processor model say; conditions that became true while they were made; the "
    f"bit-vector theory of these solvers: {' and '.join(GAPS)} of SOUNDNESS.md."
)


@dataclass(frozen=True, slots=True)
class Rechecked:
    """A bundle, every obligation with its replies, and what was asked."""

    bundle: Bundle
    checked: Sequence[Checked]
    solvers: Sequence[SolverName]
    exit_code: int

    def of(self, part: Part) -> list[Checked]:
        """Give what became of one part's obligations."""
        own = {id(each) for each in part.obligations}
        return [each for each in self.checked if id(each.obligation) in own]


def recheck_lines(found: Rechecked) -> Iterator[Text]:
    """Give the report."""
    for part in found.bundle.parts:
        yield from _part_lines(part, found)
        yield line()
    yield from columns(_table(found), "")
    yield line()
    yield from _problems(found)
    standings = Counter(each.standing for each in found.checked)
    counts = [f"{standings[each]} {each.value}" for each in Standing if standings[each]]
    with_one = sum(each.obligation.certificate is not None for each in found.checked)
    good = sum(each.certified is True for each in found.checked)
    yield line(
        (counted(len(found.checked), "obligation"), STRONG), f": {', '.join(counts) or 'none'}"
    )
    yield line(f"certificates: {with_one} have one, {good} checked")
    versions = ", ".join(f"{each.value} {each.version}" for each in found.solvers)
    yield line(f"asked: {versions}; made by verifier {found.bundle.verifier}")
    yield line(f"seal: SHA-256 {found.bundle.seal}")
    yield from paragraph(BELIEVED)


def _part_lines(part: Part, found: Rechecked) -> Iterator[Text]:
    standing = {each.obligation.number: each.standing for each in found.of(part)}
    paths = sum(path.ending not in GOES_ON for path in part.paths)
    dropped = f"  without {', '.join(part.dropped)}" if part.dropped else ""
    yield line((part.target, STRONG), f"  {part.model}", dropped)
    yield line(INDENT, f"image SHA-256 {part.image}")
    yield line(INDENT, f"{counted(paths, 'path')}, {counted(len(part.obligations), 'obligation')}")
    own = {number for claim in part.claims for _, number in claim.obligations}
    shared = _worst(standing[n] for n in standing if n not in own)
    rows = []
    for claim in part.claims:
        if claim.verdict != "PROVED":
            rows.append((claim.verdict, claim.claim, "not certified"))
            continue
        worst = _worst([shared, *(standing[number] for _, number in claim.obligations)])
        count = counted(len(claim.obligations), "obligation")
        rows.append((claim.verdict, claim.claim, f"{worst.value}, {count} of its own"))
    yield from columns(rows, INDENT) if rows else ()


def _worst(standings: Sequence[Standing] | Iterator[Standing]) -> Standing:
    found = set(standings)
    return next(
        (each for each in reversed(Standing) if each in found),
        Standing.CONFIRMED,
    )


def _table(found: Rechecked) -> list[tuple[str, ...]]:
    """Give a row for each kind: how many, what is expected, seconds by solver."""
    rows = [("what they show", "count", "expected", *(f"{s.value} s" for s in found.solvers))]
    for kind in Kind:
        of_kind = [each for each in found.checked if each.obligation.kind is kind]
        if of_kind:
            seconds = (_seconds(of_kind, solver) for solver in found.solvers)
            rows.append((kind.words, str(len(of_kind)), kind.expected.value, *seconds))
    everything = (_seconds(found.checked, solver) for solver in found.solvers)
    return [*rows, ("all", str(len(found.checked)), "", *everything)]


def _seconds(checked: Sequence[Checked], solver: SolverName) -> str:
    return f"{sum(r.seconds for each in checked for r in each.replies if r.solver is solver):.2f}"


def _problems(found: Rechecked) -> Iterator[Text]:
    for each in found.checked:
        if each.standing is Standing.CONFIRMED:
            continue
        shown = each.obligation
        yield line(
            (each.standing.value.upper(), STYLE[each.standing]), f"  {shown.name}  ", shown.origin
        )
        yield from paragraph(f"{shown.states}; expected {shown.expected.value}", INDENT)
        for reply in each.replies:
            if reply.answer is not shown.expected:
                told = reply.problem or reply.answer.value
                took = f"  {elapsed(reply.seconds)}", FAINT
                yield line(INDENT, f"{reply.solver.value}: {told}", took)
        if each.certified is False:
            yield line(INDENT, "its certificate is rejected")
        yield line()


def document(found: Rechecked) -> dict[str, Any]:
    """Give the report as JSON values."""
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "exit_code": int(found.exit_code),
        "seal": found.bundle.seal,
        "verifier": found.bundle.verifier,
        "tools": dict(found.bundle.tools),
        "solvers": {each.value: each.version for each in found.solvers},
        "parts": [_part(part, found) for part in found.bundle.parts],
    }


def _part(part: Part, found: Rechecked) -> dict[str, Any]:
    return {
        "target": part.target,
        "model": part.model,
        "image": part.image,
        "dropped": list(part.dropped),
        "claims": [
            {"claim": each.claim, "verdict": each.verdict, "obligations": len(each.obligations)}
            for each in part.claims
        ],
        "obligations": [_obligation(each) for each in found.of(part)],
    }


def _obligation(each: Checked) -> dict[str, Any]:
    shown: Obligation = each.obligation
    return {
        "file": shown.name,
        "kind": shown.kind.value,
        "expected": shown.expected.value,
        "standing": each.standing.value,
        "certificate": None if shown.certificate is None else each.certified,
        "answers": {
            reply.solver.value: {
                "answer": reply.answer.value,
                "seconds": round(reply.seconds, 3),
                "problem": reply.problem if reply.answer is Answer.UNKNOWN else "",
            }
            for reply in each.replies
        },
    }


def dumped(found: Rechecked) -> str:
    """Give the report as the text of a JSON file."""
    return json.dumps(document(found), indent=1) + "\n"
