"""A run as JSON, after ``schema.json`` beside this file; its version is ``VERSION``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from verifier.reporting.lifters import lifters_to_json
from verifier.reporting.saved import story_to_json
from verifier.reporting.wording import boundary_sentence

if TYPE_CHECKING:
    from verifier.proving.result import Boundary, Explanation, Result
    from verifier.reporting.recorded import Disagreement
    from verifier.reporting.summary import Summary

SCHEMA = "verifier-report"
VERSION = 1
SCHEMA_FILE = Path(__file__).with_name("schema.json")
EVERY_LOAD = "every load"


@dataclass(frozen=True, slots=True)
class Run:
    """All that came of one command: ``errors`` are bad inputs and bugs, one sentence each.

    ``disagreements`` is None where nothing was compared with what specs record.
    """

    tools: Mapping[str, str]
    summaries: Sequence[Summary]
    exit_code: int
    errors: Sequence[str] = ()
    disagreements: Sequence[Disagreement] | None = field(default=None)


def document(run: Run) -> dict[str, Any]:
    """Give a run as JSON values."""
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "exit_code": int(run.exit_code),
        "tools": dict(run.tools),
        "targets": [_target(each) for each in run.summaries],
        "results": [
            _result(each, summary) for summary in run.summaries for each in summary.results
        ],
        "errors": list(run.errors),
        "disagreements": None
        if run.disagreements is None
        else [_disagreement(each) for each in run.disagreements],
    }


def dumped(run: Run) -> str:
    """Give a run as the text of a JSON file."""
    return json.dumps(document(run), indent=1) + "\n"


def _target(summary: Summary) -> dict[str, Any]:
    work = summary.work
    return {
        "target": summary.target,
        "title": summary.title,
        "spec": summary.spec,
        "source": summary.source,
        "digest": summary.digest,
        "size": summary.size,
        "producer": summary.producer,
        "notes": [*summary.notes, *summary.unreached],
        "assumptions": summary.granted,
        "unneeded": list(summary.unneeded),
        "dropped": list(summary.dropped),
        "limits": dict(summary.limits),
        "lifters": lifters_to_json(summary.comparison),
        "gaps": list(summary.gaps),
        "paths": work.paths,
        "instructions": work.instructions,
        "solver_questions": work.questions,
        "solver_seconds": round(work.solver_seconds, 3),
        "samples_replayed": work.samples,
        "seconds": round(work.seconds, 3),
    }


def _result(result: Result, summary: Summary) -> dict[str, Any]:
    claim = summary.claims[result.claim]
    return {
        "target": result.target,
        "claim": result.claim,
        "model": result.model.value,
        "verdict": result.verdict.value,
        "promised": summary.promised(result),
        "text": " ".join(claim.text.split()),
        "holds": " ".join(claim.holds.split()),
        "assumptions": list(result.assumptions),
        "dropped": list(summary.dropped),
        "reason": result.reason,
        "boundary": _boundary(result.boundary),
        "failing_loads": _loads(result.boundary),
        "counterexample": _counterexample(result, summary),
        "explanation": _explanation(result.explanation),
        "contradicted": result.contradicted,
        "cuts": [
            {
                "place": each.place,
                "invariant": each.invariant,
                "heads": each.heads,
                "shown": each.shown,
            }
            for each in result.cuts
        ],
        "idle": list(result.idle),
        "obligations": result.obligations,
        "paths": result.paths,
        "instructions": result.instructions,
        "seconds": round(result.seconds, 3),
    }


def _boundary(boundary: Boundary | None) -> str | None:
    """Give the boundary in the form in which a spec records it."""
    if boundary is None:
        return None
    return EVERY_LOAD if boundary.every_load else hex(boundary.first)


def _loads(boundary: Boundary | None) -> dict[str, Any] | None:
    if boundary is None:
        return None
    return {
        "first": hex(boundary.first),
        "last": hex(boundary.last),
        "lowest_allowed": hex(boundary.lowest),
        "highest_allowed": hex(boundary.highest),
        "unbroken": boundary.unbroken,
        "proved_below": boundary.proved_below,
        "sentence": boundary_sentence(boundary),
    }


def _counterexample(result: Result, summary: Summary) -> dict[str, Any] | None:
    shown = result.counterexample
    if shown is None:
        return None
    return {
        **story_to_json(shown),
        "replays": [
            {
                "engine": each.engine,
                "version": each.version,
                "judge": each.judge.name,
                "sentence": each.sentence,
            }
            for each in shown.replays
        ],
        "file": summary.saved.get((result.claim, result.model)),
    }


def _explanation(why: Explanation | None) -> dict[str, Any] | None:
    if why is None:
        return None
    return {
        "obligations": list(why.obligations),
        "origins": [
            {
                "name": each.name,
                "value": each.value,
                "place": each.place,
                "text": each.text,
                "source": each.source,
            }
            for each in why.origins
        ],
    }


def _disagreement(each: Disagreement) -> dict[str, Any]:
    return {
        "target": each.target,
        "claim": each.claim,
        "model": each.model.value,
        "dropped": list(each.dropped),
        "sentence": each.sentence,
    }
