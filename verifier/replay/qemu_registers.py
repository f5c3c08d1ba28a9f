"""QEMU's registers: their numbers in its debugger stub, and what its monitor prints."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from verifier.machine.concrete import TableRegister
from verifier.machine.registers import ControlRegister, Gpr, Segment
from verifier.replay.translation import segment_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from verifier.machine.concrete import SegmentValue

GPR_NUMBERS = {
    gpr: number
    for number, gpr in enumerate(
        (
            *(Gpr.RAX, Gpr.RBX, Gpr.RCX, Gpr.RDX, Gpr.RSI, Gpr.RDI, Gpr.RBP, Gpr.RSP),
            *(Gpr.R8, Gpr.R9, Gpr.R10, Gpr.R11, Gpr.R12, Gpr.R13, Gpr.R14, Gpr.R15),
        )
    )
}
RIP_NUMBER, RFLAGS_NUMBER = 16, 17
SEGMENT_NUMBERS = {
    Segment.CS: 18,
    Segment.SS: 19,
    Segment.DS: 20,
    Segment.ES: 21,
    Segment.FS: 22,
    Segment.GS: 23,
}
FS_BASE_NUMBERS = (24, 27)
"""Where FS's base may be: QEMU's description and its code differ by three registers."""

BASE_OFFSETS = {Segment.FS: 0, Segment.GS: 1}
CONTROL_OFFSETS = {
    ControlRegister.CR0: 3,
    ControlRegister.CR2: 4,
    ControlRegister.CR3: 5,
    ControlRegister.CR4: 6,
    ControlRegister.EFER: 8,
}
"""Numbers counted from that of FS's base."""

_PAIR = re.compile(r"\b([A-Z][A-Z0-9]*) ?=\s*([0-9a-f]+)")
_SEGMENT = re.compile(r"^([C-GS]S) =([0-9a-f]+) ([0-9a-f]+) ([0-9a-f]+) ([0-9a-f]+)", re.MULTILINE)
_TABLE = re.compile(r"^GDT=\s*([0-9a-f]+) ([0-9a-f]+)", re.MULTILINE)
_FAULT = re.compile(r" v=([0-9a-f]+) e=([0-9a-f]+) i=(\d) cpl=\d IP=\S+ pc=([0-9a-f]+)")


@dataclass(frozen=True, slots=True)
class QemuState:
    """What the monitor shows between two instructions.

    Outside 64-bit mode it shows 32 bits of eight registers; ``gprs`` then has no others.
    """

    gprs: Mapping[Gpr, int]
    rip: int
    rflags: int
    controls: Mapping[ControlRegister, int]
    segments: Mapping[Segment, SegmentValue]
    gdtr: TableRegister


@dataclass(frozen=True, slots=True)
class QemuFault:
    """The first exception in QEMU's log; ``error`` is 0 where there is none.

    ``software`` says that an instruction asked for it.
    """

    vector: int
    error: int
    software: bool
    rip: int


def parse_state(printed: str) -> QemuState:
    """Read what ``info registers`` prints."""
    pairs = {name: int(value, 16) for name, value in _PAIR.findall(printed)}
    table = _TABLE.search(printed)
    if table is None:
        raise ValueError(printed)
    return QemuState(
        gprs={
            gpr: pairs.get(gpr.name, pairs.get(f"E{gpr.name[1:]}", 0))
            for gpr in Gpr
            if gpr.name in pairs or f"E{gpr.name[1:]}" in pairs
        },
        rip=pairs["RIP"] if "RIP" in pairs else pairs["EIP"],
        rflags=pairs["RFL"] if "RFL" in pairs else pairs["EFL"],
        controls={register: pairs[register.name] for register in ControlRegister},
        segments={
            Segment[name]: segment_value(
                {
                    "selector": int(selector, 16),
                    "base": int(base, 16),
                    "limit": int(limit, 16),
                    "attributes": int(flags, 16) >> 8 & 0xF0FF,
                    "present": bool(int(flags, 16) & 1 << 15),
                }
            )
            for name, selector, base, limit, flags in _SEGMENT.findall(printed)
        },
        gdtr=TableRegister(int(table[1], 16), int(table[2], 16)),
    )


def parse_fault(log: str) -> QemuFault | None:
    """Give the first exception that the interrupt log tells of."""
    found = _FAULT.search(log)
    if found is None:
        return None
    vector, error, software, rip = (int(field, 16) for field in found.groups())
    return QemuFault(vector, error, bool(software), rip)
