"""Changes to bytes: cut, spliced, repeated, with numbers and words that readers trip over."""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

NUMBERS = (0, 1, 2, 7, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFF_FFFF, 0xFFFF_FFFF, 2**63, 2**64 - 1)
WRITTEN = ("0", "-1", "2**63", "18446744073709551616", "0x" + "f" * 17, "9" * 40, "1e400", "10**12")
STRANGE = (
    "\x1b[2J",
    "\u202e",
    "\0",
    "\ufeff",
    "\ud7ff",
    "²",
    "\r\n",
    "'''",
    '"""',
    "\\",
    "../" * 6,
)
_NUMBER = re.compile(rb"0x[0-9a-fA-F]+|\d+")


def mutated(source: random.Random, data: bytes, other: bytes, words: Sequence[bytes]) -> bytes:
    """Give an input with one to four changes; ``other`` is one that parts are taken from."""
    for _ in range(source.choice((1, 1, 2, 4))):
        data = _changed(source, data, other, words)
    return data


def _changed(source: random.Random, data: bytes, other: bytes, words: Sequence[bytes]) -> bytes:
    start = source.randint(0, len(data))
    end = min(len(data), start + int(source.expovariate(0.05)))
    match source.randrange(8):
        case 0:
            return data[:start]
        case 1:
            return data[:start] + data[end:]
        case 2:
            return data[:end] + data[start:end] * source.choice((1, 3, 200)) + data[end:]
        case 3:
            at = source.randint(0, len(other))
            return data[:start] + other[at : at + source.randint(1, 200)] + data[end:]
        case 4:
            form, size = source.choice((("<B", 1), ("<H", 2), ("<I", 4), ("<Q", 8)))
            value = struct.pack(form, source.choice(NUMBERS) & (1 << 8 * size) - 1)
            return data[:start] + value + data[start + size :]
        case 5:
            return _renumbered(source, data)
        case 6:
            put = source.choice(STRANGE).encode() if source.random() < 0.3 else source.choice(words)
            return data[:start] + put + data[start if source.random() < 0.5 else end :]
        case _:
            bit = bytes([source.randrange(256)])
            return data[:start] + bit + data[start + 1 :]


def _renumbered(source: random.Random, data: bytes) -> bytes:
    """Write another number in the place of one that is written out."""
    found = list(_NUMBER.finditer(data))
    if not found:
        return data
    chosen = source.choice(found)
    return data[: chosen.start()] + source.choice(WRITTEN).encode() + data[chosen.end() :]
