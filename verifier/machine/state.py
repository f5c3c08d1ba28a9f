"""The state of one processor: registers, hidden parts, memory. It is never changed in place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import claripy

from verifier.machine.registers import ControlRegister, Flag
from verifier.machine.words import WORD, bit, concat, constant, is_set

if TYPE_CHECKING:
    from claripy.ast.bool import Bool
    from claripy.ast.bv import BV

    from verifier.machine.descriptors import SegmentRegister
    from verifier.machine.memory import Memory
    from verifier.machine.models import Gprs, ProcessorModel
    from verifier.machine.registers import Cr0, Cr4, Efer, Gpr, Mode, Segment

RFLAGS_FIXED = 0b10
"""Bit 1 of RFLAGS always reads 1."""
IOPL_LOW = 12
RFLAGS_BITS = 22


@dataclass(frozen=True, slots=True, eq=False)
class TablePointer:
    """GDTR or IDTR: a linear ``base`` of 64 bits and a ``limit`` of 16."""

    base: BV
    limit: BV


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """What this processor has.

    ``physical_limit`` is 2^MAXPHYADDR, ``cr4`` and ``efer`` are masks of the bits that exist,
    64 bits each; ``cpuid`` holds answers that are fixed: EAX, EBX, ECX, EDX by leaf and subleaf.
    """

    physical_limit: BV
    cr4: BV
    efer: BV
    cpuid: Mapping[tuple[int, int], tuple[int, int, int, int]] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class LoaderTables:
    """The page tables at entry, known only as a function of their root.

    Below ``identity_end`` they map every linear address to itself, writable, executable, for
    the supervisor. ``root`` is the physical address of the top-level table, ``five_levels``
    says whether it is of 5-level paging, ``region`` names the region that stands for all of
    them.
    """

    root: BV
    five_levels: Bool
    identity_end: BV
    region: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """Everything that decides what the next instruction does.

    ``rip`` is an offset in the code segment, 64 bits wide, zero-extended in 32-bit code.
    ``paging_was_off`` says whether paging was off at any time since 64-bit mode was left.
    ``switches`` counts the changes between 64-bit and 32-bit code. ``tables`` is empty where
    all tables lie in memory. ``live`` has the pages of tables walked since CR3 was loaded, by
    region and offset; a store to one ends the path where ``strict``, and else makes it
    ``stale``: the processor may go on with the translations it has cached.
    """

    gprs: Gprs
    rip: BV
    flags: Mapping[Flag, BV]
    iopl: BV
    segments: Mapping[Segment, SegmentRegister]
    controls: Mapping[ControlRegister, BV]
    gdtr: TablePointer
    idtr: TablePointer
    memory: Memory
    mode: Mode
    model: ProcessorModel
    features: Features
    tables: tuple[LoaderTables, ...]
    paging_was_off: bool = False
    switches: int = 0
    live: frozenset[tuple[str, int]] = frozenset()
    strict: bool = True
    stale: bool = False

    def gpr(self, register: Gpr) -> BV:
        """Give a general register, 64 bits."""
        return self.gprs[register]

    def control(self, register: ControlRegister) -> BV:
        """Give a control register or EFER, 64 bits."""
        return self.controls[register]

    def cr0(self, position: Cr0) -> Bool:
        """Say whether a bit of CR0 is set."""
        return is_set(self.controls[ControlRegister.CR0], position)

    def cr4(self, position: Cr4) -> Bool:
        """Say whether a bit of CR4 is set."""
        return is_set(self.controls[ControlRegister.CR4], position)

    def efer(self, position: Efer) -> Bool:
        """Say whether a bit of EFER is set."""
        return is_set(self.controls[ControlRegister.EFER], position)

    @property
    def rflags(self) -> BV:
        """Give RFLAGS, 64 bits, bits that are reserved as they read."""
        parts = [constant(RFLAGS_FIXED >> at, 1) for at in range(WORD)]
        for flag, state in self.flags.items():
            parts[flag] = state
        parts[IOPL_LOW], parts[IOPL_LOW + 1] = bit(self.iopl, 0), bit(self.iopl, 1)
        return concat(*reversed(parts))


def flags_of(rflags: int) -> tuple[dict[Flag, BV], BV]:
    """Take a concrete RFLAGS apart into its flags and the two bits of IOPL."""
    flags = {flag: constant(rflags >> flag, 1) for flag in Flag}
    return flags, claripy.BVV(rflags >> IOPL_LOW & 3, 2)
