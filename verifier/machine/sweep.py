"""A sweep: bytes of a region that the rounds of a loop store to in turn.

While any one of those rounds is executed, what the bytes hold is open, and none may be read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from verifier.machine.cells import BYTE
from verifier.machine.oracle import Unmodelled
from verifier.machine.words import symbol

if TYPE_CHECKING:
    from verifier.machine.cells import Cell
    from verifier.machine.memory import Memory, Place


@dataclass(frozen=True, slots=True)
class Sweep:
    """The bytes of ``region`` from offset ``low`` to below ``high``; ``name`` tells it apart.

    A store to the region at an offset that is no number is taken for one to some of them:
    who executes the round must see to it, by the round's events, that it is.
    """

    region: str
    low: int
    high: int
    name: str

    def read(self, place: Place, size: int) -> list[Cell] | None:
        """Give what a load finds where the sweep leaves that open, None where it does not.

        Raises Unmodelled for bytes that the loop stores to.
        """
        offset = place.offset
        if not isinstance(offset, int):
            value = symbol(f"{place.region.name}[{offset.hash():x}] {self.name}", size * BYTE)
            return [(value, index) for index in range(size)]
        if place.region.name == self.region and offset < self.high and self.low < offset + size:
            raise Unmodelled(f"a load from {place}, which a loop stores to")
        return None


def swept(memory: Memory, sweep: Sweep) -> Memory:
    """Give the memory in which a sweep is under way."""
    cells = dict(memory.cells.get(sweep.region, {}))
    for offset in range(sweep.low, sweep.high):
        cells[offset] = symbol(f"{sweep.region}+{offset:#x} {sweep.name}", BYTE), 0
    return replace(memory, cells={**memory.cells, sweep.region: cells}, sweep=sweep)
