"""Random numbers at edges, random descriptors and segment registers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from verifier.machine.concrete import SegmentValue
from verifier.machine.registers import Segment

if TYPE_CHECKING:
    import random

EDGES = (0, 1, -1, -2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000)
WIDE_EDGES = (0xFFFF_FFFF, 1 << 32, (1 << 63) - 1, 1 << 63, (1 << 47) - 1, 1 << 47, -(1 << 47))


def rarely(source: random.Random, chance: float = 0.08) -> bool:
    """Say yes with a small chance."""
    return source.random() < chance


def value(source: random.Random, width: int = 64) -> int:
    """Give a number, often at an edge."""
    edges = EDGES if width < 64 else EDGES + WIDE_EDGES
    number = source.choice((*edges, *(source.getrandbits(width) for _ in range(8))))
    return int(number) % (1 << width)


def descriptor(source: random.Random) -> int:
    """Give a segment descriptor, most of whose bits are sensible."""
    access = source.choice((0x9A, 0x9B, 0x92, 0x93, 0x9E, 0x98, 0x90, 0x96, 0x1A, 0x12))
    if rarely(source):
        access = source.getrandbits(8)
    if rarely(source, 0.15):
        access = access & ~0x60 | source.randrange(4) << 5
    attributes = source.choice((0xC, 0xC, 0xA, 0x4, 0x2, source.getrandbits(4)))
    limit = source.choice((0xFFFFF, 0xFFFFF, 0, 0xFFF, source.getrandbits(20)))
    base = source.choice((0, 0, 0x1_0000, source.getrandbits(32)))
    return (
        limit & 0xFFFF
        | (base & 0xFF_FFFF) << 16
        | access << 40
        | (limit >> 16) << 48
        | attributes << 52
        | (base >> 24) << 56
    )


def odd_segment(source: random.Random, name: Segment, plain: SegmentValue) -> SegmentValue:
    """Give a segment register that is null, moved, short, of another type or of 16 bits."""
    null = SegmentValue(
        selector=source.randrange(4),
        base=0,
        limit=0,
        type=0,
        s=False,
        dpl=0,
        present=False,
        long=False,
        default_big=False,
        granular=False,
    )
    odd = [
        null,
        replace(plain, base=0x1_0000),
        replace(plain, base=0xFFFF_0000),
        replace(plain, limit=source.choice((0x30_0FFF, 0x8_FFFF)), granular=True),
        replace(plain, limit=0x30_0100, granular=False),
        replace(plain, type=0x7),
        replace(plain, default_big=False),
    ]
    if name is not Segment.SS:
        odd += [replace(plain, type=kind) for kind in (0x1, 0xB, 0x9)]
    return source.choice(odd)
