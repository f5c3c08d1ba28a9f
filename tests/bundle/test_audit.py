"""Trees that no exploration makes: nothing is shown by paths that never end."""

from __future__ import annotations

from dataclasses import replace

import pytest

from verifier.bundle.audit import audit
from verifier.bundle.kinds import NOT_CASE, Answer, Kind
from verifier.bundle.part import Case, ClaimRow, Obligation, Part, PathRow, SegmentRow
from verifier.errors import BadInput

POSSIBLE = {Kind.START, Kind.MET}


def asked(number: int, kind: Kind) -> Obligation:
    """Give an obligation; its text is of no concern here."""
    claim = "stays" if kind in {Kind.MET, Kind.CLAIM} else ""
    answer = Answer.SAT if kind in POSSIBLE else Answer.UNSAT
    return Obligation(number, f"{number}.smt2", kind, answer, "", "", claim, (), "(check-sat)")


def endless(root: str, come: str, handed: tuple[Kind, Kind]) -> Part:
    """Give a part whose only path comes to a segment that leads to itself."""
    kinds = (Kind.START, *handed, Kind.MET, Kind.CLAIM)
    return Part(
        name="endless",
        target="endless",
        model="retaining",
        image="",
        assumptions={},
        dropped=(),
        cases=(Case(0, 0),),
        cases_cover=None,
        segments=(SegmentRow("start", "", 0, None), SegmentRow(root, "image", 0, None)),
        paths=(
            PathRow(0, come, "goes on", 0, 1, 1),
            PathRow(1, "subsumed", "goes on", 0, 1, 2),
        ),
        explored=(),
        claims=(
            ClaimRow(
                claim="stays",
                holds="false",
                at_the_exit=True,
                verdict="PROVED",
                reason="",
                met=3,
                obligations=((1, 4),),
            ),
        ),
        obligations=tuple(asked(number, kind) for number, kind in enumerate(kinds)),
    )


def split(denied: int, *segments: int) -> Part:
    """Give a part of a case for each of these segments, whose cover denies so many cases."""
    starts = [Kind.START] * len(segments)
    kinds = (*starts, Kind.CASES, Kind.MET, *[Kind.CLAIM] * len(set(segments)))
    obligations = [asked(number, kind) for number, kind in enumerate(kinds)]
    at = len(segments)
    obligations[at] = replace(obligations[at], text=f"{NOT_CASE}\n" * denied)
    shown = tuple((path, at + 2 + path) for path in range(len(set(segments))))
    paths = tuple(PathRow(each, "reached", "", 1, None, None) for each in sorted(set(segments)))
    part = endless("head", "entry", (Kind.ENTRY, Kind.ROUND))
    return replace(
        part,
        cases=tuple(Case(number, segment) for number, segment in enumerate(segments)),
        cases_cover=at,
        segments=(SegmentRow("start", "", 1, None),) * len(set(segments)),
        paths=paths,
        claims=(replace(part.claims[0], met=at + 1, obligations=shown),),
        obligations=tuple(obligations),
    )


def test_a_case_left_out_is_missed() -> None:
    """The obligation that the cases cover the starts is of as many, each with paths of its own."""
    audit(split(2, 0, 1))
    with pytest.raises(BadInput, match="obligation 2 is of other cases"):
        audit(split(3, 0, 1))
    with pytest.raises(BadInput, match="segment 0 begins in more than one case"):
        audit(split(2, 0, 0))


@pytest.mark.parametrize(
    ("part", "told"),
    [
        (endless("joined", "subsumed", (Kind.JOIN, Kind.JOIN)), "segment 1 goes on in itself"),
        (endless("head", "entry", (Kind.ENTRY, Kind.ROUND)), "'stays' is of the exit"),
    ],
)
def test_a_claim_at_the_exit_needs_a_path_that_gets_there(part: Part, told: str) -> None:
    """Neither what is joined with itself nor a round without end shows what holds at the exit."""
    with pytest.raises(BadInput, match=told):
        audit(part)
