"""Code without symbols: byte searches over what may be code, and decoding from a place."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import takewhile
from typing import TYPE_CHECKING

from verifier.errors import BadInput
from verifier.semantics.instruction import LONGEST, Instruction, decode

if TYPE_CHECKING:
    from verifier.machine.registers import Mode

_SYNCHRONISED = 48
"""Bytes after which decodings from different starts have met."""

MOST_DECODED = 4_000_000
"""Instructions of one image; a kernel needs a thousandth, and these take some minutes."""

_CALL_NEAR, _JUMP_NEAR, _JUMP_SHORT = b"\xe8", b"\xe9", b"\xeb"
_BRANCHES = {_CALL_NEAR: 4, _JUMP_NEAR: 4, _JUMP_SHORT: 1}
_LEAVES = {_JUMP_NEAR, _JUMP_SHORT, b"\xc3", b"\xc2", b"\xca", b"\xcb", b"\xcf", b"\xea"}


@dataclass(frozen=True, slots=True)
class Placed:
    """An instruction at its offset."""

    offset: int
    instruction: Instruction

    @property
    def end(self) -> int:
        """Give the offset behind it."""
        return self.offset + self.instruction.size

    @property
    def target(self) -> int | None:
        """Give where a direct call or jump leads, None for anything else."""
        size = _BRANCHES.get(self.instruction.opcode)
        if size is None:
            return None
        return self.end + int.from_bytes(self.instruction.raw[-size:], "little", signed=True)

    @property
    def address(self) -> int | None:
        """Give the offset of a memory operand that is relative to RIP."""
        memory = self.instruction.memory
        if memory is None or memory.base != "rip" or memory.index:
            return None
        return self.end + memory.displacement

    @property
    def is_call(self) -> bool:
        """Say whether it is a direct near call."""
        return self.instruction.opcode == _CALL_NEAR

    @property
    def is_indirect_call(self) -> bool:
        """Say whether it is a near call through a register or memory."""
        return self.instruction.opcode == b"\xff" and self.instruction.modrm.reg == 2

    @property
    def is_far_jump(self) -> bool:
        """Say whether it is a far jump with its target in it (``EA``)."""
        return self.instruction.opcode == b"\xea"

    @property
    def leaves(self) -> bool:
        """Say whether what follows it is not reached through it."""
        instruction = self.instruction
        jumps = instruction.opcode == b"\xff" and instruction.modrm.reg in {4, 5}
        return instruction.opcode in _LEAVES or jumps


@dataclass(frozen=True, slots=True)
class Code:
    """An image's bytes, and the ranges of them that may be code: no search leaves these."""

    data: bytes
    ranges: tuple[range, ...]
    decoded: list[int] = field(default_factory=lambda: [0], compare=False)
    """How many instructions were decoded, a single count."""

    def holds(self, offset: int) -> bool:
        """Say whether an offset lies where code may be."""
        return any(offset in each for each in self.ranges)

    def search(self, pattern: bytes) -> Iterator[int]:
        """Give where a regular expression matches, overlapping matches included."""
        overlapping = re.compile(b"(?=" + pattern + b")", re.DOTALL)
        for each in self.ranges:
            for match in overlapping.finditer(self.data, each.start, each.stop):
                yield match.start()

    def number(self, offset: int, size: int) -> int:
        """Read an unsigned number; what the file does not hold reads as zeros."""
        return int.from_bytes(self.data[max(offset, 0) : max(offset + size, 0)], "little")

    def at(self, offset: int, mode: Mode) -> Placed | None:
        """Decode the instruction at an offset, None where there is none or no code."""
        if not self.holds(offset):
            return None
        self.decoded[0] += 1
        if self.decoded[0] > MOST_DECODED:
            raise BadInput("the image has too many places like a mode switch to inspect")
        found = decode(self.data[offset : offset + LONGEST], mode, offset)
        return Placed(offset, found) if found else None

    def sweep(self, offset: int, mode: Mode, end: int) -> Iterator[Placed]:
        """Decode one instruction after the other up to ``end``, jumps not followed."""
        while offset < end and (placed := self.at(offset, mode)):
            yield placed
            offset = placed.end

    def run(self, offset: int, mode: Mode, end: int) -> Iterator[Placed]:
        """Sweep up to the first instruction that does not go on, and give it too."""
        for placed in self.sweep(offset, mode, end):
            yield placed
            if placed.leaves:
                return

    def before(self, offset: int, mode: Mode) -> tuple[Placed, ...]:
        """Give the instructions that end at ``offset``: those on which most decodings agree."""
        chains: Counter[tuple[Placed, ...]] = Counter()
        first = next((each.start for each in self.ranges if offset - 1 in each), offset)
        latest = max(offset - _SYNCHRONISED, first)
        for start in range(max(latest - LONGEST, first), latest + 1):
            chain = tuple(self.sweep(start, mode, offset))
            if chain and chain[-1].end == offset:
                near = takewhile(lambda each: each.offset >= offset - LONGEST * 2, chain[::-1])
                chains[tuple(near)[::-1]] += 1
        return max(chains, key=lambda chain: (chains[chain], len(chain))) if chains else ()
