"""Descriptor tables and segment registers; what a far transfer loads into CS.

SDM vol. 2, "LGDT/LIDT", "MOV—Move"; vol. 3, "Segmentation", "Loading Segment Registers".
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import claripy

from verifier.machine.descriptors import (
    ACCESS_BYTE,
    ACCESSED,
    DESCRIPTOR_BYTES,
    SegmentRegister,
    decode_descriptor,
    null_segment,
)
from verifier.machine.oracle import Fault, Unmodelled
from verifier.machine.paging import Intent
from verifier.machine.registers import Cr4, Mode, Segment, Vector
from verifier.machine.state import TablePointer
from verifier.machine.words import (
    WORD,
    bit,
    bits,
    concat,
    constant,
    extend,
    is_set,
    known,
    width_of,
)
from verifier.semantics.instruction import Prefix
from verifier.semantics.operands import linear_operand, load_operand, read_rm
from verifier.semantics.rows import Row
from verifier.semantics.segmentation import require_canonical

if TYPE_CHECKING:
    from claripy.ast.bv import BV

    from verifier.semantics.cpu import Cpu
    from verifier.semantics.instruction import Instruction

RPL_MASK = 3
TABLE_INDICATOR = 2
LIMIT_BYTES = 2
FOUR_GIGABYTES = 1 << 32
ACCESSED_BIT = 40


def selector_error(selector: int) -> int:
    """Give the error code that names a descriptor."""
    return selector & ~RPL_MASK


def read_descriptor(cpu: Cpu, selector: int) -> SegmentRegister:
    """Give the segment register that ``selector``, not null, would load from the GDT.

    Raises #GP(selector) beyond the table's limit.
    """
    if selector >> TABLE_INDICATOR & 1:
        raise Unmodelled("a selector of the local descriptor table")
    offset = selector & ~7
    beyond = claripy.ULT(extend(cpu.state.gdtr.limit), offset + DESCRIPTOR_BYTES - 1)
    why = f"selector {selector:#x} is beyond the limit of the GDT"
    cpu.fault_if(beyond, Vector.GP, selector_error(selector), why)
    raw = cpu.load(_descriptor_address(cpu, offset), DESCRIPTOR_BYTES, implicit=True)
    return decode_descriptor(constant(selector, 16), _determined(cpu, raw))


def _determined(cpu: Cpu, raw: BV) -> BV:
    """Write a descriptor as a number, but for its accessed bit, where the path allows only one."""
    number = cpu.oracle.value(raw | 1 << ACCESSED_BIT)
    if number is None or known(raw) is not None:
        return raw
    above, below = number >> ACCESSED_BIT + 1, number & (1 << ACCESSED_BIT) - 1
    return concat(
        constant(above, WORD - ACCESSED_BIT - 1),
        bit(raw, ACCESSED_BIT),
        constant(below, ACCESSED_BIT),
    )


def _descriptor_address(cpu: Cpu, offset: int) -> BV:
    base = cpu.state.gdtr.base
    if cpu.state.mode is Mode.PROTECTED_32 and not cpu.region_below(
        base + offset, DESCRIPTOR_BYTES, constant(FOUR_GIGABYTES)
    ):
        low = claripy.ULE(base, FOUR_GIGABYTES - offset - DESCRIPTOR_BYTES)
        if not cpu.oracle.decide(low):
            raise Unmodelled("a descriptor above 4G is fetched while paging is off", (base,))
    return base + offset


def mark_accessed(cpu: Cpu, register: SegmentRegister, selector: int) -> SegmentRegister:
    """Set the accessed bit of a descriptor that is about to be loaded, in memory too."""
    if cpu.oracle.decide(is_set(register.type, 0)):
        return register
    accessed = register.type | ACCESSED
    access = concat(register.present, register.dpl, register.s, accessed)
    address = _descriptor_address(cpu, selector & ~7) + ACCESS_BYTE
    cpu.store(address, access, implicit=True)
    return replace(register, type=accessed)


def load_gdtr(cpu: Cpu, instruction: Instruction) -> None:
    """Load GDTR from memory."""
    pointer = _load_pointer(cpu, instruction)
    cpu.state = replace(cpu.state, gdtr=pointer)
    cpu.advance(instruction.size)


def load_idtr(cpu: Cpu, instruction: Instruction) -> None:
    """Load IDTR from memory."""
    pointer = _load_pointer(cpu, instruction)
    cpu.state = replace(cpu.state, idtr=pointer)
    cpu.advance(instruction.size)


def _load_pointer(cpu: Cpu, instruction: Instruction) -> TablePointer:
    cpu.require_ring_0()
    # Where both are refused, Bochs raises the fault of the base in 64-bit mode, else of the limit.
    if cpu.state.mode.is_64:
        base = load_operand(cpu, instruction, 8, LIMIT_BYTES)
        limit = load_operand(cpu, instruction, LIMIT_BYTES)
        require_canonical(cpu, base, 1, Vector.GP)
    else:
        limit = load_operand(cpu, instruction, LIMIT_BYTES)
        base = load_operand(cpu, instruction, 4, LIMIT_BYTES)
        if Prefix.OPERAND_SIZE in instruction.prefixes:
            base = base & 0x00FF_FFFF
    return TablePointer(extend(base), limit)


def store_gdtr(cpu: Cpu, instruction: Instruction) -> None:
    """Store GDTR to memory."""
    _store_pointer(cpu, instruction, cpu.state.gdtr)


def store_idtr(cpu: Cpu, instruction: Instruction) -> None:
    """Store IDTR to memory."""
    _store_pointer(cpu, instruction, cpu.state.idtr)


def _store_pointer(cpu: Cpu, instruction: Instruction, pointer: TablePointer) -> None:
    if cpu.oracle.decide(cpu.state.cr4(Cr4.UMIP)):
        cpu.require_ring_0()
    width = 8 if cpu.state.mode.is_64 else 4
    for value, ahead in ((pointer.limit, 0), (bits(pointer.base, width * 8 - 1, 0), LIMIT_BYTES)):
        size = width_of(value) // 8
        cpu.store(linear_operand(cpu, instruction, size, Intent.WRITE, ahead), value)
    cpu.advance(instruction.size)


def mov_to_segment(cpu: Cpu, instruction: Instruction) -> None:
    """Load a data segment register or SS."""
    if instruction.modrm.reg == Segment.CS or instruction.modrm.reg > Segment.GS:
        raise Fault(Vector.UD, None, "this segment register cannot be loaded by mov")
    segment = Segment(instruction.modrm.reg)
    selector = cpu.determined(read_rm(cpu, instruction, 16), "a selector")
    load_data_segment(cpu, segment, selector)
    cpu.advance(instruction.size)


def load_data_segment(cpu: Cpu, segment: Segment, selector: int) -> None:
    """Check and load a selector into DS, ES, FS, GS or SS."""
    if selector & ~RPL_MASK == 0:
        _load_null(cpu, segment, selector)
        return
    register = read_descriptor(cpu, selector)
    error = selector_error(selector)
    if segment is Segment.SS:
        _check_stack(cpu, register, selector)
        missing = Vector.SS
    else:
        _check_data(cpu, register, selector)
        missing = Vector.NP
    cpu.fault_if(register.present == 0, missing, error, "the descriptor is not present")
    cpu.set_segment(segment, mark_accessed(cpu, register, selector))


def _load_null(cpu: Cpu, segment: Segment, selector: int) -> None:
    if segment is Segment.SS:
        if not cpu.state.mode.is_64:
            raise Fault(Vector.GP, 0, "a null selector is loaded into SS")
        bad = claripy.Or(cpu.privilege == RPL_MASK, cpu.privilege != selector & RPL_MASK)
        cpu.general_protection_if(bad, "a null selector is loaded into SS")
    cpu.set_segment(segment, null_segment(constant(selector, 16)))


def _check_stack(cpu: Cpu, register: SegmentRegister, selector: int) -> None:
    level = cpu.privilege
    unfit = claripy.Or(
        level != selector & RPL_MASK,
        claripy.Not(register.is_writable_data),
        register.dpl != level,
    )
    why = f"selector {selector:#x} is not a writable data segment of this privilege level"
    cpu.fault_if(unfit, Vector.GP, selector_error(selector), why)


def _check_data(cpu: Cpu, register: SegmentRegister, selector: int) -> None:
    level = cpu.privilege
    conforming = claripy.And(bit(register.type, 3) == 1, bit(register.type, 2) == 1)
    denied = claripy.And(
        claripy.Not(conforming),
        claripy.Or(
            claripy.UGT(constant(selector & RPL_MASK, 2), register.dpl),
            claripy.UGT(level, register.dpl),
        ),
    )
    unfit = claripy.Or(claripy.Not(register.is_readable), denied)
    why = f"selector {selector:#x} is not a readable segment of this privilege level"
    cpu.fault_if(unfit, Vector.GP, selector_error(selector), why)


def mov_from_segment(cpu: Cpu, instruction: Instruction) -> None:
    """Store a selector: to a register zero-extended to the operand size, to memory 16 bits."""
    if instruction.modrm.reg > Segment.GS:
        raise Fault(Vector.UD, None, "there is no such segment register")
    selector = cpu.state.segments[Segment(instruction.modrm.reg)].selector
    if instruction.modrm.is_register:
        cpu.set_gpr(instruction.rm, extend(selector, instruction.operand_bits))
    else:
        cpu.store(linear_operand(cpu, instruction, 2, Intent.WRITE), selector)
    cpu.advance(instruction.size)


SIZE = frozenset({Prefix.OPERAND_SIZE})

ROWS = (
    Row("SGDT m", b"\x0f\x01", store_gdtr, digit=0, register_operand=False),
    Row("SIDT m", b"\x0f\x01", store_idtr, digit=1, register_operand=False),
    Row("LGDT m", b"\x0f\x01", load_gdtr, digit=2, register_operand=False, prefixes=SIZE),
    Row("LIDT m", b"\x0f\x01", load_idtr, digit=3, register_operand=False, prefixes=SIZE),
    Row("MOV Sreg, r/m16", b"\x8e", mov_to_segment, prefixes=SIZE),
    Row("MOV r/m, Sreg", b"\x8c", mov_from_segment, prefixes=SIZE),
)
