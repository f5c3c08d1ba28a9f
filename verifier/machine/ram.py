"""The memory of a concrete machine: every byte has a value, most of them 0."""

from __future__ import annotations

from collections.abc import Mapping

PAGE_BITS = 12
PAGE = 1 << PAGE_BITS


class Ram:
    """``size`` bytes that read 0 but where ``blocks``, bytes by address, say otherwise."""

    def __init__(self, size: int, blocks: Mapping[int, bytes]) -> None:
        """Lay out the blocks; where two overlap the later one counts."""
        self._size = size
        self._pages: dict[int, bytearray] = {}
        for address, data in blocks.items():
            self._lay(address, data)

    def _lay(self, address: int, data: bytes) -> None:
        done = 0
        while done < len(data):
            number, start = divmod(address + done, PAGE)
            part = data[done : done + PAGE - start]
            page = self._pages.setdefault(number, bytearray(PAGE))
            page[start : start + len(part)] = part
            done += len(part)

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, address: int) -> int:
        page = self._pages.get(address >> PAGE_BITS)
        return 0 if page is None else page[address & PAGE - 1]
