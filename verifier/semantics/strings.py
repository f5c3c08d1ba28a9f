"""String moves and stores, one step for a whole repetition.

SDM vol. 2, "MOVS", "STOS", "REP". The length of a repetition must be fixed by the start.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import claripy

from verifier.machine.cells import cells_of
from verifier.machine.events import Access
from verifier.machine.oracle import Fault, Unmodelled
from verifier.machine.paging import Intent
from verifier.machine.registers import Flag, Gpr, Segment
from verifier.machine.words import (
    concat,
    constant,
    plus,
)
from verifier.semantics.instruction import Prefix
from verifier.semantics.rows import Row

if TYPE_CHECKING:
    from claripy.ast.bv import BV

    from verifier.machine.events import Event
    from verifier.semantics.cpu import Cpu
    from verifier.semantics.instruction import Instruction

LONGEST_REPEAT = 0x1_0000
"""Elements of the longest repetition that is executed."""
LONGEST_INTERRUPTED = 0x200
"""Elements of the longest repetition that is followed to each element that may fault."""


def movs(cpu: Cpu, instruction: Instruction) -> None:
    """Copy from DS:rSI to ES:rDI."""
    _repeat(cpu, instruction, copies=True)


def stos(cpu: Cpu, instruction: Instruction) -> None:
    """Store AL, EAX or RAX at ES:rDI."""
    _repeat(cpu, instruction, copies=False)


def _repeat(cpu: Cpu, instruction: Instruction, *, copies: bool) -> None:
    size = 1 if instruction.opcode[0] & 1 == 0 else instruction.operand_bits // 8
    repeats = Prefix.REP in instruction.prefixes
    width = 64 if cpu.state.mode.is_64 else 32
    count = 1
    if repeats:
        count = cpu.determined(cpu.gpr(Gpr.RCX, width), "the count of a repetition")
    if count > LONGEST_REPEAT:
        raise Unmodelled(f"a repetition of {count:#x} elements")
    if count == 0:
        _nothing(cpu, width, copies=copies)
        cpu.advance(instruction.size)
        return
    down = cpu.oracle.decide(cpu.state.flags[Flag.DF] == 1)
    here = cpu.linear(Segment.CS, cpu.state.rip, instruction.size, Intent.FETCH)
    code = cpu.physical(here, instruction.size, Intent.FETCH)
    _elements(cpu, _Repetition(-size if down else size, copies, code, instruction.size), count)
    if repeats:
        cpu.set_gpr(Gpr.RCX, constant(0, width))
    cpu.advance(instruction.size)


def _nothing(cpu: Cpu, width: int, *, copies: bool) -> None:
    """Leave open in 32-bit code whether a repetition of no elements zero-extends its registers."""
    if width == 64:
        return
    for register in (Gpr.RCX, Gpr.RDI, Gpr.RSI) if copies else (Gpr.RCX, Gpr.RDI):
        upper = cpu.undefined(f"{register.name.lower()}[63:32]", 32)
        cpu.set_gpr(register, concat(upper, cpu.gpr(register, 32)))


def _offsets(cpu: Cpu, *, copies: bool) -> list[BV]:
    width = 64 if cpu.state.mode.is_64 else 32
    registers = (Gpr.RDI, Gpr.RSI) if copies else (Gpr.RDI,)
    return [cpu.gpr(register, width) for register in registers]


@dataclass(frozen=True, slots=True, eq=False)
class _Repetition:
    """``step`` bytes an element, negative downwards; ``code`` is the instruction's own place."""

    step: int
    copies: bool
    code: BV
    length: int


def _elements(cpu: Cpu, repetition: _Repetition, count: int) -> None:
    """Execute elements at once, by halves where their order matters or one of them faults."""
    if count == 1:
        _at_once(cpu, repetition, count)
        return
    before, events = cpu.state, len(cpu.events)
    try:
        done = _at_once(cpu, repetition, count)
    except Fault:
        done = False
    if done and (before.stale or not cpu.state.stale):
        _require_not_overwritten(cpu, repetition, cpu.events[events:])
        return
    if before.strict and count > LONGEST_INTERRUPTED:
        raise Unmodelled(f"a repetition of {count:#x} elements that a fault may interrupt")
    cpu.state = before
    del cpu.events[events:]
    _elements(cpu, repetition, count // 2)
    _elements(cpu, repetition, count - count // 2)


def _at_once(cpu: Cpu, repetition: _Repetition, count: int) -> bool:
    """Load all elements, then store them; False where one feeds another."""
    step, copies = repetition.step, repetition.copies
    total = count * abs(step)
    behind = total + step if step < 0 else 0
    to, *source = (plus(offset, -behind) for offset in _offsets(cpu, copies=copies))
    if copies:
        origin = cpu.linear(Segment.DS, source[0], total, Intent.READ)
        cells = cpu.load_cells(origin, total)
        target = cpu.linear(Segment.ES, to, total, Intent.WRITE)
        if count > 1 and _feeds_itself(cpu, origin, target, total, down=step < 0):
            return False
    else:
        target = cpu.linear(Segment.ES, to, total, Intent.WRITE)
        cells = cells_of(cpu.gpr(Gpr.RAX, abs(step) * 8)) * count
    cpu.store_cells(target, cells)
    _move(cpu, count * step, copies=copies)
    return True


def _feeds_itself(cpu: Cpu, origin: BV, target: BV, total: int, *, down: bool) -> bool:
    """Say whether an element may be stored where a later one is loaded, however it is mapped."""
    read = cpu.physical(origin, total, Intent.READ)
    written = cpu.physical(target, total, Intent.WRITE)
    ahead = read - written if down else written - read
    return not cpu.oracle.holds(claripy.UGE(ahead, total))


def _require_not_overwritten(cpu: Cpu, repetition: _Repetition, events: list[Event]) -> None:
    """Raise Unmodelled where a repetition overwrites itself: what runs then is open.

    SDM vol. 3, "Handling Self- and Cross-Modifying Code".
    """
    for event in events:
        if isinstance(event, Access) and event.intent is Intent.WRITE:
            distance = event.physical - repetition.code
            inside = claripy.ULT(distance, repetition.length)
            if cpu.oracle.decide(claripy.Or(inside, claripy.ULT(-distance, event.size))):
                raise Unmodelled("a repetition that overwrites itself", (distance,))


def _move(cpu: Cpu, distance: int, *, copies: bool) -> None:
    width = 64 if cpu.state.mode.is_64 else 32
    for register in (Gpr.RDI, Gpr.RSI) if copies else (Gpr.RDI,):
        cpu.set_gpr(register, plus(cpu.gpr(register, width), distance))


REPEATED = frozenset({Prefix.REP, Prefix.OPERAND_SIZE})

ROWS = (
    Row("MOVS m8, m8", b"\xa4", movs, prefixes=REPEATED),
    Row("MOVS m, m", b"\xa5", movs, prefixes=REPEATED),
    Row("STOS m8", b"\xaa", stos, prefixes=REPEATED),
    Row("STOS m", b"\xab", stos, prefixes=REPEATED),
)
