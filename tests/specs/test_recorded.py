"""Every verdict that a spec records is the one that comes out, with its reason and boundary."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.specs.found import SPEC_FILES, name_of, target_at
from verifier.proving.result import Judge
from verifier.proving.target import Choice, without
from verifier.reporting.recorded import Alteration, alterations, compare
from verifier.specification.expression import Constant
from verifier.specification.verdict import Verdict
from verifier.verify import Options, verify_target

if TYPE_CHECKING:
    from pathlib import Path

    from verifier.machine.models import ModelName
    from verifier.proving.result import Report
    from verifier.proving.target import Target
    from verifier.replay.replayer import Replayer

RUNS = [(path, model) for path in SPEC_FILES for model in target_at(path).spec.models]
DROPS = [(path, each) for path in SPEC_FILES for each in alterations(target_at(path).spec)]


def judged(target: Target, model: ModelName, replayer: Replayer, samples: int = 0) -> Report:
    """Judge every claim of a target under one model."""
    options = Options(Choice(models=(model,)), samples=samples)
    report = verify_target(target, options, replayer, lambda _: None)
    assert len(report.results) == len(target.spec.claims)
    return report


def told(report: Report) -> list[str]:
    """Give each departure from what is recorded as one line."""
    return [f"{each.claim} under {each.model.value}: {each.sentence}" for each in compare(report)]


def test_every_spec_is_found() -> None:
    """The walk finds each of the four specs, each under three models, and what is dropped."""
    assert (len(SPEC_FILES), len(RUNS)) == (4, 12)
    assert DROPS


@pytest.mark.parametrize(
    ("path", "model"), RUNS, ids=[f"{name_of(path)}-{model.value}" for path, model in RUNS]
)
def test_verdicts_are_as_recorded(path: Path, model: ModelName, replayer: Replayer) -> None:
    """Verdict, reason and boundary agree, Bochs confirms refutations, two lifters the meanings."""
    report = judged(target_at(path), model, replayer, samples=3)
    assert told(report) == []
    assert (report.comparison.uncompared, report.comparison.disagreed) == ((), ())
    for result in report.results:
        assert result.claim
        assert model in target_at(path).spec.models
        assert (result.counterexample is not None) == (result.verdict is Verdict.REFUTED)
        if result.counterexample is not None:
            assert [word.judge for word in result.counterexample.replays] == [Judge.CONFIRMED]


@pytest.mark.parametrize(
    ("path", "drop"),
    DROPS,
    ids=[f"{name_of(path)}-{each.drop}-{each.model.value}" for path, each in DROPS],
)
def test_dropped_assumption_shows(path: Path, drop: Alteration, replayer: Replayer) -> None:
    """Without an assumption the verdicts change as the spec records it, and no others do."""
    assert told(judged(without(target_at(path), drop.drop), drop.model, replayer)) == []


@pytest.mark.parametrize("path", SPEC_FILES, ids=name_of)
def test_dropped_assumptions_are_the_spec_s_own(path: Path) -> None:
    """What a spec records of a run without an assumption names one that it has."""
    spec = target_at(path).spec
    assert {each.drop for each in spec.without} <= spec.granted.keys()


@pytest.mark.parametrize("path", SPEC_FILES, ids=name_of)
def test_false_is_refuted(path: Path, replayer: Replayer) -> None:
    """A claim that nothing satisfies is refuted: no proof holds for want of a start."""
    target = target_at(path)
    claim = next(claim for claim in target.spec.claims if claim.event is None)
    never = replace(claim.holds, node=Constant(value=False), text="false")
    claims = (replace(claim, holds=never, for_all=()),)
    spec = replace(target.spec, claims=claims)
    for model in spec.models:
        options = Options(Choice(models=(model,)), samples=0)
        report = verify_target(replace(target, spec=spec), options, replayer, lambda _: None)
        (result,) = report.results
        assert result.verdict is Verdict.REFUTED
        assert result.boundary is not None
        assert result.boundary.every_load
