"""A part of a claim that says nothing is told, and one that may say something is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.soundness.build import Small, verdicts
from verifier.specification.verdict import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from verifier.replay.replayer import Replayer

CODE = "\tmovl $1, %eax\nleave:\tjmp out\nout:\thlt"

CASES = [
    ("implies(rax == 2, rbx == 7)", ("rax == 2",)),
    ("implies(rax == 1, rax < 3)", ()),
    ("implies(rbx == 5, rax == 1)", ()),
    ("rax == 1 and implies(rbx == 5, implies(rbx == 6, rcx == 9))", ("rbx == 6",)),
    (
        'event = "instruction"\nwhen = "address == leave"\nholds = "implies(rax == 2, rbx == 7)"\n',
        ("rax == 2",),
    ),
    (
        'event = "instruction"\nholds = "implies(mode != LONG_64, rbx == 7)"\n',
        ("mode != LONG_64",),
    ),
]


@pytest.mark.parametrize(("claim", "idle"), CASES)
def test_premise_that_is_never_true_is_told(
    tmp_path: Path, replayer: Replayer, claim: str, idle: tuple[str, ...]
) -> None:
    """A proved implication names its left side where no path meets it, nested ones too."""
    (result,) = verdicts(tmp_path, Small(CODE, (claim,)), replayer)
    assert result.verdict is Verdict.PROVED
    assert result.idle == idle
