"""A linear address through the tables of IA-32e paging, read as the processor would.

This is the replay's own reading of memory between instructions. It sets no accessed bit
and checks no right. Light on imports, because workers use it.
"""

from __future__ import annotations

from collections.abc import Callable

ReadPhysical = Callable[[int, int], bytes]
"""Gives that many bytes at a physical address; memory that nobody named reads 0."""

PAGE_BYTES = 4096
PRESENT = 1
LARGE = 1 << 7
FRAME = 0x000F_FFFF_FFFF_F000
"""The physical address in a table entry or in CR3: bits 51:12."""

LEVEL_BITS = 9
OFFSET_BITS = 12


class Tables:
    """The page tables below one root; ``levels`` is 4 or 5, or 0 when paging is off."""

    def __init__(self, root: int, levels: int, read: ReadPhysical) -> None:
        """Remember where to read; nothing is read yet."""
        self.root = root & FRAME
        self.levels = levels
        self.read = read

    def entries(self, linear: int) -> list[int]:
        """Give the entries that translate ``linear``, from the top down, to the last one read.

        The last is the one that maps the page, or the first that is not present.
        """
        table, found = self.root, []
        for level in range(self.levels, 0, -1):
            index = linear >> (OFFSET_BITS + LEVEL_BITS * (level - 1)) & 0x1FF
            entry = int.from_bytes(self.read(table + 8 * index, 8), "little")
            found.append(entry)
            if not entry & PRESENT or (entry & LARGE and level in (2, 3)):
                break
            table = entry & FRAME
        return found

    def translate(self, linear: int) -> int | None:
        """Give the physical address of ``linear``, or None where nothing is mapped."""
        if not self.levels:
            return linear
        entries = self.entries(linear)
        if not entries[-1] & PRESENT:
            return None
        within = (1 << (OFFSET_BITS + LEVEL_BITS * (self.levels - len(entries)))) - 1
        return (entries[-1] & FRAME & ~within) | (linear & within)

    def spans(self, linear: int, size: int) -> list[tuple[int, int]]:
        """Give the physical addresses and sizes that hold ``size`` bytes at ``linear``.

        The list ends before the first unmapped page.
        """
        found = []
        while size:
            physical = self.translate(linear)
            if physical is None:
                break
            count = min(size, PAGE_BYTES - linear % PAGE_BYTES)
            found.append((physical, count))
            linear += count
            size -= count
        return found

    def read_linear(self, linear: int, size: int) -> bytes:
        """Give ``size`` bytes at ``linear``, or as many as come before the first unmapped page."""
        return b"".join(self.read(*span) for span in self.spans(linear, size))
