"""Which registers hold an address of the image, along a straight line of 64-bit code.

It knows `lea` relative to RIP and moves between registers, and forgets a register at anything
else that writes it; what is derived from it is checked against a second sign.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from verifier.machine.registers import Gpr
from verifier.semantics.instruction import Prefix

if TYPE_CHECKING:
    from verifier.inspection.code import Placed

_LEA, _STORE, _LOAD = b"\x8d", b"\x89", b"\x8b"
_STRING_MOVES, _STRING_STORES = (b"\xa4", b"\xa5"), (b"\xaa", b"\xab")
_CALLER_SAVED = (
    Gpr.RAX,
    Gpr.RCX,
    Gpr.RDX,
    Gpr.RSI,
    Gpr.RDI,
    Gpr.R8,
    Gpr.R9,
    Gpr.R10,
    Gpr.R11,
)
_NAMES = {gpr.name.lower(): gpr for gpr in Gpr}
_SPELLING = re.compile(r"%(?:[re]?([abcd])[xlh]|[re]?(si|di|bp|sp)l?|(r\d+)[dwb]?)$")


@dataclass(frozen=True, slots=True)
class Moment:
    """An instruction, and the addresses of the image that registers hold before it."""

    placed: Placed
    known: Mapping[Gpr, int]


def follow(placed: Iterable[Placed]) -> Iterator[Moment]:
    """Give each instruction of a straight line with what is known before it."""
    known: dict[Gpr, int] = {}
    for each in placed:
        yield Moment(each, dict(known))
        _step(each, known)


def is_string(placed: Placed, *, move: bool) -> bool:
    """Say whether it is `rep movs`, or `rep stos`."""
    instruction = placed.instruction
    opcodes = _STRING_MOVES if move else _STRING_STORES
    return instruction.opcode in opcodes and Prefix.REP in instruction.prefixes


def stored_word(placed: Placed) -> int | None:
    """Give the address, relative to RIP, that a 64-bit register is stored to."""
    instruction = placed.instruction
    return placed.address if instruction.opcode == _STORE and instruction.rex_w else None


def loaded_word(placed: Placed) -> int | None:
    """Give the address, relative to RIP, that a 64-bit register is loaded from."""
    instruction = placed.instruction
    return placed.address if instruction.opcode == _LOAD and instruction.rex_w else None


def taken_address(placed: Placed) -> int | None:
    """Give the address that a 64-bit `lea` computes relative to RIP."""
    instruction = placed.instruction
    return placed.address if instruction.opcode == _LEA and instruction.rex_w else None


def branch_target(placed: Placed) -> int | None:
    """Give where a conditional branch leads when it is taken."""
    opcode = placed.instruction.opcode
    short = len(opcode) == 1 and opcode[0] & 0xF0 == 0x70
    if not short and not (len(opcode) == 2 and opcode[0] == 0x0F and opcode[1] & 0xF0 == 0x80):
        return None
    distance = placed.instruction.raw[-1 if short else -4 :]
    return placed.end + int.from_bytes(distance, "little", signed=True)


def _step(placed: Placed, known: dict[Gpr, int]) -> None:
    instruction = placed.instruction
    address = taken_address(placed)
    if address is not None:
        known[Gpr(instruction.reg)] = address
    elif _is_register_move(placed):
        stores = instruction.opcode == _STORE
        source, target = (
            (instruction.reg, instruction.rm) if stores else (instruction.rm, instruction.reg)
        )
        if Gpr(source) in known:
            known[Gpr(target)] = known[Gpr(source)]
        else:
            known.pop(Gpr(target), None)
    else:
        for register in _written(placed):
            known.pop(register, None)


def _is_register_move(placed: Placed) -> bool:
    instruction = placed.instruction
    moves = instruction.opcode in {_STORE, _LOAD} and instruction.modrm.is_register
    return moves and instruction.rex_w


def _written(placed: Placed) -> Iterable[Gpr]:
    """Give the registers that an instruction may write: its last operand's and the implied."""
    if placed.is_call or placed.is_indirect_call:
        return _CALLER_SAVED
    if is_string(placed, move=True):
        return (Gpr.RSI, Gpr.RDI, Gpr.RCX)
    if is_string(placed, move=False):
        return (Gpr.RDI, Gpr.RCX)
    mnemonic, _, operands = placed.instruction.text.partition(" ")
    if mnemonic.startswith(("cpuid", "rdmsr", "mul", "div", "imul", "idiv", "xchg", "cmpxchg")):
        return _CALLER_SAVED
    match = _SPELLING.search(operands)
    if match is None:
        return ()
    letter, pair, numbered = match.groups()
    return (_NAMES[f"r{letter}x" if letter else f"r{pair}" if pair else numbered],)
