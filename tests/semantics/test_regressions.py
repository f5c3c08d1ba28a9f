"""States at which our semantics were once wrong: each is compared with Bochs for good."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.replay.build import (
    CODE,
    CODE_64,
    CR4_LA57,
    CR4_PAE,
    GDT,
    PDPT,
    STACK,
    compatibility_mode,
    long_mode,
    protected_mode,
    quads,
    segment,
    with_controls,
)
from tests.semantics.cases import Case
from tests.semantics.compare import compare, run_ours
from verifier.execution.concrete import mode_of
from verifier.execution.path import Faulted, OutOfModel
from verifier.machine.concrete import TableRegister
from verifier.machine.events import Transfer
from verifier.machine.registers import ControlRegister, Cr4, Flag, Gpr, Segment, Vector

if TYPE_CHECKING:
    from verifier.machine.concrete import SegmentValue, Start
    from verifier.replay import Replayer

DATA = 0x30_0000
READ_ONLY = {PDPT + 8 * 3: quads(0xC000_0081)}
REFUSED_TWICE = {PDPT + 8 * 2: quads(0, 0xC000_0083 | 1 << 63)}
"""Below 0xc0000000 nothing is present; from there on an entry has a bit set that is reserved."""
UPPER = 0x1234_5678_0000_0000
NULL = replace(segment(0, 0), s=False, present=False, default_big=False, granular=False, limit=0)


def case(start: Start, steps: int = 1) -> Case:
    """Give a case that starts there."""
    raw = start.memory[CODE]
    return Case("regression", mode_of(start), raw, start, steps)


def with_segments(start: Start, segments: dict[Segment, SegmentValue]) -> Start:
    """Give a start with other segment registers."""
    return replace(start, segments=dict(start.segments) | segments)


AGREES = {
    "a jump on a negated condition is taken": long_mode("7510"),
    "a jump on a negated condition is not taken": replace(
        long_mode("7510"), rflags=2 | 1 << Flag.ZF
    ),
    "an update of a page that is not present faults as a write": long_mode(
        "0107", gprs={Gpr.RDI: 1 << 41}
    ),
    "an update of a read-only page faults at its load": with_controls(
        long_mode("0107", gprs={Gpr.RDI: 0xC000_0000}, memory=READ_ONLY),
        {ControlRegister.CR0: 0x8001_0011},
    ),
    "an update marks its page dirty": long_mode("0107", gprs={Gpr.RDI: DATA}),
    "REX.W outweighs 66 before PUSHF": long_mode("66489c"),
    "REX.W outweighs 66 before POPF": long_mode("66489d"),
    "SGDT stores its limit first": long_mode("0f0107", gprs={Gpr.RDI: 0x7FFF_FFFF_FFFE}),
    "LGDT loads its limit first outside 64-bit mode": compatibility_mode(
        "0f0117", gprs={Gpr.RDI: 0xBFFF_FFFF}, memory=REFUSED_TWICE
    ),
    "LGDT loads its base first in 64-bit mode": long_mode(
        "0f0117", gprs={Gpr.RDI: 0xBFFF_FFFF}, memory=REFUSED_TWICE
    ),
    "RETF checks its whole frame before it reads": long_mode(
        "cb", gprs={Gpr.RSP: 0x7FFF_FFFF_FFFC}
    ),
    "far CALL needs room on the stack before its target counts": with_segments(
        protected_mode("9a 00000100 2000"),
        {Segment.SS: replace(segment(0x18, 3), limit=0xFFF, granular=False)},
    ),
    "a repetition of no elements": compatibility_mode(
        "f3a4", gprs={Gpr.RCX: UPPER, Gpr.RSI: UPPER | 0x10, Gpr.RDI: UPPER | 0x20}
    ),
    "a repetition downwards over itself": replace(
        long_mode(
            "f3a4",
            gprs={Gpr.RCX: 8, Gpr.RSI: DATA + 8, Gpr.RDI: DATA + 10},
            memory={DATA: bytes(range(32))},
        ),
        rflags=2 | 1 << Flag.DF,
    ),
    "a repetition upwards over itself": long_mode(
        "f3a4",
        gprs={Gpr.RCX: 20, Gpr.RSI: DATA, Gpr.RDI: DATA + 3},
        memory={DATA: bytes(range(32))},
    ),
    "MOVS reads its source before its target's address counts": long_mode(
        "a4", gprs={Gpr.RSI: 1 << 41, Gpr.RDI: 1 << 62}
    ),
    "code in a segment with a base": replace(
        with_segments(
            protected_mode("05 01000000"),
            {Segment.CS: replace(segment(8, 0xB), base=0x1000)},
        ),
        rip=CODE - 0x1000,
    ),
    "leaf 1 of CPUID repeats CR4.OSXSAVE": with_controls(
        long_mode("0fa2", gprs={Gpr.RAX: 1}),
        {ControlRegister.CR4: CR4_PAE | 1 << Cr4.OSXSAVE},
    ),
    "HLT marks its own pages accessed": long_mode("f4"),
    "MOV AH, BH keeps the rest": long_mode("88fc", gprs={Gpr.RBX: 0xAB00, Gpr.RAX: UPPER}),
    "with REX it is SPL, not AH": long_mode("4088c4", gprs={Gpr.RAX: 0x77}),
    "a shift by 0 leaves the flags alone": replace(
        long_mode("c1e000"), rflags=2 | 1 << Flag.CF | 1 << Flag.OF
    ),
    "CMOV that moves nothing still zero-extends": long_mode("0f44c1", gprs={Gpr.RAX: UPPER | 7}),
    "PUSH imm8 is sign-extended to 64 bits": long_mode("6a80"),
    "48 90 exchanges nothing": long_mode("4890", gprs={Gpr.RAX: UPPER | 1}),
    "90 does not zero-extend RAX": long_mode("90", gprs={Gpr.RAX: UPPER | 1}),
    "MOV r/m, Sreg to a 16-bit register keeps the rest": long_mode(
        "668cd8", gprs={Gpr.RAX: UPPER | 0xFFFF_FFFF}
    ),
    "MOV r/m, Sreg to a 32-bit register zero-extends": long_mode(
        "8cd8", gprs={Gpr.RAX: UPPER | 0xFFFF_FFFF}
    ),
    "LGDT with 66 in 32-bit code loads 24 bits of base": compatibility_mode(
        "660f0107".replace("0107", "0117"),
        gprs={Gpr.RDI: DATA},
        memory={DATA: bytes.fromhex("ff7f 78563412")},
    ),
    "LGDT with 66 in 64-bit mode loads them all": long_mode(
        "660f0117",
        gprs={Gpr.RDI: DATA},
        memory={DATA: bytes.fromhex("ff7f 7856341200000000")},
    ),
    "the canonical width follows CR4.LA57": long_mode("ffe0", gprs={Gpr.RAX: 1 << 47}),
    "a far return marks the code descriptor": long_mode(
        "48cb", memory={STACK: quads(CODE, CODE_64)}
    ),
    "a GDT cut in the middle of a descriptor": replace(
        long_mode("8ed8", gprs={Gpr.RAX: 0x18}), gdtr=TableRegister(GDT, 0x1E)
    ),
    "a null SS is loaded in 64-bit mode": long_mode("8ed0"),
    "CR4.LA57 is set in compatibility mode": compatibility_mode(
        "0f22e0", gprs={Gpr.RAX: CR4_PAE | CR4_LA57}
    ),
    "EFER.LME is cleared under paging": long_mode(
        "0f30", gprs={Gpr.RCX: 0xC000_0080, Gpr.RAX: 0x400}
    ),
}


@pytest.mark.parametrize("name", AGREES)
def test_agrees_with_bochs(name: str, replayer: Replayer) -> None:
    """The state at which it went wrong goes as in Bochs."""
    assert compare(case(AGREES[name]), replayer).differences == []


UNMODELLED = {
    "a push through a stack segment of 16 bits": with_segments(
        protected_mode("50"), {Segment.SS: replace(segment(0x18, 3), default_big=False)}
    ),
    "a load that wraps at 4G through a segment's base": with_segments(
        protected_mode("8b07", gprs={Gpr.RDI: 0xFFFE}),
        {Segment.DS: replace(segment(0x18, 3), base=0xFFFF_0000, limit=0x1FFFF, granular=False)},
    ),
    "a pop that wraps at 4G in a segment with a base": with_segments(
        protected_mode("9d", gprs={Gpr.RSP: 0xFFFF_FFFF}),
        {Segment.SS: replace(segment(0x18, 3), base=0xFFFF_0000)},
    ),
    "PAE paging without IA-32e mode": with_controls(
        protected_mode("0f22c0", gprs={Gpr.RAX: 0x8000_0011}), {ControlRegister.CR4: CR4_PAE}
    ),
    "a far call to 64-bit code on a null stack segment": with_segments(
        compatibility_mode("9a 00001000 1000"), {Segment.SS: NULL}
    ),
    "a locked update": long_mode("f00107", gprs={Gpr.RDI: DATA}),
}


@pytest.mark.parametrize("name", UNMODELLED)
def test_ends_as_unmodelled(name: str) -> None:
    """Where processors differ, or nothing here needs it, the path ends without a claim."""
    assert isinstance(run_ours(case(UNMODELLED[name])).ending, OutOfModel)


def test_jump_that_is_not_taken_is_no_transfer() -> None:
    """Falling through a conditional jump is no event that an exit could be named by."""
    taken, passed = long_mode("7510"), replace(long_mode("7510"), rflags=2 | 1 << Flag.ZF)
    events = [
        [event for step in run_ours(case(start)).steps for event in step.events]
        for start in (taken, passed)
    ]
    assert [sum(isinstance(event, Transfer) for event in each) for each in events] == [1, 0]


def test_far_return_above_4g_faults() -> None:
    """A far return to 32-bit code above 4G is #GP(0), as on processors; Bochs needs telling."""
    start = long_mode("48cb", memory={STACK: quads(0x1_0000_0000 + CODE, 0x08)})
    ending = run_ours(case(start)).ending
    assert isinstance(ending, Faulted)
    assert (ending.vector, ending.error) == (Vector.GP, 0)
