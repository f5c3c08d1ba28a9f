"""A run tells what became of the specs that are to prove the contracts it rests on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.reporting import build
from verifier.machine.models import ModelName
from verifier.reporting.contracts import contract_lines
from verifier.reporting.summary import ClaimSummary, Summary
from verifier.specification.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

WIDTH = 200
RETAINING, ZEROING = ModelName.RETAINING, ModelName.ZEROING
CALLER = replace(
    build.summary(replace(build.proved(), assumptions=("printed",))),
    target="caller",
    spec="specs/caller/spec.toml",
    proved_by={"printed": "callee", "unused": "nothing"},
)
FRAME = ClaimSummary("It keeps all else.", "true", (RETAINING, ZEROING), {})
HOPED = ClaimSummary("It would be nice.", "true", (), {})
CALLEE = replace(
    build.summary(build.proved("frame"), build.proved("frame", ZEROING)),
    target="callee",
    spec="specs/callee/spec.toml",
    claims={"frame": FRAME, "hoped": HOPED},
)
HEAD = "the contract printed of caller rests on callee, which "
NOT_WHOLLY = "is not wholly proved in this run under retaining"
NOT_JUDGED = "was not judged on these bytes in this run"


def told(*run: Summary) -> list[str]:
    """Give the lines on a run's contracts."""
    return [each.plain for each in contract_lines(run, WIDTH)]


def test_a_spec_that_is_proved_in_the_run_is_told() -> None:
    """In whatever order both were judged, and once, however often the caller was."""
    proved = [f"{HEAD}is proved in this run under retaining"]
    assert told(CALLER, CALLEE) == told(CALLEE, CALLER, CALLER) == proved
    assert told(CALLEE) == []


@pytest.mark.parametrize(
    ("altered", "became"),
    [
        (lambda one: replace(one, target="other"), NOT_JUDGED),
        (lambda one: replace(one, digest="cd" * 32), NOT_JUDGED),
        (lambda one: replace(one, spec="mine/callee/spec.toml"), NOT_JUDGED),
        (lambda one: replace(one, dropped=("spare",)), NOT_WHOLLY),
        (lambda one: replace(one, claims={**one.claims, "more": FRAME}), NOT_WHOLLY),
        (lambda one: replace(one, claims={"hoped": HOPED}), NOT_WHOLLY),
        (lambda one: replace(one, results=one.results[1:]), NOT_WHOLLY),
        (
            lambda one: replace(
                one, results=(replace(one.results[0], verdict=Verdict.UNKNOWN), *one.results[1:])
            ),
            NOT_WHOLLY,
        ),
        (
            lambda one: replace(
                one, results=(replace(one.results[0], contradicted=True), *one.results[1:])
            ),
            NOT_WHOLLY,
        ),
    ],
)
def test_a_spec_that_is_not_wholly_proved_is_told(
    altered: Callable[[Summary], Summary], became: str
) -> None:
    """Every promise counts, under the caller's model, as the spec is, on the caller's bytes."""
    assert told(CALLER, altered(CALLEE)) == [f"{HEAD}{became}"]


def test_each_model_that_rests_on_a_contract_counts() -> None:
    """What is proved under one model of the processor says nothing about another."""
    resting = replace(build.proved("frame", ModelName.ARCHITECTURAL), assumptions=("printed",))
    both = replace(CALLER, results=(*CALLER.results, resting))
    assert told(both, CALLEE) == [f"{HEAD}{NOT_WHOLLY}, architectural"]
