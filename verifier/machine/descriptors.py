"""Segment registers and the descriptors they are loaded from.

SDM vol. 3, "Segment Descriptors"; APM vol. 2, "Legacy Segment Descriptors". Every part is an
expression, because a descriptor table in memory may hold anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import claripy

from verifier.machine.words import (
    bit,
    bits,
    both,
    concat,
    constant,
    either,
    equals,
    extend,
    is_set,
    known,
    negated,
)

if TYPE_CHECKING:
    from claripy.ast.bool import Bool
    from claripy.ast.bv import BV

    from verifier.machine.concrete import SegmentValue

DESCRIPTOR_BYTES = 8
ACCESS_BYTE = 5
"""Offset in a descriptor of the byte that holds type, S, DPL and P."""
ACCESSED = 1
FLAT_LIMIT = 0xFFFF_FFFF
PAGE_SHIFT = 12


@dataclass(frozen=True, slots=True, eq=False)
class SegmentRegister:
    """A selector (16 bits) and its hidden part.

    ``base`` is 64 bits wide, ``limit`` 32 bits and in bytes, ``type`` 4 bits, ``dpl`` 2 bits,
    the others one bit. A null selector has ``present`` 0.
    """

    selector: BV
    base: BV
    limit: BV
    type: BV
    s: BV
    dpl: BV
    present: BV
    long: BV
    big: BV
    granular: BV

    @property
    def is_code(self) -> Bool:
        """Say whether this is an executable segment."""
        return both(equals(self.s, 1), is_set(self.type, 3))

    @property
    def is_writable_data(self) -> Bool:
        """Say whether this is a data segment that may be written."""
        return both(equals(self.s, 1), negated(is_set(self.type, 3)), is_set(self.type, 1))

    @property
    def is_readable(self) -> Bool:
        """Say whether data may be read through this segment."""
        return both(equals(self.s, 1), either(negated(is_set(self.type, 3)), is_set(self.type, 1)))

    @property
    def expands_down(self) -> Bool:
        """Say whether valid offsets lie above the limit."""
        return both(negated(is_set(self.type, 3)), is_set(self.type, 2))

    @property
    def is_flat(self) -> bool:
        """Say whether this is known to be a present segment of base 0 and the whole 4 GiB."""
        parts = known(self.base), known(self.limit), known(self.present)
        return parts == (0, FLAT_LIMIT, 1) and self.expands_down.is_false()


def decode_descriptor(selector: BV, raw: BV) -> SegmentRegister:
    """Give the segment register that loading ``raw``, 64 bits wide, under ``selector`` leaves."""
    limit = concat(bits(raw, 51, 48), bits(raw, 15, 0))
    scaled = concat(limit, constant(0xFFF, PAGE_SHIFT))
    granular = bit(raw, 55)
    return SegmentRegister(
        selector=selector,
        base=extend(concat(bits(raw, 63, 56), bits(raw, 39, 16))),
        limit=claripy.If(granular == 1, scaled, extend(limit, 32)),
        type=bits(raw, 43, 40),
        s=bit(raw, 44),
        dpl=bits(raw, 46, 45),
        present=bit(raw, 47),
        long=bit(raw, 53),
        big=bit(raw, 54),
        granular=granular,
    )


def null_segment(selector: BV) -> SegmentRegister:
    """Give a data segment register after a null selector was loaded."""
    zero = constant(0, 1)
    return SegmentRegister(
        selector=selector,
        base=constant(0),
        limit=constant(0, 32),
        type=constant(0, 4),
        s=zero,
        dpl=constant(0, 2),
        present=zero,
        long=zero,
        big=zero,
        granular=zero,
    )


def from_value(value: SegmentValue) -> SegmentRegister:
    """Give the expressions of a concrete segment register."""
    return SegmentRegister(
        selector=constant(value.selector, 16),
        base=constant(value.base),
        limit=constant(value.limit, 32),
        type=constant(value.type, 4),
        s=constant(value.s, 1),
        dpl=constant(value.dpl, 2),
        present=constant(value.present, 1),
        long=constant(value.long, 1),
        big=constant(value.default_big, 1),
        granular=constant(value.granular, 1),
    )
