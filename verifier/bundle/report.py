"""What came of a recheck, as text and as JSON after ``schema.json`` beside this file."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
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
    Standing.REJECTED: "bold red",
    Standing.CONTRADICTED: "bold red",
}
SAYS = {
    Standing.UNKNOWN: "not confirmed, as a solver did not answer",
    Standing.REJECTED: "not confirmed, as a certificate is rejected",
    Standing.CONTRADICTED: "contradicted by a solver",
}
"""What is told of a claim that rests on an obligation of such a standing."""
GAPS = ("C13", "C14")
"""The rows of SOUNDNESS.md on what a recheck and its certificates leave to be believed."""
BELIEVED = (
    "To be believed still: that the paths, the values on them and the formulas are what the bytes, "
    "the spec and the processor model say; conditions that became true while they were made; the "
    f"bit-vector theory of these solvers: {' and '.join(GAPS)} of SOUNDNESS.md."
)


@dataclass(frozen=True, slots=True)
class Rechecked:
    """A bundle, every obligation with its replies, and what was asked.

    ``acl2`` says why some or all certificates were not put to ACL2, empty where it judged each.
    """

    bundle: Bundle
    checked: Sequence[Checked]
    solvers: Sequence[SolverName]
    exit_code: int
    acl2: str = ""

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
    yield line(
        (counted(len(found.checked), "obligation"), STRONG), f": {', '.join(counts) or 'none'}"
    )
    yield from _certificates(found)
    versions = ", ".join(f"{each.value} {each.version}" for each in found.solvers)
    yield line(f"asked: {versions}; made by verifier {found.bundle.verifier}")
    yield line(f"seal: SHA-256 {found.bundle.seal}")
    yield from paragraph(BELIEVED)


def _certificates(found: Rechecked) -> Iterator[Text]:
    """Say how many certificates there are, and what each of two checkers says of how many."""
    count = Counts.of(found.checked)
    unsatisfiable = sum(each.obligation.expected is Answer.UNSAT for each in found.checked)
    yield line(
        f"certificates: {count.present}, of {counted(unsatisfiable, 'obligation')} whose answer is"
        " unsat"
    )
    yield line(INDENT, f"the verifier's own checker: {_said(count.accepted, count.rejected)}")
    asked = count.acl2_accepted + count.acl2_rejected
    told = [_said(count.acl2_accepted, count.acl2_rejected)] if asked else []
    if found.acl2:
        told.append(f"{'the others were not put to it' if asked else 'not asked'}: {found.acl2}")
    elif count.rejected:
        told.append("not asked of what is rejected already")
    yield from paragraph(f"ACL2's proved checker: {'; '.join(told)}", INDENT)


def _said(accepted: int, rejected: int) -> str:
    return f"{accepted} accepted" + (f", {rejected} rejected" if rejected else "")


@dataclass(frozen=True, slots=True)
class Counts:
    """How many certificates there are, and how many each checker accepts and rejects."""

    present: int
    accepted: int
    rejected: int
    acl2_accepted: int
    acl2_rejected: int

    @classmethod
    def of(cls, checked: Sequence[Checked]) -> Counts:
        """Count."""
        return cls(
            sum(each.obligation.certificate is not None for each in checked),
            sum(each.certified is True for each in checked),
            sum(each.certified is False for each in checked),
            sum(each.acl2 is True for each in checked),
            sum(each.acl2 is False for each in checked),
        )


def _part_lines(part: Part, found: Rechecked) -> Iterator[Text]:
    checked = {each.obligation.number: each for each in found.of(part)}
    paths = sum(path.ending not in GOES_ON for path in part.paths)
    dropped = f"  without {', '.join(part.dropped)}" if part.dropped else ""
    yield line((part.target, STRONG), f"  {part.model}", dropped)
    yield line(INDENT, f"image SHA-256 {part.image}")
    yield line(INDENT, f"{counted(paths, 'path')}, {counted(len(part.obligations), 'obligation')}")
    owned = {number for claim in part.claims for _, number in claim.obligations}
    shared = [checked[number] for number in checked if number not in owned]
    rows = []
    for claim in part.claims:
        if claim.verdict != "PROVED":
            rows.append((claim.verdict, claim.claim, "not certified"))
            continue
        own = [checked[number] for _, number in claim.obligations]
        rows.append((claim.verdict, claim.claim, _told(own, shared)))
    yield from columns(rows, INDENT) if rows else ()


def _told(own: Sequence[Checked], shared: Sequence[Checked]) -> str:
    """Say what stands of a claim: on what its worst obligation, or that of all claims, depends."""
    worst = max((*own, *shared), key=lambda each: _RANK[each.standing], default=None)
    if worst is None or worst.standing is Standing.CONFIRMED:
        return f"confirmed, {counted(len(own), 'obligation')} of its own"
    whose = "" if any(each is worst for each in own) else ", on which all claims rest"
    return f"{SAYS[worst.standing]}: {_short(worst.obligation)}{whose}"


_RANK = {standing: rank for rank, standing in enumerate(Standing)}


def _short(obligation: Obligation) -> str:
    return obligation.name.rpartition("/")[2]


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
        agree = [reply for reply in each.replies if reply.answer is shown.expected]
        for reply in each.replies:
            if reply not in agree:
                told = reply.problem or reply.answer.value
                took = f"  {elapsed(reply.seconds)}", FAINT
                yield line(INDENT, f"{reply.solver.value}: {told}", took)
        if agree:
            names = ", ".join(reply.solver.value for reply in agree)
            yield line(INDENT, f"{names}: {shown.expected.value}, as expected")
        proof = PurePosixPath(shown.name).with_suffix(".lrat")
        if each.certified is False:
            told = f"its certificate {proof} is rejected by the verifier's own checker: {each.why}"
            yield from paragraph(told, INDENT)
        if each.acl2 is False:
            yield line(INDENT, f"its certificate {proof} is not verified by ACL2's proved checker")
        yield line()


def document(found: Rechecked) -> dict[str, Any]:
    """Give the report as JSON values."""
    count = Counts.of(found.checked)
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "exit_code": int(found.exit_code),
        "seal": found.bundle.seal,
        "verifier": found.bundle.verifier,
        "tools": dict(found.bundle.tools),
        "solvers": {each.value: each.version for each in found.solvers},
        "certificates": {
            "present": count.present,
            "accepted": count.accepted,
            "rejected": count.rejected,
            "acl2": {
                "accepted": count.acl2_accepted,
                "rejected": count.acl2_rejected,
                "problem": found.acl2,
            },
        },
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
        "acl2": each.acl2,
        "rejection": each.why,
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
