"""Claims on a loop that fills memory in one step: as if each round had been executed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.soundness.build import Small, verdicts
from verifier.specification.verdict import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from verifier.replay.replayer import Replayer

FILL = """
    movq %rsi, %rcx
    leaq 200(%rsi), %r8
1:  movb %al, (%rcx)
    addq $1, %rcx
    cmpq %r8, %rcx
    jne 1b
leave:
    jmp out
out: hlt"""
DATA = """
[regions.data]
base = "rsi"
size = 0x100
"""
GIVEN = ("1 << 20 <= rsi < 1 << 30", "disjoint(data, image, stack, tables)")
LIMITS = "[limits]\ninstructions = 4000\n"


def judged(folder: Path, claim: str, replayer: Replayer) -> Verdict:
    """Give the verdict on a claim about the program that fills 200 bytes."""
    (result,) = verdicts(folder, Small(FILL, (claim,), GIVEN, DATA, more=LIMITS), replayer)
    return result.verdict


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [
        ("mem8(rsi + 199) == rax & 0xff and mem8(rsi + 100) == rax & 0xff", Verdict.PROVED),
        ("mem8(rsi + 200) == entry.mem8(rsi + 200)", Verdict.PROVED),
        ("mem8(rsi + 199) == entry.mem8(rsi + 199)", Verdict.REFUTED),
        ("mem8(rsi + 200) == rax & 0xff", Verdict.REFUTED),
        ("rcx == rsi + 200", Verdict.PROVED),
        ("rcx == rsi + 199", Verdict.REFUTED),
    ],
)
def test_claims_at_the_exit_see_all_rounds(
    tmp_path: Path, replayer: Replayer, claim: str, verdict: Verdict
) -> None:
    """Each byte of the sweep is stored, and none beside it."""
    assert judged(tmp_path, claim, replayer) is verdict


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [
        ("physical - rsi < 200", Verdict.PROVED),
        ("physical - rsi < 199", Verdict.REFUTED),
        ("physical != rsi + 77", Verdict.REFUTED),
        ("value == rax & 0xff", Verdict.PROVED),
        ("rcx == physical", Verdict.PROVED),
        ("mem8(rsi + 150) == entry.mem8(rsi + 150)", Verdict.REFUTED),
        (
            "implies(physical == rsi + 77, mem8(rsi + 150) == entry.mem8(rsi + 150))",
            Verdict.UNKNOWN,
        ),
    ],
)
def test_claims_on_events_hold_for_each_round(
    tmp_path: Path, replayer: Replayer, claim: str, verdict: Verdict
) -> None:
    """Each store of the sweep is judged; what the others stored by then is left open."""
    claim = f'event = "write"\nholds = "{claim}"\n'
    assert judged(tmp_path, claim, replayer) is verdict
