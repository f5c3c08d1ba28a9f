"""Guest-physical memory of the Bochs worker: pages given on first touch, reading 0."""

from __future__ import annotations

import ctypes
import mmap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE_BYTES = 4096
ADDRESS_BITS = 40
"""The physical-address width of Bochs as built."""

ARENA_PAGES = 1 << 16
"""At most this many guest pages a replay: 256 MiB, of which the host backs what is touched."""


class GuestMemory:
    """Pages of one host mapping, handed out in order and taken back, cleared, by ``reset``."""

    def __init__(self, insert: Callable[[int, int], None], remove: Callable[[int], None]) -> None:
        """Reserve the mapping; ``insert`` and ``remove`` tell the engine of a page."""
        self._insert = insert
        self._remove = remove
        self._arena = mmap.mmap(-1, ARENA_PAGES * PAGE_BYTES)
        self._host = ctypes.addressof(ctypes.c_char.from_buffer(self._arena))
        self._offsets: dict[int, int] = {}
        self.exhausted = False

    def reset(self) -> None:
        """Forget every page, so that all memory reads 0 again."""
        for page in self._offsets:
            self._remove(page)
        used = len(self._offsets) * PAGE_BYTES
        self._arena[:used] = bytes(used)
        self._offsets.clear()
        self.exhausted = False

    def page(self, address: int) -> int:
        """Give the arena offset of the page at ``address``, mapping it on first touch.

        Past the arena's end all addresses share its last page, and ``exhausted`` says so.
        """
        page = address & -PAGE_BYTES
        offset = self._offsets.get(page)
        if offset is None:
            offset = len(self._offsets) * PAGE_BYTES
            if offset >= len(self._arena):
                self.exhausted = True
                offset = len(self._arena) - PAGE_BYTES
            self._offsets[page] = offset
            self._insert(page, self._host + offset)
        return offset

    def read(self, address: int, size: int) -> bytes:
        """Give bytes at a physical address; what nobody touched reads 0 and stays untouched."""
        found = b""
        while size:
            within = address % PAGE_BYTES
            count = min(size, PAGE_BYTES - within)
            offset = self._offsets.get(address - within)
            if offset is None:
                found += bytes(count)
            else:
                found += self._arena[offset + within : offset + within + count]
            address += count
            size -= count
        return found

    def write(self, address: int, data: bytes) -> None:
        """Put bytes at a physical address."""
        while data:
            within = address % PAGE_BYTES
            part = data[: PAGE_BYTES - within]
            offset = self.page(address) + within
            self._arena[offset : offset + len(part)] = part
            address += len(part)
            data = data[len(part) :]
