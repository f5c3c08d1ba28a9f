"""Nothing that executed code computes comes from the address it was lifted at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from verifier.execution.path import Reached
from verifier.machine.models import ModelName
from verifier.machine.registers import Gpr
from verifier.proving.session import Session
from verifier.proving.target import read_target
from verifier.replay.judging import bench
from verifier.semantics import lifted

if TYPE_CHECKING:
    from pathlib import Path

    from verifier.proving.result import Result

OTHERS_64 = (0x0000_0001_0BAD_F00D, 0x0000_6ACE_9135_2468)
OTHERS_32 = (0x0BAD_F00D, 0x6ACE_2468)
TARGETS = ("la57-rfc", "la57-prepatch", "la57-lowstack")


def _told(result: Result) -> tuple[object, ...]:
    boundary = result.boundary
    first = None if boundary is None else boundary.first
    return result.claim, result.verdict, result.obligations, first


def _ends(session: Session) -> list[object]:
    ends: list[object] = []
    for path in session.paths:
        state = path.ending.state
        ends.append((type(path.ending), len(path.steps)))
        if isinstance(path.ending, Reached):
            ends.append([str(state.gprs[register]) for register in Gpr] + [str(state.rip)])
    return ends


@pytest.mark.parametrize("name", TARGETS)
def test_proofs_do_not_depend_on_the_nominal_bases(
    name: str, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every path ends with the same expressions, and every claim the same, at other bases."""
    found = []
    for bases in ((lifted.NOMINALS_64, lifted.NOMINALS_32), (OTHERS_64, OTHERS_32)):
        monkeypatch.setattr(lifted, "NOMINALS_64", bases[0])
        monkeypatch.setattr(lifted, "NOMINALS_32", bases[1])
        lifted.forget_lifts()
        session = Session(read_target(root / "specs" / name), ModelName.RETAINING, bench())
        claims = [claim for claim in session.target.spec.claims if claim.event is None]
        told = [_told(session.judge(claim).result) for claim in claims[:4]]
        found.append((_ends(session), told))
    lifted.forget_lifts()
    assert found[0] == found[1]
    assert found[0][0], "no path was explored"


def test_the_nominal_bases_differ_in_every_part() -> None:
    """The bases lie on either side of 4G and share no 16-bit part and no low bits."""
    low, high = lifted.NOMINALS_64
    assert low < 1 << 32 < high
    for bases, width in ((lifted.NOMINALS_64, 64), (lifted.NOMINALS_32, 32)):
        one, other = bases
        parts = range(0, 48 if width == 64 else 32, 16)
        assert all(one >> part & 0xFFFF != other >> part & 0xFFFF for part in parts)
        assert (one ^ other) & 0xFFF
