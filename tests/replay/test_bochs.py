"""Bochs is put into exactly the start, stops exactly where asked, and tells all it did."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.replay.build import (
    CODE,
    GDT,
    PDPT,
    PML4,
    STACK,
    compatibility_mode,
    long_mode,
    protected_mode,
    quads,
    segment,
    with_controls,
)
from verifier.machine.concrete import EndKind, Override, TableRegister
from verifier.machine.registers import ControlRegister, Flag, Gpr, Mode, Segment

if TYPE_CHECKING:
    from collections.abc import Callable

    from verifier.machine.concrete import Observation, Start

    Replay = Callable[[Start, int], Observation]

ALL_STATUS_FLAGS = 0x8D5
UPPER = 0xFFFF_FFFF_0000_0000


def test_start_is_taken_whole(bochs: Replay) -> None:
    """After no instruction at all the observation is the start."""
    seed = random.randrange(1 << 32)  # noqa: S311 - test data
    print(f"seed {seed}")  # noqa: T201 - a failure can be repeated
    source = random.Random(seed)  # noqa: S311 - test data
    start = long_mode("90", gprs={gpr: source.getrandbits(64) for gpr in Gpr})
    fs = replace(segment(0x18, 0x3), base=0x1234_5678_9ABC)
    start = replace(
        start,
        rflags=2 | ALL_STATUS_FLAGS | 1 << Flag.DF,
        segments=dict(start.segments) | {Segment.FS: fs},
        gdtr=TableRegister(0xFFFF_8000_0001_8000, 0x27),
    )
    seen = bochs(start, 0)
    assert seen.steps == ()
    assert seen.end is EndKind.RAN
    assert seen.gprs == start.gprs
    assert seen.rip == CODE
    assert seen.rflags == start.rflags
    assert seen.controls == start.controls
    assert seen.segments == start.segments
    assert seen.gdtr == start.gdtr
    assert seen.written == {}


def test_32_bit_start_keeps_upper_halves(bochs: Replay) -> None:
    """A start in 32-bit code has 64 bits in every register, RSP included."""
    gprs = {gpr: (gpr + 1 << 32) + 0x8000 for gpr in Gpr}
    assert bochs(compatibility_mode("90", gprs=gprs), 1).gprs == gprs
    assert bochs(protected_mode("90", gprs=gprs), 1).gprs == gprs


def test_flags_are_not_lazy(bochs: Replay) -> None:
    """The flags of the last arithmetic instruction show, and the start's survive a nop."""
    seen = bochs(long_mode("48 83e801"), 1)
    assert seen.rflags == 2 | 1 << Flag.CF | 1 << Flag.PF | 1 << Flag.AF | 1 << Flag.SF
    start = replace(long_mode("90"), rflags=2 | ALL_STATUS_FLAGS)
    assert bochs(start, 1).rflags == 2 | ALL_STATUS_FLAGS


def test_stops_before_the_next_fetch(bochs: Replay) -> None:
    """The last instruction may jump where nothing is mapped: nothing more is touched."""
    code = "48b8 0000000000010000 ffe0"
    seen = bochs(long_mode(code), 2)
    assert (seen.end, seen.fault, seen.rip) == (EndKind.RAN, None, 1 << 40)
    # The code's own walk sets two accessed bits; the target's would set a third.
    assert set(seen.written) == {PML4 + index for index in range(8)} | {
        PDPT + index for index in range(8)
    }


def test_halt_counts(bochs: Replay) -> None:
    """``hlt`` ends the run and is a step; a limit before it ends the run first."""
    seen = bochs(long_mode("90 f4 90"), 10)
    assert seen.end is EndKind.HALTED
    assert [step.rip for step in seen.steps] == [CODE, CODE + 1]
    assert bochs(long_mode("90 f4 90"), 1).end is EndKind.RAN


def test_repeat_counts_once(bochs: Replay) -> None:
    """A ``rep`` is one step, and every byte it stored is told."""
    data = bytes(index % 251 for index in range(5000))
    start = long_mode(
        "f3a4 f4",
        gprs={Gpr.RCX: len(data), Gpr.RSI: 0x20_0F00, Gpr.RDI: 0x30_0F80},
        memory={0x20_0F00: data},
    )
    seen = bochs(start, 10)
    assert len(seen.steps) == 2
    assert bytes(seen.written[0x30_0F80 + index] for index in range(len(data))) == data


def test_writes_are_told_even_when_nothing_changes(bochs: Replay) -> None:
    """A byte stored with the value it had is among those written; so are accessed bits."""
    seen = bochs(long_mode("50 f4"), 10)
    assert all(seen.written[STACK - 8 + index] == 0 for index in range(8))
    assert seen.written[PML4] == 0x23 | PDPT & 0xFF
    assert seen.written[PDPT] == 0xE3


