"""Faults end a run with their vector, error code and address, in the state before them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.replay.build import (
    CODE,
    CODE_64,
    CR4_LA57,
    CR4_PAE,
    DATA,
    PDPT,
    SMALL_CODE_32,
    STACK,
    compatibility_mode,
    long_mode,
    protected_mode,
    quads,
    with_controls,
)
from verifier.machine.concrete import EndKind
from verifier.machine.registers import ControlRegister, Flag, Gpr, Segment, Vector
from verifier.replay import Engine, NotRepresentable, Replayer

if TYPE_CHECKING:
    from collections.abc import Callable

    from verifier.machine.concrete import Observation, Start

    Replay = Callable[[Start, int], Observation]

ABOVE_4G = 0x1_0020_0000
SET_LA57 = "0f20e0 0fbae80c 0f22e0 f4"
READ_64 = "48a1"

FAULTS = {
    "#UD in 64-bit code": (long_mode("90 0f0b"), Vector.UD, None, 1),
    "#UD in compatibility mode": (compatibility_mode("90 0f0b"), Vector.UD, None, 1),
    "an opcode that 64-bit mode lacks": (long_mode("06"), Vector.UD, None, 0),
    "#PF at a write": (
        long_mode("8900", gprs={Gpr.RAX: 1 << 40}),
        Vector.PF,
        2,
        0,
    ),
    "#PF at a fetch": (long_mode("ffe0", gprs={Gpr.RAX: 1 << 40}), Vector.PF, 0, 1),
    "#PF for a reserved bit within 40": (
        long_mode("8b042500000040", memory={PDPT + 8: quads(0x83 | 1 << 14)}),
        Vector.PF,
        9,
        0,
    ),
    "#DE": (long_mode("f7f1"), Vector.DE, None, 0),
    "int3": (long_mode("90 cc"), Vector.BP, None, 1),
    "LA57 in 64-bit code": (long_mode(SET_LA57), Vector.GP, 0, 2),
    "LA57 in compatibility mode": (compatibility_mode(SET_LA57), Vector.GP, 0, 2),
    "LA57 where CPUID has none": (
        replace(protected_mode(SET_LA57), has_la57=False),
        Vector.GP,
        0,
        2,
    ),
    "paging off in 64-bit code": (long_mode("0f20c0 0fbaf01f 0f22c0"), Vector.GP, 0, 2),
    "paging off with PCIDE": (
        with_controls(
            compatibility_mode("0f20c0 0fbaf01f 0f22c0"),
            {ControlRegister.CR4: CR4_PAE | 1 << 17},
        ),
        Vector.GP,
        0,
        2,
    ),
    "EFER.LME under paging": (
        long_mode("0f30", gprs={Gpr.RCX: 0xC000_0080}),
        Vector.GP,
        0,
        0,
    ),
    "a non-canonical jump": (long_mode("ffe0", gprs={Gpr.RAX: 1 << 47}), Vector.GP, 0, 0),
    "a non-canonical push": (long_mode("50", gprs={Gpr.RSP: (1 << 47) + 8}), Vector.SS, 0, 0),
    "a selector beyond the GDT": (long_mode("b8f8000000 8ed8"), Vector.GP, 0xF8, 1),
    "a null stack segment in 32-bit code": (compatibility_mode("31c0 8ed0"), Vector.GP, 0, 1),
}


@pytest.mark.parametrize("name", FAULTS)
def test_bochs_fault(bochs: Replay, name: str) -> None:
    """Bochs tells the vector, the error code if any, and how far the run came."""
    start, vector, error, steps = FAULTS[name]
    seen = bochs(start, 10)
    assert seen.end is EndKind.FAULTED
    assert seen.fault is not None
    assert (seen.fault.vector, seen.fault.error, len(seen.steps)) == (vector, error, steps)
    assert seen.rip == seen.fault.rip
    if "fetch" not in name:
        assert CODE <= seen.rip < CODE + 0x10
    assert seen.gprs[Gpr.RSP] == start.gprs[Gpr.RSP]


def test_page_fault_address(bochs: Replay) -> None:
    """CR2 holds the address, and the handler is not entered: nothing is pushed."""
    seen = bochs(long_mode("8900", gprs={Gpr.RAX: 1 << 40}), 10)
    assert seen.controls[ControlRegister.CR2] == 1 << 40
    assert not any(STACK - 0x100 <= address < STACK for address in seen.written)


def test_fault_within_a_push_keeps_the_stack_pointer(bochs: Replay) -> None:
    """RSP is that of before the instruction that faulted."""
    seen = bochs(long_mode("50", gprs={Gpr.RSP: 1 << 41}), 10)
    assert seen.fault is not None
    assert seen.fault.vector is Vector.PF
    assert seen.gprs[Gpr.RSP] == 1 << 41


def far_pointer(offset: int, selector: int) -> bytes:
    """Give an m16:64 operand."""
    return offset.to_bytes(8, "little") + selector.to_bytes(2, "little")


def far_return(offset: int, selector: int = 0x08, code: str = "48cb") -> Start:
    """Give a far return whose operands lie on the stack, a frame of IRETQ included."""
    frame = quads(offset, selector, 2, STACK, DATA)
    return long_mode(code, gprs={Gpr.RSP: 0x8_0000}, memory={0x8_0000: frame})


FAR_TRANSFERS = {
    "48 CB": far_return(ABOVE_4G),
    "48 CA": far_return(ABOVE_4G, code="48ca1000"),
    "48 CF": far_return(ABOVE_4G, code="48cf"),
    "48 CB, with a prefix": far_return(ABOVE_4G, code="2e48cb"),
    "48 CB, beyond a limit of 64 KiB": far_return(1 << 32 | 0x20, SMALL_CODE_32),
    "48 FF /5, absolute": long_mode(
        "48ff2c2500000800", memory={0x8_0000: far_pointer(ABOVE_4G, 0x08)}
    ),
    "48 FF /5, from RIP": long_mode(
        "48ff2d01000000 90" + far_pointer(ABOVE_4G, 0x08).hex(),
    ),
    "48 FF /5, a prefix and from RIP": long_mode(
        "2e48ff2d01000000 90" + far_pointer(ABOVE_4G, 0x08).hex(),
    ),
    "49 FF /5, base, index and displacement": long_mode(
        "4bff6cc8f0",
        gprs={Gpr.R8: 0x8_0000, Gpr.R9: 4},
        memory={0x8_0010: far_pointer(ABOVE_4G, 0x08)},
    ),
    "48 FF /5, 32-bit address": long_mode(
        "6748ff28",
        gprs={Gpr.RAX: 0x7_0008_0000},
        memory={0x8_0000: far_pointer(ABOVE_4G, 0x08)},
    ),
    "48 FF /3": long_mode("48ff18", memory={0: far_pointer(ABOVE_4G, 0x08)}),
}


@pytest.mark.parametrize("engine", ["bochs", "qemu"])
@pytest.mark.parametrize("form", FAR_TRANSFERS)
def test_far_transfer_beyond_the_limit(
    request: pytest.FixtureRequest, engine: str, form: str
) -> None:
    """Each far transfer to 32-bit code above 4G raises #GP(0) and changes nothing."""
    replay: Replay = request.getfixturevalue(engine)
    start = FAR_TRANSFERS[form]
    seen = replay(start, 10)
    assert seen.end is EndKind.FAULTED
    assert seen.fault is not None
    assert (seen.fault.vector, seen.fault.error, seen.fault.rip) == (Vector.GP, 0, CODE)
    assert seen.gprs == start.gprs
    assert seen.steps == ()


