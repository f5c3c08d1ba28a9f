"""The GDT that an entry loads, read from the image.

SDM vol. 3, "Segment Descriptors"; the base may be made absolute as the code runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from verifier.inspection.finding import Descriptor, Gdt, Kind
from verifier.inspection.flow import Moment, follow
from verifier.machine.registers import Gpr, Mode

if TYPE_CHECKING:
    from verifier.inspection.code import Code, Placed

_REACH = 0x400
"""Bytes from an entry in which it loads its GDT."""
_LOAD_TABLE = b"\x0f\x01"
_MOST = 0x1000
_ADD = b"\x01"
_BASE_AT = 2
_REGISTERS = {gpr.name.lower(): gpr for gpr in Gpr}


def find_gdt(code: Code, entry: int) -> Gdt | None:
    """Give the first GDT that 64-bit code loads from ``entry`` on, None where it is not known."""
    added: set[int] = set()
    for moment in follow(code.run(entry, Mode.LONG_64, entry + _REACH)):
        placed = moment.placed
        at = _operand(moment)
        if at is None:
            continue
        if placed.instruction.opcode == _ADD and placed.instruction.rex_w:
            if moment.known.get(Gpr(placed.instruction.reg)) == at - _BASE_AT:
                added.add(at)
        elif _is_lgdt(placed):
            return _read(code, at, placed, moves=at + _BASE_AT in added)
    return None


def describe(raw: int, selector: int) -> Descriptor:
    """Decode one descriptor of 8 bytes."""
    limit = raw & 0xFFFF | raw >> 32 & 0xF0000
    if raw >> 55 & 1:
        limit = limit << 12 | 0xFFF
    return Descriptor(
        selector=selector,
        raw=raw,
        kind=_kind(raw) if selector else Kind.NULL,
        base=raw >> 16 & 0xFF_FFFF | raw >> 32 & 0xFF00_0000,
        limit=limit,
        dpl=raw >> 45 & 3,
        present=bool(raw >> 47 & 1),
    )


def _kind(raw: int) -> Kind:
    if raw == 0:
        return Kind.NULL
    if not raw >> 44 & 1:
        return Kind.SYSTEM
    if not raw >> 43 & 1:
        return Kind.DATA
    if raw >> 53 & 1:
        return Kind.CODE_64
    return Kind.CODE_32 if raw >> 54 & 1 else Kind.CODE_16


def _is_lgdt(placed: Placed) -> bool:
    instruction = placed.instruction
    modrm = instruction.modrm
    return instruction.opcode == _LOAD_TABLE and modrm.reg == 2 and not modrm.is_register


def _operand(moment: Moment) -> int | None:
    """Give the memory operand's address, relative to RIP or to a register that is known."""
    memory = moment.placed.instruction.memory
    if memory is None or memory.index:
        return None
    if memory.base == "rip":
        return moment.placed.address
    register = _REGISTERS.get(memory.base)
    if register is None or register not in moment.known:
        return None
    return moment.known[register] + memory.displacement


def _read(code: Code, pointer: int, load: Placed, *, moves: bool) -> Gdt | None:
    limit, base = code.number(pointer, 2), code.number(pointer + _BASE_AT, 8)
    start = pointer + base if moves else base
    size = limit + 1
    if not 0 < size <= _MOST or not 0 <= start <= len(code.data) - size:
        return None
    how = (
        f"the lgdt at +{load.offset:#x} loads the pointer at +{pointer:#x}: limit {limit:#x},"
        f" base {base:#x}" + (", to which the code adds the pointer's address" if moves else "")
    )
    found: list[Descriptor] = []
    for selector in range(0, size - 7, 8):
        each = describe(code.number(start + selector, 8), selector)
        upper = bool(found) and found[-1].kind is Kind.SYSTEM
        found.append(
            Descriptor(selector, each.raw, Kind.UPPER, 0, 0, 0, present=False) if upper else each
        )
    return Gdt(start, limit, load.offset, tuple(found), how)
