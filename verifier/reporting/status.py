"""The exit code of a run: what a script or a gate learns of it."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import TYPE_CHECKING

from verifier.specification.verdict import Verdict

if TYPE_CHECKING:
    from verifier.proving.result import Result


class Status(IntEnum):
    """An exit code; the value is what the process returns."""

    PROVED = 0
    REFUTED = 1
    BAD_INPUT = 2
    UNKNOWN = 3
    VACUOUS = 4
    BUG = 5
    INTERRUPTED = 130


WORST_FIRST = (
    Status.BUG,
    Status.BAD_INPUT,
    Status.REFUTED,
    Status.VACUOUS,
    Status.UNKNOWN,
    Status.PROVED,
)

_OF_VERDICT = {
    Verdict.PROVED: Status.PROVED,
    Verdict.REFUTED: Status.REFUTED,
    Verdict.UNKNOWN: Status.UNKNOWN,
    Verdict.VACUOUS: Status.VACUOUS,
}


def status_of(result: Result) -> Status:
    """Give the status of one verdict; one that an engine contradicts is our bug."""
    return Status.BUG if result.contradicted else _OF_VERDICT[result.verdict]


def worst(statuses: Iterable[Status]) -> Status:
    """Give the worst; of nothing it is VACUOUS, as silence is not success."""
    return min(statuses, key=WORST_FIRST.index, default=Status.VACUOUS)


def exit_code(results: Iterable[Result]) -> Status:
    """Give the exit code of a set of results."""
    return worst(status_of(result) for result in results)
