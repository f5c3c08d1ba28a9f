"""What an expression of a spec is made of.

A *word* is an unsigned number 64 bits wide: arithmetic is modulo 2**64, comparisons are
unsigned, a shift by 64 or more gives 0, and a field narrower than 64 bits is
zero-extended. A *truth* is what a comparison gives. The two never mix.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from verifier.machine.registers import ControlRegister, Flag, Gpr, Mode, Segment
    from verifier.specification.events import EventField
    from verifier.specification.vocabulary import (
        CpuFact,
        CpuidRegister,
        Junction,
        ModeOf,
        Operator,
        Relation,
        SegmentPart,
        SystemTable,
        TablePart,
        When,
    )


@dataclass(frozen=True, slots=True)
class Number:
    """A constant, 0 <= value < 2**64."""

    value: int


@dataclass(frozen=True, slots=True)
class Register:
    """A general register, all 64 bits."""

    gpr: Gpr
    when: When


@dataclass(frozen=True, slots=True)
class InstructionPointer:
    """RIP; at the exit, the full 64-bit target of the transfer that ends the path."""

    when: When


@dataclass(frozen=True, slots=True)
class Control:
    """A control register or EFER, all 64 bits."""

    register: ControlRegister
    when: When


@dataclass(frozen=True, slots=True)
class FlagBit:
    """One bit of RFLAGS, 0 or 1."""

    flag: Flag
    when: When


@dataclass(frozen=True, slots=True)
class SegmentField:
    """One part of a segment register."""

    segment: Segment
    part: SegmentPart
    when: When


@dataclass(frozen=True, slots=True)
class TableField:
    """One part of GDTR or IDTR."""

    table: SystemTable
    part: TablePart
    when: When


@dataclass(frozen=True, slots=True)
class Input:
    """A symbol that the spec declares under ``[inputs]``."""

    name: str


@dataclass(frozen=True, slots=True)
class Cpu:
    """What CPUID tells of the processor."""

    fact: CpuFact


@dataclass(frozen=True, slots=True)
class Cpuid:
    """What CPUID answers at the entry in one register, 32 bits, as 64-bit code sees it."""

    register: CpuidRegister
    leaf: int
    subleaf: int


@dataclass(frozen=True, slots=True)
class Label:
    """The address of a symbol of the image at run time: the image's base plus its offset."""

    name: str


@dataclass(frozen=True, slots=True)
class RegionBase:
    """Where a region of the spec begins, as it was at the entry."""

    region: str


@dataclass(frozen=True, slots=True)
class Memory:
    """``bytes`` (1, 2, 4 or 8) of physical memory at ``address``, little-endian."""

    address: Word
    bytes: int
    when: When


@dataclass(frozen=True, slots=True)
class Translate:
    """The physical address that a linear one maps to; a claim fails where there is none."""

    address: Word
    when: When


@dataclass(frozen=True, slots=True)
class EventValue:
    """A word that the event of the claim carries."""

    field: EventField


@dataclass(frozen=True, slots=True)
class Bound:
    """A word that a claim is about all values of (``for_all``)."""

    name: str


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Two words combined, modulo 2**64."""

    operator: Operator
    left: Word
    right: Word


@dataclass(frozen=True, slots=True)
class Invert:
    """Every bit of a word turned over."""

    word: Word


@dataclass(frozen=True, slots=True)
class Negate:
    """0 minus a word, modulo 2**64."""

    word: Word


@dataclass(frozen=True, slots=True)
class Slice:
    """Bits ``high`` down to ``low`` of a word, both included, moved down to bit 0."""

    word: Word
    high: int
    low: int


@dataclass(frozen=True, slots=True)
class Conditional:
    """``then`` where ``condition`` holds, else ``otherwise``."""

    condition: Truth
    then: Word
    otherwise: Word


@dataclass(frozen=True, slots=True)
class Constant:
    """The truth that is always so, or never."""

    value: bool


@dataclass(frozen=True, slots=True)
class Compare:
    """An unsigned comparison of two words."""

    relation: Relation
    left: Word
    right: Word


@dataclass(frozen=True, slots=True)
class ModeIs:
    """Whether the processor is in a mode: at the entry, now, or after the event."""

    of: ModeOf
    mode: Mode


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite of a truth."""

    truth: Truth


@dataclass(frozen=True, slots=True)
class Logic:
    """Two or more truths joined; none is a Logic of the same junction."""

    junction: Junction
    terms: tuple[Truth, ...]


@dataclass(frozen=True, slots=True)
class Implies:
    """Where ``premise`` holds, so does ``conclusion``."""

    premise: Truth
    conclusion: Truth


Word = (
    Number
    | Register
    | InstructionPointer
    | Control
    | FlagBit
    | SegmentField
    | TableField
    | Input
    | Cpu
    | Cpuid
    | Label
    | RegionBase
    | Memory
    | Translate
    | EventValue
    | Bound
    | Arithmetic
    | Invert
    | Negate
    | Slice
    | Conditional
)
Truth = Constant | Compare | ModeIs | Not | Logic | Implies
Node = Word | Truth


def children(node: Node) -> tuple[Node, ...]:
    """Give the parts that a node is directly made of, left to right."""
    match node:
        case Memory(address=part) | Translate(address=part):
            return (part,)
        case Invert(word=part) | Negate(word=part) | Slice(word=part):
            return (part,)
        case Arithmetic(left=left, right=right) | Compare(left=left, right=right):
            return (left, right)
        case Conditional(condition=condition, then=then, otherwise=otherwise):
            return (condition, then, otherwise)
        case Not(truth=truth):
            return (truth,)
        case Logic(terms=terms):
            return terms
        case Implies(premise=premise, conclusion=conclusion):
            return (premise, conclusion)
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    """Give a node and everything it is made of."""
    pending = [node]
    while pending:
        current = pending.pop()
        yield current
        pending.extend(reversed(children(current)))
