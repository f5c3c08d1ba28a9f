"""Copies whose bytes are read again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.soundness.build import Small, verdicts
from verifier.specification.verdict import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from verifier.replay.replayer import Replayer

CODE = """
	movq	$0x8003, 0x7000
	movq	$0x9003, 0x8000
	movq	$0x83, 0x9000
	movq	$0x83, 0x9008
	movl	$0x7000, %eax
	movq	%rax, %cr3
	movb	$1, 0xa000
	movb	$2, 0xa001
	movl	$0xa000, %esi
	movl	$0x20a001, %edi
	movl	$2, %ecx
	rep movsb
leave:	jmp	out
out:	hlt
"""
REGIONS = (
    "[regions.low]\nbase = 0x7000\nsize = 0x3800\n[regions.high]\nbase = 0x207000\nsize = 0x3800"
)
GIVEN = (
    "disjoint(low, high, image, stack, tables) and load < 0x140000",
    "rsp < 0x1f0000 and rsp > 0x160000 and cr4.PKS == 0",
    "end == 1 << 39 and cpu.physical_limit > 1 << 39",
)


def test_copy_onto_itself_by_another_address(tmp_path: Path, replayer: Replayer) -> None:
    """Two linear addresses of one page make a copy overlap itself, byte after byte."""
    claims = ("mem8(0xa002) == 1", "mem8(0xa002) == 2")
    small = Small(CODE, claims, GIVEN, REGIONS, drop=("end",))
    once, twice = verdicts(tmp_path, small, replayer)
    assert once.verdict is Verdict.PROVED
    assert twice.verdict is Verdict.REFUTED
