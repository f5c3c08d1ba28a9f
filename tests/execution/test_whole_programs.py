"""What a concrete run of a whole program does is on one of the paths that were explored."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tests.execution.containment import Tally, tried

if TYPE_CHECKING:
    from pathlib import Path

PROGRAMS = 6
RUNS = 5


@pytest.mark.parametrize("number", range(PROGRAMS))
def test_each_run_is_on_a_path(tmp_path: Path, number: int) -> None:
    """Registers, flags, data and stack end as on some path, unless that path is unknown."""
    seed = f"whole {number}"
    print(f"seed '{seed}'")  # noqa: T201 - to repeat a failure
    tally = Tally()
    tried(tmp_path, random.Random(seed), RUNS, tally)  # noqa: S311 - test data
    assert tally.escaped == []
    assert tally.runs.total() == RUNS
    assert tally.runs["no start"] == 0
