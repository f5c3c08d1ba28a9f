"""The tree of an exploration with its obligations by number, as a manifest tells it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, assert_never

from verifier.bundle.cover import Leaf, begins, cases, cover, entered, handed_on
from verifier.bundle.questions import Places, claimed, explored, met
from verifier.errors import Bug
from verifier.execution.path import (
    Faulted,
    OutOfFuel,
    OutOfModel,
    Reached,
    Stopped,
    Subsumed,
)
from verifier.execution.segment import Root, Segment
from verifier.proving.obligation import arrival_failure, where_ended
from verifier.specification.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from verifier.bundle.stated import Stated
    from verifier.execution.path import Ending, Path
    from verifier.execution.segment import Entry
    from verifier.proving.result import Result
    from verifier.proving.session import Session


@dataclass(slots=True)
class Tree:
    """Numbers what one session found: segments, paths, obligations, each from 0 on."""

    session: Session
    stated: list[Stated] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Give each segment a number, those where the starts are first."""
        found: dict[int, Segment] = {}
        for path in self.session.paths:
            by = path.ending.by if isinstance(path.ending, Subsumed) else None
            found |= {id(each): each for each in (path.segment, by) if each is not None}
        for entry in self.session.context.entries:
            for each in (entry.segment, entry.head):
                if each is not None:
                    found[id(each)] = each
        order = list(Root)
        self.segments = sorted(found.values(), key=lambda each: order.index(each.root))

    def add(self, stated: Stated | None) -> int | None:
        """Take up an obligation; give its number."""
        if stated is None:
            return None
        self.stated.append(stated)
        return len(self.stated) - 1

    def document(self, results: Iterable[Result]) -> dict[str, Any]:
        """Give the tree and the claims as JSON values, and take up their obligations."""
        places = Places(self.session)
        claims = [self._claim(result, places) for result in results]
        return {
            "cases": self._cases(),
            "cases_cover": self.add(cases(self.session.context)),
            "segments": [self._segment(each) for each in self.segments],
            "paths": [self._path(each) for each in self.session.paths],
            "entries": [self._entry(each) for each in self.session.context.entries],
            "explored": [self.add(each) for each in explored(self.session, places)],
            "claims": claims,
        }

    def _number(self, segment: Segment | None) -> int:
        for at, each in enumerate(self.segments):
            if each is segment:
                return at
        raise Bug("a path belongs to no segment, or goes on in none")

    def _cases(self) -> list[dict[str, Any]]:
        context = self.session.context
        found = []
        for number, case in enumerate(context.cases):
            segment = next(
                (
                    each
                    for each in self.segments
                    if each.root is Root.START
                    and (case.is_true() or each.facts[0].condition is case)
                ),
                None,
            )
            stated = begins(context, number, allowed=segment is not None)
            number_of = None if segment is None else self._number(segment)
            found.append({"obligation": self.add(stated), "segment": number_of})
        return found

    def _segment(self, segment: Segment) -> dict[str, Any]:
        leaves = [
            Leaf(f"path {number}, which {told(path)}", path.facts)
            for number, path in enumerate(self.session.paths)
            if path.segment is segment
        ]
        leaves += [
            Leaf(f"the way to the loop at {each.head.place}", each.facts)
            for each in self.session.context.entries
            if each.segment is segment
        ]
        return {
            "root": segment.root.name.lower(),
            "place": segment.place,
            "conditions": len(segment.facts),
            "cover": self.add(cover(segment, leaves)),
        }

    def _path(self, path: Path) -> dict[str, Any]:
        into, handed = None, None
        if isinstance(path.ending, Subsumed):
            into = self._number(path.ending.by)
            handed = handed_on(self.session.context, path, self.segments[into])
        return {
            "segment": self._number(path.segment),
            "ending": name_of(path.ending),
            "words": told(path),
            "conditions": len(path.facts),
            "into": into,
            "obligation": self.add(handed),
            "steps": [str(step.place) for step in path.steps],
        }

    def _entry(self, entry: Entry) -> dict[str, Any]:
        return {
            "segment": self._number(entry.segment),
            "conditions": len(entry.facts),
            "into": self._number(entry.head),
            "obligation": self.add(entered(self.session.context, entry)),
        }

    def _claim(self, result: Result, places: Places) -> dict[str, Any]:
        claim = next(each for each in self.session.target.spec.claims if each.id == result.claim)
        proof = self.session.proofs.get(claim.id)
        asked = []
        if proof is not None and result.verdict is Verdict.PROVED:
            asked = [
                {"path": one.path, "obligation": self.add(one.stated)}
                for one in claimed(self.session, claim, proof, places)
            ]
        return {
            "claim": claim.id,
            "text": " ".join(claim.text.split()),
            "holds": " ".join(claim.holds.text.split()),
            "at_the_exit": claim.event is None,
            "verdict": result.verdict.value,
            "reason": result.reason,
            "assumptions": list(result.assumptions),
            "met": self.add(met(self.session, claim)) if asked else None,
            "obligations": asked,
        }


def name_of(ending: Ending) -> str:
    """Name an ending as manifests do."""
    match ending:
        case Reached():
            return "reached"
        case Faulted():
            return "faulted"
        case Stopped():
            return "stopped"
        case Subsumed():
            return "subsumed"
        case OutOfModel():
            return "out-of-model"
        case OutOfFuel():
            return "out-of-fuel"
        case _:
            assert_never(ending)


def told(path: Path) -> str:
    """Say in words how a path ended."""
    match path.ending:
        case Reached():
            return f"reaches the exit at {where_ended(path)}"
        case Faulted() | Stopped():
            return arrival_failure(path) or ""
        case Subsumed():
            return f"goes on as another one after {where_ended(path)}"
        case OutOfModel(reason=reason) | OutOfFuel(reason=reason):
            return f"ends at {where_ended(path)}: {reason}"
        case _:
            assert_never(path.ending)
