"""Inspecting a kernel as it ships, and help, against the bare ``import angr``."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

import pytest

from tests.benchmarks.processes import BARE_ANGR, VERIFIER, run
from tests.kernels import SERIES, shipped

if TYPE_CHECKING:
    from pathlib import Path

ROUNDS = 9
LIMIT = 1.0


@pytest.mark.parametrize("series", SERIES)
def test_wall_time_of_inspect(series: str, root: Path) -> None:
    """The whole command takes less than one bare import."""
    command = ["inspect", str(shipped(series).path)]
    rounds = [(run(root, BARE_ANGR), run(root, VERIFIER, command)) for _ in range(ROUNDS)]
    bare = statistics.median(angr.seconds for angr, _ in rounds)
    whole = statistics.median(inspect.seconds for _, inspect in rounds)
    print(  # noqa: T201 - a benchmark prints
        f"\ninspect {series}: import angr {bare:.2f} s, inspect {whole:.2f} s"
        f" (medians of {ROUNDS}): {whole / bare:.2f} times"
    )
    assert whole < LIMIT * bare
