"""The verdicts a spec records, held against those that came out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from verifier.reporting.status import Status, status_of, worst
from verifier.reporting.wording import number
from verifier.specification.spec import EveryLoad, Expectation
from verifier.specification.verdict import Verdict

if TYPE_CHECKING:
    from verifier.machine.models import ModelName
    from verifier.proving.result import Boundary, Report, Result
    from verifier.specification.spec import Claim, Spec


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A verdict that is not the recorded one, in one sentence; ``dropped`` were left out."""

    target: str
    claim: str
    model: ModelName
    dropped: tuple[str, ...]
    sentence: str
    status: Status


@dataclass(frozen=True, slots=True)
class Alteration:
    """A run that a spec records beside the one with all assumptions."""

    drop: str
    model: ModelName


def alterations(spec: Spec) -> tuple[Alteration, ...]:
    """Give the runs of ``[[without]]``, in their order."""
    return tuple(dict.fromkeys(Alteration(each.drop, each.model) for each in spec.without))


def expectation(
    spec: Spec, claim: Claim, model: ModelName, dropped: tuple[str, ...]
) -> Expectation | None:
    """Give what is recorded of a claim under a model, None where any verdict will do.

    Where assumptions are dropped, a claim that is not named keeps its verdict, no more.
    """
    for each in spec.without:
        if each.model is model and dropped == (each.drop,) and claim.id in each.expect:
            return each.expect[claim.id]
    if model in claim.expect:
        kept = claim.expect[model]
        return Expectation(kept.verdict) if dropped else kept
    return Expectation(Verdict.PROVED) if model in claim.promises else None


def departure(result: Result, expected: Expectation | None) -> str | None:
    """Say how a result departs from what is expected of it, None where it does not."""
    if result.contradicted:
        return f"an engine contradicts it: {result.reason}"
    if expected is None:
        return None
    if result.verdict is not expected.verdict:
        because = f": {result.reason}" if result.reason else ""
        return f"expected {expected.verdict.value}, is {result.verdict.value}{because}"
    told = told_reason(result)
    if expected.reason is not None and expected.reason not in told:
        return f"'{expected.reason}' is not in the reason: {told}"
    if expected.boundary is None:
        return None
    if _is_at(result.boundary, expected.boundary):
        return None
    return f"expected the boundary {_told(expected.boundary)}, is {_found(result.boundary)}"


def told_reason(result: Result) -> str:
    """Give all that is told of why: the result's reason and its counterexample's."""
    shown = result.counterexample
    reasons = (result.reason, shown.reason if shown else "")
    return " ".join(dict.fromkeys(reason for reason in reasons if reason))


def compare(report: Report, *, whole: bool = False) -> list[Disagreement]:
    """Give every result that is not as recorded.

    With ``whole``, a claim that was not judged under a model of the report's is one too.
    """
    spec, found = report.spec, []
    judged = {(each.claim, each.model): each for each in report.results}
    models = (
        spec.models if whole and not report.dropped else {each.model for each in report.results}
    )
    for claim in spec.claims:
        for model in sorted(models, key=spec.models.index):
            result = judged.get((claim.id, model))
            if result is not None:
                expected = expectation(spec, claim, model, report.dropped)
                sentence, status = departure(result, expected), status_of(result)
            else:
                sentence, status = "was not judged" if whole else None, Status.VACUOUS
            if sentence is not None:
                # A proof where a refutation is recorded is no success either.
                status = Status.REFUTED if status is Status.PROVED else status
                found.append(
                    Disagreement(spec.name, claim.id, model, report.dropped, sentence, status)
                )
    return found


def agreement_code(disagreements: Iterable[Disagreement]) -> Status:
    """Give 0 where all agree, else the worst of what disagrees."""
    return worst((Status.PROVED, *(each.status for each in disagreements)))


def _is_at(found: Boundary | None, recorded: int | EveryLoad) -> bool:
    if found is None:
        return False
    return found.every_load if isinstance(recorded, EveryLoad) else found.first == recorded


def _told(recorded: int | EveryLoad) -> str:
    return recorded.value if isinstance(recorded, EveryLoad) else number(recorded)


def _found(boundary: Boundary | None) -> str:
    if boundary is None:
        return "unknown"
    return EveryLoad.EVERY_LOAD.value if boundary.every_load else number(boundary.first)
