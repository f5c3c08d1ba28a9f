"""What an inspection finds. Offsets and sizes are in bytes, offsets from the image's base."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from verifier.machine.registers import Mode


class Direction(Enum):
    """Which way a mode switch goes."""

    TO_32 = "64 to 32"
    TO_64 = "32 to 64"


class Kind(Enum):
    """What a descriptor describes; the value is what reports call it."""

    NULL = "null"
    CODE_64 = "64-bit code"
    CODE_32 = "32-bit code"
    CODE_16 = "16-bit code"
    DATA = "data"
    SYSTEM = "system"
    UPPER = "upper half of the one before"


@dataclass(frozen=True, slots=True)
class Descriptor:
    """An entry of a GDT; ``base`` and ``limit`` as the processor would take them."""

    selector: int
    raw: int
    kind: Kind
    base: int
    limit: int
    dpl: int
    present: bool


@dataclass(frozen=True, slots=True)
class Gdt:
    """A descriptor table of the image, and how it was derived that code loads it."""

    offset: int
    limit: int
    loaded_at: int
    descriptors: tuple[Descriptor, ...]
    how: str

    def kind(self, selector: int) -> Kind | None:
        """Give what a selector selects, None past the table's end."""
        return next(
            (each.kind for each in self.descriptors if each.selector == selector & ~7), None
        )


@dataclass(frozen=True, slots=True)
class Switch:
    """A far transfer that changes the mode: ``size`` bytes at ``offset`` set it up and make it.

    ``transfer`` is where the far return or far jump itself is. ``selector`` and ``target`` are
    None where they come from memory or a register; a target is an offset in the image.
    """

    direction: Direction
    offset: int
    size: int
    transfer: int
    selector: int | None
    target: int | None
    how: str

    @property
    def mode(self) -> Mode:
        """Give the mode that its instructions are decoded in."""
        return Mode.LONG_64 if self.direction is Direction.TO_32 else Mode.PROTECTED_32


@dataclass(frozen=True, slots=True)
class Finding:
    """A place with a name: ``mode`` is None where it is data, ``how`` says how it was derived.

    ``size`` is 0 for what only marks a place, such as an end.
    """

    name: str
    offset: int
    size: int
    mode: Mode | None
    how: str


@dataclass(frozen=True, slots=True)
class Inspection:
    """All that was found; ``missing`` is a sentence for each thing that was not."""

    gdt: Gdt | None = None
    switches: tuple[Switch, ...] = ()
    findings: tuple[Finding, ...] = ()
    missing: tuple[str, ...] = field(default=())

    @property
    def labels(self) -> dict[str, int]:
        """Give the findings as symbols of the image."""
        return {each.name: each.offset for each in self.findings}

    def find(self, name: str) -> Finding | None:
        """Give the finding of that name."""
        return next((each for each in self.findings if each.name == name), None)

    @property
    def has_trampoline(self) -> bool:
        """Say whether a paging-mode trampoline was found."""
        return self.find("trampoline") is not None
