"""An image: the exact bytes that are proved, and the names and lines to speak of them."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from verifier.errors import Bug

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_IMAGE_BYTES = 64 << 20
"""The largest image that is read; a wrong size in a header must not fill the memory."""


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the line table: ``length`` bytes at ``offset`` come from this source line.

    ``text`` is that line, stripped, and empty where the source is not at hand.
    """

    offset: int
    length: int
    file: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Relocation:
    """A place whose bytes hold an absolute address of the image itself.

    The ``width`` bytes at ``offset`` are the link address plus ``target_offset`` (the addend
    included); ``signed`` says that the field is sign-extended where it is used.
    """

    offset: int
    width: int
    signed: bool
    target_offset: int


@dataclass(frozen=True, slots=True)
class Image:
    """Exact bytes; offset 0 is the image's base, wherever it is loaded.

    ``symbols`` maps labels to offsets, ``constants`` absolute symbols to unsigned 64-bit
    values. ``relocations`` were applied for ``link_address``, as nothing else will apply them.
    ``notes`` are sentences a report should show, the assembler's warnings among them.
    """

    name: str
    data: bytes
    symbols: Mapping[str, int]
    constants: Mapping[str, int]
    lines: tuple[Line, ...]
    digest: str
    producer: str
    link_address: int = 0
    relocations: tuple[Relocation, ...] = ()
    notes: tuple[str, ...] = ()
    _line_starts: tuple[int, ...] = field(init=False, repr=False, compare=False)
    _labels: tuple[tuple[int, str], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index lines and labels by offset; at one offset a local ``.L`` label comes last."""
        object.__setattr__(self, "_line_starts", tuple(line.offset for line in self.lines))
        labels: dict[int, str] = {}
        for name, offset in self.symbols.items():
            known = labels.get(offset)
            if known is None or (known.startswith(".L") and not name.startswith(".L")):
                labels[offset] = name
        object.__setattr__(self, "_labels", tuple(sorted(labels.items())))

    def line_at(self, offset: int) -> Line | None:
        """Give the source line that the byte at ``offset`` comes from, if it is known."""
        index = bisect_right(self._line_starts, offset) - 1
        if index < 0:
            return None
        line = self.lines[index]
        return line if offset < line.offset + line.length else None

    def symbol_at(self, offset: int) -> str:
        """Name an offset by the nearest label at or before it: ``gdt+0x8``, or ``+0x8``."""
        index = bisect_right(self._labels, offset, key=lambda label: label[0]) - 1
        if index < 0:
            return f"+{offset:#x}" if offset >= 0 else f"-{-offset:#x}"
        start, name = self._labels[index]
        return name if start == offset else f"{name}+{offset - start:#x}"

    def patched(self, offset: int, replacement: bytes) -> Image:
        """Give the image with other bytes at ``offset``; its size stays, its digest follows."""
        end = offset + len(replacement)
        if offset < 0 or end > len(self.data):
            message = f"a patch of {offset:#x}..{end:#x} leaves {self.name}"
            raise Bug(message)
        data = self.data[:offset] + replacement + self.data[end:]
        return replace(self, data=data, digest=digest_of(data))

    def part(self, start: int, end: int) -> Image:
        """Give the bytes from ``start`` to ``end`` as an image of their own, with their labels."""
        if not 0 <= start < end <= len(self.data):
            message = f"the part {start:#x}..{end:#x} leaves {self.name}"
            raise Bug(message)
        data = self.data[start:end]
        inside = {name: at - start for name, at in self.symbols.items() if start <= at <= end}
        lines = (each for each in self.lines if start <= each.offset < end)
        kept = (each for each in self.relocations if start <= each.offset < end)
        return replace(
            self,
            data=data,
            symbols=inside,
            lines=tuple(replace(each, offset=each.offset - start) for each in lines),
            relocations=tuple(
                replace(each, offset=each.offset - start, target_offset=each.target_offset - start)
                for each in kept
            ),
            link_address=self.link_address + start,
            digest=digest_of(data),
            notes=(*self.notes, f"the bytes are those at +{start:#x} to +{end:#x} of the image"),
        )


def digest_of(data: bytes) -> str:
    """Give the SHA-256 of ``data`` in hexadecimal."""
    return hashlib.sha256(data).hexdigest()
