"""Mutants of an instruction keep its length, and change each field that it has."""

from __future__ import annotations

import pytest

from verifier.machine.registers import Mode
from verifier.mutation.alter import altered, data_altered, swapped
from verifier.mutation.mutant import Kind, Site, disassembled

LONG, PROTECTED = Mode.LONG_64, Mode.PROTECTED_32

WANTED = [
    ("b900040000", LONG, Kind.IMMEDIATE, "movl $0x401, %ecx"),
    ("b900040000", LONG, Kind.IMMEDIATE, "movl $0x3ff, %ecx"),
    ("b900040000", LONG, Kind.IMMEDIATE, "movl $0x80000400, %ecx"),
    ("b900040000", LONG, Kind.IMMEDIATE, "movl $0, %ecx"),
    ("b900040000", LONG, Kind.REGISTER, "movl $0x400, %eax"),
    ("b9800000c0", PROTECTED, Kind.IMMEDIATE, "movl $0xc0000081, %ecx"),
    ("48890501020000", LONG, Kind.DISPLACEMENT, "movq %rax, 0x202(%rip)"),
    ("48890501020000", LONG, Kind.DISPLACEMENT, "movq %rax, (%rip)"),
    ("48890501020000", LONG, Kind.SIZE, "movl %eax, 0x201(%rip)"),
    ("48890501020000", LONG, Kind.REGISTER, "movq %rcx, 0x201(%rip)"),
    ("48890501020000", LONG, Kind.REGISTER, "movq %r8, 0x201(%rip)"),
    ("48890501020000", LONG, Kind.OPERATION, "movq 0x201(%rip), %rax"),
    ("48890501020000", LONG, Kind.DROPPED, "nop"),
    ("4157", LONG, Kind.REGISTER, "pushq %r14"),
    ("4157", LONG, Kind.REGISTER, "pushq %rdi"),
    ("f348a5", LONG, Kind.PREFIX, "nop; movsq (%rsi), (%rdi)"),
    ("6689d8", PROTECTED, Kind.PREFIX, "nop; movl %ebx, %eax"),
    ("0fbaf01f", PROTECTED, Kind.OPERATION, "btcl $0x1f, %eax"),
    ("0fbae808", PROTECTED, Kind.OPERATION, "btl $8, %eax"),
    ("0d20100000", PROTECTED, Kind.OPERATION, "andl $0x1020, %eax"),
    ("4883c807", LONG, Kind.OPERATION, "addq $7, %rax"),
    ("7202", PROTECTED, Kind.OPERATION, "jae 4"),
    ("0f22e0", PROTECTED, Kind.CONTROL, "movl %eax, %cr3"),
    ("0f22e0", PROTECTED, Kind.OPERATION, "movl %cr4, %eax"),
    ("0f32", PROTECTED, Kind.OPERATION, "wrmsr"),
    ("fc", LONG, Kind.OPERATION, "std"),
    ("48cb", LONG, Kind.SIZE, "lretl"),
    ("ea398000001000", PROTECTED, Kind.IMMEDIATE, "ljmpl $0x11:$0x8039"),
    ("ea398000001000", PROTECTED, Kind.IMMEDIATE, "ljmpl $0x10:$0x803a"),
]


@pytest.mark.parametrize(("code", "mode", "kind", "text"), WANTED)
def test_each_field_is_changed(code: str, mode: Mode, kind: Kind, text: str) -> None:
    """Numbers, registers, operations, prefixes and sizes become others, by the decoder's word."""
    found = list(altered(Site(0x40, bytes.fromhex(code), mode)))
    assert (kind, text) in {(each.kind, each.text) for each in found}


@pytest.mark.parametrize("code", sorted({code for code, *_ in WANTED}))
@pytest.mark.parametrize("mode", [LONG, PROTECTED])
def test_mutants_keep_the_length_and_differ(code: str, mode: Mode) -> None:
    """No mutant moves what follows, is the original, or is there twice; it says what it changes."""
    raw = bytes.fromhex(code)
    found = list(altered(Site(7, raw, mode)))
    assert all(len(each.after) == len(raw) and each.after != raw for each in found)
    assert len({each.after for each in found}) == len(found)
    for each in found:
        differ = [7 + at for at, byte in enumerate(raw) if byte != each.after[at]]
        assert each.changed == range(differ[0], differ[-1] + 1)


def test_neighbours_are_swapped() -> None:
    """Two instructions change places where they stand side by side in one kind of code."""
    push, pop = Site(0, b"\x50", LONG), Site(1, b"\x59", LONG)
    both = swapped(push, pop)
    assert both is not None
    assert both.after == b"\x59\x50"
    assert swapped(push, Site(1, b"\x50", LONG)) is None
    assert swapped(push, Site(2, b"\x59", LONG)) is None
    assert swapped(push, Site(1, b"\x59", PROTECTED)) is None


def test_data_has_each_bit_turned_over() -> None:
    """A byte of data has eight mutants."""
    assert {each.after[0] for each in data_altered(5, 0x9A)} == {
        0x9A ^ 1 << bit for bit in range(8)
    }


def test_what_is_no_instruction_has_no_mutant() -> None:
    """Bytes that the decoder does not know, or not as one instruction, are left alone."""
    assert list(altered(Site(0, b"\x0f\x04", LONG))) == []
    assert list(altered(Site(0, b"\x90\x90", LONG))) == []


def test_disassembly_joins_a_run_of_nops() -> None:
    """What was dropped is told as one word."""
    assert disassembled(b"\x90\x90\x50", LONG) == "nop; pushq %rax"
    assert disassembled(b"\x9a\x01", None) == "9a 01"