def test_store_across_pages(bochs: Replay) -> None:
    """A store across a page boundary is told at both physical places."""
    entries = quads((0x40_0000) | 3, (0x50_0000) | 3)
    memory = {
        PDPT + 8: quads(0x1_9003),
        0x1_9000: quads(0x1_A003),
        0x1_A000: entries,
    }
    gprs = {Gpr.RAX: 0x1122_3344_5566_7788, Gpr.RDI: 0x4000_0FFC}
    seen = bochs(long_mode("488907 f4", memory=memory, gprs=gprs), 10)
    assert bytes(seen.written[0x40_0FFC + index] for index in range(4)).hex() == "88776655"
    assert bytes(seen.written[0x50_0000 + index] for index in range(4)).hex() == "44332211"


def test_segment_load_marks_the_descriptor(bochs: Replay) -> None:
    """Loading a data segment sets the accessed bit in the GDT, once."""
    seen = bochs(long_mode("b818000000 8ed8 f4"), 10)
    assert seen.written[GDT + 0x18 + 5] == 0x93


def test_modes(bochs: Replay) -> None:
    """Each mode is named for what it is."""
    assert bochs(long_mode("90"), 1).steps[0].mode is Mode.LONG_64
    assert bochs(compatibility_mode("90"), 1).steps[0].mode is Mode.COMPATIBILITY
    assert bochs(protected_mode("90"), 1).steps[0].mode is Mode.PROTECTED_32


def test_next_replay_sees_nothing_of_the_last(bochs: Replay) -> None:
    """Other code and data at the same addresses run as given: caches, tables, memory are new."""
    for value in (0x11, 0x22, 0x33):
        seen = bochs(long_mode(f"b8{value:02x}000000 8b1c2500300000 893c2500300000 f4"), 10)
        assert (seen.gprs[Gpr.RAX], seen.gprs[Gpr.RBX]) == (value, 0)
    seen = bochs(protected_mode("b844000000 f4"), 10)
    assert seen.gprs[Gpr.RAX] == 0x44
    moved = {PDPT: quads(0x4000_0083)}
    other = long_mode("b855000000 f4", memory=moved | {0x4000_0000 + CODE: bytes.fromhex("f4")})
    assert len(bochs(other, 10).steps) == 1


def test_canonical_width_follows_each_start(bochs: Replay) -> None:
    """57-bit addresses are canonical right after a start with LA57, and not after the next."""
    load = "48b8 0000000000000100 488b18 f4"
    five = with_controls(
        long_mode(load, memory={0x1_4008: quads(PML4 + 3)}),
        {ControlRegister.CR3: 0x1_4000, ControlRegister.CR4: 0x1020},
    )
    five = replace(five, memory=dict(five.memory) | {0x1_4000: quads(PML4 + 3, PML4 + 3)})
    for _ in range(2):
        assert bochs(five, 10).end is EndKind.HALTED
        fault = bochs(long_mode(load), 10).fault
        assert fault is not None
        assert fault.vector.mnemonic == "#GP"


def test_overrides_at_each_place(bochs: Replay) -> None:
    """A choice takes effect just before its instruction, the one behind the last included."""
    code = "4889c3 4889c1"
    first = Override(Gpr.RAX, UPPER, 0x1111_1111_2222_2222)
    second = Override(Gpr.RAX, 0xFFFF, 0x3333)
    last = Override(Gpr.RBX, UPPER, 0)
    flags = Override(None, 1 << Flag.ZF | 1 << Flag.CF, 1 << Flag.ZF)
    start = long_mode(code, gprs={Gpr.RAX: 0x5555_5555_5555_5555})
    start = replace(start, overrides={0: (first,), 1: (second,), 2: (last, flags)})
    seen = bochs(start, 2)
    assert seen.gprs[Gpr.RCX] == 0x1111_1111_5555_3333
    assert seen.gprs[Gpr.RBX] == 0x5555_5555
    assert seen.rflags == 2 | 1 << Flag.ZF


def test_override_of_flags_survives_lazy_ones(bochs: Replay) -> None:
    """Choosing one flag after arithmetic leaves the arithmetic's other flags."""
    start = replace(long_mode("48 83e801 90"), overrides={1: (Override(None, 1, 0),)})
    seen = bochs(start, 2)
    assert seen.rflags == 2 | 1 << Flag.PF | 1 << Flag.AF | 1 << Flag.SF


def test_instruction_across_a_page(bochs: Replay) -> None:
    """An instruction that straddles two pages is one step."""
    seen = bochs(long_mode("b878563412 f4", at=CODE + 0xFFD), 10)
    assert [step.rip for step in seen.steps] == [CODE + 0xFFD, CODE + 0x1002]
    assert seen.gprs[Gpr.RAX] == 0x1234_5678


def test_code_that_modifies_itself(bochs: Replay) -> None:
    """A store into the next instruction is what runs."""
    seen = bochs(long_mode("c6050100000042 b000 f4"), 10)
    assert seen.gprs[Gpr.RAX] == 0x42


@pytest.mark.parametrize("address", [0xFFFF_F000, 1 << 32, (1 << 40) - 0x1000])
def test_code_anywhere_in_physical_memory(bochs: Replay, address: int) -> None:
    """Code runs at any of the 2^40 addresses that Bochs has."""
    seen = bochs(long_mode("90 f4", at=address), 10)
    assert [step.rip for step in seen.steps] == [address, address + 1]
