"""Page tables: which of them a proof rests on, and what may touch them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.soundness.build import Small, verdicts
from verifier.specification.verdict import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from verifier.replay.replayer import Replayer

LEAVE = "\njmp leave\n{data}\nleave:\tjmp out\nout:\thlt"
UNTOUCHED = ("rcx == entry.rcx",)


def ending(data: str = "") -> str:
    """Give the end of a program, with data that is not executed."""
    return LEAVE.format(data=data)


def test_root_outside_its_region(tmp_path: Path, replayer: Replayer) -> None:
    """A store may hit the loader's top-level table where nothing says where that is."""
    code = "movq $0, page(%rip)" + ending(".balign 4096\npage: .fill 4096")
    small = Small(code, UNTOUCHED, drop=("root",))
    (result,) = verdicts(tmp_path, small, replayer)
    assert result.verdict is Verdict.UNKNOWN
    assert "top-level table" in result.reason


def test_root_inside_its_region(tmp_path: Path, replayer: Replayer) -> None:
    """That the tables are apart from what is stored to is what such a proof needs."""
    code = "movq $0, page(%rip)" + ending(".balign 4096\npage: .fill 4096")
    (result,) = verdicts(tmp_path, Small(code, UNTOUCHED), replayer)
    assert result.verdict is Verdict.PROVED
    assert {"root", "tables-apart"} <= set(result.assumptions)


def test_store_to_the_loaders_tables(tmp_path: Path, replayer: Replayer) -> None:
    """No proof survives a store to the tables in use."""
    code = "movq %cr3, %rax\nmovq $0, 0xff8(%rax)" + ending()
    (result,) = verdicts(tmp_path, Small(code, UNTOUCHED, ("cr3 & 0xfff == 0",)), replayer)
    assert result.verdict is not Verdict.PROVED


def test_upper_half(tmp_path: Path, replayer: Replayer) -> None:
    """An identity map says nothing of addresses whose upper bits are set."""
    claim = "translate(0xffff800000007000) == 0x800000007000"
    wide = "end == 1 << 48 and cpu.physical_limit >= 1 << 48"
    (result,) = verdicts(tmp_path, Small(ending(), (claim,), (wide,), drop=("end",)), replayer)
    assert result.verdict is not Verdict.PROVED


@pytest.mark.parametrize(
    ("keys", "verdict"),
    [("cr4.PKS == 0", Verdict.PROVED), ("cr4.PKE == 0", Verdict.UNKNOWN)],
)
def test_protection_keys(tmp_path: Path, replayer: Replayer, keys: str, verdict: Verdict) -> None:
    """A data access through a supervisor page of new tables needs its key, which is unknown."""
    code = """
	movq	$0x8003, 0x7000
	movq	$0x83, 0x8000
	movl	$0x7000, %eax
	movq	%rax, %cr3
	pushq	%rax
    """
    low = '[regions.low]\nbase = 0x7000\nsize = 0x2000\nrights = "rw"\n'
    apart = "disjoint(low, image, stack, tables) and load < 1 << 29 and rsp < 1 << 29"
    given = (apart, "end == 1 << 39 and cpu.physical_limit > 1 << 39", keys)
    small = Small(code + ending(), UNTOUCHED, given, low, drop=("end",))
    (result,) = verdicts(tmp_path, small, replayer)
    assert result.verdict is verdict
    assert verdict is Verdict.PROVED or "protection keys" in result.reason


def test_descriptors_are_implicit(tmp_path: Path, replayer: Replayer) -> None:
    """The processor itself reads a descriptor and sets its accessed bit."""
    code = """
	leaq	table(%rip), %rax
	movq	%rax, pointer + 2(%rip)
	lgdt	pointer(%rip)
	movl	$8, %eax
	movl	%eax, %ds
    """
    data = ".balign 8\ntable: .quad 0, 0x00cf92000000ffff\npointer: .word 15\n.quad 0"
    kinds = ("read", "write")
    inside = "within(physical, size, image) and physical >= table and physical < pointer"
    claims = [f'event = "{kind}"\nwhen = "implicit == 1"\nholds = "{inside}"\n' for kind in kinds]
    claims.append('event = "write"\nwhen = "implicit == 0"\nholds = "size == 8"\n')
    results = verdicts(tmp_path, Small(code + ending(data), tuple(claims)), replayer)
    assert [result.verdict for result in results] == [Verdict.PROVED] * 3
