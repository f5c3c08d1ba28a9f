"""Loads at an offset that is no number: the byte is one or other of a stretch of the region."""

from __future__ import annotations

from typing import TYPE_CHECKING

import claripy

from verifier.machine.cells import BYTE, byte_of
from verifier.machine.oracle import About, Unmodelled
from verifier.machine.words import constant

if TYPE_CHECKING:
    from claripy.ast.bv import BV

    from verifier.machine.memory import Memory, Place, Region
    from verifier.machine.oracle import Oracle

LARGEST_INDEXED = 0x1000
"""Bytes of the largest region of which a load may reach any byte."""
NEAR = (16, 256)
"""Offsets, in a larger region, that a load may have to either side of one that it may have."""


def stretch_of(region: Region, offset: BV, size: int, oracle: Oracle) -> range | None:
    """Give the few offsets that an access inside ``region`` may have, None where it has more.

    In a window, and in a region that is read whole, none is asked for.
    """
    if region.windowed or region.size <= LARGEST_INDEXED:
        return None
    guess = 0
    for bit in range(region.size.bit_length()):
        if oracle.likely(offset[bit:bit] == 1):
            guess |= 1 << bit
    for near in NEAR:
        low, high = max(guess - near + 1, 0), min(guess + near - 1, region.size - size)
        if low <= guess <= high and oracle.holds(
            claripy.And(claripy.UGE(offset, low), claripy.ULE(offset, high)), About.ACCESS
        ):
            return range(low, high + 1)
    return None


def load(memory: Memory, place: Place, index: int) -> BV:
    """Give byte ``index`` of what lies at a place whose offset is an expression.

    Raises Unmodelled where it may be too many.
    """
    region, offset = place.region, place.offset + index
    if place.stretch is not None:
        offsets = range(place.stretch.start + index, place.stretch.stop + index)
    elif region.stray or region.size > LARGEST_INDEXED:
        raise Unmodelled(f"an access to {region.name} at an offset that the start does not fix")
    else:
        offsets = range(region.size)
    result = constant(0, BYTE)
    for at in offsets:
        result = claripy.If(offset == at, byte_of(memory.cell(region, at)), result)
    return result
