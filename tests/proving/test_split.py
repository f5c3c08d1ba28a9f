"""Starts that a spec splits are followed apart, and none is left out or followed twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import claripy
import pytest

from tests.soundness.build import Small, write
from verifier.execution.path import Reached
from verifier.machine.models import ModelName
from verifier.proving.session import Session
from verifier.proving.target import read_target
from verifier.replay.judging import bench

if TYPE_CHECKING:
    from pathlib import Path

CODE = "testq %rdi, %rdi\njne 1f\naddl $1, %eax\n1: nop\nleave:\tjmp out\nout:\thlt"
SPLITS = {
    "none": ((), 1),
    "one": (("rdi == 0",), 2),
    "several": (("rdi == 0", "rsi == 0", "rdi == rsi"), 4),
    "one that never holds": (("rdi < rdi",), 2),
}


def split_into(folder: Path, splits: tuple[str, ...]) -> Session:
    """Explore a small program with its starts split."""
    write(folder, Small(CODE, ("true",)))
    path = folder / "spec.toml"
    at = 'at = "entry"\n'
    path.write_text(path.read_text().replace(at, f"{at}split = {list(splits)}\n" if splits else at))
    return Session(read_target(path), ModelName.RETAINING, bench())


@pytest.mark.parametrize("name", SPLITS)
def test_cases_are_all_starts_and_exclude_each_other(tmp_path: Path, name: str) -> None:
    """There is a case for each truth and one for the rest; each start is of exactly one."""
    splits, count = SPLITS[name]
    cases = split_into(tmp_path, splits).context.cases
    assert len(cases) == count
    solver = claripy.Solver()
    assert not solver.satisfiable([claripy.Not(claripy.Or(*cases))])
    for index, case in enumerate(cases):
        for other in cases[:index]:
            assert not solver.satisfiable([case, other])


@pytest.mark.parametrize(("splits", "ends"), [((), 1), (("rdi == 0",), 2)])
def test_trails_of_two_cases_are_not_joined(
    tmp_path: Path, splits: tuple[str, ...], ends: int
) -> None:
    """Ways that would meet are two where the split tells their starts apart."""
    session = split_into(tmp_path, splits)
    assert sum(isinstance(path.ending, Reached) for path in session.paths) == ends
