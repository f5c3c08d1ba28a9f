"""Moves to and from control registers, EFER, CPUID.

SDM vol. 2, "MOV—Move to/from Control Registers", "RDMSR", "WRMSR", "CPUID"; vol. 3,
"Control Registers". Which of their checks a register needs is one function a register.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import claripy

from verifier.machine.cpuid import (
    EXTENDED_FEATURES,
    LEAVES_WITHOUT_SUBLEAF,
    cpuid_answer,
    question,
)
from verifier.machine.events import MsrWrite
from verifier.machine.oracle import Fault, Unmodelled
from verifier.machine.registers import (
    EFER_MSR,
    ControlRegister,
    Cr0,
    Cr4,
    Efer,
    Gpr,
    Mode,
    Segment,
    Vector,
)
from verifier.machine.words import (
    bit,
    bits,
    concat,
    constant,
    equals,
    extend,
    is_set,
    low32,
    with_bit,
)
from verifier.semantics.rows import Row

if TYPE_CHECKING:
    from claripy.ast.bool import Bool
    from claripy.ast.bv import BV

    from verifier.semantics.cpu import Cpu
    from verifier.semantics.instruction import Instruction

CR0_WRITABLE = 0xE005_002F
CR0_READS_ONE = 1 << Cr0.ET
NO_FLUSH = 63
"""Bit of a value moved to CR3 that with PCIDE asks to keep translations; it is not stored."""
SYSCALL_SHOWN = 11
"""Bit of EDX, leaf 0x80000001, that some processors show in 64-bit mode alone."""
NUMBERED = {
    0: ControlRegister.CR0,
    2: ControlRegister.CR2,
    3: ControlRegister.CR3,
    4: ControlRegister.CR4,
}


def _named(instruction: Instruction) -> ControlRegister:
    if instruction.reg == 8:
        raise Unmodelled("CR8 is not modelled")
    if instruction.reg not in NUMBERED:
        raise Fault(Vector.UD, None, f"there is no control register {instruction.reg}")
    return NUMBERED[instruction.reg]


def mov_from_control(cpu: Cpu, instruction: Instruction) -> None:
    """Read a whole control register in 64-bit mode, its low half otherwise."""
    register = _named(instruction)
    cpu.require_ring_0()
    value = cpu.state.control(register)
    cpu.set_gpr(instruction.rm, value if cpu.state.mode.is_64 else low32(value))
    cpu.advance(instruction.size)


def mov_to_control(cpu: Cpu, instruction: Instruction) -> None:
    """Write a control register: 64 bits in 64-bit mode, 32 bits zero-extended otherwise."""
    register = _named(instruction)
    cpu.require_ring_0()
    value = cpu.gpr(instruction.rm, 64 if cpu.state.mode.is_64 else 32)
    match register:
        case ControlRegister.CR0:
            write_cr0(cpu, extend(value))
        case ControlRegister.CR3:
            write_cr3(cpu, extend(value))
        case ControlRegister.CR4:
            write_cr4(cpu, extend(value))
        case _:
            cpu.set_control(register, extend(value))
    cpu.advance(instruction.size)


def write_cr0(cpu: Cpu, value: BV) -> None:
    """Check and write CR0; a change of PG enters or leaves IA-32e mode."""
    state = cpu.state
    cpu.general_protection_if(bits(value, 63, 32) != 0, "CR0[63:32] are reserved")
    paging = is_set(value, Cr0.PG)
    changed = bit(value ^ state.control(ControlRegister.CR0), Cr0.PG)
    bad_paging = claripy.And(paging, claripy.Not(is_set(value, Cr0.PE)))
    cpu.general_protection_if(bad_paging, "CR0.PG would be set without CR0.PE")
    no_write_through = claripy.And(is_set(value, Cr0.NW), claripy.Not(is_set(value, Cr0.CD)))
    cpu.general_protection_if(no_write_through, "CR0.NW would be set without CR0.CD")
    no_protect = claripy.And(state.cr4(Cr4.CET), claripy.Not(is_set(value, Cr0.WP)))
    cpu.general_protection_if(no_protect, "CR0.WP would be cleared while CR4.CET is set")
    if not cpu.oracle.decide(is_set(value, Cr0.PE)):
        raise Unmodelled("leaving protected mode is not modelled")
    new = value & CR0_WRITABLE | CR0_READS_ONE
    if cpu.oracle.decide(equals(changed, 1)):
        if cpu.oracle.decide(paging):
            _paging_on(cpu)
        else:
            _paging_off(cpu)
    cpu.set_control(ControlRegister.CR0, new)


def _paging_on(cpu: Cpu) -> None:
    state = cpu.state
    if not cpu.oracle.decide(state.efer(Efer.LME)):
        if cpu.oracle.decide(state.cr4(Cr4.PAE)):
            raise Unmodelled("PAE paging outside IA-32e mode is not modelled")
        return
    no_pae = claripy.Not(state.cr4(Cr4.PAE))
    cpu.general_protection_if(no_pae, "paging would be turned on with EFER.LME but no CR4.PAE")
    long = _in_long_segment(cpu)
    cpu.general_protection_if(long, "paging would be turned on in a segment with CS.L set")
    _set_lma(cpu, active=True)
    cpu.set_mode(Mode.COMPATIBILITY)


def _paging_off(cpu: Cpu) -> None:
    state = cpu.state
    long = claripy.And(state.efer(Efer.LMA), _in_long_segment(cpu))
    cpu.general_protection_if(long, "paging would be turned off in 64-bit mode")
    pcide = state.cr4(Cr4.PCIDE)
    cpu.general_protection_if(pcide, "paging would be turned off while CR4.PCIDE is set")
    _set_lma(cpu, active=False)
    cpu.set_mode(Mode.PROTECTED_32)
    cpu.state = replace(cpu.state, paging_was_off=True, live=frozenset())


def _in_long_segment(cpu: Cpu) -> Bool:
    return cpu.state.segments[Segment.CS].long == 1


def _set_lma(cpu: Cpu, *, active: bool) -> None:
    efer = cpu.state.control(ControlRegister.EFER)
    cpu.set_control(ControlRegister.EFER, with_bit(efer, Efer.LMA, constant(active, 1)))


def write_cr3(cpu: Cpu, value: BV) -> None:
    """Check and write CR3: no bit at or above MAXPHYADDR."""
    if cpu.state.mode is Mode.PROTECTED_32 and cpu.oracle.decide(
        claripy.And(cpu.state.cr0(Cr0.PG), claripy.Not(cpu.state.efer(Efer.LMA)))
    ):
        raise Unmodelled("PAE paging outside IA-32e mode is not modelled")
    if cpu.oracle.decide(cpu.state.cr4(Cr4.PCIDE)):
        value = with_bit(value, NO_FLUSH, constant(0, 1))
    above = claripy.UGE(value, cpu.state.features.physical_limit)
    cpu.general_protection_if(above, "CR3 would have a bit at or above MAXPHYADDR")
    cpu.set_control(ControlRegister.CR3, value)
    cpu.state = replace(cpu.state, live=frozenset())


def write_cr4(cpu: Cpu, value: BV) -> None:
    """Check and write CR4: existing bits only, and what IA-32e mode forbids to change."""
    state = cpu.state
    old = state.control(ControlRegister.CR4)
    reserved = value & ~state.features.cr4
    cpu.general_protection_if(reserved != 0, "CR4 would have a bit that this processor lacks")
    active = state.efer(Efer.LMA)
    drop = claripy.And(active, claripy.Not(is_set(value, Cr4.PAE)))
    cpu.general_protection_if(drop, "CR4.PAE would be cleared in IA-32e mode")
    la57 = claripy.And(active, bit(value, Cr4.LA57) != bit(old, Cr4.LA57))
    cpu.general_protection_if(la57, "CR4.LA57 would change in IA-32e mode")
    cpu.general_protection_if(_bad_pcide(cpu, value), "CR4.PCIDE would be set where it may not")
    cet = claripy.And(is_set(value, Cr4.CET), claripy.Not(state.cr0(Cr0.WP)))
    cpu.general_protection_if(cet, "CR4.CET would be set without CR0.WP")
    if cpu.oracle.decide(claripy.And(state.cr0(Cr0.PG), bit(value ^ old, Cr4.PAE) == 1)):
        raise Unmodelled("a change of CR4.PAE while paging is on")
    cpu.set_control(ControlRegister.CR4, value)


def _bad_pcide(cpu: Cpu, value: BV) -> Bool:
    state = cpu.state
    old = state.cr4(Cr4.PCIDE)
    context = bits(state.control(ControlRegister.CR3), 11, 0)
    unfit = claripy.Or(claripy.Not(state.efer(Efer.LMA)), context != 0)
    return claripy.And(is_set(value, Cr4.PCIDE), claripy.Not(old), unfit)


def read_msr(cpu: Cpu, instruction: Instruction) -> None:
    """Read EFER into EDX:EAX; other registers are not modelled."""
    cpu.require_ring_0()
    _require_efer(cpu)
    value = cpu.state.control(ControlRegister.EFER)
    cpu.set_gpr(Gpr.RAX, low32(value))
    cpu.set_gpr(Gpr.RDX, bits(value, 63, 32))
    cpu.advance(instruction.size)


def write_msr(cpu: Cpu, instruction: Instruction) -> None:
    """Write EFER from EDX:EAX; other registers are not modelled."""
    cpu.require_ring_0()
    _require_efer(cpu)
    state = cpu.state
    old = state.control(ControlRegister.EFER)
    value = concat(cpu.gpr(Gpr.RDX, 32), cpu.gpr(Gpr.RAX, 32))
    reserved = value & ~(state.features.efer | 1 << Efer.LMA)
    cpu.general_protection_if(reserved != 0, "EFER would have a bit that this processor lacks")
    change = claripy.And(state.cr0(Cr0.PG), bit(value ^ old, Efer.LME) == 1)
    cpu.general_protection_if(change, "EFER.LME would change while paging is on")
    new = with_bit(value, Efer.LMA, bit(old, Efer.LMA))
    cpu.events.append(MsrWrite(EFER_MSR, old, new))
    cpu.set_control(ControlRegister.EFER, new)
    cpu.advance(instruction.size)


def _require_efer(cpu: Cpu) -> None:
    number = cpu.determined(cpu.gpr(Gpr.RCX, 32), "the number of a model-specific register")
    if number != EFER_MSR:
        raise Unmodelled(f"model-specific register {number:#x} is not modelled")


def cpuid(cpu: Cpu, instruction: Instruction) -> None:
    """Answer the same to the same question, and nothing that contradicts the features."""
    leaf = cpu.determined(cpu.gpr(Gpr.RAX, 32), "the leaf of cpuid")
    subleaf = 0
    if leaf not in LEAVES_WITHOUT_SUBLEAF:
        subleaf = cpu.determined(cpu.gpr(Gpr.RCX, 32), "the subleaf of cpuid")
    state = cpu.state
    cr4 = state.control(ControlRegister.CR4)
    answers = cpuid_answer(state.features, cr4, leaf, subleaf)
    if leaf == EXTENDED_FEATURES and not state.mode.is_64:
        name = f"{question(leaf, subleaf)}.edx[{SYSCALL_SHOWN}] in 32-bit code"
        answers[3] = with_bit(answers[3], SYSCALL_SHOWN, cpu.oracle.fresh(name, 1))
    for register, answer in zip((Gpr.RAX, Gpr.RBX, Gpr.RCX, Gpr.RDX), answers, strict=True):
        cpu.set_gpr(register, answer)
    cpu.advance(instruction.size)


ROWS = (
    Row("MOV r, CRn", b"\x0f\x20", mov_from_control),
    Row("MOV CRn, r", b"\x0f\x22", mov_to_control),
    Row("RDMSR", b"\x0f\x32", read_msr),
    Row("WRMSR", b"\x0f\x30", write_msr),
    Row("CPUID", b"\x0f\xa2", cpuid),
)
