"""What Bochs's two CPU models report and accept, as data; a test measures every value.

The prover keeps its symbolic processor inside these where a counterexample must replay.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from verifier.machine.registers import Cr4, Efer

if TYPE_CHECKING:
    from collections.abc import Mapping

BOCHS_PHYSICAL_BITS = 40
"""The physical-address width of Bochs as built, whatever leaf 0x80000008 says."""


@dataclass(frozen=True, slots=True)
class CpuidResult:
    """What CPUID gives for one leaf and subleaf, 32 bits each."""

    eax: int
    ebx: int
    ecx: int
    edx: int


@dataclass(frozen=True, slots=True)
class BochsModel:
    """A CPU model: the bits that may be set in CR4 and EFER, and CPUID by leaf and subleaf.

    CPUID is as read with CR4.OSXSAVE clear: leaf 1 shows that bit in ECX, bit 27.
    """

    name: str
    cr4_supported: int
    efer_supported: int
    cpuid: Mapping[tuple[int, int], CpuidResult]


BOCHS_CR4_SUPPORTED = sum(
    1 << bit for bit in Cr4 if bit not in (Cr4.SMXE, Cr4.KL, Cr4.PKE, Cr4.CET, Cr4.PKS)
)
"""CR4 bits that the model with LA57 accepts; the other model's lack LA57 only."""

BOCHS_EFER_SUPPORTED = sum(1 << bit for bit in (Efer.SCE, Efer.LME, Efer.LMA, Efer.NXE))
"""EFER bits that both models accept; LMA follows LME and CR0.PG."""

WITH_LA57 = BochsModel(
    "Intel(R) Xeon(R) w9-3475X",
    BOCHS_CR4_SUPPORTED,
    BOCHS_EFER_SUPPORTED,
    {
        (0, 0): CpuidResult(0x20, 0x756E_6547, 0x6C65_746E, 0x4965_6E69),
        (1, 0): CpuidResult(0x806F8, 0x10800, 0x77FE_F3BF, 0xAFEB_FBFF),
        (7, 0): CpuidResult(2, 0xF1BF_27EB, 0x1841_5F66, 0xFC00_4410),
        (7, 1): CpuidResult(0x1C30, 0, 0, 0),
        (0x8000_0000, 0): CpuidResult(0x8000_0008, 0, 0, 0),
        (0x8000_0001, 0): CpuidResult(0, 0, 0x121, 0x2C10_0800),
        (0x8000_0008, 0): CpuidResult(0x3928, 0x200, 0, 0),
    },
)

WITHOUT_LA57 = BochsModel(
    "11th Gen Intel(R) Core(TM) i5-1135G7 @ 2.40GHz",
    BOCHS_CR4_SUPPORTED & ~(1 << Cr4.LA57),
    BOCHS_EFER_SUPPORTED,
    {
        (0, 0): CpuidResult(0x1B, 0x756E_6547, 0x6C65_746E, 0x4965_6E69),
        (1, 0): CpuidResult(0x806C1, 0x10800, 0x77FA_F3BF, 0xAFEB_FBFF),
        (7, 0): CpuidResult(0, 0xF1BF_27EB, 0x1840_5F46, 0xFC00_0510),
        (7, 1): CpuidResult(0, 0, 0, 0),
        (0x8000_0000, 0): CpuidResult(0x8000_0008, 0, 0, 0),
        (0x8000_0001, 0): CpuidResult(0, 0, 0x121, 0x2C10_0800),
        (0x8000_0008, 0): CpuidResult(0x3028, 0x200, 0, 0),
    },
)


def bochs_model(*, has_la57: bool) -> BochsModel:
    """Give the model that a start with this ``has_la57`` replays on."""
    return WITH_LA57 if has_la57 else WITHOUT_LA57
