"""Absolute addresses in an image are those of its link address, or of where a loader put it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.soundness import build
from tests.soundness.build import HEAD, Small, verdicts
from verifier.specification.verdict import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from verifier.replay.replayer import Replayer

THROUGH_DATA = """
	movq	table(%rip), %rax
	movl	short(%rip), %ecx
leave:	jmp	*%rax
out:	hlt
	.balign	8
table:	.quad	out
short:	.long	out - 1
"""
FAR_JUMP = """
leave:	ljmpl	$0x10, $out
out:	hlt
"""
GDT = """
[regions.gdt]
base = "gdtr.base"
size = 24
"""


@pytest.fixture
def relocated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the spec say that a loader adjusted the image."""
    head = HEAD.replace('base = "load"\n', 'base = "load"\nrelocated = true\n', 1)
    monkeypatch.setattr(build, "HEAD", head)


@pytest.mark.usefixtures("relocated")
def test_a_relocated_address_follows_the_load_address(tmp_path: Path, replayer: Replayer) -> None:
    """A pointer in data leads to its label at every load; a short one holds its low half."""
    claims = ("rip == out", "rcx == (out - 1) & 0xffffffff", "mem64(table) == load")
    whole, half, wrong = verdicts(tmp_path, Small(THROUGH_DATA, claims), replayer)
    assert (whole.verdict, half.verdict) == (Verdict.PROVED, Verdict.PROVED)
    assert wrong.verdict is Verdict.REFUTED


def test_an_address_that_nobody_relocates_stays_as_linked(
    tmp_path: Path, replayer: Replayer
) -> None:
    """Without a loader the pointer leads to where the image was linked, and the claim breaks."""
    claims = ("rip == out", "rip == out - load")
    (label, linked) = verdicts(tmp_path, Small(THROUGH_DATA, claims), replayer)
    assert label.verdict is Verdict.REFUTED
    assert linked.verdict is Verdict.PROVED


@pytest.mark.usefixtures("relocated")
def test_a_relocated_far_jump_leads_to_its_label(tmp_path: Path, replayer: Replayer) -> None:
    """An immediate in code that a loader adjusted is executed as it is at each load."""
    given = (
        "mem64(gdtr.base + 0x10) == 0x00cf9b000000ffff and gdtr.limit >= 0x17",
        "gdtr.base < 1 << 31 and disjoint(image, stack, gdt)",
    )
    small = Small(FAR_JUMP, ("rip == out",), given, GDT, long=False)
    (result,) = verdicts(tmp_path, small, replayer)
    assert result.verdict is Verdict.PROVED, result.reason


@pytest.mark.usefixtures("relocated")
def test_a_patch_of_the_spec_counts_instead(tmp_path: Path, replayer: Replayer) -> None:
    """Where the spec itself says what the bytes hold, no loader's value is put there."""
    patch = '[[regions.image.patch]]\nat = "table"\nsize = 8\nvalue = "out + 1"\n'
    small = Small(THROUGH_DATA, ("rip == out + 1",), regions=patch)
    (result,) = verdicts(tmp_path, small, replayer)
    assert result.verdict is Verdict.PROVED, result.reason
