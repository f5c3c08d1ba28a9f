"""One instruction: its bytes taken apart as far as the tables need, and its text."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

import capstone

from verifier.machine.registers import Mode, Segment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from claripy.ast.bv import BV

LONGEST = 15
"""Bytes of the longest instruction."""
ESCAPE = 0x0F
FILLERS = (0x00, 0xFF, 0x25, 0x66, 0x90, 0xC4)
"""Bytes that stand for one that is open: plain ones, prefixes, and ModRMs of each length."""
THREE_BYTE_MAPS = (0x38, 0x3A)


class Prefix(Enum):
    """A legacy prefix; the value is its byte."""

    LOCK = 0xF0
    REPNE = 0xF2
    REP = 0xF3
    CS = 0x2E
    SS = 0x36
    DS = 0x3E
    ES = 0x26
    FS = 0x64
    GS = 0x65
    OPERAND_SIZE = 0x66
    ADDRESS_SIZE = 0x67


SEGMENT_PREFIXES = {
    Prefix.CS: Segment.CS,
    Prefix.SS: Segment.SS,
    Prefix.DS: Segment.DS,
    Prefix.ES: Segment.ES,
    Prefix.FS: Segment.FS,
    Prefix.GS: Segment.GS,
}
_PREFIX_BYTES = {prefix.value: prefix for prefix in Prefix}


@dataclass(frozen=True, slots=True)
class ModRm:
    """The byte after an opcode that names operands."""

    mod: int
    reg: int
    rm: int

    @property
    def is_register(self) -> bool:
        """Say whether the operand in ``rm`` is a register, not memory."""
        return self.mod == 3


@dataclass(frozen=True, slots=True)
class MemoryOperand:
    """An address: base + index * scale + displacement; register names as capstone gives them."""

    base: str
    index: str
    scale: int
    displacement: int
    stack: bool


@dataclass(frozen=True, slots=True)
class Instruction:
    """One decoded instruction.

    ``opcode`` holds the escape bytes too; ``modrm`` is the byte after it, whether or not this
    opcode has one; ``rex`` is 0 where absent; ``text`` is in AT&T syntax. ``patched`` is the
    value of an immediate that memory does not determine; ``raw`` has zeros there.
    """

    raw: bytes
    mode: Mode
    prefixes: frozenset[Prefix]
    rex: int
    opcode: bytes
    modrm: ModRm
    text: str
    memory: MemoryOperand | None
    patched: BV | None = field(default=None, compare=False)

    @property
    def size(self) -> int:
        """Give the length in bytes."""
        return len(self.raw)

    @property
    def rex_w(self) -> bool:
        """Say whether REX.W asks for 64-bit operands."""
        return bool(self.rex & 8)

    @property
    def reg(self) -> int:
        """Give the number in ModRM.reg, extended by REX.R."""
        return self.modrm.reg | (self.rex & 4) << 1

    @property
    def rm(self) -> int:
        """Give the number in ModRM.rm, extended by REX.B."""
        return self.modrm.rm | (self.rex & 1) << 3

    @property
    def operand_bits(self) -> int:
        """Give the operand size that prefixes and mode select: 16, 32 or 64."""
        if self.rex_w:
            return 64
        return 16 if Prefix.OPERAND_SIZE in self.prefixes else 32

    def immediate(self, size: int) -> int:
        """Give the last ``size`` bytes as an unsigned number."""
        return int.from_bytes(self.raw[-size:], "little")


@lru_cache(maxsize=2)
def _decoder(*, is_64: bool) -> Any:  # noqa: ANN401  (capstone has no type stubs)
    decoder = capstone.Cs(
        capstone.CS_ARCH_X86, capstone.CS_MODE_64 if is_64 else capstone.CS_MODE_32
    )
    decoder.detail = True
    decoder.syntax = capstone.CS_OPT_SYNTAX_ATT
    return decoder


@lru_cache(maxsize=4096)
def decode(code: bytes, mode: Mode, address: int = 0) -> Instruction | None:
    """Decode the instruction at the start of ``code``, None where there is none.

    ``address`` matters for the text alone.
    """
    found = next(_decoder(is_64=mode.is_64).disasm(code[:LONGEST], address, 1), None)
    if found is None:
        return None
    raw = bytes(found.bytes)
    prefixes, rex, start = _prefixes(raw, mode)
    length = _opcode_length(raw, start)
    return Instruction(
        raw=raw,
        mode=mode,
        prefixes=prefixes,
        rex=rex,
        opcode=raw[start : start + length],
        modrm=_modrm(raw, start + length),
        text=f"{found.mnemonic} {found.op_str}".strip(),
        memory=_memory(found),
    )


def decode_open(code: Sequence[int | None], mode: Mode) -> Instruction | None:
    """Decode an instruction some bytes of which are open, None where they may change what it is.

    Whatever stands in their place, length, prefixes and opcode must be the same.
    """
    made = [
        decode(bytes(filler if byte is None else byte for byte in code), mode) for filler in FILLERS
    ]
    first = made[0]
    if first is None:
        return None
    same = all(
        other is not None
        and (other.size, other.prefixes, other.rex, other.opcode)
        == (first.size, first.prefixes, first.rex, first.opcode)
        for other in made
    )
    return replace(first, text=f"{first.text.split()[0]} (patched)") if same else None


def _prefixes(raw: bytes, mode: Mode) -> tuple[frozenset[Prefix], int, int]:
    index, seen = 0, set()
    while index < len(raw) and raw[index] in _PREFIX_BYTES:
        seen.add(_PREFIX_BYTES[raw[index]])
        index += 1
    if mode.is_64 and index < len(raw) and raw[index] & 0xF0 == 0x40:
        return frozenset(seen), raw[index], index + 1
    return frozenset(seen), 0, index


def _opcode_length(raw: bytes, start: int) -> int:
    if raw[start] != ESCAPE:
        return 1
    return 3 if len(raw) > start + 1 and raw[start + 1] in THREE_BYTE_MAPS else 2


def _modrm(raw: bytes, index: int) -> ModRm:
    byte = raw[index] if index < len(raw) else 0
    return ModRm(byte >> 6, byte >> 3 & 7, byte & 7)


def _memory(found: Any) -> MemoryOperand | None:  # noqa: ANN401  (capstone has no type stubs)
    for operand in found.operands:
        if operand.type == capstone.x86.X86_OP_MEM:
            base = cast("str", found.reg_name(operand.mem.base) or "")
            return MemoryOperand(
                base=base,
                index=cast("str", found.reg_name(operand.mem.index) or ""),
                scale=operand.mem.scale,
                displacement=operand.mem.disp,
                stack=base in {"rsp", "rbp", "esp", "ebp", "sp", "bp"},
            )
    return None
