"""A counterexample as a file: all that ``verifier replay`` needs, without spec or solver."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from verifier import __version__
from verifier.errors import BadInput
from verifier.proving.result import Counterexample, Difference, InputValue, TraceLine
from verifier.reporting.fields import Fields, read_fields
from verifier.reporting.files import file_name, write_whole
from verifier.reporting.start_json import (
    end_from_json,
    end_to_json,
    start_from_json,
    start_to_json,
)

if TYPE_CHECKING:
    from verifier.proving.result import Result
    from verifier.reporting.summary import Summary

FORMAT = "verifier-counterexample"
VERSION = 1
MOST_STEPS = 1_000_000


@dataclass(frozen=True, slots=True)
class Saved:
    """A counterexample read from its file, with what it says it refutes."""

    target: str
    claim: str
    model: str
    digest: str
    holds: str
    counterexample: Counterexample


def save(summary: Summary, result: Result, folder: Path) -> Path | None:
    """Write a result's counterexample to a file of its own; give the path, if there is one."""
    shown = result.counterexample
    if shown is None:
        return None
    dropped = (f"without-{'-'.join(summary.dropped)}",) if summary.dropped else ()
    name = file_name(summary.target, result.claim, result.model.value, *dropped)
    path = folder / f"{name}.json"
    claim = summary.claims.get(result.claim)
    saved = Saved(
        target=summary.target,
        claim=result.claim,
        model=result.model.value,
        digest=summary.digest,
        holds=claim.holds if claim else "",
        counterexample=shown,
    )
    write_whole(path, json.dumps(saved_to_json(saved), indent=1) + "\n")
    return path


def saved_to_json(saved: Saved) -> dict[str, Any]:
    """Give the content of a file."""
    shown = saved.counterexample
    return {
        "format": FORMAT,
        "version": VERSION,
        "verifier": __version__,
        "target": saved.target,
        "claim": saved.claim,
        "model": saved.model,
        "digest": saved.digest,
        "holds": saved.holds,
        **story_to_json(shown),
        "steps": shown.steps,
        "start": start_to_json(shown.start),
        "end": None if shown.end is None else end_to_json(shown.end),
    }


def story_to_json(shown: Counterexample) -> dict[str, Any]:
    """Give what a reader is told of a counterexample: all but the bits to replay."""
    return {
        "reason": shown.reason,
        "load": None if shown.load is None else hex(shown.load),
        "sampled": shown.sampled,
        "inputs": [
            {
                "name": each.name,
                "value": hex(each.value),
                "width": each.width,
                "matters": each.matters,
            }
            for each in shown.inputs
        ],
        "differences": [
            {
                "name": each.name,
                "is": hex(each.actual),
                "should_be": hex(each.expected),
                "compared": each.compared,
            }
            for each in shown.differences
        ],
        "trace": [_step_to_json(each) for each in shown.trace],
    }


def read_saved(path: Path) -> Saved:
    """Read a file; BadInput says what is wrong with it."""
    fields = read_fields(path)
    if fields.values.get("format") != FORMAT:
        raise BadInput(f"is no counterexample: its 'format' is not '{FORMAT}'", path)
    if fields.count("version") != VERSION:
        found = fields.count("version")
        message = f"has version {found} of the format; this verifier reads version {VERSION}"
        raise BadInput(message, path)
    return Saved(
        target=fields.text("target"),
        claim=fields.text("claim"),
        model=fields.text("model"),
        digest=fields.text("digest"),
        holds=fields.text("holds"),
        counterexample=_read_counterexample(fields),
    )


def _read_counterexample(fields: Fields) -> Counterexample:
    steps = fields.count("steps")
    if steps > MOST_STEPS:
        raise fields.mistake(f"is more than {MOST_STEPS}", "steps")
    end = fields.optional("end")
    return Counterexample(
        start=start_from_json(fields.inner("start")),
        inputs=tuple(_read_input(each) for each in fields.each("inputs")),
        trace=tuple(_read_step(each) for each in fields.each("trace")),
        differences=tuple(
            Difference(
                each.text("name"),
                each.number("is"),
                each.number("should_be"),
                each.truth("compared"),
            )
            for each in fields.each("differences")
        ),
        reason=fields.text("reason"),
        steps=steps,
        load=None if fields.values.get("load") is None else fields.number("load"),
        end=None if end is None else end_from_json(end),
        sampled="sampled" in fields.values and fields.truth("sampled"),
    )


def _read_input(fields: Fields) -> InputValue:
    return InputValue(
        name=fields.text("name"),
        value=fields.number("value"),
        width=fields.count("width"),
        matters=fields.truth("matters"),
    )


def _step_to_json(step: TraceLine) -> dict[str, Any]:
    return {
        "number": step.number,
        "address": hex(step.address),
        "place": step.place,
        "mode": step.mode,
        "bytes": step.raw.hex(),
        "text": step.text,
        "origin": step.origin,
        "source": step.source,
        "source_text": step.source_text,
    }


def _read_step(fields: Fields) -> TraceLine:
    return TraceLine(
        number=fields.count("number"),
        address=fields.number("address"),
        place=fields.text("place"),
        mode=fields.text("mode"),
        raw=fields.raw("bytes"),
        text=fields.text("text"),
        origin=fields.text("origin"),
        source=fields.text("source"),
        source_text=fields.text("source_text"),
    )
