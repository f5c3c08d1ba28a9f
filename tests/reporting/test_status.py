"""The exit code is that of the worst result, and silence is not success."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import TYPE_CHECKING

import pytest

from tests.reporting import build
from verifier.reporting.status import WORST_FIRST, Status, exit_code, worst
from verifier.specification.verdict import Verdict

if TYPE_CHECKING:
    from verifier.proving.result import Result

PROVED, REFUTED = build.proved(), build.refuted()
UNKNOWN, VACUOUS = build.undecided(), build.undecided(Verdict.VACUOUS)
CONTRADICTED = replace(REFUTED, contradicted=True)


@pytest.mark.parametrize(
    ("results", "code"),
    [
        ((PROVED,), 0),
        ((PROVED, PROVED), 0),
        ((REFUTED,), 1),
        ((UNKNOWN,), 3),
        ((VACUOUS,), 4),
        ((CONTRADICTED,), 5),
        ((replace(UNKNOWN, contradicted=True),), 5),
        ((), 4),
        ((PROVED, UNKNOWN), 3),
        ((UNKNOWN, VACUOUS), 4),
        ((VACUOUS, REFUTED), 1),
        ((REFUTED, CONTRADICTED), 5),
        ((PROVED, UNKNOWN, VACUOUS, REFUTED, CONTRADICTED), 5),
        ((PROVED, UNKNOWN, VACUOUS, REFUTED), 1),
    ],
)
def test_worst_result_decides(results: tuple[Result, ...], code: int) -> None:
    """0 only when there are results and all are proved; else the worst, in any order."""
    for order in permutations(results):
        assert exit_code(order) == code


def test_order_is_total() -> None:
    """Each status but an interrupt has its place: 5, 2, 1, 4, 3, 0."""
    assert [int(each) for each in WORST_FIRST] == [5, 2, 1, 4, 3, 0]
    assert set(WORST_FIRST) == set(Status) - {Status.INTERRUPTED}


def test_bad_input_is_worse_than_a_refutation() -> None:
    """A run in which one spec is refuted and another cannot be read exits 2."""
    assert worst([Status.REFUTED, Status.BAD_INPUT, Status.PROVED]) is Status.BAD_INPUT
