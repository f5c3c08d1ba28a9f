"""Mode switches: far transfers between 64-bit and 32-bit code, by their selectors or by proof.

The GDT says what a selector selects. Where that is not known, what the target does to CR0.PG
says it: 32-bit code that a far return reaches begins by turning paging off.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from verifier.inspection.finding import Direction, Gdt, Kind, Switch
from verifier.inspection.flow import follow
from verifier.machine.registers import Gpr, Mode

if TYPE_CHECKING:
    from verifier.inspection.code import Code, Placed

_FAR_RETURN_64 = rb"\x48\xcb"
_PUSH = rb"(?:\x6a.|\x68..\0\0)"
_REACH = 0x100
"""Bytes within which a switch happens and its target shows what it is."""
_BIT_31 = 0x8000_0000
_FAR_RETURN = b"\xcb"
_TO_CONTROL, _BIT_TEST = b"\x0f\x22", b"\x0f\xba"
_PUSH_SMALL, _PUSH_LARGE = b"\x6a", b"\x68"
_PUSHES = range(0x50, 0x58)
_POPS = range(0x58, 0x60)


def find_switches(code: Code, gdt: Gdt | None) -> tuple[Switch, ...]:
    """Give every mode switch, by offset; a far return within 64-bit code is none."""
    down = [*_far_returns(code, gdt)]
    found = {each.offset: each for each in [*down, *_ups(code, gdt), *_jumps(code, gdt, down)]}
    return tuple(found[offset] for offset in sorted(found))


def _far_returns(code: Code, gdt: Gdt | None) -> Iterator[Switch]:
    """Give the far returns of 64-bit code that lead to 32-bit code."""
    for at in code.search(_FAR_RETURN_64):
        chain = code.before(at, Mode.LONG_64)
        start, selector, target = _pushed(chain)
        if start is None:
            continue
        if gdt and selector is not None:
            if gdt.kind(selector) is not Kind.CODE_32:
                continue
            how = f"a far return to the pushed selector {selector:#x}, 32-bit code by the GDT"
        elif _is_paging(_part(code, target), on=False):
            known = "what it selects is" if selector is not None else "its selector is"
            how = (
                f"a far return; {known} not known here, but its target, decoded as 32-bit code,"
                " turns paging off"
            )
        else:
            continue
        yield Switch(Direction.TO_32, start, at + 2 - start, at, selector, target, how)


def _pushed(chain: tuple[Placed, ...]) -> tuple[int | None, int | None, int | None]:
    """Give where a far return's two pushes begin, and the selector and target they push."""
    stack: list[tuple[int, int | None]] = []
    for moment in follow(chain):
        instruction = moment.placed.instruction
        first = instruction.opcode[0]
        if instruction.opcode in {_PUSH_SMALL, _PUSH_LARGE}:
            stack.append((moment.placed.offset, instruction.immediate(len(instruction.raw) - 1)))
        elif len(instruction.opcode) == 1 and first in _PUSHES:
            register = Gpr(first - _PUSHES.start | (instruction.rex & 1) << 3)
            stack.append((moment.placed.offset, moment.known.get(register)))
        elif len(instruction.opcode) == 1 and first in _POPS and stack:
            stack.pop()
        elif moment.placed.leaves:
            stack.clear()
    if len(stack) < 2:
        return None, None, None
    (start, selector), (_, target) = stack[-2:]
    return start, selector, target


def _ups(code: Code, gdt: Gdt | None) -> Iterator[Switch]:
    """Give the far returns of 32-bit code that come after paging was turned on."""
    for at in code.search(_PUSH):
        selector = code.number(at + 1, 1 if code.number(at, 1) == _PUSH_SMALL[0] else 4)
        if gdt and gdt.kind(selector) is not Kind.CODE_64:
            continue
        line = list(code.run(at, Mode.PROTECTED_32, at + _REACH))
        if not line or line[-1].instruction.opcode != _FAR_RETURN or not _writes_cr0(line):
            continue
        if not gdt and not _is_paging(line, on=True):
            continue
        says = "64-bit code by the GDT" if gdt else "of a GDT not known here"
        how = (
            f"a far return of 32-bit code, after a write of CR0, to selector {selector:#x}, {says}"
        )
        last = line[-1]
        yield Switch(Direction.TO_64, at, last.end - at, last.offset, selector, None, how)


def _jumps(code: Code, gdt: Gdt | None, down: Iterable[Switch]) -> Iterator[Switch]:
    """Give the far jumps that the 32-bit code behind a switch reaches, or that follow CR0."""
    reached = {}
    for switch in down:
        for placed in _part(code, switch.target):
            if placed.is_far_jump:
                reached[placed.offset] = f"the 32-bit code at +{switch.target:#x} runs into it"
    for at in code.search(rb"\xea......"):
        selector = code.number(at + 5, 2)
        if gdt and gdt.kind(selector) is not Kind.CODE_64:
            continue
        how = reached.get(at)
        if how is None and (selector < 8 or not _is_paging(code.before(at, Mode.PROTECTED_32))):
            continue
        reason = how or "32-bit code turns paging on right before it"
        says = "64-bit code by the GDT" if gdt else "of a GDT not known here"
        told = f"a far jump to selector {selector:#x}, {says}: {reason}"
        yield Switch(Direction.TO_64, at, 7, at, selector, None, told)


def _part(code: Code, target: int | None) -> Iterator[Placed]:
    if target is not None:
        yield from code.run(target, Mode.PROTECTED_32, target + _REACH)


def _is_paging(line: Iterable[Placed], *, on: bool = True) -> bool:
    """Say whether bit 31 of a register is set, or cleared, and CR0 written after it."""
    seen = False
    for placed in line:
        seen = seen or _sets_bit_31(placed, on=on)
        if seen and _writes_cr0([placed]):
            return True
    return False


def _writes_cr0(line: Iterable[Placed]) -> bool:
    return any(
        each.instruction.opcode == _TO_CONTROL and each.instruction.modrm.reg == 0 for each in line
    )


def _sets_bit_31(placed: Placed, *, on: bool) -> bool:
    instruction = placed.instruction
    if instruction.opcode == _BIT_TEST:
        return instruction.modrm.reg == (5 if on else 6) and instruction.raw[-1] == 31
    if len(instruction.raw) < 5:
        return False
    mnemonic, immediate = instruction.text.partition(" ")[0], instruction.immediate(4)
    if on:
        return mnemonic in {"orl", "movl"} and bool(immediate & _BIT_31)
    return mnemonic == "andl" and not immediate & _BIT_31
