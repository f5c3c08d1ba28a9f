"""Far transfers: the instructions that change the code segment, and with it the mode.

SDM vol. 2, "RET", "JMP", "CALL"; vol. 3, "Code Segments". Gates and tasks are not modelled.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

import claripy

from verifier.machine.descriptors import FLAT_LIMIT
from verifier.machine.events import Transfer
from verifier.machine.oracle import Fault, Unmodelled
from verifier.machine.registers import Efer, Gpr, Mode, Segment, Vector
from verifier.machine.words import (
    bit,
    bits,
    concat,
    constant,
    equals,
    extend,
    low32,
    plus,
)
from verifier.semantics.operands import load_operand
from verifier.semantics.rows import MODES_32, Row
from verifier.semantics.segmentation import require_canonical, wide
from verifier.semantics.segments import RPL_MASK, mark_accessed, read_descriptor, selector_error
from verifier.semantics.stack import drop, peek, push, require_frame, require_room

if TYPE_CHECKING:
    from claripy.ast.bv import BV

    from verifier.machine.descriptors import SegmentRegister
    from verifier.semantics.cpu import Cpu
    from verifier.semantics.instruction import Instruction

RELEASE = "rsp-release"
"""The choice by which stack size a far return moves RSP: 0 that to come, 1 that before."""


OFFSET_FIELD = range(-6, -2)
"""Where a direct far transfer has its offset: the selector follows, and ends the instruction."""


class Kind(Enum):
    """What sort of far transfer it is: they differ in the privilege they ask for."""

    RETURN = "far return"
    JUMP = "far jump"
    CALL = "far call"


@dataclass(frozen=True, slots=True, eq=False)
class Destination:
    """Where a far transfer goes: a selector and an offset of 64 bits."""

    selector: int
    offset: BV
    kind: Kind


def check_destination(cpu: Cpu, to: Destination) -> SegmentRegister:
    """Give the code segment that ``to`` names, after every check of the manual.

    Raises #GP or #NP.
    """
    register = check_code_segment(cpu, to)
    check_offset(cpu, to, register)
    return register


def check_code_segment(cpu: Cpu, to: Destination) -> SegmentRegister:
    """Give the code segment that ``to`` names; raises #GP or #NP for the selector."""
    if to.selector & ~RPL_MASK == 0:
        raise Fault(Vector.GP, 0, f"the {to.kind.value} names a null selector")
    register = read_descriptor(cpu, to.selector)
    error = selector_error(to.selector)
    name = f"selector {to.selector:#x}"
    if to.kind is not Kind.RETURN and cpu.oracle.decide(register.s == 0):
        raise Unmodelled(f"a {to.kind.value} through a system descriptor")
    not_code = claripy.Not(register.is_code)
    cpu.fault_if(not_code, Vector.GP, error, f"{name} is not a code segment")
    if cpu.oracle.decide(cpu.state.efer(Efer.LMA)):
        both = claripy.And(register.long == 1, register.big == 1)
        cpu.fault_if(both, Vector.GP, error, f"{name} has both L and D set")
    _check_privilege(cpu, to, register)
    cpu.fault_if(register.present == 0, Vector.NP, error, f"{name} is not present")
    return register


def _check_privilege(cpu: Cpu, to: Destination, register: SegmentRegister) -> None:
    level = cpu.privilege
    requested = constant(to.selector & RPL_MASK, 2)
    conforming = bit(register.type, 2) == 1
    if to.kind is Kind.RETURN:
        outward = claripy.UGT(requested, level)
        if cpu.oracle.decide(outward):
            raise Unmodelled("a far return to an outer privilege level")
        denied = claripy.Or(
            claripy.ULT(requested, level),
            claripy.If(conforming, claripy.UGT(register.dpl, requested), register.dpl != requested),
        )
    else:
        denied = claripy.If(
            conforming,
            claripy.UGT(register.dpl, level),
            claripy.Or(claripy.UGT(requested, level), register.dpl != level),
        )
    why = f"selector {to.selector:#x} is of another privilege level"
    cpu.fault_if(denied, Vector.GP, selector_error(to.selector), why)


