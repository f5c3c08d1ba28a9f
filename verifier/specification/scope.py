"""What the names in an expression may mean."""

from __future__ import annotations

import keyword
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from verifier.errors import nearest
from verifier.machine.registers import ControlRegister, Cr0, Cr4, Efer, Flag, Gpr, Mode, Segment
from verifier.specification.events import EventField
from verifier.specification.vocabulary import (
    CpuFact,
    ModeOf,
    SegmentPart,
    SystemTable,
    TablePart,
    When,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from verifier.specification.events import Event
    from verifier.specification.expression import Bound, Number, Word
    from verifier.specification.layout import Addresses


GPRS = {gpr.name.lower(): gpr for gpr in Gpr}
"""General registers by their 64-bit name."""

LOW_GPRS = {f"{name}d" if gpr >= Gpr.R8 else f"e{name[1:]}": gpr for name, gpr in GPRS.items()}
"""General registers by the name of their low 32 bits."""

CONTROLS = {register.value: register for register in ControlRegister}
SEGMENTS = {segment.name.lower(): segment for segment in Segment}
MODES = {mode.name: mode for mode in Mode}

CONTROL_BITS: dict[ControlRegister, dict[str, int]] = {
    ControlRegister.CR0: {bit.name: bit.value for bit in Cr0},
    ControlRegister.CR4: {bit.name: bit.value for bit in Cr4},
    ControlRegister.EFER: {bit.name: bit.value for bit in Efer},
}
"""The named bits of control registers; CR2 and CR3 have none."""

STATE_WORDS = frozenset({*GPRS, *LOW_GPRS, "rip", *CONTROLS})
"""Names of the state that are words by themselves."""

MEMBERS: dict[str, frozenset[str]] = {
    **{register.value: frozenset(bits) for register, bits in CONTROL_BITS.items()},
    "rflags": frozenset(flag.name for flag in Flag),
    **{name: frozenset(part.value for part in SegmentPart) for name in SEGMENTS},
    **{table.value: frozenset(part.value for part in TablePart) for table in SystemTable},
}
"""Names of the state that have parts, written ``name.part``."""

CPU_MEMBERS = frozenset(fact.value for fact in CpuFact)
REGION_MEMBERS = frozenset({"base", "size", "end"})

RESERVED = frozenset(
    {
        *STATE_WORDS,
        *MEMBERS,
        *MODES,
        *(part.value for part in EventField),
        *(of.value for of in ModeOf),
        "entry",
        "cpu",
        "true",
        "false",
    },
)
"""Names that mean the same in every spec, so that none may declare them."""


@dataclass(frozen=True, slots=True)
class Symbols:
    """What the image names: labels as offsets from its base, constants, its size in bytes."""

    labels: Mapping[str, int] = field(default_factory=dict)
    constants: Mapping[str, int] = field(default_factory=dict)
    size: int = 0


@dataclass(frozen=True, slots=True)
class Extent:
    """A region as expressions see it: where it begins at the entry, and its size in bytes."""

    base: Word
    size: int


@dataclass(frozen=True, slots=True)
class Scope:
    """What the names of one expression may mean, and which state a bare name speaks of.

    ``addresses`` is there where memory at the entry may be spoken of, at a constant distance
    from a region's base.
    """

    when: When
    symbols: Symbols = field(default_factory=Symbols)
    inputs: frozenset[str] = frozenset()
    regions: Mapping[str, Extent] = field(default_factory=dict)
    event: Event | None = None
    bound: Mapping[str, Bound | Number] = field(default_factory=dict)
    addresses: Addresses | None = None

    def names(self) -> frozenset[str]:
        """Give every name that may stand by itself, for the nearest one in an error."""
        fields = {part.value for part in self.event.fields} if self.event else set()
        return frozenset(
            {
                *STATE_WORDS,
                *fields,
                *self.inputs,
                *self.bound,
                *self.symbols.labels,
                *self.symbols.constants,
                "true",
                "false",
            },
        )

    def why_not_new(self, name: str) -> str | None:
        """Say why a spec may not declare a name, or None if it may."""
        if not (name.isascii() and name.isidentifier()) or keyword.iskeyword(name):
            return f"'{name}' cannot be a name: use letters, digits and underscores"
        if name in RESERVED:
            return f"'{name}' already has a meaning in every spec"
        if name in self.inputs or name in self.regions or name in self.bound:
            return f"'{name}' is already declared"
        if name in self.symbols.labels or name in self.symbols.constants:
            return f"'{name}' is a symbol of the image"
        return None


def suggestion(name: str, valid: Iterable[str]) -> str:
    """Give the nearest valid name; one that differs in case, or goes on, comes first."""
    choices = sorted(valid)
    same = [choice for choice in choices if choice.lower() == name.lower()]
    longer = [choice for choice in choices if choice.startswith(name + "-")]
    match same or longer:
        case [close]:
            return f"did you mean '{close}'?"
        case _:
            return nearest(name, choices)
