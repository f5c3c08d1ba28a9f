"""Every way to be wrong gets the verdict that its file records, for the reason it records."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.specs.found import MISTAKE_FILES, SPEC_FILES, name_of, spec_of, target_at
from verifier.proving.target import Choice, mistaken_target
from verifier.reporting.recorded import compare, departure
from verifier.specification.mistake import Broken, Equivalent, read_mistake
from verifier.specification.verdict import Verdict
from verifier.verify import Options, verify_target

if TYPE_CHECKING:
    from pathlib import Path

    from verifier.replay.replayer import Replayer
    from verifier.specification.mistake import Mistake

MISTAKES = {path: read_mistake(path, target_at(spec_of(path)).spec) for path in MISTAKE_FILES}
BROKEN = [path for path, mistake in MISTAKES.items() if isinstance(mistake.outcome, Broken)]
EQUIVALENT = [path for path, each in MISTAKES.items() if isinstance(each.outcome, Equivalent)]


def test_every_mistake_is_found() -> None:
    """The walk finds every file, and no two make the same edits."""
    assert len(MISTAKE_FILES) == 115
    edits = Counter((spec_of(path), mistake.edits) for path, mistake in MISTAKES.items())
    assert edits.most_common(1)[0][1] == 1


@pytest.mark.parametrize("path", BROKEN, ids=name_of)
def test_mistake_shows(path: Path, replayer: Replayer) -> None:
    """The claim that the mistake breaks gets the recorded verdict for the recorded reason."""
    outcome = MISTAKES[path].outcome
    assert isinstance(outcome, Broken)
    target = mistaken_target(spec_of(path), MISTAKES[path])
    options = Options(Choice((outcome.model,), (outcome.claim,)), samples=0)
    (result,) = verify_target(target, options, replayer, lambda _: None).results
    assert departure(result, outcome.expectation) is None


@pytest.mark.parametrize("path", EQUIVALENT, ids=name_of)
def test_equivalent_mistake_changes_no_verdict(path: Path, replayer: Replayer) -> None:
    """A mistake that is equal in effect leaves every verdict of the spec as it is."""
    target = mistaken_target(spec_of(path), MISTAKES[path])
    report = verify_target(target, Options(Choice(every=True), samples=0), replayer, lambda _: None)
    assert len(report.results) == len(target.spec.claims) * len(target.spec.models)
    assert [(each.claim, each.model, each.sentence) for each in compare(report)] == []


@pytest.mark.parametrize("path", BROKEN, ids=name_of)
def test_mistake_records_a_reason(path: Path) -> None:
    """What is expected of a mistake says why, so that none passes for another reason."""
    outcome = MISTAKES[path].outcome
    assert isinstance(outcome, Broken)
    assert outcome.expectation.reason


def test_few_mistakes_stay_unknown() -> None:
    """Nearly every mistake that shows is refuted, not left open."""
    verdicts = Counter(_verdict(mistake) for mistake in MISTAKES.values())
    assert verdicts[Verdict.UNKNOWN] <= 3
    assert verdicts[Verdict.REFUTED] >= 70


def _verdict(mistake: Mistake) -> Verdict | None:
    outcome = mistake.outcome
    return outcome.expectation.verdict if isinstance(outcome, Broken) else None


@pytest.mark.parametrize("path", SPEC_FILES, ids=name_of)
def test_every_claim_has_a_broken_twin(path: Path) -> None:
    """Some mistake of the spec breaks each claim that is proved of it under some model."""
    outcomes = [mistake.outcome for file, mistake in MISTAKES.items() if spec_of(file) == path]
    broken = {outcome.claim for outcome in outcomes if isinstance(outcome, Broken)}
    proved = {
        claim.id
        for claim in target_at(path).spec.claims
        if any(each.verdict is Verdict.PROVED for each in claim.expect.values())
    }
    assert proved <= broken
