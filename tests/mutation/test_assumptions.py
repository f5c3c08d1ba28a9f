"""The opposite of an assumption breaks a claim, or the assumption is told to be unneeded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.soundness.build import Small, write
from verifier.machine.models import ModelName
from verifier.mutation.assumptions import Keeps, opposite
from verifier.proving.target import Choice, read_target

if TYPE_CHECKING:
    from pathlib import Path

    from verifier.replay.replayer import Replayer

LEAVE = "leave:\tjmp\tout\nout:\thlt\n"
CHOICE = Choice((ModelName.RETAINING,))


def keeps(folder: Path, replayer: Replayer, name: str, *assume: str) -> Keeps:
    """Give what an assumption of a small spec keeps away."""
    path = write(folder, Small(LEAVE, ("rax < 10",), ("rax < 10", *assume)))
    return opposite(read_target(path), name, CHOICE, replayer).keeps


def test_needed_assumption_keeps_a_failure_away(tmp_path: Path, replayer: Replayer) -> None:
    """Its opposite is refuted by a start that another CPU confirms."""
    assert keeps(tmp_path, replayer, "given-0") is Keeps.FAILURE


def test_unneeded_assumption_is_told(tmp_path: Path, replayer: Replayer) -> None:
    """Where every claim holds under the opposite, too, it is not needed."""
    assert keeps(tmp_path, replayer, "given-1", "rbx == 3") is Keeps.NOTHING


def test_implied_assumption_is_told(tmp_path: Path, replayer: Replayer) -> None:
    """Where the others exclude the opposite, it says nothing."""
    assert keeps(tmp_path, replayer, "given-1", "rax < 20") is Keeps.IMPLIED


def test_limit_of_the_model_is_told(tmp_path: Path, replayer: Replayer) -> None:
    """Interrupts are not modelled, so that they are off is no claim's to refute."""
    path = write(tmp_path, Small(LEAVE, ("true",), ("rflags.IF == 0",), drop=("quiet",)))
    assert opposite(read_target(path), "given-0", CHOICE, replayer).keeps is Keeps.UNKNOWN
