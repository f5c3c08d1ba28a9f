"""Flags, halting and the instructions that only raise an exception or do nothing here.

SDM vol. 2, "PUSHF", "POPF", "CLI", "STI", "CLD", "STD", "HLT", "UD", "INVLPG", "WBINVD".
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import claripy

from verifier.machine.oracle import Fault, Unmodelled
from verifier.machine.registers import Flag, Vector
from verifier.machine.state import IOPL_LOW
from verifier.machine.words import bit, bits, constant
from verifier.semantics.instruction import Prefix
from verifier.semantics.operands import effective_address
from verifier.semantics.rows import Row
from verifier.semantics.stack import drop, peek, push

if TYPE_CHECKING:
    from verifier.semantics.cpu import Cpu
    from verifier.semantics.instruction import Instruction


class Halted(Exception):
    """The processor stops executing: no interrupt can wake it."""


POPPED = (
    Flag.CF,
    Flag.PF,
    Flag.AF,
    Flag.ZF,
    Flag.SF,
    Flag.TF,
    Flag.IF,
    Flag.DF,
    Flag.OF,
    Flag.NT,
    Flag.AC,
    Flag.ID,
)
"""The flags that popf in ring 0 writes; it clears RF and leaves VM, VIF and VIP."""
LOW_WORD = 16


def _flag_width(cpu: Cpu, instruction: Instruction) -> int:
    if Prefix.OPERAND_SIZE in instruction.prefixes and not instruction.rex_w:
        return 16
    return 64 if cpu.state.mode.is_64 else 32


def pushf(cpu: Cpu, instruction: Instruction) -> None:
    """Push RFLAGS with VM and RF cleared."""
    width = _flag_width(cpu, instruction)
    flags = cpu.state.rflags & ~(1 << Flag.VM | 1 << Flag.RF)
    push(cpu, bits(flags, width - 1, 0))
    cpu.advance(instruction.size)


def popf(cpu: Cpu, instruction: Instruction) -> None:
    """Pop RFLAGS in ring 0."""
    if cpu.oracle.decide(cpu.privilege != 0):
        raise Unmodelled("popf outside ring 0")
    width = _flag_width(cpu, instruction)
    value = peek(cpu, width // 8)
    drop(cpu, width // 8)
    for flag in POPPED:
        if flag < width:
            cpu.set_flag(flag, bit(value, flag))
    if width > LOW_WORD:
        cpu.set_flag(Flag.RF, constant(0, 1))
    cpu.state = replace(cpu.state, iopl=bits(value, IOPL_LOW + 1, IOPL_LOW))
    cpu.advance(instruction.size)


def _set_interrupt_flag(cpu: Cpu, instruction: Instruction, value: int) -> None:
    denied = claripy.UGT(cpu.privilege, cpu.state.iopl)
    if cpu.oracle.decide(denied):
        raise Unmodelled("cli or sti without the privilege for it")
    cpu.set_flag(Flag.IF, constant(value, 1))
    cpu.advance(instruction.size)


def cli(cpu: Cpu, instruction: Instruction) -> None:
    """Clear IF."""
    _set_interrupt_flag(cpu, instruction, 0)


def sti(cpu: Cpu, instruction: Instruction) -> None:
    """Set IF."""
    _set_interrupt_flag(cpu, instruction, 1)


def cld(cpu: Cpu, instruction: Instruction) -> None:
    """Clear DF."""
    cpu.set_flag(Flag.DF, constant(0, 1))
    cpu.advance(instruction.size)


def std(cpu: Cpu, instruction: Instruction) -> None:
    """Set DF."""
    cpu.set_flag(Flag.DF, constant(1, 1))
    cpu.advance(instruction.size)


def hlt(cpu: Cpu, instruction: Instruction) -> None:
    """Stop for good: interrupts are off, and what else may wake a processor is not modelled."""
    cpu.require_ring_0()
    cpu.advance(instruction.size)
    raise Halted(instruction.text)


def ud2(cpu: Cpu, instruction: Instruction) -> None:
    """Raise #UD."""
    del cpu
    raise Fault(Vector.UD, None, f"`{instruction.text}` is undefined on purpose")


def invlpg(cpu: Cpu, instruction: Instruction) -> None:
    """Drop cached translations: every access here is translated anew."""
    cpu.require_ring_0()
    effective_address(cpu, instruction)
    cpu.advance(instruction.size)


def wbinvd(cpu: Cpu, instruction: Instruction) -> None:
    """Write back caches, which are not modelled."""
    cpu.require_ring_0()
    cpu.advance(instruction.size)


SIZE = frozenset({Prefix.OPERAND_SIZE})

ROWS = (
    Row("PUSHF", b"\x9c", pushf, prefixes=SIZE),
    Row("POPF", b"\x9d", popf, prefixes=SIZE),
    Row("CLI", b"\xfa", cli),
    Row("STI", b"\xfb", sti),
    Row("CLD", b"\xfc", cld),
    Row("STD", b"\xfd", std),
    Row("HLT", b"\xf4", hlt),
    Row("UD2", b"\x0f\x0b", ud2),
    Row("INVLPG m", b"\x0f\x01", invlpg, digit=7, register_operand=False),
    Row("WBINVD", b"\x0f\x09", wbinvd),
)
