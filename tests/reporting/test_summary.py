"""A summary is plain values, and its counterexamples begin with the load address."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.replay.build import CODE
from tests.reporting import build
from verifier.machine.models import ModelName
from verifier.proving.result import InputValue
from verifier.reporting.summary import summarise

if TYPE_CHECKING:
    from pathlib import Path

    from verifier.proving.result import Boundary


@pytest.mark.parametrize(
    ("boundary", "matters"), [(build.EVERY_LOAD, False), (build.FROM_4G, True), (None, True)]
)
def test_load_is_the_first_input(boundary: Boundary | None, matters: bool, tmp_path: Path) -> None:
    """Where the prover did not list the load it is added; it matters unless every load breaks."""
    shown = build.counterexample()
    bare = replace(shown, inputs=shown.inputs[1:])
    result = replace(build.refuted(boundary=boundary), counterexample=bare)
    (told,) = summarise(build.report(tmp_path, result)).results
    assert told.counterexample is not None
    assert told.counterexample.inputs[0] == InputValue("load", CODE, 64, matters)
    assert told.counterexample.inputs[1:] == bare.inputs


def test_listed_load_moves_to_the_front(tmp_path: Path) -> None:
    """Where it was listed it keeps its word on whether it matters."""
    shown = build.counterexample()
    turned = replace(shown, inputs=shown.inputs[::-1])
    result = replace(build.refuted(), counterexample=turned)
    (told,) = summarise(build.report(tmp_path, result)).results
    assert told.counterexample is not None
    assert [each.name for each in told.counterexample.inputs[:2]] == ["load", "identity_end"]


def test_summary_passes_between_processes(tmp_path: Path) -> None:
    """Nothing in it needs the solver's process, and nothing is lost on the way."""
    results = (build.proved(), build.refuted(), build.undecided())
    summary = summarise(build.report(tmp_path, *results))
    assert pickle.loads(pickle.dumps(summary)) == summary  # noqa: S301 - made on this very line


def test_needed_assumptions_are_in_the_order_of_the_spec(tmp_path: Path) -> None:
    """What several proofs need is listed once; what is no assumption of the spec comes last."""
    results = (build.proved(), build.proved("rsi-preserved", ModelName.ZEROING))
    summary = summarise(build.report(tmp_path, *results))
    assert summary.needed == ("load-range", "processor-state")
    assert summary.promised(build.proved("rsi-preserved"))
