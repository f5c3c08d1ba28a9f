"""Copies whose bytes are read again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

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


COPY = """
	movq %cr3, %rsi
	movl $0x7000, %edi
	movl $512, %ecx
	rep movsq
"""
LOAD = """
	movl $0x7000, %eax
	movq %rax, %cr3
"""
LEAVE = "leave:\tjmp out\nout:\thlt"
TABLE = """\
[regions.low]
base = 0x7000
size = 0x3000
[regions.top]
base = "cr3 & 0x000ffffffffff000"
size = 0x1000
rights = "r"
"""
MAPPED = 'at = "exit"\nfor_all = ["a"]\nholds = "implies(a < end, translate(a) == a)"\n'
APART = (
    "disjoint(low, top, image, stack, tables)",
    "cr3[11:0] == 0 and cr3 < 1 << 39",
)


def mapped(folder: Path, code: str, replayer: Replayer) -> Verdict:
    """Judge that code which loads CR3 keeps the identity map."""
    small = Small(code + LEAVE, (MAPPED,), APART, TABLE, drop=("root", "tables-low"))
    [result] = verdicts(folder, small, replayer)
    return result.verdict


def test_a_copied_top_level_table_maps_as_its_origin(tmp_path: Path, replayer: Replayer) -> None:
    """Where all of its bytes are those of the loader's, it stands for the same tables."""
    assert mapped(tmp_path, COPY + LOAD, replayer) is Verdict.PROVED


@pytest.mark.parametrize(
    "code",
    [
        COPY.replace("$512", "$511") + LOAD,
        COPY.replace("0x7000", "0x7008") + LOAD,
        COPY + "\torb $4, 0x7000\n" + LOAD,
        COPY + LOAD + "\tmovq $0, 0x7ff8\n",
        COPY + LOAD.replace("0x7000", "0x8000"),
    ],
    ids=["short", "shifted", "changed before", "changed in use", "another page"],
)
def test_what_is_no_copy_maps_nothing(tmp_path: Path, replayer: Replayer, code: str) -> None:
    """A byte that is missing or changed, before or after CR3 is loaded, ends the proof."""
    assert mapped(tmp_path, code, replayer) is not Verdict.PROVED
