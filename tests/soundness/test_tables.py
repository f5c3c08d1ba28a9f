"""Page tables: which of them a proof rests on, and what may touch them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.soundness.build import Small, verdicts, write
from verifier.machine.models import ModelName
from verifier.proving.target import Choice
from verifier.specification.verdict import Verdict
from verifier.verify import Options, verify

if TYPE_CHECKING:
    from pathlib import Path

    from verifier.proving.result import Result
    from verifier.replay.replayer import Replayer

LEAVE = "\njmp leave\n{data}\nleave:\tjmp out\nout:\thlt"
UNTOUCHED = ("rcx == entry.rcx",)


def ending(data: str = "") -> str:
    """Give the end of a program, with data that is not executed."""
    return LEAVE.format(data=data)


OTHER = """\
[paging.other]
root = "rdi"
tables = "other_tables"
"""
OTHER_REGION = """\
[regions.other_tables]
base = "rdi"
size = 0x3000
rights = "r"
"""
TO_32 = "pushq $8\nleaq below(%rip), %rax\npushq %rax\nlretq\n.code32\nbelow:\n"
OFF = "movl %cr0, %eax\nbtrl $31, %eax\nmovl %eax, %cr0\n"
TOGGLE = "movl %cr4, %eax\nbtcl $12, %eax\nmovl %eax, %cr4\n"
ON = "movl %cr0, %eax\nbtsl $31, %eax\nmovl %eax, %cr0\n"
TO_64 = "leave: .byte 0xea\n.long 0x100000 + out - entry\n.word 0x10\n.code64\nout: hlt"
GDT = """\
[regions.gdt]
base = "gdtr.base"
size = 24
[[regions.gdt.patch]]
at = "gdtr.base + 8"
size = 8
value = 0x00cf9b000000ffff
[[regions.gdt.patch]]
at = "gdtr.base + 16"
size = 8
value = 0x00af9b000000ffff
"""
SWITCHED = (
    "load == 0x100000 and gdtr.limit >= 23 and gdtr.base < 1 << 39",
    "aligned(rdi, 0x1000) and rdi < 1 << 32 and cr3 & 0xfff == 0 and cpu.LA57 == 1",
    "disjoint(gdt, image, stack, tables, other_tables) and cr4.PCIDE == 0",
    "rsp < 1 << 32 and rsp & 0xffff >= 64",
)
BOTH_WAYS = "cr4.LA57 != entry.cr4.LA57 and translate(0x5000) == 0x5000"


def switch(folder: Path, code: str, replayer: Replayer) -> Result:
    """Judge a switch between the loader's tables and the other ones, in either direction."""
    small = Small(code, (BOTH_WAYS,), SWITCHED, GDT + OTHER_REGION, drop=("plain",), more=OTHER)
    path = write(folder, small)
    path = path / "spec.toml"
    path.write_text(path.read_text().replace("levels = 4\n", ""))
    options = Options(Choice(models=(ModelName.RETAINING,)), samples=0)
    (result,) = verify(path, options, replayer, lambda _: None).results
    return result


def test_other_tables_have_the_other_number_of_levels(tmp_path: Path, replayer: Replayer) -> None:
    """Where no number of levels is given, both are covered, and the other tables fit in turn."""
    code = TO_32 + OFF + "movl %edi, %cr3\n" + TOGGLE + ON + TO_64
    assert switch(tmp_path, code, replayer).verdict is Verdict.PROVED


@pytest.mark.parametrize(
    "code",
    [
        TO_32 + OFF + TOGGLE + ON + TO_64,
        TO_32 + OFF + "movl %edi, %cr3\n" + ON + TO_64,
    ],
    ids=["the old tables", "the old number"],
)
def test_tables_of_another_number_of_levels_prove_nothing(
    tmp_path: Path, replayer: Replayer, code: str
) -> None:
    """Either tables with the wrong number of levels are a fault on another CPU, too."""
    assert switch(tmp_path, code, replayer).verdict is Verdict.REFUTED


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


UNALIGNED = """\
[regions.low]
base = {}
size = 0x4000
[regions.high]
base = 0x600000
size = 0x1000
[regions.more]
base = 0x800000
size = 0x1000
"""


@pytest.mark.parametrize("base", ["0x6000", "0x6800"])
def test_a_table_in_a_region_that_begins_at_no_page(
    tmp_path: Path, replayer: Replayer, base: str
) -> None:
    """A store to a page of tables in use is one wherever the region that holds them begins."""
    code = """
	movq	$0x8003, 0x7000
	movq	$0x9003, 0x8000
	movq	$0x83, 0x9000
	movq	$0x600083, 0x9960
	movb	$1, 0x600000
	movb	$2, 0x800000
	movl	$0x7000, %eax
	movq	%rax, %cr3
	movq	$0x800083, 0x9960
	movb	0x25800000, %al
leave:	jmp	out
out:	hlt
"""
    given = (
        "disjoint(low, high, more, image, stack, tables) and load < 0x140000",
        "rsp < 0x1f0000 and rsp > 0x160000 and cr4.PKS == 0",
        "end == 1 << 39 and cpu.physical_limit > 1 << 39",
    )
    regions = UNALIGNED.format(base)
    small = Small(code, ("rax[7:0] == 2",), given, regions, drop=("end",))
    [result] = verdicts(tmp_path, small, replayer)
    assert result.verdict is Verdict.UNKNOWN
    assert "a store to page tables in use" in result.reason
