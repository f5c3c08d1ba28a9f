"""Specs of kernels as they ship, and mutants of their bytes, on a kernel of each series.

What a spec is about may be the same bytes in several kernels; these are judged once.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.kernels import SERIES, shipped
from tests.specs.found import KERNEL_MISTAKE_FILES, KERNEL_SPEC_FILES, name_of, spec_of
from verifier.machine.models import ModelName
from verifier.proving.target import Choice, mistaken_target, read_target
from verifier.reporting.recorded import compare, departure
from verifier.specification.mistake import Broken, Equivalent, read_mistake
from verifier.specification.verdict import Verdict
from verifier.verify import Options, verify_target

if TYPE_CHECKING:
    from pathlib import Path

    from verifier.proving.result import Report
    from verifier.proving.target import Target
    from verifier.replay.replayer import Replayer

QUICK = ("trampoline",)
"""Specs that are proved under every model in every run, with their mutants."""
PROMISING = {"efi-switch": "mask-without-upper-bits"}
"""Specs of which every run proves what is promised under one model, each with one mutant.

With ``VERIFIER_SLOW`` in the environment all specs are proved as the quick ones are, which takes
an hour; otherwise it is only seen to of the others that labels are found and mutants fit.
"""
SLOW = "VERIFIER_SLOW" in os.environ
PROVED_SPECS = tuple(path for path in KERNEL_SPEC_FILES if SLOW or path.parent.name in QUICK)
MISTAKES = {path: read_mistake(path) for path in KERNEL_MISTAKE_FILES}
BROKEN = [path for path, each in MISTAKES.items() if isinstance(each.outcome, Broken)]
PROVED_BROKEN = [path for path in BROKEN if spec_of(path) in PROVED_SPECS]
EQUIVALENT = [
    path
    for path, each in MISTAKES.items()
    if isinstance(each.outcome, Equivalent) and spec_of(path) in PROVED_SPECS
]
JUDGED: dict[tuple[object, ...], Report] = {}

on_each_series = pytest.mark.parametrize("series", SERIES)


def judged(target: Target, choice: Choice, replayer: Replayer, samples: int = 0) -> Report:
    """Judge a target, once for all kernels that have the same bytes and labels."""
    image, file = target.image, target.spec.description.path
    labels = tuple(sorted(image.symbols.items()))
    key = (file, image.digest, labels, choice, samples)
    if key not in JUDGED:
        options = Options(choice, samples=samples)
        JUDGED[key] = verify_target(target, options, replayer, lambda _: None)
    return JUDGED[key]


def told(report: Report) -> list[str]:
    """Give each departure from what is recorded as one line."""
    return [f"{each.claim} under {each.model.value}: {each.sentence}" for each in compare(report)]


def test_every_file_is_found() -> None:
    """The walk finds specs and mutants, no two of which make the same edits."""
    assert {path.parent.name for path in KERNEL_SPEC_FILES} >= set(QUICK)
    assert len(KERNEL_MISTAKE_FILES) == 102
    edits = Counter((spec_of(path), each.edits) for path, each in MISTAKES.items())
    assert edits.most_common(1)[0][1] == 1


@on_each_series
@pytest.mark.parametrize("path", KERNEL_SPEC_FILES, ids=name_of)
def test_no_label_is_missing(path: Path, series: str) -> None:
    """Inspection finds what each spec speaks of, and each of its mutants fits the kernel."""
    kernel = shipped(series).path
    target = read_target(path, image=kernel)
    for file in KERNEL_MISTAKE_FILES:
        if spec_of(file) == path:
            mistake = read_mistake(file, target.spec)
            assert mistaken_target(path, mistake, kernel).image.data != target.image.data


GRANTED = {
    *("returns-to-caller", "stack-pointer", "callee-saved-registers", "other-state-kept"),
    *("no-fault", "frame"),
}
"""What a contract grants of its callee, as the claims of the spec that proves it."""


@on_each_series
@pytest.mark.parametrize("path", KERNEL_SPEC_FILES, ids=name_of)
def test_a_contract_is_what_its_proof_claims(path: Path, series: str) -> None:
    """The spec that proves a contract begins where it stands, and assumes what it requires."""
    kernel = shipped(series).path
    spec = read_target(path, image=kernel).spec
    for contract in spec.contracts:
        if contract.proved_by is None:
            # What is no address of the image is the firmware's.
            assert contract.entry.text in spec.inputs
            continue
        proof = read_target(path.parents[1] / contract.proved_by, image=kernel).spec
        assert proof.entry.at.text == contract.entry.text
        assert contract.requires is not None
        assert not contract.writes
        assert contract.ensures is None
        assert contract.requires.text in [each.holds.text for each in proof.assumptions]
        (stack,) = (each for each in proof.regions if each.name == "stack")
        assert stack.base.text == f"rsp - {contract.stack:#x}"
        assert stack.size == contract.stack + 8
        promised = {each.id for each in proof.claims if set(each.promises) >= set(spec.models)}
        assert promised >= GRANTED


@on_each_series
@pytest.mark.parametrize("path", PROVED_SPECS, ids=name_of)
def test_verdicts_are_as_recorded(path: Path, series: str, replayer: Replayer) -> None:
    """Each claim gets the verdict that is recorded, on the kernel as it was downloaded."""
    target = read_target(path, image=shipped(series).path)
    report = judged(target, Choice(every=True), replayer, samples=3)
    assert len(report.results) == len(target.spec.claims) * len(target.spec.models)
    assert told(report) == []


@on_each_series
@pytest.mark.parametrize("name", PROMISING)
def test_promises_of_a_call_site_are_kept(name: str, series: str, replayer: Replayer) -> None:
    """Each claim that is promised is proved of the code as it was compiled, and runs so."""
    path = next(each for each in KERNEL_SPEC_FILES if each.parent.name == name)
    target = read_target(path, image=shipped(series).path)
    report = judged(target, Choice((ModelName.RETAINING,)), replayer, samples=1)
    promised = {each.id for each in target.spec.claims if ModelName.RETAINING in each.promises}
    assert {result.claim for result in report.results} == promised
    assert {result.verdict for result in report.results} == {Verdict.PROVED}
    assert report.samples


@pytest.mark.parametrize("name", PROMISING)
def test_a_call_site_that_is_broken_shows(name: str, replayer: Replayer) -> None:
    """What is promised of a call site is refuted of one of its mutants, in a replay."""
    (file,) = (
        each
        for each in KERNEL_MISTAKE_FILES
        if (each.stem, spec_of(each).parent.name) == (PROMISING[name], name)
    )
    outcome = MISTAKES[file].outcome
    assert isinstance(outcome, Broken)
    target = mistaken_target(spec_of(file), MISTAKES[file], shipped(next(iter(SERIES))).path)
    (result,) = judged(target, Choice((outcome.model,), (outcome.claim,)), replayer).results
    assert departure(result, outcome.expectation) is None


@on_each_series
@pytest.mark.parametrize("path", PROVED_BROKEN, ids=name_of)
def test_mutant_shows(path: Path, series: str, replayer: Replayer) -> None:
    """The claim that the mutant breaks gets the recorded verdict for the recorded reason."""
    outcome = MISTAKES[path].outcome
    assert isinstance(outcome, Broken)
    target = mistaken_target(spec_of(path), MISTAKES[path], shipped(series).path)
    report = judged(target, Choice((outcome.model,), (outcome.claim,)), replayer)
    (result,) = report.results
    assert departure(result, outcome.expectation) is None


@on_each_series
@pytest.mark.parametrize("path", EQUIVALENT, ids=name_of)
def test_equivalent_mutant_changes_no_promise(path: Path, series: str, replayer: Replayer) -> None:
    """A mutant that is equal in effect leaves every promise of the spec as it is."""
    target = mistaken_target(spec_of(path), MISTAKES[path], shipped(series).path)
    report = judged(target, Choice(), replayer)
    assert {result.verdict for result in report.results} == {Verdict.PROVED}
    assert {result.claim for result in report.results} == {each.id for each in target.spec.claims}


@pytest.mark.parametrize("path", BROKEN, ids=name_of)
def test_mutant_records_a_reason(path: Path) -> None:
    """What is expected of a mutant says why, so that none passes for another reason."""
    outcome = MISTAKES[path].outcome
    assert isinstance(outcome, Broken)
    assert outcome.expectation.reason


@pytest.mark.parametrize("path", KERNEL_SPEC_FILES, ids=name_of)
def test_every_claim_has_a_mutant(path: Path) -> None:
    """Some mutant breaks each claim that is promised of the kernel, or recorded as proved."""
    target = read_target(path, image=shipped(next(iter(SERIES))).path)
    outcomes = [MISTAKES[file].outcome for file in BROKEN if spec_of(file) == path]
    broken = {outcome.claim for outcome in outcomes if isinstance(outcome, Broken)}
    proved = {
        claim.id
        for claim in target.spec.claims
        if claim.promises or any(each.verdict is Verdict.PROVED for each in claim.expect.values())
    }
    assert proved <= broken