def check_offset(cpu: Cpu, to: Destination, register: SegmentRegister) -> None:
    """Raise #GP(0) for an offset that the code segment does not have."""
    active = cpu.oracle.decide(cpu.state.efer(Efer.LMA))
    if active and cpu.oracle.decide(register.long == 1):
        require_canonical(cpu, to.offset, 1, Vector.GP)
        return
    beyond = claripy.UGT(to.offset, extend(register.limit))
    cpu.general_protection_if(beyond, "the target is beyond the code segment's limit")


def _mode_of(cpu: Cpu, register: SegmentRegister) -> Mode:
    active = cpu.oracle.decide(cpu.state.efer(Efer.LMA))
    if active and cpu.oracle.decide(register.long == 1):
        return Mode.LONG_64
    if not cpu.oracle.decide(register.big == 1):
        raise Unmodelled("16-bit code is not modelled")
    return Mode.COMPATIBILITY if active else Mode.PROTECTED_32


def enter(cpu: Cpu, to: Destination, register: SegmentRegister) -> None:
    """Load CS and RIP, and change the mode as the code segment asks."""
    source, before = cpu.state.rip, cpu.state.mode
    loaded = mark_accessed(cpu, register, to.selector)
    level = bits(cpu.state.segments[Segment.CS].selector, 1, 0)
    selector = concat(constant(to.selector >> 2, 14), level)
    after = _mode_of(cpu, register)
    cpu.set_segment(Segment.CS, replace(loaded, selector=selector))
    if before.is_64 and not after.is_64:
        _leave_64(cpu)
    if after.is_64 and not before.is_64:
        _enter_64(cpu)
    target = to.offset if after.is_64 else wide(cpu, low32(to.offset))
    cpu.events.append(Transfer(source, target, far=True, before=before, after=after))
    cpu.set_mode(after)
    cpu.state = replace(cpu.state, rip=target)


def _leave_64(cpu: Cpu) -> None:
    state = cpu.state
    gprs = state.model.leaving_64(state.gprs, cpu.undefined)
    switches = state.switches + 1
    cpu.state = replace(state, gprs=gprs, paging_was_off=False, switches=switches)


def _enter_64(cpu: Cpu) -> None:
    state = cpu.state
    gprs = state.model.entering_64(
        state.gprs, paging_was_off=state.paging_was_off, fresh=cpu.undefined
    )
    cpu.state = replace(state, gprs=gprs, switches=state.switches + 1)


def _operand_bytes(instruction: Instruction) -> int:
    return 8 if instruction.rex_w and instruction.mode.is_64 else 4


def far_return(cpu: Cpu, instruction: Instruction) -> None:
    """Pop an offset and a selector: 4 bytes each, 8 with REX.W."""
    _return(cpu, instruction, 0)


def far_return_and_release(cpu: Cpu, instruction: Instruction) -> None:
    """Pop an offset and a selector, then move the stack pointer up by the immediate."""
    _return(cpu, instruction, instruction.immediate(2))


def _return(cpu: Cpu, instruction: Instruction, release: int) -> None:
    size = _operand_bytes(instruction)
    require_frame(cpu, 2 * size)
    selector = cpu.determined(bits(peek(cpu, size, size), 15, 0), "a code selector")
    offset = extend(peek(cpu, size))
    to = Destination(selector, offset, Kind.RETURN)
    register = check_destination(cpu, to)
    _release(cpu, 2 * size + release, _mode_of(cpu, register))
    enter(cpu, to, register)


def _release(cpu: Cpu, size: int, after: Mode) -> None:
    """Move the stack pointer up by ``size`` bytes.

    Where the return changes the stack's size, processors move SP, ESP or RSP by the size to
    come (SP from 64-bit to 32-bit code if SS.B is 0), emulators some by the one before: a
    carry that tells the two apart is left open.
    """
    if cpu.state.mode.is_64 is after.is_64:
        drop(cpu, size)
        return
    width = 16 if cpu.state.mode.is_64 else 32
    low = cpu.gpr(Gpr.RSP, width)
    differs = claripy.UGE(extend(low), (1 << width) - size)
    if width == 16:
        small = claripy.Not(equals(cpu.state.segments[Segment.SS].big, 1))
        differs = claripy.And(differs, small)
    if not cpu.oracle.decide(differs) or cpu.oracle.decide(cpu.undefined(RELEASE, 1) == 1):
        drop(cpu, size)
    elif after.is_64:
        cpu.set_gpr(Gpr.RSP, plus(extend(low), size))
    else:
        cpu.set_gpr(Gpr.RSP, plus(low, constant(size, width)))


