"""Operands of hand-written instructions: effective addresses and register-or-memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verifier.machine.oracle import Unmodelled
from verifier.machine.paging import Intent
from verifier.machine.registers import Gpr, Segment
from verifier.machine.words import constant

if TYPE_CHECKING:
    from claripy.ast.bv import BV

    from verifier.semantics.cpu import Cpu
    from verifier.semantics.instruction import Instruction

BYTE = 8
_NUMBERS_64 = {register.name.lower(): register for register in Gpr}
_NUMBERS_32 = {f"e{register.name.lower()[1:]}": register for register in Gpr if register < 8}


def effective_address(cpu: Cpu, instruction: Instruction) -> tuple[Segment, BV]:
    """Give the segment and offset of a memory operand; the offset is as wide as the mode's."""
    operand = instruction.memory
    if operand is None:
        raise Unmodelled(f"`{instruction.text}` has no memory operand")
    width = 64 if instruction.mode.is_64 else 32
    offset = constant(operand.displacement, width)
    offset = offset + _part(cpu, instruction, operand.base, width)
    offset = offset + _part(cpu, instruction, operand.index, width) * operand.scale
    return (Segment.SS if operand.stack else Segment.DS), offset


def _part(cpu: Cpu, instruction: Instruction, name: str, width: int) -> BV:
    if not name:
        return constant(0, width)
    if name == "rip":
        return cpu.next_rip(instruction.size)
    numbers = _NUMBERS_64 if width == 64 else _NUMBERS_32
    if name not in numbers:
        raise Unmodelled(f"an address that uses {name}")
    return cpu.gpr(numbers[name], width)


def linear_operand(
    cpu: Cpu, instruction: Instruction, size: int, intent: Intent, ahead: int = 0
) -> BV:
    """Give the linear address of ``size`` bytes, ``ahead`` bytes into a memory operand."""
    segment, offset = effective_address(cpu, instruction)
    return cpu.linear(segment, offset + ahead if ahead else offset, size, intent)


def load_operand(cpu: Cpu, instruction: Instruction, size: int, ahead: int = 0) -> BV:
    """Read ``size`` bytes, ``ahead`` bytes into a memory operand."""
    return cpu.load(linear_operand(cpu, instruction, size, Intent.READ, ahead), size)


def read_rm(cpu: Cpu, instruction: Instruction, width: int) -> BV:
    """Read the operand in ModRM.rm, ``width`` bits of a register or of memory."""
    if instruction.modrm.is_register:
        return cpu.gpr(instruction.rm, width)
    return load_operand(cpu, instruction, width // BYTE)