@pytest.mark.parametrize("engine", ["bochs", "qemu"])
@pytest.mark.parametrize(
    "start",
    [
        far_return(0x20_0000),
        far_return(ABOVE_4G, CODE_64),
        far_return(0x20_0000, code="48cf"),
        far_return(0xFFF0, SMALL_CODE_32),
        long_mode("48ff2c2500000800", memory={0x8_0000: far_pointer(0x20_0000, 0x08)}),
    ],
)
def test_far_transfer_within_the_limit(
    request: pytest.FixtureRequest, engine: str, start: Start
) -> None:
    """A far transfer to 32-bit code below the limit, or to 64-bit code, is made."""
    replay: Replay = request.getfixturevalue(engine)
    seen = replay(start, 1)
    assert seen.end is EndKind.RAN
    assert seen.rip in (0x20_0000, ABOVE_4G, 0xFFF0)


def test_other_faults_come_first(bochs: Replay) -> None:
    """Above 4G to a selector that is no code segment, the fault names the selector."""
    seen = bochs(far_return(ABOVE_4G, DATA), 10)
    assert seen.fault is not None
    assert (seen.fault.vector, seen.fault.error) == (Vector.GP, DATA)


FRAME = bytes.fromhex("00002000 10000000 02000000")
NO_JUDGE = {
    "memory": long_mode("90", memory={1 << 40: b"\x90"}),
    "CR3": with_controls(long_mode("90"), {ControlRegister.CR3: 1 << 40}),
    "a table entry": long_mode("8b042500000040", memory={PDPT + 8: quads(0x83 | 1 << 40)}),
    "a load of CR3": long_mode("0f22d8", gprs={Gpr.RAX: 1 << 41}),
    "a load of CR3 from r8": long_mode("410f22d8", gprs={Gpr.R8: 1 << 41}),
    "a far return that ends at 4G": compatibility_mode(
        "cb", gprs={Gpr.RSP: 0xFFFF_FFF8}, memory={0xFFFF_FFF8: FRAME[:8]}
    ),
    "a far return that releases across 4G": compatibility_mode(
        "ca1000", gprs={Gpr.RSP: 0xFFFF_FFF0}, memory={0xFFFF_FFF0: FRAME}
    ),
    "a far return that reads across 4G": compatibility_mode(
        "cb", gprs={Gpr.RSP: 0xFFFF_FFFC}, memory={0xFFFF_FFFC: FRAME[:4], 0: FRAME[4:]}
    ),
    "a CR4 bit": with_controls(long_mode("90"), {ControlRegister.CR4: CR4_PAE | 1 << 23}),
    "an EFER bit": with_controls(long_mode("90"), {ControlRegister.EFER: 0x500 | 1 << 12}),
    "LA57 without LA57": replace(
        with_controls(long_mode("90"), {ControlRegister.CR4: CR4_PAE | CR4_LA57}), has_la57=False
    ),
    "LMA without paging": with_controls(long_mode("90"), {ControlRegister.CR0: 0x11}),
    "a trap flag": replace(long_mode("90"), rflags=2 | 1 << Flag.TF),
    "int 0x80": long_mode("cd80"),
    "the local APIC, read": long_mode("8b07", gprs={Gpr.RDI: 0xFEE0_0030}),
    "the local APIC, written": long_mode("8907", gprs={Gpr.RDI: 0xFEE0_0080}),
    "the local APIC, executed": long_mode("90 f4", at=0xFEE0_0000),
    "the local APIC as a table": long_mode("8b042500000040", memory={PDPT + 8: quads(0xFEE0_0003)}),
}


