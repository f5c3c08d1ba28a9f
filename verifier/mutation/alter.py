"""Every small change of one instruction that keeps its length.

Where the fields of an instruction lie is the decoder's word; which other values a field gets
is here: off by one, the sign bit or the top bit turned over, zero, another register.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import capstone

from verifier.mutation.mutant import Kind, Mutant, Site, disassembled

NOP = 0x90
FAR_JUMP = 0xEA
SELECTOR_BYTES = 2
REX_BITS = {0x8: Kind.SIZE, 0x4: Kind.REGISTER, 0x2: Kind.REGISTER, 0x1: Kind.REGISTER}
CONTROL_MOVES = (0x20, 0x22)
CONTROL_NUMBERS = (0, 2, 3, 4, 8)
BIT_TESTS = (0xA3, 0xAB, 0xB3, 0xBB)
"""BT, BTS, BTR and BTC with the bit's number in a register."""
GROUPS_BY_REG = frozenset({0x80, 0x81, 0x83, 0xC0, 0xC1, 0xD0, 0xD1, 0xD2, 0xD3, 0xF6, 0xF7, 0xFF})
"""Opcodes whose ModRM.reg says which operation it is."""
ARITHMETIC = (0, 1, 4, 5, 6)
"""ADD, OR, AND, SUB and XOR, by the bits of an opcode or of ModRM.reg that name them."""
ARITHMETIC_GROUP = frozenset({0x80, 0x81, 0x83})
TWO_BYTE_GROUPS = frozenset({0xBA, 0x01})
REGISTER_IN_OPCODE = (range(0x40, 0x60), range(0x90, 0x98), range(0xB0, 0xC0))
"""Opcodes whose low bits name a register; in 64-bit code 40 to 4F are prefixes instead."""
OPERAND_SIZE, REPEATS = 0x66, (0xF2, 0xF3)
MODRM_REGISTER = 3
SIB_FOLLOWS = 4


@dataclass(frozen=True, slots=True)
class Fields:
    """Where the fields of an instruction lie in its bytes; a size of 0 says that there is none.

    ``prefixes`` counts the legacy ones, ``opcode`` is the offset of the first opcode byte.
    """

    prefixes: int
    rex: int | None
    opcode: int
    modrm: int | None
    displacement: range
    immediate: range


@lru_cache(maxsize=2)
def _decoder(*, is_64: bool) -> Any:  # noqa: ANN401  (capstone has no type stubs)
    mode = capstone.CS_MODE_64 if is_64 else capstone.CS_MODE_32
    decoder = capstone.Cs(capstone.CS_ARCH_X86, mode)
    decoder.detail = True
    return decoder


def fields_of(site: Site) -> Fields | None:
    """Give where the fields lie, None for bytes that are no instruction."""
    is_64 = site.mode.is_64
    found = next(_decoder(is_64=is_64).disasm(site.raw, 0, 1), None)
    if found is None or found.size != len(site.raw):
        return None
    count = next(at for at, byte in enumerate(site.raw) if not _is_prefix(byte))
    rex = count if is_64 and site.raw[count] & 0xF0 == 0x40 else None
    told = found.encoding
    opcode = count + (rex is not None)
    # Of a far jump's immediate the decoder tells the selector alone.
    start = opcode + 1 if site.raw[opcode] == FAR_JUMP else told.imm_offset or len(site.raw)
    return Fields(
        prefixes=count,
        rex=rex,
        opcode=opcode,
        modrm=told.modrm_offset or None,
        displacement=range(told.disp_offset, told.disp_offset + told.disp_size),
        immediate=range(start, len(site.raw)),
    )


def _is_prefix(byte: int) -> bool:
    return byte in {0xF0, 0x2E, 0x36, 0x3E, 0x26, 0x64, 0x65, 0x67, OPERAND_SIZE, *REPEATS}


def altered(site: Site) -> Iterator[Mutant]:
    """Give every change of one instruction, each once."""
    fields = fields_of(site)
    if fields is None:
        return
    seen = {site.raw}
    for kind, raw in _changes(site, fields):
        if raw not in seen:
            seen.add(raw)
            yield Mutant(kind, site.offset, site.raw, raw, site.mode)


def _changes(site: Site, fields: Fields) -> Iterator[tuple[Kind, bytes]]:
    raw = site.raw
    yield Kind.DROPPED, bytes([NOP]) * len(raw)
    yield from _numbers(raw, fields)
    yield from _operations(site, fields)
    yield from _registers(site, fields)
    yield from _extensions(site, fields)
    for at in range(fields.prefixes):
        yield Kind.PREFIX, bytes([NOP]) + raw[:at] + raw[at + 1 :]


def _numbers(raw: bytes, fields: Fields) -> Iterator[tuple[Kind, bytes]]:
    """Change each number that the instruction holds."""
    immediate = fields.immediate
    parts = [immediate]
    if raw[fields.opcode] == FAR_JUMP:
        cut = immediate.stop - SELECTOR_BYTES
        parts = [range(immediate.start, cut), range(cut, immediate.stop)]
    for part in parts:
        yield from ((Kind.IMMEDIATE, each) for each in _renumbered(raw, part))
    yield from ((Kind.DISPLACEMENT, each) for each in _renumbered(raw, fields.displacement))


