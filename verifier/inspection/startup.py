"""What the 64-bit entry makes of its own address: where the image is moved to, and its stack.

Offsets found here are those of the moved image too: it ends at its end, has its stack and its
final table where the entry's instructions say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from verifier.inspection.finding import Finding
from verifier.machine.registers import Mode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from verifier.inspection.code import Code, Placed

_REACH = 0x400
"""Bytes from the entry in which it calls the function that switches."""
_SUBTRACT, _SUBTRACT_DIGIT = b"\x81", 5
_LEA = b"\x8d"
_RBX, _RSP, _RSI = 3, 4, 6
_MODE = Mode.LONG_64


def find_startup(code: Code, entry: int, function: int) -> tuple[Finding, ...]:
    """Give the call of ``function`` by the entry, and what it says of the image that is moved."""
    line: list[Placed] = []
    for placed in code.sweep(entry, _MODE, entry + _REACH):
        line.append(placed)
        if placed.is_call and placed.target == function:
            how = "the entry's call of the function that switches"
            call = Finding("site_caller", placed.offset, placed.instruction.size, _MODE, how)
            return (call, *_moved(line))
    return ()


def _moved(line: list[Placed]) -> Iterator[Finding]:
    end = next((each for each in line if _is_end(each)), None)
    if end is None:
        return
    size = int.from_bytes(end.instruction.raw[-4:], "little")
    how = f"what the entry takes from `init_size` at +{end.offset:#x}: the image moves up to there"
    yield Finding("image_end", size, 0, None, how)
    for register, name, what in (
        (_RSP, "stack_end", "its stack"),
        (_RSI, "final_table", "the table that it gives to the function that switches"),
    ):
        found = [each for each in line if _is_lea(each, register)]
        if found:
            last = found[-1]
            memory = last.instruction.memory
            offset = 0 if memory is None else memory.displacement
            how = f"{what}, a distance from the moved image, loaded at +{last.offset:#x}"
            yield Finding(name, offset, 0, None, how)


def _is_end(placed: Placed) -> bool:
    instruction = placed.instruction
    modrm = instruction.modrm
    subtracts = instruction.opcode == _SUBTRACT and modrm.reg == _SUBTRACT_DIGIT
    return subtracts and modrm.is_register and instruction.rm == _RBX


def _is_lea(placed: Placed, register: int) -> bool:
    instruction = placed.instruction
    memory = instruction.memory
    return (
        instruction.opcode == _LEA
        and instruction.reg == register
        and memory is not None
        and memory.base == "rbx"
        and not memory.index
    )
