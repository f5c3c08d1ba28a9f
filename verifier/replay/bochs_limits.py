"""Where Bochs is no judge: spots it gets wrong, and addresses it is too narrow for.

Light on imports, because workers use it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from verifier.replay.bochs_memory import ADDRESS_BITS
from verifier.replay.far_transfer import IRET, RETF, RETF_IMM16, split_prefixes
from verifier.replay.page_walk import PAGE_BYTES

if TYPE_CHECKING:
    from verifier.replay.page_walk import Tables

BEYOND_WIDTH = (1 << 52) - (1 << ADDRESS_BITS)
"""Address bits that a processor may have and Bochs, as built, has not."""

APIC_PAGE = 0xFEE0_0000 // PAGE_BYTES
"""The page that is no memory in Bochs: its CPU has a local APIC there, and moving it only
moves the hole."""

FOUR_GIB = 1 << 32
GENERAL_PROTECTION, PAGE_FAULT = 13, 14
RESERVED_BIT = 1 << 3
"""In a page fault's error code: a reserved bit was set in a table entry."""

OPERAND_SIZE_PREFIX = 0x66
PREFIXES_32 = frozenset(b"\x66\x67\xf2\xf3\x2e")
MOV_TO_CONTROL, CR3 = b"\x0f\x22", 3


class FarReturn:
    """A far return or IRET of 32-bit code: where its reads and where its release of ESP end."""

    def __init__(self, code: bytes, esp: int) -> None:
        """Decode ``code``, any instruction of 32-bit code; others reach nowhere."""
        self.read_end = self.released_end = 0
        size = 4
        while code and code[0] in PREFIXES_32:
            size = 2 if code[0] == OPERAND_SIZE_PREFIX else size
            code = code[1:]
        if code and code[0] in (RETF, RETF_IMM16, IRET):
            self.read_end = esp % FOUR_GIB + size * (3 if code[0] == IRET else 2)
            immediate = code[1:3] if code[0] == RETF_IMM16 else b""
            self.released_end = self.read_end + int.from_bytes(immediate, "little")

    @property
    def reads_across(self) -> bool:
        """Say whether the reads wrap at 4G: Bochs raises #SS where processors wrap."""
        return self.read_end > FOUR_GIB

    @property
    def releases_across(self) -> bool:
        """Say whether ESP must wrap: into 64-bit code Bochs leaves RSP at 4G or above."""
        return self.released_end >= FOUR_GIB


def narrow_fault(error: int, linear: int, tables: Tables | None) -> str | None:
    """Say why a page fault at ``linear`` may come of Bochs's address width alone, or None."""
    entries = tables.entries(linear) if error & RESERVED_BIT and tables else []
    if any(entry & BEYOND_WIDTH for entry in entries):
        return f"a page-table entry names an address at or above 2^{ADDRESS_BITS}"
    return None


def narrow_load(code: bytes, gprs: list[int]) -> str | None:
    """Say why a #GP at the instruction ``code`` may come of Bochs's address width, or None."""
    _, rex, opcode = split_prefixes(code)
    loads_cr3 = opcode[:2] == MOV_TO_CONTROL and opcode[2] >> 3 & 7 == CR3
    if loads_cr3 and gprs[opcode[2] & 7 | (rex & 1) << 3] & BEYOND_WIDTH:
        return f"CR3 is loaded with an address at or above 2^{ADDRESS_BITS}"
    return None
