"""The constants about Bochs's CPU models are what the models do."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.replay.build import (
    CR0_UNPAGED,
    CR4_PAE,
    EFER_LONG,
    PDPT,
    long_mode,
    protected_mode,
    quads,
    with_controls,
)
from verifier.machine.concrete import EndKind
from verifier.machine.registers import EFER_MSR, ControlRegister, Cr0, Cr4, Efer, Gpr
from verifier.replay import (
    BOCHS_CR4_SUPPORTED,
    BOCHS_EFER_SUPPORTED,
    BOCHS_PHYSICAL_BITS,
    BochsModel,
    NotRepresentable,
    bochs_model,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from verifier.machine.concrete import Observation, Start

    Replay = Callable[[Start, int], Observation]

WRITE_CR4, WRITE_MSR, CPUID = "0f22e0", "0f30", "0fa2"
BRAND = (0x8000_0002, 0x8000_0003, 0x8000_0004)


@pytest.fixture(params=[True, False], ids=["la57", "no-la57"])
def has_la57(request: pytest.FixtureRequest) -> bool:
    """Give each CPU model in turn."""
    chosen: bool = request.param
    return chosen


def model(*, has_la57: bool) -> BochsModel:
    """Give the model's constants."""
    return bochs_model(has_la57=has_la57)


def cr4_start(bit: int, value: int) -> Start:
    """Give a start that writes CR4, where the bit alone decides whether it may."""
    if bit == Cr4.PCIDE:
        return long_mode(WRITE_CR4, gprs={Gpr.RAX: CR4_PAE | value})
    if bit >= 32:
        return long_mode(WRITE_CR4, gprs={Gpr.RAX: CR4_PAE | value})
    start = protected_mode(WRITE_CR4, gprs={Gpr.RAX: value})
    return with_controls(start, {ControlRegister.CR0: CR0_UNPAGED | 1 << Cr0.WP})


def test_cr4_bits(bochs: Replay, has_la57: bool) -> None:
    """Exactly the supported bits of CR4 can be set, each tried by itself."""
    accepted = 0
    for bit in range(64):
        start = replace(cr4_start(bit, 1 << bit), has_la57=has_la57)
        if bochs(start, 1).end is EndKind.RAN:
            accepted |= 1 << bit
    assert accepted == model(has_la57=has_la57).cr4_supported
    assert bochs_model(has_la57=True).cr4_supported == BOCHS_CR4_SUPPORTED


def test_efer_bits(bochs: Replay, has_la57: bool) -> None:
    """Exactly the supported bits of EFER can be set, LME and LMA staying as they are."""
    accepted = 0
    for bit in range(64):
        value = EFER_LONG | 1 << bit
        gprs = {Gpr.RCX: EFER_MSR, Gpr.RAX: value & 0xFFFF_FFFF, Gpr.RDX: value >> 32}
        seen = bochs(replace(long_mode(WRITE_MSR, gprs=gprs), has_la57=has_la57), 1)
        if seen.end is EndKind.RAN:
            assert seen.controls[ControlRegister.EFER] == value
            accepted |= 1 << bit
    assert accepted == model(has_la57=has_la57).efer_supported == BOCHS_EFER_SUPPORTED
    assert accepted >> Efer.NXE & 1


def cpuid(bochs: Replay, leaf: int, subleaf: int, *, has_la57: bool) -> tuple[int, ...]:
    """Give EAX, EBX, ECX and EDX of a leaf."""
    start = long_mode(CPUID, gprs={Gpr.RAX: leaf, Gpr.RCX: subleaf})
    gprs = bochs(replace(start, has_la57=has_la57), 1).gprs
    return tuple(gprs[gpr] for gpr in (Gpr.RAX, Gpr.RBX, Gpr.RCX, Gpr.RDX))


def test_cpuid(bochs: Replay, has_la57: bool) -> None:
    """CPUID gives what the constants say, and the model's name."""
    expected = model(has_la57=has_la57)
    for (leaf, subleaf), result in expected.cpuid.items():
        seen = cpuid(bochs, leaf, subleaf, has_la57=has_la57)
        assert seen == (result.eax, result.ebx, result.ecx, result.edx), hex(leaf)
    words = [word for leaf in BRAND for word in cpuid(bochs, leaf, 0, has_la57=has_la57)]
    brand = b"".join(word.to_bytes(4, "little") for word in words)
    assert brand.rstrip(b"\0 ").decode() == expected.name


def test_la57_in_cpuid_is_the_model(has_la57: bool) -> None:
    """Leaf 7's LA57 bit tells the two models apart."""
    leaf_7 = model(has_la57=has_la57).cpuid[7, 0]
    assert bool(leaf_7.ecx >> 16 & 1) is has_la57


def test_physical_width(bochs: Replay) -> None:
    """The highest page below 2^40 is memory; the next bit is no address."""
    top = (1 << BOCHS_PHYSICAL_BITS) - (1 << 30)
    load = "8b042500000040"
    assert bochs(long_mode(load, memory={PDPT + 8: quads(top | 0x83)}), 1).end is EndKind.RAN
    beyond = long_mode(load, memory={PDPT + 8: quads(1 << BOCHS_PHYSICAL_BITS | 0x83)})
    with pytest.raises(NotRepresentable):
        bochs(beyond, 1)
