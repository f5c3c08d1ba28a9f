"""Where the next instruction lies and which bytes it has."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import claripy

from verifier.machine.cells import byte_of
from verifier.machine.oracle import About, Unmodelled
from verifier.machine.paging import Intent, translate
from verifier.machine.registers import Segment
from verifier.machine.words import known, plus, split
from verifier.semantics.instruction import LONGEST, Instruction, decode, decode_open
from verifier.semantics.table import find_row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claripy.ast.bv import BV

    from verifier.machine.memory import Place
    from verifier.semantics.cpu import Cpu

PAGE = 0x1000
CHOSEN = b"\x0f\x0b"
"""UD2, chosen where nothing determines what memory holds: one way for a start to go wrong."""
CHOSEN_REST = (b"\xc0" * LONGEST, bytes(LONGEST))
"""Chosen after bytes that are determined: as a rule an operand in a register."""


@dataclass(frozen=True, slots=True, eq=False)
class Fetched:
    """An instruction and the place of its first byte."""

    instruction: Instruction
    place: Place


def fetch(cpu: Cpu) -> Fetched:
    """Fetch and decode the instruction at RIP; RIP becomes base plus offset of its place.

    Raises Fault for what the processor refuses, Unmodelled for bytes that the start leaves
    open and for what is no instruction to the decoder.
    """
    linear = cpu.linear(Segment.CS, cpu.state.rip, 1, Intent.FETCH)
    physical = translate(cpu, linear, Intent.FETCH)
    memory, place = cpu.state.memory.place(physical, 1, cpu.oracle)
    cpu.state = replace(cpu.state, memory=memory)
    if not isinstance(place.offset, int):
        reason = "the code continues at an address that the start does not fix"
        raise Unmodelled(reason, (physical - place.region.base,))
    _name_by_region(cpu, place)
    fetched = _fetched(cpu, place)
    if place.region.stray:
        memory.require_unstored(physical, fetched.instruction.size, place.region, cpu.oracle)
    return fetched


def _fetched(cpu: Cpu, place: Place) -> Fetched:
    code = _code(cpu, place)
    instruction = decode(code, cpu.state.mode) if code else None
    if instruction is None:
        return _undetermined(cpu, place, code)
    _check_rest(cpu, instruction)
    return Fetched(instruction, place)


def _name_by_region(cpu: Cpu, place: Place) -> None:
    if place.region.stray or not isinstance(place.offset, int):
        return
    here = cpu.state.rip
    if known(here) is not None and known(place.region.base) is not None:
        return
    named = place.region.base + place.offset
    if split(named)[0] is not split(here)[0] and cpu.oracle.holds(named == here, About.CODE):
        cpu.state = replace(cpu.state, rip=named)


def _code(cpu: Cpu, place: Place) -> bytes:
    """Give the bytes from a place on, up to the first that nothing determines."""
    code = bytearray()
    for byte in _bytes(cpu, place):
        if byte is None:
            break
        code.append(byte)
    return bytes(code)


def _bytes(cpu: Cpu, place: Place) -> Iterator[int | None]:
    memory, offset = cpu.state.memory, place.offset
    if not isinstance(offset, int):
        return
    end = LONGEST if place.region.stray else min(LONGEST, place.region.size - offset)
    for ahead in range(end):
        cell = memory.cell(place.region, offset + ahead)
        yield cell if isinstance(cell, int) else cpu.oracle.value(byte_of(cell), About.CODE)


def _patched(cpu: Cpu, place: Place) -> Instruction | None:
    """Decode an instruction whose immediate is an expression, where its row takes one."""
    code = tuple(_bytes(cpu, place))
    instruction = decode_open(code, cpu.state.mode)
    row = None if instruction is None else find_row(instruction)
    if instruction is None or row is None or not row.open:
        return None
    field = range(instruction.size + row.open.start, instruction.size + row.open.stop)
    if any(code[at] is None for at in range(instruction.size) if at not in field):
        return None
    ahead = place.offset + field.start if isinstance(place.offset, int) else place.offset
    there = replace(place, offset=ahead)
    return replace(instruction, patched=cpu.state.memory.read(there, len(field)))


def _undetermined(cpu: Cpu, place: Place, code: bytes) -> Fetched:
    if len(code) == LONGEST:
        raise Unmodelled(f"bytes {code.hex(' ')} are no instruction to the decoder")
    patched = _patched(cpu, place) if code else None
    if patched is not None:
        _check_rest(cpu, patched)
        return Fetched(patched, place)
    for chosen in CHOSEN_REST if code else (CHOSEN,):
        instruction = decode((code + chosen)[:LONGEST], cpu.state.mode)
        if instruction is None or instruction.size <= len(code):
            continue
        cells = cpu.state.memory.read(place, instruction.size)
        same = cells == int.from_bytes(instruction.raw, "little")
        if cpu.oracle.holds(claripy.Not(same), About.CODE):
            continue
        if cpu.oracle.decide(same, About.CODE):
            return Fetched(instruction, place)
        break
    cells = cpu.state.memory.read(place, LONGEST if place.region.stray else len(code) + 1)
    raise Unmodelled(f"the instruction at {place} has bytes that the start does not fix", (cells,))


def _check_rest(cpu: Cpu, instruction: Instruction) -> None:
    ahead = instruction.size - 1
    if not ahead:
        return
    first = cpu.linear(Segment.CS, cpu.state.rip, 1, Intent.FETCH)
    last = cpu.linear(Segment.CS, plus(cpu.state.rip, ahead), 1, Intent.FETCH)
    if _same_page(first, last):
        return
    here, there = translate(cpu, first, Intent.FETCH), translate(cpu, last, Intent.FETCH)
    if there is not here + ahead and not cpu.oracle.holds(there == here + ahead, About.CODE):
        raise Unmodelled("an instruction crosses pages that are not adjacent")


def _same_page(one: BV, other: BV) -> bool:
    first, last = known(one), known(other)
    return first is not None and last is not None and first // PAGE == last // PAGE
