"""Loops that are cut: what no run does is never proved, what each run does is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

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


FALSE = {
    "a register is below 2^32 only after a round that loads it": (
        """
	movabsq $0x100000000000, %rax
	movq %rdi, %rcx
top:	testb $1, (%rsi)
	je 1f
	movl 4(%rsi), %eax
1:	addq $20, %rsi
	subq $1, %rcx
	jnz top
""",
        "rax < 1 << 32",
    ),
    "a round may set the direction flag": (
        """
	movq %rdi, %rcx
top:	testb $1, (%rsi)
	je 1f
	std
1:	movzbl (%rsi), %eax
	addq $20, %rsi
	subq $1, %rcx
	jnz top
""",
        "rflags.DF == 0 or rax[0] == 1",
    ),
    "the cursor passed the first byte": (
        """
	movq %rdi, %rcx
	movq %rsi, %r11
top:	subq $1, %rcx
	jz 2f
	testb $1, 2500(%rsi)
	je 1f
	addl $1, %eax
1:	movb $5, (%r11)
	addq $20, %r11
	jmp top
2:	movzbl (%rsi), %eax
""",
        "rax == entry.mem8(rsi)",
    ),
    "each round stores where another window reads": (
        """
	movq %rdi, %rcx
	leaq (%rsi,%rdi,4), %r11
top:	subq $1, %rcx
	jz 2f
	testb $1, 2500(%rsi)
	je 1f
	addl $1, %eax
1:	movb $5, (%r11)
	jmp top
2:	movzbl 8(%rsi), %eax
""",
        "rax == entry.mem8(rsi + 8)",
    ),
}


@pytest.mark.parametrize("name", FALSE)
def test_what_some_number_of_rounds_breaks_is_not_proved(
    tmp_path: Path, replayer: Replayer, name: str
) -> None:
    """What is so before the first round, or after it, is not so at the head of each."""
    code, claim = FALSE[name]
    given = ("1 <= rdi < 100", *GIVEN[1:])
    (result,) = verdicts(tmp_path, Small(code + LEAVE, (claim,), given, DATA), replayer)
    assert result.verdict is not Verdict.PROVED
