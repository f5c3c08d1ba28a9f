"""One part of a bundle as its manifest tells it: plain values, nothing of any solver."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from verifier.bundle.kinds import Answer, Kind


@dataclass(frozen=True, slots=True)
class Obligation:
    """A question with the answer expected; ``text`` is the SMT-LIB file ``name``.

    ``certificate`` is the text of a proof in LRAT of the bit-blasted question, None where
    there is none.
    """

    number: int
    name: str
    kind: Kind
    expected: Answer
    states: str
    origin: str
    claim: str
    assumptions: tuple[str, ...]
    text: str
    certificate: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """A case of the start: the obligation that it has one or none, and where its paths begin."""

    obligation: int
    segment: int | None


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """A stretch of the exploration; ``conditions`` counts what is known at its beginning."""

    root: str
    place: str
    conditions: int
    cover: int | None


@dataclass(frozen=True, slots=True)
class PathRow:
    """A path, or the way to a loop, whose ``ending`` is then ``entry``.

    ``into`` is the segment that goes on from where it ends, ``obligation`` shows that it may.
    """

    segment: int
    ending: str
    words: str
    conditions: int
    into: int | None
    obligation: int | None
    steps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ClaimRow:
    """A claim with its verdict; ``obligations`` are pairs of a path and an obligation."""

    claim: str
    holds: str
    at_the_exit: bool
    verdict: str
    reason: str
    met: int | None
    obligations: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Part:
    """What was found of one target under one processor model."""

    name: str
    target: str
    model: str
    image: str
    assumptions: Mapping[str, str]
    dropped: tuple[str, ...]
    cases: tuple[Case, ...]
    cases_cover: int | None
    segments: tuple[SegmentRow, ...]
    paths: tuple[PathRow, ...]
    explored: tuple[int, ...]
    claims: tuple[ClaimRow, ...]
    obligations: tuple[Obligation, ...]


@dataclass(frozen=True, slots=True)
class Bundle:
    """All of a bundle; ``seal`` is the SHA-256 of its list of files."""

    seal: str
    verifier: str
    tools: Mapping[str, str]
    parts: tuple[Part, ...]
