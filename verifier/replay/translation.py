"""A start into the message a worker reads, and a worker's answer into an observation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from verifier.machine.concrete import (
    EndKind,
    FaultSeen,
    Observation,
    SegmentValue,
    StepSeen,
    TableRegister,
)
from verifier.machine.registers import ControlRegister, Gpr, Mode, Segment, Vector
from verifier.replay.engine import Engine, NotRepresentable

if TYPE_CHECKING:
    from verifier.machine.concrete import Start
    from verifier.replay.message import RunReply, RunRequest, SegmentMessage

CONTROLS = tuple(ControlRegister)
"""The order of control registers in a message."""

HAS_ERROR_CODE = frozenset((8, 10, 11, 12, 13, 14, 17, 21))
"""The vectors of exceptions with an error code."""

GRACE_SECONDS = 2
"""How much later than the main process the worker itself gives up on a run."""


def request(start: Start, steps: int, seconds: float) -> RunRequest:
    """Give the message that asks for this replay."""
    return {
        "steps": steps,
        "seconds": math.ceil(seconds) + GRACE_SECONDS,
        "gprs": [start.gprs.get(gpr, 0) for gpr in Gpr],
        "rip": start.rip,
        "rflags": start.rflags,
        "controls": [start.controls.get(control, 0) for control in CONTROLS],
        "segments": [_segment_message(start.segments[segment]) for segment in Segment],
        "gdtr": (start.gdtr.base, start.gdtr.limit),
        "idtr": (start.idtr.base, start.idtr.limit),
        "memory": [(address, bytes(data)) for address, data in start.memory.items()],
        "overrides": [
            (
                index,
                -1 if choice.register is None else int(choice.register),
                choice.mask,
                choice.value,
            )
            for index, choices in start.overrides.items()
            for choice in choices
        ],
    }


def observation(engine: Engine, reply: RunReply) -> Observation:
    """Give what a worker saw."""
    fault = reply["fault"]
    if fault is not None:
        end = EndKind.FAULTED
    else:
        end = EndKind.HALTED if reply["halted"] else EndKind.RAN
    return Observation(
        engine=engine.value,
        steps=tuple(
            StepSeen(linear, mode(wide=wide, ia32e=ia32e), named_controls(changed))
            for linear, wide, ia32e, changed in reply["steps"]
        ),
        end=end,
        fault=None if fault is None else fault_seen(engine, *fault),
        gprs=dict(zip(Gpr, reply["gprs"], strict=True)),
        rip=reply["rip"],
        rflags=reply["rflags"],
        controls=dict(zip(CONTROLS, reply["controls"], strict=True)),
        segments={
            segment: segment_value(value)
            for segment, value in zip(Segment, reply["segments"], strict=True)
        },
        gdtr=TableRegister(*reply["gdtr"]),
        written={
            address + index: byte
            for address, data in reply["written"]
            for index, byte in enumerate(data)
        },
    )


def fault_seen(engine: Engine, vector: int, error: int, rip: int) -> FaultSeen:
    """Name the exception; one that no start of ours can raise has no name."""
    try:
        return FaultSeen(Vector(vector), error if vector in HAS_ERROR_CODE else None, rip)
    except ValueError:
        reason = f"an exception of vector {vector} at {rip:#x}"
        raise NotRepresentable(engine, reason) from None


def mode(*, wide: bool, ia32e: bool) -> Mode:
    """Give the mode from CS.L under IA-32e, and EFER.LMA."""
    if wide:
        return Mode.LONG_64
    return Mode.COMPATIBILITY if ia32e else Mode.PROTECTED_32


def named_controls(changed: dict[int, int]) -> dict[ControlRegister, int]:
    """Name the control registers of a message."""
    return {CONTROLS[index]: value for index, value in changed.items()}


def segment_value(message: SegmentMessage) -> SegmentValue:
    """Take a segment's attributes apart."""
    attributes = message["attributes"]
    return SegmentValue(
        selector=message["selector"],
        base=message["base"],
        limit=message["limit"],
        type=attributes & 0xF,
        s=bool(attributes & 1 << 4),
        dpl=attributes >> 5 & 3,
        present=message["present"] and bool(attributes & 1 << 7),
        long=bool(attributes & 1 << 13),
        default_big=bool(attributes & 1 << 14),
        granular=bool(attributes & 1 << 15),
    )


def _segment_message(value: SegmentValue) -> SegmentMessage:
    return {
        "selector": value.selector,
        "base": value.base,
        "limit": value.limit,
        "attributes": value.type
        | value.s << 4
        | value.dpl << 5
        | value.present << 7
        | value.long << 13
        | value.default_big << 14
        | value.granular << 15,
        "present": value.present,
    }
