"""Where functions begin, without symbols: at what some call calls; and where they return."""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING

from verifier.inspection.finding import Finding
from verifier.machine.registers import Mode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from verifier.inspection.code import Code, Placed

_FARTHEST = 0x2000
"""Bytes that a function may have before a place in it."""
_CALL_SIZE = 5
_RETURN = b"\xc3"


class Functions:
    """The targets of near calls, searched for once."""

    def __init__(self, code: Code) -> None:
        """Take the code; nothing is searched yet."""
        self._code = code

    def start(self, offset: int) -> tuple[int, int] | None:
        """Give the nearest call target at or below ``offset``, and such a call.

        The call must be an instruction of its surroundings, and code from the target on must
        decode up to ``offset``.
        """
        targets, callers = self._calls
        index = bisect_right(targets, offset)
        while index and offset - targets[index - 1] <= _FARTHEST:
            index -= 1
            target = targets[index]
            caller = next((at for at in callers[target] if self._is_instruction(at)), None)
            if caller is not None and self._reaches(target, offset):
                return target, caller
        return None

    def callers(self, pattern: bytes, target: int, size: int) -> tuple[int, ...]:
        """Give instructions, by opcode bytes, whose last 4 bytes lead to ``target``."""
        found = []
        for at in self._code.search(pattern):
            (distance,) = struct.unpack_from("<i", self._code.data, at + size - 4)
            if at + size + distance == target and self._is_instruction(at):
                found.append(at)
        return tuple(found)

    @cached_property
    def _calls(self) -> tuple[list[int], dict[int, list[int]]]:
        callers: dict[int, list[int]] = defaultdict(list)
        data = self._code.data
        for at in self._code.search(rb"\xe8...."):
            (distance,) = struct.unpack_from("<i", data, at + 1)
            target = at + _CALL_SIZE + distance
            if self._code.holds(target):
                callers[target].append(at)
        return sorted(callers), callers

    def _is_instruction(self, offset: int) -> bool:
        before = self._code.before(offset, Mode.LONG_64)
        return bool(before) and before[-1].end == offset

    def _reaches(self, start: int, offset: int) -> bool:
        last = start
        for placed in self._code.sweep(start, Mode.LONG_64, offset):
            last = placed.end
        return last == offset


def return_behind(name: str, behind: Iterable[Placed], what: str = "the call") -> list[Finding]:
    """Give the first near return of ``behind``, which is the code behind ``what``, if any."""
    for placed in behind:
        if placed.instruction.opcode == _RETURN:
            size, how = placed.instruction.size, f"the first near return behind {what}"
            return [Finding(name, placed.offset, size, Mode.LONG_64, how)]
    return []
