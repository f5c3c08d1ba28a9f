"""Where regions and runs of bytes lie against each other: conditions, nothing is decided."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import claripy

from verifier.machine.words import WORD_MASK, split

if TYPE_CHECKING:
    from collections.abc import Iterable

    from claripy.ast.bool import Bool
    from claripy.ast.bv import BV

    from verifier.machine.memory import Extent, Region


def runs(cells: Iterable[int]) -> list[Extent]:
    """Give the runs of adjacent offsets, each with the offset after its last."""
    found: list[Extent] = []
    for at in sorted(cells):
        if found and found[-1][1] == at:
            found[-1] = found[-1][0], at + 1
        else:
            found.append((at, at + 1))
    return found


def distance_to(region: Region, address: BV) -> int | None:
    """Give how far an address is above a region's base where their sums show it, modulo 2^64."""
    base, offset = split(region.base)
    its_base, its_offset = split(address)
    return its_offset - offset & WORD_MASK if its_base is base else None


def touches(address: BV, size: int, region: Region) -> Bool:
    """Say whether any of ``size`` bytes at ``address`` lies in ``region``."""
    return claripy.Or(
        claripy.ULT(address - region.base, region.size),
        claripy.ULT(region.base - address, size),
    )


@lru_cache(maxsize=1024)
def ends_below(region: Region, bound: BV) -> Bool:
    """Say whether a region ends at or below an address."""
    return claripy.And(
        claripy.ULE(region.base, bound), claripy.ULE(region.size, bound - region.base)
    )


@lru_cache(maxsize=1024)
def apart(one: Region, other: Region) -> Bool:
    """Say whether two regions share no byte; neither may wrap around the end of memory."""
    return claripy.And(
        claripy.UGE(one.base - other.base, other.size),
        claripy.UGE(other.base - one.base, one.size),
    )
