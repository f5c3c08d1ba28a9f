"""A spec as it was read: every word resolved, every key checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, Flag, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from verifier.machine.models import ModelName
    from verifier.machine.registers import ControlRegister, Mode, Segment
    from verifier.specification.contract import Contract
    from verifier.specification.events import Event
    from verifier.specification.expression import Truth, Word
    from verifier.specification.scope import Scope
    from verifier.specification.survivor import Survivor
    from verifier.specification.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Term:
    """A word of the spec, its text as written, and the line of the spec it is on."""

    text: str
    node: Word
    line: int


@dataclass(frozen=True, slots=True)
class Formula:
    """A truth of the spec, its text as written, and the line of the spec it is on."""

    text: str
    node: Truth
    line: int


class ImageKind(Enum):
    """What file the bytes come from; the value is the key that names it."""

    SOURCE = "source"
    ELF = "elf"
    FLAT = "flat"
    BZIMAGE = "bzimage"
    PE = "pe"


@dataclass(frozen=True, slots=True)
class ImageSource:
    """Where the bytes come from, and how to read them.

    ``link_address`` is where the image's base was linked, a flat file's origin. ``sections``
    of an object or the ``segment`` of a program restrict an ELF file. ``symbols`` are
    further labels, by addresses as linked. ``part`` names the labels where the image proper
    begins and ends, where it is not the whole. ``line`` is that of the file's name in the spec.
    ``relocated`` says that a loader adjusted its absolute addresses to where it is.
    """

    kind: ImageKind
    file: Path
    link_address: int
    sections: tuple[str, ...]
    segment: int | None
    symbols: Mapping[str, int]
    line: int
    relocated: bool = False
    part: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Description:
    """What is known of a spec before its image is loaded."""

    name: str
    path: Path
    title: str
    text: str
    image: ImageSource


class SegmentState(Enum):
    """What a data segment register holds at the entry.

    FLAT is present, writable, ring 0, 32 bits wide, from 0 to 4G - 1.
    """

    FLAT = "flat"
    NULL = "null"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class DescriptorTable:
    """The GDT at the entry: its linear base, and its limit where the spec states one."""

    base: Term
    limit: int | None


@dataclass(frozen=True, slots=True)
class Entry:
    """The state in which the code is entered.

    CS is a flat ring-0 code segment of ``mode`` with an unknown selector; ``segments``
    has the other five. Starts for which the first of ``split`` holds are followed by
    themselves, then those of the rest for which the next does, and last all others.
    """

    at: Term
    mode: Mode
    segments: Mapping[Segment, SegmentState]
    gdt: DescriptorTable | None
    split: tuple[Formula, ...]


@dataclass(frozen=True, slots=True)
class ExitAt:
    """The path ends at the transfer instruction at one of these addresses."""

    addresses: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class ExitAfter:
    """The path ends at the first transfer to 64-bit code after this bit has changed."""

    register: ControlRegister
    bit: int


@dataclass(frozen=True, slots=True)
class ExitLeaves:
    """The path ends at the first transfer to an address outside these regions."""

    regions: tuple[str, ...]


Exit = ExitAt | ExitAfter | ExitLeaves


class Rights(Flag):
    """What code may do with a region."""

    READ = auto()
    WRITE = auto()
    EXECUTE = auto()


class Content(Enum):
    """What a region holds at the entry."""

    IMAGE = "image"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Patch:
    """What ``size`` bytes of a region hold at the entry: the low bytes of ``value``.

    ``at`` is their address as written, ``offset`` their distance from the region's base. Where
    ``copied`` is there, they are the image's own bytes from that offset on.
    """

    at: Term
    offset: int
    size: int
    value: Term
    copied: int | None = None


@dataclass(frozen=True, slots=True)
class Region:
    """``size`` bytes of physical memory at ``base``, a word of the state at the entry.

    ``windows`` says that the code reaches into it at addresses that it computes.
    """

    name: str
    base: Term
    size: int
    rights: Rights
    content: Content
    windows: bool
    patches: tuple[Patch, ...]
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Tables:
    """A page table's root, and the region that holds all tables under it."""

    root: Term
    region: str


@dataclass(frozen=True, slots=True)
class Paging:
    """The loader's page tables: identity below ``identity_end``.

    ``levels`` is 4 or 5, None where it is what CR4.LA57 asks for at the entry. ``other`` are
    tables of the other number of levels that map the same addresses.
    """

    tables: Tables
    levels: int | None
    identity_end: Term
    other: Tables | None


@dataclass(frozen=True, slots=True)
class Assumption:
    """What is taken for granted of the start; ``id`` is a row of SOUNDNESS.md."""

    id: str
    text: str
    holds: Formula
    line: int


class EveryLoad(Enum):
    """The boundary of a failure that does not depend on the load address."""

    EVERY_LOAD = "every load"


Boundary = int | EveryLoad


@dataclass(frozen=True, slots=True)
class Expectation:
    """The verdict a claim must get, and what its report must say.

    ``reason`` must occur in the reported reason; ``boundary`` is the smallest load
    address that fails. None leaves either open.
    """

    verdict: Verdict
    reason: str | None = None
    boundary: Boundary | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """What must hold at each event, or at the exit when ``event`` is None.

    ``register`` narrows control writes to one register, ``when`` narrows events to those
    where it holds. ``for_all`` names words the claim is about all values of. ``promises``
    are the models that decide the exit code. Where ``expect`` lacks a model, PROVED is
    expected if it is promised, and any verdict if not.
    """

    id: str
    text: str
    event: Event | None
    register: ControlRegister | None
    when: Formula | None
    holds: Formula
    for_all: tuple[str, ...]
    promises: tuple[ModelName, ...]
    expect: Mapping[ModelName, Expectation]
    line: int


@dataclass(frozen=True, slots=True)
class Without:
    """The verdicts, by claim, that change under a model when an assumption is dropped."""

    drop: str
    model: ModelName
    expect: Mapping[str, Expectation]
    line: int


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds whose reaching is UNKNOWN.

    Instructions on one path, paths in all, seconds for one question to a solver.
    """

    instructions: int = 2000
    paths: int = 256
    solver_seconds: int = 60


@dataclass(frozen=True, slots=True)
class Spec:
    """One target: where its bytes are, how they start, and what is claimed of them.

    ``inputs`` maps each symbol to what it is; ``scope`` is what a further expression of
    this spec may name, claims at the exit to begin with.
    """

    description: Description
    base: Term
    inputs: Mapping[str, str]
    entry: Entry
    exit: Exit
    regions: tuple[Region, ...]
    paging: Paging | None
    assumptions: tuple[Assumption, ...]
    claims: tuple[Claim, ...]
    without: tuple[Without, ...]
    models: tuple[ModelName, ...]
    scope: Scope
    limits: Limits = field(default_factory=Limits)
    contracts: tuple[Contract, ...] = ()
    survivors: tuple[Survivor, ...] = ()

    @property
    def name(self) -> str:
        """Give the target's name."""
        return self.description.name

    @property
    def granted(self) -> dict[str, str]:
        """Give what proofs may rest on, assumptions and contracts, by id."""
        found = {each.id: each.text for each in self.assumptions}
        return found | {each.id: each.granted for each in self.contracts}
