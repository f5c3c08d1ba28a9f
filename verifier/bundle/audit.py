"""Whether a part's verdicts follow from its obligations, whatever solvers say of these.

Every start is in a case, every case has paths or no start, every segment's ways out cover it,
every way out ends as the claim allows or goes on in a segment that takes up its state.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from verifier.bundle.kinds import NOT_CASE, WAY_OUT, Kind
from verifier.errors import BadInput

if TYPE_CHECKING:
    from verifier.bundle.part import Case, ClaimRow, Part, PathRow, SegmentRow

ENDS = {"reached", "faulted", "stopped"}
"""How a path may end on which everything is modelled."""
GOES_ON = {"subsumed", "entry"}
UNDECIDED = {"out-of-model", "out-of-fuel"}
EXPLORED = {
    Kind.INSTRUCTION,
    Kind.ACCESS,
    Kind.TRANSLATION,
    Kind.CODE,
    Kind.LOOP,
    Kind.BOUND,
    Kind.CALL,
    Kind.CONTRACT,
}
START, JOINED, HEAD, SWEPT = "start", "joined", "head", "swept"
HANDED_ON = {
    ("subsumed", JOINED): Kind.JOIN,
    ("subsumed", HEAD): Kind.ROUND,
    ("entry", HEAD): Kind.ENTRY,
    ("entry", SWEPT): Kind.ENTRY,
}
PROVED = "PROVED"


def audit(part: Part) -> None:
    """Refuse a part whose proved claims do not follow; BadInput says which rule is broken."""
    Audit(part).run()


@dataclass(slots=True)
class Audit:
    """An audit under way; ``named`` are the obligations that something rests on."""

    part: Part
    named: Counter[int] = field(default_factory=Counter)

    def run(self) -> None:
        """Go through cases, segments, paths and claims."""
        part = self.part
        if not part.cases:
            raise self._refused("it has no case of the start")
        if (len(part.cases) > 1) != (part.cases_cover is not None):
            raise self._refused("nothing says that its cases cover the starts")
        self._name(part.cases_cover, Kind.CASES)
        if part.cases_cover is not None and self._lines(part.cases_cover, NOT_CASE) != len(
            part.cases
        ):
            raise self._refused(f"obligation {part.cases_cover} is of other cases")
        for case in part.cases:
            self._case(case)
        for path in part.paths:
            self._path(path)
        for number, segment in enumerate(part.segments):
            self._segment(number, segment)
        self._require_progress()
        for number in part.explored:
            if self._kind(number) not in EXPLORED:
                raise self._refused(f"obligation {number} is none of following the paths")
            self.named[number] += 1
        for claim in part.claims:
            self._claim(claim)
        self._nothing_else()

    def _case(self, case: Case) -> None:
        if case.segment is None:
            self._name(case.obligation, Kind.EXCLUDED)
            return
        self._name(case.obligation, Kind.START)
        if self._root(case.segment) != START:
            raise self._refused(f"segment {case.segment} is none where starts are")

    def _segment(self, number: int, segment: SegmentRow) -> None:
        """Require that a segment is come to, and that its ways out cover it."""
        from_cases = sum(case.segment == number for case in self.part.cases)
        from_paths = sum(path.into == number for path in self.part.paths)
        if not (from_cases if segment.root == START else from_paths):
            raise self._refused(f"nothing leads to segment {number}")
        if from_cases > 1:
            raise self._refused(f"segment {number} begins in more than one case")
        leaves = [path for path in self.part.paths if path.segment == number]
        if not leaves:
            raise self._refused(f"nothing leads out of segment {number}")
        fewest = min(path.conditions for path in leaves)
        if fewest < segment.conditions:
            raise self._refused(f"a path of segment {number} lacks its conditions")
        if segment.cover is None and fewest > segment.conditions:
            raise self._refused(f"nothing says that the paths of segment {number} cover it")
        self._name(segment.cover, Kind.COVER)
        if segment.cover is not None and self._lines(segment.cover, WAY_OUT) != len(leaves):
            raise self._refused(f"obligation {segment.cover} is of other ways out")

    def _path(self, path: PathRow) -> None:
        """Require that what ends as another path is taken up by it."""
        self._root(path.segment)
        if path.ending in ENDS | UNDECIDED:
            if path.into is not None or path.obligation is not None:
                raise self._refused(f"a path that {path.words} goes on elsewhere")
            return
        if path.ending not in GOES_ON or path.into is None or path.obligation is None:
            raise self._refused(f"a path ends as '{path.ending}', and nothing goes on from there")
        wanted = HANDED_ON.get((path.ending, self._root(path.into)))
        if wanted is None:
            raise self._refused(f"a path goes on where it cannot, in segment {path.into}")
        self._name(path.obligation, wanted)

    def _require_progress(self) -> None:
        """Require that only rounds of loops lead back: what else goes on comes to an end."""
        before: dict[int, set[int]] = {}
        for path in self.part.paths:
            root = None if path.into is None else self._root(path.into)
            if path.into is not None and HANDED_ON.get((path.ending, root or "")) is not Kind.ROUND:
                before.setdefault(path.into, set()).add(path.segment)
        try:
            TopologicalSorter(before).prepare()
        except CycleError as cycle:
            raise self._refused(f"segment {cycle.args[1][0]} goes on in itself") from None

    def _claim(self, claim: ClaimRow) -> None:
        if claim.verdict != PROVED:
            if claim.obligations or claim.met is not None:
                raise self._refused(f"'{claim.claim}' is not proved, and has obligations")
            return
        if claim.met is None or not claim.obligations:
            raise self._refused(f"nothing shows '{claim.claim}'")
        self._name(claim.met, Kind.MET, claim.claim)
        for at, obligation in claim.obligations:
            if at >= len(self.part.paths):
                raise self._refused(f"there is no path {at}, of which '{claim.claim}' speaks")
            self._name(obligation, Kind.CLAIM, claim.claim)
        allowed = {"reached"} if claim.at_the_exit else ENDS
        shown = {at for at, _ in claim.obligations}
        for number, path in enumerate(self.part.paths):
            if path.ending not in allowed | GOES_ON:
                raise self._refused(f"'{claim.claim}' is not proved: path {number} {path.words}")
            if claim.at_the_exit and path.ending == "reached" and number not in shown:
                raise self._refused(f"nothing shows '{claim.claim}' on path {number}")
            if claim.at_the_exit and path.ending != "reached" and number in shown:
                raise self._refused(f"'{claim.claim}' is of the exit, not of path {number}")

    def _nothing_else(self) -> None:
        for each in self.part.obligations:
            if self.named[each.number] != 1:
                told = "more than one thing rests" if self.named[each.number] else "nothing rests"
                raise self._refused(f"{told} on obligation {each.number}")
            granted = set(self.part.assumptions) - set(self.part.dropped)
            if not granted.issuperset(each.assumptions):
                other = min(set(each.assumptions) - granted)
                raise self._refused(f"obligation {each.number} assumes '{other}'")

    def _root(self, segment: int) -> str:
        if segment >= len(self.part.segments):
            raise self._refused(f"there is no segment {segment}")
        return self.part.segments[segment].root

    def _lines(self, number: int, begun: str) -> int:
        """Count the lines of an obligation's text that begin so."""
        return sum(
            line.startswith(begun) for line in self.part.obligations[number].text.split("\n")
        )

    def _kind(self, number: int) -> Kind:
        if number >= len(self.part.obligations):
            raise self._refused(f"there is no obligation {number}")
        return self.part.obligations[number].kind

    def _name(self, number: int | None, kind: Kind, claim: str = "") -> None:
        """Have something rest on an obligation, which must be of that kind and claim."""
        if number is None:
            return
        if self._kind(number) is not kind or self.part.obligations[number].claim != claim:
            raise self._refused(f"obligation {number} is not of the kind '{kind.value}' it is for")
        self.named[number] += 1

    def _refused(self, sentence: str) -> BadInput:
        return BadInput(f"does not show what it says: {sentence}", self.part.name)
