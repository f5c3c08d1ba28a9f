"""What a linker does with each x86 relocation, as the two psABI documents define them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Range(Enum):
    """Which values fit in a field of some width; a value outside is an overflow."""

    UNSIGNED = "unsigned"
    SIGNED = "signed"
    EITHER = "signed or unsigned"
    ANY = "cut to the width"


@dataclass(frozen=True, slots=True)
class Form:
    """A relocation type: its field's ``width`` in bytes, and whether it is relative to it."""

    name: str
    width: int
    relative: bool
    range: Range

    def encode(self, value: int) -> bytes | None:
        """Give the field's bytes for ``value``, or None when it does not fit."""
        bits = 8 * self.width
        signed = -(1 << bits - 1) <= value < 1 << bits - 1
        unsigned = 0 <= value < 1 << bits
        fits = {
            Range.UNSIGNED: unsigned,
            Range.SIGNED: signed,
            Range.EITHER: signed or unsigned,
            Range.ANY: True,
        }
        if not fits[self.range]:
            return None
        return (value & (1 << bits) - 1).to_bytes(self.width, "little")


THROUGH_GOT = (41, 42)
"""Relocations of instructions that a linker makes do without the global offset table."""

NO_EFFECT = 0
"""R_X86_64_NONE and R_386_NONE."""

FORMS = {
    64: {
        1: Form("R_X86_64_64", 8, relative=False, range=Range.ANY),
        2: Form("R_X86_64_PC32", 4, relative=True, range=Range.SIGNED),
        4: Form("R_X86_64_PLT32", 4, relative=True, range=Range.SIGNED),
        10: Form("R_X86_64_32", 4, relative=False, range=Range.UNSIGNED),
        11: Form("R_X86_64_32S", 4, relative=False, range=Range.SIGNED),
        12: Form("R_X86_64_16", 2, relative=False, range=Range.EITHER),
        13: Form("R_X86_64_PC16", 2, relative=True, range=Range.EITHER),
        14: Form("R_X86_64_8", 1, relative=False, range=Range.EITHER),
        15: Form("R_X86_64_PC8", 1, relative=True, range=Range.SIGNED),
        24: Form("R_X86_64_PC64", 8, relative=True, range=Range.ANY),
        41: Form("R_X86_64_GOTPCRELX", 4, relative=True, range=Range.SIGNED),
        42: Form("R_X86_64_REX_GOTPCRELX", 4, relative=True, range=Range.SIGNED),
    },
    32: {
        1: Form("R_386_32", 4, relative=False, range=Range.ANY),
        2: Form("R_386_PC32", 4, relative=True, range=Range.ANY),
        4: Form("R_386_PLT32", 4, relative=True, range=Range.ANY),
        20: Form("R_386_16", 2, relative=False, range=Range.EITHER),
        21: Form("R_386_PC16", 2, relative=True, range=Range.EITHER),
        22: Form("R_386_8", 1, relative=False, range=Range.EITHER),
        23: Form("R_386_PC8", 1, relative=True, range=Range.SIGNED),
    },
}
"""The relocations that are applied, by the file's bits and by number."""


def without_table(instruction: bytes) -> tuple[bytes, int] | None:
    """Give an instruction through the global offset table as one without it.

    ``instruction`` is opcode, ModRM and the field; the second value is where the field then
    begins. None where a linker has no such form. psABI, "Optimize GOTPCRELX Relocations".
    """
    opcode, modrm, field = instruction[0], instruction[1], instruction[2:]
    if opcode == 0x8B and modrm & 0xC7 == 0x05:
        return bytes((0x8D, modrm)) + field, 2
    if (opcode, modrm) == (0xFF, 0x15):
        return b"\x67\xe8" + field, 2
    if (opcode, modrm) == (0xFF, 0x25):
        return b"\xe9" + field + b"\x90", 1
    return None
