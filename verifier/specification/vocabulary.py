"""The closed sets of names that an expression is written with."""

from __future__ import annotations

from enum import Enum


class When(Enum):
    """Which state a name speaks of: the one at the entry, or the one the claim is about."""

    ENTRY = "entry"
    NOW = "now"


class Operator(Enum):
    """What two words are combined by; the value is its sign."""

    ADD = "+"
    SUBTRACT = "-"
    MULTIPLY = "*"
    AND = "&"
    OR = "|"
    XOR = "^"
    SHIFT_LEFT = "<<"
    SHIFT_RIGHT = ">>"


class Relation(Enum):
    """How two words are compared, unsigned; the value is its sign."""

    EQUAL = "=="
    UNEQUAL = "!="
    LESS = "<"
    LESS_OR_EQUAL = "<="
    GREATER = ">"
    GREATER_OR_EQUAL = ">="


class Junction(Enum):
    """How truths are joined; the value is its word."""

    AND = "and"
    OR = "or"


class SegmentPart(Enum):
    """A part of a segment register, hidden ones included; the value is its name.

    ``limit`` is in bytes with granularity applied; LONG and BIG are the descriptor's L
    and D bits; NULL is 1 where the register gives no access.
    """

    SELECTOR = "selector"
    BASE = "base"
    LIMIT = "limit"
    TYPE = "type"
    S = "S"
    DPL = "DPL"
    PRESENT = "present"
    LONG = "L"
    BIG = "D"
    NULL = "null"


class SystemTable(Enum):
    """A register that points to a descriptor table; the value is its name."""

    GDTR = "gdtr"
    IDTR = "idtr"


class TablePart(Enum):
    """A part of GDTR or IDTR: a linear base, 64 bits wide, and a limit of 16 bits."""

    BASE = "base"
    LIMIT = "limit"


class CpuFact(Enum):
    """What CPUID tells of the processor; the value is its name after ``cpu.``.

    PHYSICAL_LIMIT is 2**MAXPHYADDR, CR4_SUPPORTED the mask of the CR4 bits that exist,
    LA57 is 1 where 5-level paging exists.
    """

    PHYSICAL_LIMIT = "physical_limit"
    CR4_SUPPORTED = "cr4_supported"
    LA57 = "LA57"


class CpuidRegister(Enum):
    """A register of an answer of CPUID; the value is its name."""

    EAX = "eax"
    EBX = "ebx"
    ECX = "ecx"
    EDX = "edx"


class ModeOf(Enum):
    """Whose mode is meant; the value is how it is written."""

    ENTRY = "entry.mode"
    NOW = "mode"
    NEW = "new_mode"
