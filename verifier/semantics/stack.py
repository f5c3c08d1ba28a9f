"""Push and pop: RSP in 64-bit mode, ESP through SS in 32-bit modes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verifier.machine.oracle import Unmodelled
from verifier.machine.paging import Intent
from verifier.machine.registers import Gpr, Segment, Vector
from verifier.machine.words import equals, plus, split, width_of

if TYPE_CHECKING:
    from claripy.ast.bv import BV

    from verifier.semantics.cpu import Cpu

BYTE = 8


def push(cpu: Cpu, value: BV) -> None:
    """Push a value of 16, 32 or 64 bits."""
    size = width_of(value) // BYTE
    top = plus(_pointer(cpu), -size)
    cpu.store(cpu.linear(Segment.SS, top, size, Intent.WRITE), value)
    cpu.set_gpr(Gpr.RSP, top)


def peek(cpu: Cpu, size: int, above: int = 0) -> BV:
    """Read ``size`` bytes that lie ``above`` bytes over the top of the stack."""
    offset = plus(_pointer(cpu), above)
    return cpu.load(cpu.linear(Segment.SS, offset, size, Intent.READ), size)


def require_frame(cpu: Cpu, size: int) -> None:
    """Raise #SS(0) where the top ``size`` bytes of the stack lie outside its segment."""
    cpu.linear(Segment.SS, _pointer(cpu), size, Intent.READ)


def require_room(cpu: Cpu, size: int) -> None:
    """Raise #SS(0) where ``size`` bytes more would lie outside the stack's segment."""
    cpu.linear(Segment.SS, plus(_pointer(cpu), -size), size, Intent.WRITE)


def drop(cpu: Cpu, size: int) -> None:
    """Move the stack pointer up by ``size`` bytes."""
    cpu.set_gpr(Gpr.RSP, plus(_pointer(cpu), size))


def _pointer(cpu: Cpu) -> BV:
    if cpu.state.mode.is_64:
        return cpu.gpr(Gpr.RSP)
    require_big_stack(cpu)
    return cpu.gpr(Gpr.RSP, 32)


def name_pointer(cpu: Cpu) -> None:
    """Write RSP as a region's base and a number where it is one, however it was computed.

    A pointer that was put together from halves is so recognised once, not at each access.
    """
    pointer = cpu.gpr(Gpr.RSP)
    base, _ = split(pointer)
    regions = cpu.state.memory.regions
    if base is None or base.op == "BVS" or any(split(each.base)[0] is base for each in regions):
        return
    for region in regions:
        distance = cpu.oracle.value(pointer - region.base)
        if distance is not None:
            cpu.set_gpr(Gpr.RSP, plus(region.base, distance))
            return


def require_big_stack(cpu: Cpu) -> None:
    """Raise #SS(0) for a null SS, and Unmodelled for a stack addressed by SP."""
    stack = cpu.state.segments[Segment.SS]
    if cpu.oracle.decide(equals(stack.big, 1)):
        return
    cpu.fault_if(equals(stack.present, 0), Vector.SS, 0, "the stack segment register is null")
    raise Unmodelled("a stack segment of 16 bits")
