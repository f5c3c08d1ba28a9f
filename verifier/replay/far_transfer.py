"""The limit check that emulators leave out of far transfers from 64-bit mode.

A far return, far jump, far call or IRETQ with 64-bit operands whose target is a 32-bit
code segment raises #GP(0) when the offset is beyond the segment's limit (SDM vol. 2,
"RET", "JMP", "CALL" and "IRET"; seen so on processors). Bochs and QEMU cut the offset to
32 bits and go on, so a replay asks here before each instruction. Light on imports.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from verifier.replay.page_walk import Tables

LEGACY_PREFIXES = frozenset(b"\x26\x2e\x36\x3e\x64\x65\x66\x67\xf0\xf2\xf3")
FS_PREFIX, GS_PREFIX, ADDRESS_SIZE_PREFIX = 0x64, 0x65, 0x67
RETF_IMM16, RETF, IRET, GROUP_5 = 0xCA, 0xCB, 0xCF, 0xFF
FAR_CALL, FAR_JUMP = 3, 5
"""The reg field of opcode FF for m16:64 operands."""

MASK_32 = 0xFFFF_FFFF
MASK_64 = 0xFFFF_FFFF_FFFF_FFFF
RSP, RBP = 4, 5
INSTRUCTION_BYTES = 15
CODE_32_MASK, CODE_32 = 0x20_98, 0x00_98
"""Descriptor bytes 5 and 6: L clear, present, code or data, executable."""

CONFORMING = 0x04


class FarContext:
    """What decides a far transfer from 64-bit mode: registers, and memory through ``tables``."""

    def __init__(  # noqa: PLR0913 - one processor's state, handed over once by each engine
        self,
        *,
        gprs: list[int],
        rip: int,
        cpl: int,
        fs_base: int,
        gs_base: int,
        gdtr: tuple[int, int],
        tables: Tables,
    ) -> None:
        """Keep the values; ``gprs`` are in encoding order, ``gdtr`` is base and limit."""
        self.gprs = gprs
        self.rip = rip
        self.cpl = cpl
        self.fs_base = fs_base
        self.gs_base = gs_base
        self.gdtr = gdtr
        self.tables = tables


def beyond_limit(context: FarContext, code: bytes) -> bool:
    """Say whether the instruction ``code`` must raise #GP(0) for its 32-bit target's limit.

    False also where an earlier check fails: that fault is the engine's to raise.
    """
    prefixes, rex, opcode = split_prefixes(code)
    if not rex & 8 or not opcode:
        return False
    if opcode[0] in (RETF, RETF_IMM16, IRET):
        pointer = context.gprs[RSP]
    elif opcode[0] == GROUP_5 and len(opcode) > 1 and _is_far_memory(opcode[1]):
        effective = _effective_address(context, prefixes, rex, opcode)
        if effective is None:
            return False
        pointer = effective
    else:
        return False
    operand = context.tables.read_linear(pointer, 10)
    if len(operand) < 10:
        return False
    offset = int.from_bytes(operand[:8], "little")
    selector = int.from_bytes(operand[8:], "little")
    limit = _code_32_limit(context, selector, returns=opcode[0] != GROUP_5)
    return limit is not None and offset > limit


def split_prefixes(code: bytes) -> tuple[bytes, int, bytes]:
    """Split an instruction of 64-bit mode into legacy prefixes, REX or 0, and the rest."""
    count = 0
    while count < len(code) and code[count] in LEGACY_PREFIXES:
        count += 1
    if count < len(code) and code[count] & 0xF0 == 0x40:
        return code[:count], code[count], code[count + 1 :]
    return code[:count], 0, code[count:]


def _is_far_memory(modrm: int) -> bool:
    return modrm >> 6 != 3 and modrm >> 3 & 7 in (FAR_CALL, FAR_JUMP)


def _effective_address(context: FarContext, prefixes: bytes, rex: int, opcode: bytes) -> int | None:
    """Give the linear address of a ModRM memory operand, or None if ``opcode`` is cut short."""
    mod, rm, rest = opcode[1] >> 6, opcode[1] & 7, opcode[2:]
    address = 0
    if rm == RSP:
        if not rest:
            return None
        sib, rest = rest[0], rest[1:]
        index = sib >> 3 & 7 | (rex & 2) << 2
        address += context.gprs[index] << (sib >> 6) if index != RSP else 0
        rm = sib & 7
        has_base = not (mod == 0 and rm == RBP)
    else:
        has_base = not (mod == 0 and rm == RBP)
        if not has_base:
            length = len(prefixes) + 1 + 2 + 4
            address += context.rip + length
    size = {0: 0 if has_base else 4, 1: 1, 2: 4}[mod]
    if len(rest) < size:
        return None
    address += int.from_bytes(rest[:size], "little", signed=True)
    if has_base:
        address += context.gprs[rm | (rex & 1) << 3]
    address &= MASK_32 if ADDRESS_SIZE_PREFIX in prefixes else MASK_64
    segments = [prefix for prefix in prefixes if prefix in (FS_PREFIX, GS_PREFIX)]
    if segments:
        address += context.fs_base if segments[-1] == FS_PREFIX else context.gs_base
    return address & MASK_64


def _code_32_limit(context: FarContext, selector: int, *, returns: bool) -> int | None:
    """Give the limit in bytes of the 32-bit code segment ``selector``, if it may be entered."""
    base, table_limit = context.gdtr
    start = selector & 0xFFF8
    if not start or selector & 4 or start + 7 > table_limit:
        return None
    raw = context.tables.read_linear((base + start) & MASK_64, 8)
    if len(raw) < 8 or (raw[5] | raw[6] << 8) & CODE_32_MASK != CODE_32:
        return None
    dpl, rpl = raw[5] >> 5 & 3, selector & 3
    reached = rpl if returns else context.cpl
    if (returns and rpl < context.cpl) or (not returns and rpl > context.cpl):
        return None
    if dpl > reached or (dpl != reached and not raw[5] & CONFORMING):
        return None
    limit = raw[0] | raw[1] << 8 | (raw[6] & 0xF) << 16
    return limit << 12 | 0xFFF if raw[6] & 0x80 else limit
