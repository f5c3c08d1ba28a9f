"""A start that was found by trial, on a path that is not modelled to its end, says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verifier.machine.models import ModelName
from verifier.proving.named import open_target
from verifier.proving.session import Session
from verifier.proving.telling import counterexample
from verifier.replay.judging import bench

if TYPE_CHECKING:
    from pathlib import Path


def test_features_that_nothing_asks_for_do_not_crowd_a_tried_start(root: Path) -> None:
    """Without its assumption the stack wraps in the low page, on whatever processor."""
    target = open_target(root / "specs/la57-rfc", ("stack-below-4g",))
    session = Session(target, ModelName.RETAINING, bench())
    (claim,) = (each for each in target.spec.claims if each.id == "returns-to-lvl5")
    candidate = session.judge(claim).candidate
    assert candidate is not None
    assert candidate.sampled
    shown = counterexample(candidate, None)
    assert shown.sampled
    features = [each for each in shown.inputs if each.name.startswith("cpu.")]
    assert len(features) > 10
    assert any(each.value for each in features)
    matter = {each.name for each in shown.inputs if each.matters}
    assert "rsp" in matter
    assert not {each.name for each in features} & matter
