"""The flags that instructions leave undefined, from the manual and from nothing here.

SDM vol. 1, appendix A, "EFLAGS Cross-Reference"; for shifts vol. 2, "SAL/SAR/SHL/SHR", "Flags
Affected". Comparisons leave these flags out, and ``test_forms`` holds the forms to them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from verifier.machine.registers import Flag

if TYPE_CHECKING:
    from tests.semantics.encoding import Instance

LOGIC = frozenset({Flag.AF})
BIT_TEST = frozenset({Flag.OF, Flag.SF, Flag.AF, Flag.PF})
MULTIPLY = frozenset({Flag.SF, Flag.ZF, Flag.AF, Flag.PF})
UNDEFINED: Mapping[str, frozenset[Flag]] = MappingProxyType(
    {
        **dict.fromkeys(("AND", "OR", "XOR", "TEST"), LOGIC),
        **dict.fromkeys(("BT", "BTS", "BTR", "BTC"), BIT_TEST),
        **dict.fromkeys(("SHL", "SHR", "SAR"), LOGIC),
        "IMUL": MULTIPLY,
    }
)
"""By mnemonic; shifts as for a count of 1."""
COUNTED = frozenset({0xC0, 0xC1})
"""Opcodes of shifts by an immediate count."""
REX_W, OPERAND_SIZE = 8, 0x66


def undefined_flags(name: str, instance: Instance) -> frozenset[Flag]:
    """Give the flags that an instance of the manual's form ``name`` leaves undefined."""
    mnemonic = name.split(maxsplit=1)[0]
    if mnemonic not in {"SHL", "SHR", "SAR"} or instance.opcode[0] not in COUNTED:
        return UNDEFINED.get(mnemonic, frozenset())
    wide = bool(instance.rex & REX_W)
    count = instance.immediate[0] & (0x3F if wide else 0x1F)
    if not count:
        return frozenset()
    short = 16 if OPERAND_SIZE in instance.prefixes else 32
    width = 8 if not instance.opcode[0] & 1 else 64 if wide else short
    several = {Flag.OF} if count > 1 else set()
    lost = {Flag.CF} if mnemonic != "SAR" and count >= width else set()
    return LOGIC | several | lost
