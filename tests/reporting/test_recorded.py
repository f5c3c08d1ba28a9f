"""What came out is held against what the spec records: verdict, reason and boundary."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.reporting import build
from verifier.machine.models import ModelName
from verifier.reporting.recorded import Alteration, agreement_code, alterations, compare
from verifier.reporting.status import Status
from verifier.specification.verdict import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from verifier.proving.result import Result

AS_RECORDED = (
    build.proved("rsi-preserved"),
    build.refuted(boundary=build.FROM_4G),
    build.proved(),
)


def sentences(folder: Path, *results: Result, dropped: tuple[str, ...] = ()) -> list[str]:
    """Give what disagrees."""
    return [each.sentence for each in compare(build.report(folder, *results, dropped=dropped))]


def test_agreement_is_silent(tmp_path: Path) -> None:
    """Verdicts, reasons and boundaries as recorded are no news; the code is 0."""
    found = compare(build.report(tmp_path, *AS_RECORDED))
    assert found == []
    assert agreement_code(found) == Status.PROVED


@pytest.mark.parametrize(
    ("result", "sentence"),
    [
        (replace(build.refuted(), model=ModelName.RETAINING), "expected PROVED, is REFUTED"),
        (build.proved("rsi-preserved", ModelName.ZEROING), "expected REFUTED, is PROVED"),
        (build.refuted(boundary=build.EVERY_LOAD), "expected the boundary 0x100000000, is every"),
        (build.refuted(boundary=None), "expected the boundary 0x100000000, is unknown"),
        (replace(build.refuted(), contradicted=True), "an engine contradicts it"),
        (
            replace(build.refuted(), reason="#GP", counterexample=None),
            "'rsi' is not in the reason: #GP",
        ),
        (
            replace(build.proved("rsi-preserved"), verdict=Verdict.UNKNOWN, reason="why"),
            "expected PROVED, is UNKNOWN: why",
        ),
    ],
)
def test_departure_is_told(result: Result, sentence: str, tmp_path: Path) -> None:
    """Each way to differ is one sentence, and no run with it exits 0."""
    (found,) = compare(build.report(tmp_path, result))
    assert found.sentence.startswith(sentence)
    assert agreement_code([found]) != Status.PROVED


def test_promise_without_a_record_is_a_proof(tmp_path: Path) -> None:
    """A promised claim for which nothing is recorded must be proved."""
    result = replace(build.undecided(), claim="cr3-below-4g", model=ModelName.RETAINING)
    report = build.report(tmp_path, result)
    claims = tuple(
        replace(claim, promises=(ModelName.RETAINING,), expect={}) for claim in report.spec.claims
    )
    with_promise = replace(report, spec=replace(report.spec, claims=claims))
    assert [each.status for each in compare(with_promise)] == [Status.UNKNOWN]
    without = tuple(replace(claim, promises=(), expect={}) for claim in report.spec.claims)
    assert compare(replace(report, spec=replace(report.spec, claims=without))) == []


def test_dropped_assumption_has_verdicts_of_its_own(tmp_path: Path) -> None:
    """``[[without]]`` says what must change; what it does not name keeps its verdict."""
    broken = replace(build.refuted(), model=ModelName.RETAINING)
    dropped = ("load-range",)
    assert sentences(tmp_path, broken, dropped=dropped) == []
    assert sentences(tmp_path, build.proved("rsi-preserved"), dropped=dropped) == [
        "expected REFUTED, is PROVED"
    ]
    elsewhere = build.refuted(boundary=build.EVERY_LOAD)
    assert sentences(tmp_path, elsewhere, dropped=dropped) == []


def test_whole_run_lacks_nothing(tmp_path: Path) -> None:
    """Compared as a whole, a claim that was not judged under a model disagrees."""
    found = compare(build.report(tmp_path, build.proved("rsi-preserved")), whole=True)
    assert {(each.claim, each.model.value) for each in found} == {
        ("rsi-preserved", "zeroing"),
        ("cr3-below-4g", "retaining"),
        ("cr3-below-4g", "zeroing"),
    }
    assert {each.sentence for each in found} == {"was not judged"}


def test_alterations_are_the_runs_to_make(tmp_path: Path) -> None:
    """Each dropped assumption and model of ``[[without]]`` is one more run."""
    spec = build.report(tmp_path).spec
    assert alterations(spec) == (Alteration("load-range", ModelName.RETAINING),)
