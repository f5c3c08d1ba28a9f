"""What CPUID answers: the same to the same question, nothing that contradicts the features.

SDM vol. 2, "CPUID—CPU Identification".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import claripy

from verifier.machine.registers import Cr4, Efer
from verifier.machine.words import bit, bits, concat, constant, symbol, with_bit

if TYPE_CHECKING:
    from claripy.ast.bv import BV

    from verifier.machine.state import Features

ANSWERED = ("eax", "ebx", "ecx", "edx")
"""The registers of an answer, in the order in which answers are listed."""
NO_ANSWER = (0, 0, 0, 0)
"""What a processor whose answers are fixed gives to a question that is not among them."""
EXTENDED_FEATURES, ADDRESS_WIDTHS = 0x8000_0001, 0x8000_0008
OSXSAVE_SHOWN, OSPKE_SHOWN = 27, 4
"""Bits of ECX, leaves 1 and 7, that repeat bits of CR4."""
LEAVES_WITHOUT_SUBLEAF = frozenset(
    {0, 1, 2, 3, 5, 6, 9, 0xA, 0x15, 0x16, 0x19, *range(0x8000_0000, 0x8000_0009)}
)
"""Leaves whose answer does not depend on ECX."""


def question(leaf: int, subleaf: int) -> str:
    """Name a question; its answer is a symbol a register, ``cpuid(0x7,0).ebx``."""
    return f"cpuid({leaf:#x},{subleaf})"


def cpuid_answer(features: Features, cr4: BV, leaf: int, subleaf: int) -> list[BV]:
    """Give EAX, EBX, ECX and EDX, 32 bits each, that CPUID answers in 64-bit code.

    ``cr4`` is CR4 at that time; two bits repeat two of its own.
    """
    if leaf in LEAVES_WITHOUT_SUBLEAF:
        subleaf = 0
    if features.cpuid is not None:
        fixed = features.cpuid.get((leaf, subleaf), NO_ANSWER)
        answer = [constant(number, 32) for number in fixed]
    else:
        answer = [symbol(f"{question(leaf, subleaf)}.{name}", 32) for name in ANSWERED]
        _agree_with_features(features, leaf, subleaf, answer)
    if leaf == 1:
        answer[2] = with_bit(answer[2], OSXSAVE_SHOWN, bit(cr4, Cr4.OSXSAVE))
    if (leaf, subleaf) == (7, 0):
        answer[2] = with_bit(answer[2], OSPKE_SHOWN, bit(cr4, Cr4.PKE))
    return answer


def _agree_with_features(features: Features, leaf: int, subleaf: int, answer: list[BV]) -> None:
    if (leaf, subleaf) == (7, 0):
        answer[2] = with_bit(answer[2], 16, bit(features.cr4, Cr4.LA57))
    if leaf == ADDRESS_WIDTHS:
        width = constant(0, 8)
        for position in range(32, 53):
            width = claripy.If(features.physical_limit == 1 << position, position, width)
        answer[0] = concat(bits(answer[0], 31, 8), width)
    if leaf == EXTENDED_FEATURES:
        answer[3] = with_bit(answer[3], 29, constant(1, 1))
        answer[3] = with_bit(answer[3], 20, bit(features.efer, Efer.NXE))
