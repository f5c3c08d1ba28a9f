"""Loops that are cut: what no run does is never proved, what each run does is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.soundness.build import Small, verdicts
from verifier.specification.verdict import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from verifier.replay.replayer import Replayer

DATA = '[regions.data]\nbase = "rsi"\nsize = 2560\nwindows = true\n'
GIVEN = ("1 <= rdi < 128", "1 << 20 <= rsi < 1 << 30", "disjoint(data, image, stack, tables)")
LEAVE = "leave:\tjmp out\nout:\thlt"

SEARCH = """\
	movq %rdi, %rcx
	xorl %eax, %eax
	xorl %edx, %edx
top:	cmpl $7, (%rsi)
	jne 1f
	movl $1, %eax
1:	addq $20, %rsi
	subq $1, %rcx
	jnz top
"""


def test_ends_from_different_heads_are_not_mixed(tmp_path: Path, replayer: Replayer) -> None:
    """A value told apart at the head reaches the end of the loop as either of its values."""
    claims = ("rax == 0", "rax == 1", "rax <= 1", "rsi == entry.rsi + 20 * rdi")
    results = verdicts(tmp_path, Small(SEARCH + LEAVE, claims, GIVEN, DATA), replayer)
    never, once, either, cursor = (result.verdict for result in results)
    assert Verdict.PROVED not in {never, once}
    assert (either, cursor) == (Verdict.PROVED, Verdict.PROVED)
    assert all(cut.heads == 2 for result in results for cut in result.cuts)
