"""The stack pointer at a far return that changes the size of the stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.soundness.build import Small, verdicts
from verifier.specification.verdict import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from verifier.replay.replayer import Replayer

TO_32 = """
	leaq	gdt(%rip), %rax
	movq	%rax, gdt_desc + 2(%rip)
	lgdt	gdt_desc(%rip)
	pushq	$8
	leaq	code32(%rip), %rax
	pushq	%rax
leave:
	lretq
	.code32
code32:
	hlt
	.balign	8
gdt:
	.quad	0, 0x00cf9a000000ffff
gdt_desc:
	.word	15
	.quad	0
"""
BELOW_4G = "load < 1 << 31 and rsp < 1 << 32 and cpu.LA57 == 1"


@pytest.mark.parametrize(
    ("state", "more", "verdict"),
    [
        ("flat", "rsp >= 0x1000", Verdict.PROVED),
        ("null", "rsp >= 0x1000", Verdict.REFUTED),
        ("null", "rsp & 0xffff >= 16", Verdict.PROVED),
        ("unknown", "rsp & 0xffff >= 16 or ss.D == 1", Verdict.PROVED),
        ("unknown", "rsp >= 0x1000", Verdict.REFUTED),
    ],
)
def test_release_to_32_bit_code(
    tmp_path: Path, replayer: Replayer, state: str, more: str, verdict: Verdict
) -> None:
    """A far return to 32-bit code moves SP alone unless SS is a 32-bit stack segment."""
    small = Small(TO_32, ("rsp == entry.rsp",), (BELOW_4G, more), ss=state)
    (result,) = verdicts(tmp_path, small, replayer)
    assert result.verdict is verdict
    if verdict is Verdict.REFUTED:
        assert "rsp" in result.reason
