"""The paging-mode trampoline in today's form, and its parts.

A position-independent function that is copied below 4G: 64-bit code far-returns to its own
32-bit part, whose far jump back has an immediate that is patched after the copy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from verifier.inspection.finding import Direction, Finding, Switch
from verifier.machine.registers import Mode

if TYPE_CHECKING:
    from verifier.inspection.code import Code, Placed

_REACH = 0x200
"""Bytes that a trampoline has at most."""
_TO_CONTROL = b"\x0f\x22"
_RETURN = b"\xc3"
_POPS = range(0x58, 0x60)
_JUMP_IMMEDIATE = 1
"""Offset of the immediate in a far jump."""


@dataclass(frozen=True, slots=True)
class Trampoline:
    """Its extent, the word behind it that tells where to patch, and its parts."""

    start: int
    end: int
    findings: tuple[Finding, ...]

    @property
    def extent(self) -> range:
        """Give its offsets in the image."""
        return range(self.start, self.end)

    @property
    def word(self) -> int:
        """Give where the 16-bit word is that holds the offset of the far jump's immediate."""
        return self.end


def find_trampolines(
    code: Code, switches: tuple[Switch, ...]
) -> tuple[tuple[Trampoline, ...], tuple[str, ...]]:
    """Give the trampolines, and for each other switch to 32-bit code why it is none."""
    found, missing = [], []
    for switch in switches:
        if switch.direction is Direction.TO_32:
            match _trampoline(code, switch):
                case str() as reason:
                    missing.append(f"the switch at +{switch.offset:#x} is no trampoline: {reason}")
                case trampoline:
                    found.append(trampoline)
    return tuple(found), tuple(missing)


def _trampoline(code: Code, switch: Switch) -> Trampoline | str:
    if switch.target is None:
        return "where it goes is not in the image"
    line = list(code.run(switch.target, Mode.PROTECTED_32, switch.target + _REACH))
    if not line or not line[-1].is_far_jump:
        return f"its 32-bit code at +{switch.target:#x} runs into no far jump with an immediate"
    jump = line[-1]
    immediate = code.number(jump.offset + _JUMP_IMMEDIATE, 4)
    fallthrough = switch.offset + switch.size
    start = fallthrough - immediate
    if not switch.offset - _REACH <= start <= switch.offset:
        return (
            f"its far jump's immediate {immediate:#x} is not the distance from a start to"
            f" +{fallthrough:#x}, behind the far return"
        )
    if code.number(jump.end, 2) != jump.offset + _JUMP_IMMEDIATE - start:
        return f"the word at +{jump.end:#x}, behind it, is not the offset of the immediate"
    head = list(code.run(start, Mode.LONG_64, fallthrough))
    if not head or head[-1].end != fallthrough:
        return f"code from +{start:#x} on does not run into its far return"
    return _parts(code, switch, start, jump)


def _parts(code: Code, switch: Switch, start: int, jump: Placed) -> Trampoline:
    distance = switch.offset + switch.size - start
    found = [
        Finding(
            "trampoline",
            start,
            jump.end - start,
            Mode.LONG_64,
            f"its far jump's immediate is {distance:#x}, which is how far the code behind the far"
            f" return, +{start + distance:#x}, is from here; the word behind the jump agrees",
        ),
        *_upper(code, switch, start),
        *_lower(code, switch, jump, start),
    ]
    return Trampoline(start, jump.end, tuple(sorted(found, key=lambda each: each.offset)))


def _upper(code: Code, switch: Switch, start: int) -> Iterator[Finding]:
    """Give the parts that are 64-bit code."""
    mode, back, target = Mode.LONG_64, switch.offset + switch.size, switch.target or 0
    how = f"{switch.how}; it leads to +{target:#x}"
    yield Finding("trampoline_far_return", switch.transfer, back - switch.transfer, mode, how)
    how = f"it follows the far return, and start + {back - start:#x} is the far jump's target"
    yield Finding("trampoline_return_part", back, 0, mode, how)
    pops = 0
    for placed in code.run(back, mode, target if target > back else back + _REACH):
        if placed.instruction.opcode[0] in _POPS:
            pops += 1
            if pops == 1:
                how = "the first pop that the return part runs into"
                size = placed.instruction.size
                yield Finding("trampoline_first_pop", placed.offset, size, mode, how)
        if placed.instruction.opcode == _RETURN:
            how = "the near return that the return part runs into"
            yield Finding("trampoline_ret", placed.offset, placed.instruction.size, mode, how)


def _lower(code: Code, switch: Switch, jump: Placed, start: int) -> Iterator[Finding]:
    """Give the parts that are 32-bit code, and the data at their end."""
    mode, target = Mode.PROTECTED_32, switch.target or 0
    yield Finding("trampoline_32", target, 0, mode, "the address that the far return pops")
    for placed in code.run(target, mode, jump.offset):
        if placed.instruction.opcode == _TO_CONTROL and placed.instruction.modrm.reg == 3:
            how = "the first write of CR3 in the 32-bit code"
            yield Finding("trampoline_cr3_load", placed.offset, placed.instruction.size, mode, how)
            break
    how = "the first far jump that the 32-bit code runs into"
    yield Finding("trampoline_far_jump", jump.offset, jump.instruction.size, mode, how)
    immediate = jump.offset + _JUMP_IMMEDIATE
    yield Finding("trampoline_immediate", immediate, 4, None, "the offset in the far jump")
    how = f"the word behind the far jump: {immediate - start:#x}, how far in the immediate is"
    yield Finding("trampoline_offset_word", jump.end, 2, None, how)
    yield Finding("trampoline_end", jump.end, 0, None, "behind the far jump")