def far_jump_direct(cpu: Cpu, instruction: Instruction) -> None:
    """Jump to the selector and the 32-bit offset in the instruction."""
    to = _direct(cpu, instruction, Kind.JUMP)
    enter(cpu, to, check_destination(cpu, to))


def _direct(cpu: Cpu, instruction: Instruction, kind: Kind) -> Destination:
    selector = instruction.immediate(2)
    if instruction.patched is not None:
        return Destination(selector, wide(cpu, instruction.patched), kind)
    offset = int.from_bytes(instruction.raw[-6:-2], "little")
    return Destination(selector, constant(offset), kind)


def _indirect(cpu: Cpu, instruction: Instruction, kind: Kind) -> Destination:
    if instruction.rex_w:
        raise Unmodelled("a far transfer through m16:64, which processors take differently")
    offset = extend(load_operand(cpu, instruction, 4))
    selector = load_operand(cpu, instruction, 2, 4)
    return Destination(cpu.determined(selector, "a code selector"), offset, kind)


def far_jump_indirect(cpu: Cpu, instruction: Instruction) -> None:
    """Jump to the selector and the 32-bit offset in memory."""
    to = _indirect(cpu, instruction, Kind.JUMP)
    enter(cpu, to, check_destination(cpu, to))


def far_call_direct(cpu: Cpu, instruction: Instruction) -> None:
    """Push CS and EIP, then go to the selector and offset in the instruction."""
    _call(cpu, instruction, _direct(cpu, instruction, Kind.CALL))


def far_call_indirect(cpu: Cpu, instruction: Instruction) -> None:
    """Push CS and EIP, then go to the selector and offset in memory."""
    _call(cpu, instruction, _indirect(cpu, instruction, Kind.CALL))


def _call(cpu: Cpu, instruction: Instruction, to: Destination) -> None:
    register = check_code_segment(cpu, to)
    if _mode_of(cpu, register).is_64 is not cpu.state.mode.is_64:
        _require_same_stack(cpu)
    require_room(cpu, 8)
    check_offset(cpu, to, register)
    push(cpu, extend(cpu.state.segments[Segment.CS].selector, 32))
    push(cpu, low32(cpu.next_rip(instruction.size)))
    enter(cpu, to, register)


def _require_same_stack(cpu: Cpu) -> None:
    """Make sure that it does not matter whether CS is loaded before or after the pushes.

    SDM vol. 2, "CALL", pushes first; APM vol. 3, "CALL (Far)", loads CS first.
    """
    low = claripy.And(claripy.ULE(cpu.gpr(Gpr.RSP), FLAT_LIMIT), claripy.UGE(cpu.gpr(Gpr.RSP), 8))
    stack = cpu.state.segments[Segment.SS]
    plain = stack.is_flat and equals(stack.big, 1).is_true()
    if not plain or not cpu.oracle.decide(low):
        raise Unmodelled("a far call that changes mode on a stack that both address differently")


ROWS = (
    Row("RET far", b"\xcb", far_return),
    Row("RET far imm16", b"\xca", far_return_and_release),
    Row("JMP ptr16:32", b"\xea", far_jump_direct, modes=MODES_32, open=OFFSET_FIELD),
    Row("JMP m16:32", b"\xff", far_jump_indirect, digit=5, register_operand=False),
    Row("CALL ptr16:32", b"\x9a", far_call_direct, modes=MODES_32, open=OFFSET_FIELD),
    Row("CALL m16:32", b"\xff", far_call_indirect, digit=3, register_operand=False),
)
