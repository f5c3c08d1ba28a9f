"""One concrete run of a processor: where it starts, and what an engine saw of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from verifier.machine.registers import ControlRegister, Gpr, Mode, Segment, Vector


@dataclass(frozen=True, slots=True)
class SegmentValue:
    """A segment register with its hidden part; ``limit`` is in bytes, granularity applied."""

    selector: int
    base: int
    limit: int
    type: int
    s: bool
    dpl: int
    present: bool
    long: bool
    default_big: bool
    granular: bool

    @property
    def null(self) -> bool:
        """Say whether the register holds a null selector and so gives no access."""
        return not self.present


@dataclass(frozen=True, slots=True)
class TableRegister:
    """GDTR or IDTR: a linear ``base``, 64 bits wide, and a ``limit`` of 16 bits."""

    base: int
    limit: int


@dataclass(frozen=True, slots=True)
class Override:
    """A choice the manuals leave open: bits ``mask`` of ``register`` become those of ``value``.

    ``register`` is None for RFLAGS.
    """

    register: Gpr | None
    mask: int
    value: int


@dataclass(frozen=True, slots=True)
class Start:
    """Every bit of a processor and of its memory before the first instruction.

    ``memory`` maps physical addresses to bytes; whatever it does not name is RAM that
    reads 0. ``overrides`` maps the number of an instruction (0 is the first, a ``rep``
    counts once) to what is imposed just before it executes.
    """

    gprs: Mapping[Gpr, int]
    rip: int
    rflags: int
    controls: Mapping[ControlRegister, int]
    segments: Mapping[Segment, SegmentValue]
    gdtr: TableRegister
    idtr: TableRegister
    memory: Mapping[int, bytes]
    has_la57: bool = True
    overrides: Mapping[int, tuple[Override, ...]] = field(default_factory=dict)


class EndKind(Enum):
    """How a concrete run ended."""

    RAN = "ran the number of instructions asked for"
    FAULTED = "raised an exception"
    HALTED = "halted"


@dataclass(frozen=True, slots=True)
class FaultSeen:
    """An exception: its vector, its error code where it has one, the instruction's address."""

    vector: Vector
    error: int | None
    rip: int


@dataclass(frozen=True, slots=True)
class StepSeen:
    """One executed instruction: its linear address, and control registers after it.

    ``controls`` has only those that changed.
    """

    rip: int
    mode: Mode
    controls: Mapping[ControlRegister, int]


@dataclass(frozen=True, slots=True)
class Observation:
    """What an engine saw: the instructions, the end state, every physical byte written.

    ``written`` maps a physical address to the byte's last value, accessed and dirty bits
    that the processor set itself included where the engine shows them.
    """

    engine: str
    steps: tuple[StepSeen, ...]
    end: EndKind
    fault: FaultSeen | None
    gprs: Mapping[Gpr, int]
    rip: int
    rflags: int
    controls: Mapping[ControlRegister, int]
    segments: Mapping[Segment, SegmentValue]
    gdtr: TableRegister
    written: Mapping[int, int]
