"""The journey every trampoline makes: 64-bit code, 32-bit code, paging off and on, and back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.replay.build import (
    CODE,
    CODE_64,
    CR0_PAGED,
    CR0_UNPAGED,
    CR4_LA57,
    CR4_PAE,
    EFER_LONG,
    GDT,
    PML5,
    STACK,
    assemble,
    long_mode,
)
from verifier.machine.concrete import EndKind, Override
from verifier.machine.registers import ControlRegister, Gpr, Mode, Segment

if TYPE_CHECKING:
    from collections.abc import Callable

    from verifier.machine.concrete import Observation, Start

    Replay = Callable[[Start, int], Observation]

JOURNEY = f"""
    .code64
        movq %rsi, 0x3000
        pushq $0x08
        leaq narrow(%rip), %rax
        pushq %rax
        lretq
    .code32
    narrow:
        movl $0x18, %eax
        movl %eax, %ds
        movl %eax, %es
        movl %eax, %ss
        movl %cr0, %eax
        btrl $31, %eax
        movl %eax, %cr0
        movl ${PML5:#x}, %eax
        movl %eax, %cr3
        movl %cr4, %eax
        orl ${CR4_PAE | CR4_LA57:#x}, %eax
        movl %eax, %cr4
        pushl $0x10
        pushl $wide
        movl %cr0, %eax
        btsl $31, %eax
        movl %eax, %cr0
        lret
    .code64
    wide:
        movq 0x3000, %rdi
        hlt
"""
RSI = 0x1122_3344_5566_7788
FIRST_NARROW, FIRST_WIDE_AGAIN, STEPS = 5, 23, 25


def journey() -> Start:
    """Give the start of the journey, with a register to carry along."""
    return long_mode(assemble(JOURNEY), gprs={Gpr.RSI: RSI, Gpr.R12: RSI})


@pytest.fixture(params=["bochs", "qemu"])
def replay(request: pytest.FixtureRequest) -> Replay:
    """Give each engine in turn."""
    engine: Replay = request.getfixturevalue(request.param)
    return engine


def test_arrives(replay: Replay) -> None:
    """The journey ends in 64-bit mode with five levels and all it carried."""
    seen = replay(journey(), 100)
    assert seen.end is EndKind.HALTED
    assert seen.fault is None
    assert seen.controls[ControlRegister.CR0] == CR0_PAGED
    assert seen.controls[ControlRegister.CR3] == PML5
    assert seen.controls[ControlRegister.CR4] == CR4_PAE | CR4_LA57
    assert seen.controls[ControlRegister.EFER] == EFER_LONG
    assert seen.segments[Segment.CS].selector == CODE_64
    assert seen.segments[Segment.CS].long
    assert seen.gprs[Gpr.RDI] == seen.gprs[Gpr.RSI] == seen.gprs[Gpr.R12] == RSI
    assert seen.gprs[Gpr.RSP] == STACK
    assert seen.gdtr.base == GDT
    stored = bytes(seen.written[0x3000 + index] for index in range(8))
    assert int.from_bytes(stored, "little") == RSI


def test_modes_in_order(replay: Replay) -> None:
    """Each step tells its mode: paging off leaves IA-32e mode, paging on re-enters it."""
    modes = [step.mode for step in replay(journey(), 100).steps]
    assert modes == (
        [Mode.LONG_64] * 5 + [Mode.COMPATIBILITY] * 7 + [Mode.PROTECTED_32] * 10
        + [Mode.COMPATIBILITY] + [Mode.LONG_64] * 2
    )  # fmt: skip
    assert len(modes) == STEPS


def test_control_changes_in_order(replay: Replay) -> None:
    """Each change of a control register is told at its step, EFER.LMA's by CR0.PG included."""
    changes = [dict(step.controls) for step in replay(journey(), 100).steps if step.controls]
    assert changes == [
        {ControlRegister.CR0: CR0_UNPAGED, ControlRegister.EFER: 0x100},
        {ControlRegister.CR3: PML5},
        {ControlRegister.CR4: CR4_PAE | CR4_LA57},
        {ControlRegister.CR0: CR0_PAGED, ControlRegister.EFER: EFER_LONG},
    ]


def test_engines_agree(bochs: Replay, qemu: Replay) -> None:
    """On good code QEMU sees all that Bochs sees but the accessed bit of code segments."""
    first, second = bochs(journey(), 100), qemu(journey(), 100)
    assert second.steps == first.steps
    assert second.gprs == first.gprs
    assert second.controls == first.controls
    assert (second.rip, second.rflags, second.gdtr) == (first.rip, first.rflags, first.gdtr)
    assert all(first.written[address] == byte for address, byte in second.written.items())
    code_types = {GDT + 0x08 + 5, GDT + 0x10 + 5}
    missed = {
        address
        for address, byte in first.written.items()
        if byte != second.written.get(address, initial_byte(journey(), address))
    }
    assert missed <= code_types


def initial_byte(start: Start, address: int) -> int:
    """Give a byte of the start's memory."""
    for base, data in start.memory.items():
        if base <= address < base + len(data):
            return data[address - base]
    return 0


def test_every_prefix_agrees(bochs: Replay, qemu: Replay) -> None:
    """Wherever the journey is cut, in 32-bit code too, both engines show the same registers."""
    for steps in range(STEPS + 1):
        first, second = bochs(journey(), steps), qemu(journey(), steps)
        assert (second.gprs, second.rip, second.end) == (first.gprs, first.rip, first.end), steps
        assert len(first.steps) == steps


def test_upper_halves_zeroed_on_the_way(replay: Replay) -> None:
    """Choices made at the first 32-bit instruction show at the end: the zeroing processor."""
    upper = tuple(Override(gpr, 0xFFFF_FFFF_0000_0000, 0) for gpr in (Gpr.RSI, Gpr.RBX))
    seen = replay(replace(journey(), overrides={FIRST_NARROW: upper}), 100)
    assert seen.end is EndKind.HALTED
    assert seen.gprs[Gpr.RSI] == RSI & 0xFFFF_FFFF
    assert seen.gprs[Gpr.RDI] == seen.gprs[Gpr.R12] == RSI


def test_upper_halves_chosen_on_return(replay: Replay) -> None:
    """Choices made at the first 64-bit instruction show at the end: the architectural processor."""
    fresh = 0xDEAD_BEEF_0000_0000
    choices = (
        Override(Gpr.RSI, 0xFFFF_FFFF_0000_0000, fresh),
        Override(Gpr.R12, 0xFFFF_FFFF_FFFF_FFFF, fresh),
    )
    seen = replay(replace(journey(), overrides={FIRST_WIDE_AGAIN: choices}), 100)
    assert seen.gprs[Gpr.RSI] == fresh | RSI & 0xFFFF_FFFF
    assert seen.gprs[Gpr.R12] == fresh


def test_above_4g_the_return_faults(replay: Replay) -> None:
    """The far return to 32-bit code raises #GP(0) above 4G, in the state before it."""
    at = 0x1_0000_0000 + CODE
    seen = replay(long_mode(assemble(JOURNEY), at=at), 100)
    assert seen.end is EndKind.FAULTED
    assert seen.fault is not None
    assert (seen.fault.vector.mnemonic, seen.fault.error) == ("#GP", 0)
    assert seen.fault.rip == seen.rip
    assert len(seen.steps) == FIRST_NARROW - 1
    assert seen.gprs[Gpr.RSP] == STACK - 16
    assert seen.segments[Segment.CS].long
    assert GDT + 0x08 + 5 not in seen.written
