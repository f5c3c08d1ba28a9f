"""What an instruction does that a claim can speak of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from claripy.ast.bv import BV

    from verifier.machine.memory import Place
    from verifier.machine.paging import Intent
    from verifier.machine.registers import ControlRegister, Mode


@dataclass(frozen=True, slots=True, eq=False)
class ControlWrite:
    """A move to a control register; ``value`` is what it holds afterwards, 64 bits."""

    register: ControlRegister
    old: BV
    value: BV


@dataclass(frozen=True, slots=True, eq=False)
class MsrWrite:
    """A wrmsr to the register numbered ``msr``, 64-bit values."""

    msr: int
    old: BV
    value: BV


class AccessBy(Enum):
    """Who accesses memory."""

    INSTRUCTION = "the instruction"
    PROCESSOR = "the processor, for page tables and descriptors"


@dataclass(frozen=True, slots=True, eq=False)
class Access:
    """``size`` bytes read or written, at a linear and a physical address, 64 bits each.

    ``linear`` is the physical address where the page walk itself accesses. ``value`` is
    what was read or stored, None for many bytes at once.
    """

    intent: Intent
    linear: BV
    physical: BV
    size: int
    place: Place
    value: BV | None
    by: AccessBy


@dataclass(frozen=True, slots=True, eq=False)
class Transfer:
    """A jump, call or return: where it comes from and where it goes, linear, 64 bits."""

    source: BV
    target: BV
    far: bool
    before: Mode
    after: Mode


@dataclass(frozen=True, slots=True, eq=False)
class ModeChange:
    """A change of the processor's mode, by whatever instruction."""

    before: Mode
    after: Mode


@dataclass(frozen=True, slots=True, eq=False)
class Execution:
    """An instruction of ``size`` bytes is about to execute; ``physical`` is where it lies."""

    physical: BV
    size: int


Event = ControlWrite | MsrWrite | Access | Transfer | ModeChange | Execution
