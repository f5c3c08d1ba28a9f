"""The JSON report keeps to its schema, which documents every field."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from tests.reporting import build
from verifier.machine.models import ModelName
from verifier.reporting.document import SCHEMA_FILE, Run, document, dumped
from verifier.reporting.recorded import Disagreement
from verifier.reporting.status import Status
from verifier.specification.verdict import Verdict

RESULTS = (
    build.proved(),
    build.refuted(),
    build.refuted(boundary=build.FROM_4G),
    build.refuted(boundary=None),
    build.undecided(),
    build.undecided(Verdict.VACUOUS),
)


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """Give the schema."""
    found: dict[str, Any] = json.loads(SCHEMA_FILE.read_text())
    return found


def run(**more: Any) -> Run:  # noqa: ANN401 - fields of a Run
    """Give a run with every kind of result."""
    return Run({"verifier": "0.1.0"}, [build.summary(*RESULTS)], Status.REFUTED, **more)


def test_schema_is_a_schema(schema: dict[str, Any]) -> None:
    """The schema is valid by its own draft."""
    jsonschema.Draft202012Validator.check_schema(schema)


def test_report_keeps_to_the_schema(schema: dict[str, Any]) -> None:
    """Every kind of result, errors and disagreements validate; so does an empty run."""
    wrong = Disagreement("switch", "c", ModelName.RETAINING, ("a",), "differs", Status.REFUTED)
    for each in (run(), run(errors=["no"], disagreements=[wrong]), Run({}, [], Status.BAD_INPUT)):
        jsonschema.validate(json.loads(dumped(each)), schema)


def test_results_have_what_is_promised() -> None:
    """At the top ``results`` has the fields that other programs rely on."""
    results = document(run())["results"]
    promised = {
        "target",
        "claim",
        "model",
        "verdict",
        "assumptions",
        "boundary",
        "counterexample",
        "seconds",
    }
    assert all(promised <= set(each) for each in results)
    assert [each["verdict"] for each in results] == [
        "PROVED",
        "REFUTED",
        "REFUTED",
        "REFUTED",
        "UNKNOWN",
        "VACUOUS",
    ]
    assert [each["boundary"] for each in results] == [
        None,
        "every load",
        "0x100000000",
        None,
        None,
        None,
    ]
    assert results[0]["assumptions"] == ["load-range", "processor-state"]


def test_a_target_has_what_its_results_rest_on() -> None:
    """Each assumption that a result names has its text there, what processors guarantee too."""
    told = document(run())
    (target,) = told["targets"]
    assert list(target["assumptions"]) == ["load-range", "spare", "processor-state"]
    assert all(set(each["assumptions"]) <= set(target["assumptions"]) for each in told["results"])


def test_programs_get_every_branch_that_goes_one_way() -> None:
    """What the text sums up is among the notes, sentence for sentence."""
    branches = tuple(f"no start reaches image+{number:#x}" for number in range(34))
    summary = replace(build.summary(build.proved()), unreached=branches)
    (target,) = document(Run({}, [summary], Status.PROVED))["targets"]
    assert target["notes"] == [*summary.notes, *branches]


def described(node: object) -> Iterator[tuple[str, bool]]:
    """Give each property of a schema, and whether it says what it is."""
    if isinstance(node, dict):
        for name, value in node.get("properties", {}).items():
            yield name, "description" in value or "const" in value
        for value in node.values():
            yield from described(value)
    elif isinstance(node, list):
        for value in node:
            yield from described(value)


def test_every_field_is_documented(schema: dict[str, Any]) -> None:
    """Each property of the schema says what it holds."""
    found = list(described(schema))
    assert len(found) > 60
    assert [name for name, is_described in found if not is_described] == []