@pytest.mark.parametrize("name", NO_JUDGE)
def test_where_bochs_is_no_judge(bochs: Replay, name: str) -> None:
    """What Bochs cannot hold, or gets wrong, is told as such and never as an observation."""
    with pytest.raises(NotRepresentable) as raised:
        bochs(NO_JUDGE[name], 10)
    assert raised.value.engine is Engine.BOCHS
    assert bochs(long_mode("f4"), 10).end is EndKind.HALTED


def test_far_return_to_32_bit_code_may_end_at_4g(bochs: Replay) -> None:
    """Only the return into 64-bit code goes wrong there; within 32-bit code ESP is 0."""
    memory = {0xFFFF_FFF8: bytes.fromhex("00002000 08000000")}
    seen = bochs(compatibility_mode("cb", gprs={Gpr.RSP: 0xFFFF_FFF8}, memory=memory), 1)
    assert (seen.rip, seen.gprs[Gpr.RSP]) == (0x20_0000, 0)


def test_qemu_refuses_what_it_gets_wrong(replayer: Replayer, qemu: Replay) -> None:
    """Where QEMU refuses a CR4 value it corrupts memory: told as no judge, and it goes on."""
    start = replace(protected_mode(SET_LA57), has_la57=False)
    with pytest.raises(NotRepresentable):
        qemu(start, 10)
    halt = replace(long_mode("f4"), has_la57=False)
    assert replayer.replay(halt, 10, Engine.QEMU).end is EndKind.HALTED


def test_qemu_keeps_the_gdt_where_the_code_segment_has_a_base(qemu: Replay) -> None:
    """GDTR is the start's, and a far return finds its descriptor there."""
    start = compatibility_mode("cb", memory={STACK: quads(0x10 << 32 | CODE)})
    based = replace(start.segments[Segment.CS], base=0x10)
    segments = dict(start.segments) | {Segment.CS: based}
    seen = qemu(replace(start, rip=CODE - 0x10, segments=segments), 1)
    assert seen.fault is None
    assert (seen.gdtr, seen.rip) == (start.gdtr, CODE)


def test_qemu_faults_and_goes_on(qemu: Replay) -> None:
    """A fault in QEMU is told, and the next replay starts afresh."""
    for _ in range(2):
        seen = qemu(long_mode("8900", gprs={Gpr.RAX: 1 << 40}), 10)
        assert seen.fault is not None
        assert (seen.fault.vector, seen.fault.error, seen.fault.rip) == (Vector.PF, 2, CODE)
        assert seen.controls[ControlRegister.CR2] == 1 << 40
        assert qemu(long_mode("f4"), 10).end is EndKind.HALTED
