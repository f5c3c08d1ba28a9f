"""A cold proof of la57-rfc under one model, against the bare ``import angr``."""

from __future__ import annotations

import json
import statistics
from typing import TYPE_CHECKING

import pytest

from tests.benchmarks.processes import BARE_ANGR, VERIFIER, Cost, run

if TYPE_CHECKING:
    from pathlib import Path

ROUNDS = 9
WALL_LIMIT, MEMORY_LIMIT = 2.5, 2.0
REFUTED = 1
MODEL = "retaining"


@pytest.fixture(scope="module")
def rounds(root: Path, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Cost, Cost]]:
    """Run both in turn, so that what else the machine does meets both alike."""
    kept = str(tmp_path_factory.mktemp("counterexamples"))
    command = ["prove", "specs/la57-rfc", "--model", MODEL, "--cex", kept]
    run(root, BARE_ANGR)
    assert run(root, VERIFIER, command).status == REFUTED, "table-page-clean is refuted"
    return [(run(root, BARE_ANGR), run(root, VERIFIER, command)) for _ in range(ROUNDS)]


def test_wall_time(rounds: list[tuple[Cost, Cost]]) -> None:
    """All claims of la57-rfc, from assembling to the last replay, take 2.5 bare imports."""
    bare = statistics.median(angr.seconds for angr, _ in rounds)
    whole = statistics.median(prove.seconds for _, prove in rounds)
    ratios = sorted(prove.seconds / angr.seconds for angr, prove in rounds)
    print(  # noqa: T201 - a benchmark prints
        f"\nwall: import angr {bare:.2f} s, prove {whole:.2f} s (medians of {ROUNDS}): "
        f"{whole / bare:.2f} times; single rounds {ratios[0]:.2f} to {ratios[-1]:.2f}"
    )
    assert whole <= WALL_LIMIT * bare


def test_memory(rounds: list[tuple[Cost, Cost]]) -> None:
    """The main process at its peak takes at most twice the memory of a bare import."""
    bare = statistics.median(angr.peak for angr, _ in rounds)
    whole = statistics.median(prove.peak for _, prove in rounds)
    print(  # noqa: T201 - a benchmark prints
        f"\nmemory: import angr {bare / 1024:.0f} MiB, prove {whole / 1024:.0f} MiB: "
        f"{whole / bare:.2f} times"
    )
    assert whole <= MEMORY_LIMIT * bare


def test_solver_time(root: Path, tmp_path: Path) -> None:
    """A report says how long the solver took; here it is told by question and by obligation."""
    report = tmp_path / "report.json"
    options = ["--model", MODEL, "--json", str(report), "--cex", str(tmp_path)]
    run(root, VERIFIER, ["prove", "specs/la57-rfc", *options])
    told = json.loads(report.read_text())
    target = told["targets"][0]
    obligations = sum(each["obligations"] for each in told["results"])
    seconds, questions = target["solver_seconds"], target["solver_questions"]
    print(  # noqa: T201 - a benchmark prints
        f"\nsolver: {seconds:.2f} s in {questions} questions, "
        f"{1000 * seconds / questions:.2f} ms each; "
        f"{obligations} obligations, {1000 * seconds / obligations:.1f} ms each"
    )
    assert questions
    assert obligations
