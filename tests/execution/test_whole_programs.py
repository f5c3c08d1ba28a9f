"""What a concrete run of a whole program does is on one of the paths that were explored."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tests.execution.containment import Tally, Trial
from tests.execution.programs import Writer
from tests.execution.trampolines import Trampolines
from verifier.replay import Engine, Replayer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RUNS = 5


@pytest.fixture(scope="module")
def replayer() -> Iterator[Replayer]:
    """Give one replayer with Bochs for all programs."""
    with Replayer([Engine.BOCHS]) as shared:
        yield shared


@pytest.mark.parametrize(
    ("writer", "number"),
    [*((Writer, number) for number in range(6)), *((Trampolines, number) for number in range(4))],
)
def test_each_run_is_on_a_path(
    tmp_path: Path, replayer: Replayer, writer: type[Writer], number: int
) -> None:
    """Registers, flags, data and stack end as on some path, and as in Bochs."""
    seed = f"whole {number}"
    print(f"seed '{seed}'")  # noqa: T201 - to repeat a failure
    tally, source = Tally(), random.Random(seed)  # noqa: S311 - test data
    Trial(tmp_path, replayer, tally).of(writer(source).program(), source, RUNS)
    assert tally.escaped == []
    assert tally.runs["no start"] == 0
    assert tally.runs["confirmed by Bochs"] == RUNS


def test_trampolines_change_their_mode() -> None:
    """Among few trampolines are both ways back, paging off and on, and 5-level paging."""
    written = [Trampolines(random.Random(number)).program().code for number in range(40)]  # noqa: S311 - test data
    for wanted in ("ljmp", "lret\n", "btrl $31", "btsl $12", "rep movs", "rep stos", "pushfq"):
        assert any(wanted in code for code in written), wanted
