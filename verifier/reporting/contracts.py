"""Contracts that another spec is to prove: whether that one was proved in the same run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from verifier.reporting.wording import paragraph
from verifier.specification.verdict import Verdict

if TYPE_CHECKING:
    from rich.text import Text

    from verifier.machine.models import ModelName
    from verifier.reporting.summary import Summary


def contract_lines(run: Sequence[Summary], width: int) -> list[Text]:
    """Say of each contract that verdicts of a run rest on what became of the spec behind it."""
    sentences = dict.fromkeys(told for each in run for told in _sentences(each, run))
    return [each for told in sentences for each in paragraph(told, "", width)]


def _sentences(summary: Summary, run: Sequence[Summary]) -> Iterator[str]:
    for contract, spec in summary.proved_by.items():
        resting = [each.model for each in summary.results if contract in each.assumptions]
        if resting:
            models = tuple(dict.fromkeys(resting))
            became = _became([each for each in run if _is_behind(each, spec, summary)], models)
            yield f"the contract {contract} of {summary.target} rests on {spec}, which {became}"


def _is_behind(other: Summary, spec: str, summary: Summary) -> bool:
    """Say whether ``other`` is of the spec of that name, in a folder beside, on the same bytes."""
    folder, beside = (Path(each.spec).resolve().parent.parent for each in (other, summary))
    return (other.target, folder, other.digest) == (spec, beside, summary.digest)


def _became(found: Sequence[Summary], models: tuple[ModelName, ...]) -> str:
    if not found:
        return "was not judged on these bytes in this run"
    named = ", ".join(model.value for model in models)
    if any(all(_is_proved(each, model) for model in models) for each in found):
        return f"is proved in this run under {named}"
    return f"is not wholly proved in this run under {named}"


def _is_proved(summary: Summary, model: ModelName) -> bool:
    """Say whether all that a spec promises under a model was judged as it is, and proved."""
    promised = {claim for claim, each in summary.claims.items() if model in each.promises}
    proved = {
        each.claim
        for each in summary.results
        if each.model is model and each.verdict is Verdict.PROVED and not each.contradicted
    }
    return bool(promised) and promised <= proved and not summary.dropped