def _renumbered(raw: bytes, part: range) -> Iterator[bytes]:
    size = len(part)
    if not size:
        return
    value = int.from_bytes(raw[part.start : part.stop], "little")
    top = 1 << 8 * size - 1
    for other in (value + 1, value - 1, value ^ top, 0):
        held = (other % (2 * top)).to_bytes(size, "little")
        yield raw[: part.start] + held + raw[part.stop :]


def _operations(site: Site, fields: Fields) -> Iterator[tuple[Kind, bytes]]:
    """Take another operation with the same operands: the next of its family, a bit cleared."""
    raw, at = site.raw, fields.opcode
    first = raw[at]
    two = first == 0x0F
    second = raw[at + 1] if two else None
    if fields.modrm is not None and first in ARITHMETIC_GROUP:
        for other in ARITHMETIC:
            modrm = raw[fields.modrm] & ~(7 << 3) | other << 3
            yield Kind.OPERATION, _with(raw, fields.modrm, modrm)
    elif fields.modrm is not None and (first in GROUPS_BY_REG or second in TWO_BYTE_GROUPS):
        for bit in (1, 2, 4):
            yield Kind.OPERATION, _with(raw, fields.modrm, raw[fields.modrm] ^ bit << 3)
    elif two and second in BIT_TESTS:
        others = (each for each in BIT_TESTS if each != second)
        yield from ((Kind.OPERATION, _with(raw, at + 1, each)) for each in others)
    elif two and second is not None:
        if 0x80 <= second < 0x90:
            yield Kind.OPERATION, _with(raw, at + 1, second ^ 1)
        if second in CONTROL_MOVES:
            yield Kind.OPERATION, _with(raw, at + 1, second ^ 2)
        if second in {0x30, 0x32}:
            yield Kind.OPERATION, _with(raw, at + 1, second ^ 2)
    elif 0x70 <= first < 0x80:
        yield Kind.OPERATION, _with(raw, at, first ^ 1)
    elif first < 0x40 and first & 7 < 6:
        for other in ARITHMETIC:
            yield Kind.OPERATION, _with(raw, at, first & 7 | other << 3)
        if first & 7 < 4:
            yield Kind.OPERATION, _with(raw, at, first ^ 2)
    elif 0x88 <= first < 0x8C:
        yield Kind.OPERATION, _with(raw, at, first ^ 2)
        yield Kind.SIZE, _with(raw, at, first ^ 1)
    elif first in {0xFA, 0xFB, 0xFC, 0xFD} or 0xA4 <= first < 0xB0:
        yield Kind.OPERATION, _with(raw, at, first ^ 1)
    elif first in {0xC3, 0xCB}:
        yield Kind.OPERATION, _with(raw, at, first ^ 8)


def _registers(site: Site, fields: Fields) -> Iterator[tuple[Kind, bytes]]:
    """Take another register wherever one is named."""
    raw, at = site.raw, fields.opcode
    first = raw[at]
    second = raw[at + 1] if first == 0x0F and at + 1 < len(raw) else None
    if fields.modrm is None:
        if any(first in each for each in REGISTER_IN_OPCODE) and first != NOP:
            for bit in (1, 2, 4):
                yield Kind.REGISTER, _with(raw, at, first ^ bit)
        return
    modrm = raw[fields.modrm]
    if second in CONTROL_MOVES:
        for number in CONTROL_NUMBERS:
            if number < 8:
                other = modrm & ~0x38 | number << 3
                yield Kind.CONTROL, _with(raw, fields.modrm, other)
    elif first not in GROUPS_BY_REG and second not in TWO_BYTE_GROUPS:
        for bit in (1, 2, 4):
            yield Kind.REGISTER, _with(raw, fields.modrm, modrm ^ bit << 3)
    if modrm >> 6 == MODRM_REGISTER or (modrm & 7 not in {SIB_FOLLOWS, 5} and modrm >> 6 != 0):
        for bit in (1, 2, 4):
            yield Kind.REGISTER, _with(raw, fields.modrm, modrm ^ bit)


def _extensions(site: Site, fields: Fields) -> Iterator[tuple[Kind, bytes]]:
    """Turn over the bits of a REX prefix that widen an operand or a register's number."""
    if fields.rex is None:
        return
    as_is = disassembled(site.raw, site.mode)
    for bit, kind in REX_BITS.items():
        raw = _with(site.raw, fields.rex, site.raw[fields.rex] ^ bit)
        if disassembled(raw, site.mode) != as_is:
            yield kind, raw


def _with(raw: bytes, at: int, byte: int) -> bytes:
    return raw[:at] + bytes([byte]) + raw[at + 1 :]


def swapped(first: Site, second: Site) -> Mutant | None:
    """Give two neighbours the other way round, None where that changes nothing."""
    before, after = first.raw + second.raw, second.raw + first.raw
    if before == after or first.end != second.offset or first.mode.is_64 is not second.mode.is_64:
        return None
    return Mutant(Kind.SWAPPED, first.offset, before, after, first.mode)


def data_altered(offset: int, byte: int) -> Iterator[Mutant]:
    """Give changes of a byte that paths read: each of its bits turned over."""
    for bit in range(8):
        yield Mutant(Kind.DATA, offset, bytes([byte]), bytes([byte ^ 1 << bit]), None)
