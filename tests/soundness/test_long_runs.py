"""Concrete runs that take more instructions than the path that they follow has steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.soundness.build import Small, verdicts
from verifier.specification.verdict import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from verifier.replay.replayer import Replayer

LEAVE = "leave:\tjmp out\nout:\thlt"
COUNT = f"""\
	movq %rdi, %rcx
top:	testb $1, %dl
	je 1f
	nop
1:	shrq $1, %rdx
	subq $1, %rcx
	jnz top
{LEAVE}"""
FORTY = ("rdi == 40",)
WAYS = f"""\
	testb $1, %dl
	je 1f
	.rept 150
	incl %eax
	.endr
	jmp 2f
1:	.rept 150
	decl %eax
	.endr
2:	incl %eax
{LEAVE}"""


def test_many_rounds_of_a_cut_loop_are_replayed(tmp_path: Path, replayer: Replayer) -> None:
    """Where the loop is one round of the path, the counterexample may take forty of them."""
    (result,) = verdicts(tmp_path, Small(COUNT, ("rcx != 0",), FORTY), replayer)
    assert result.verdict is Verdict.REFUTED
    assert result.counterexample is not None
    assert len(result.counterexample.trace) > 160


def test_a_joined_path_is_replayed_to_its_end(tmp_path: Path, replayer: Replayer) -> None:
    """A path of ways that met has the steps of their beginning alone; the run has them all."""
    claims = ("rax == entry.rax",)
    (result,) = verdicts(tmp_path, Small(WAYS, claims), replayer)
    assert result.verdict is Verdict.REFUTED
