"""String moves and stores, one step for a whole repetition.

SDM vol. 2, "MOVS", "STOS", "REP". A repetition whose length the start fixes is one step;
where a fault may interrupt it, it is executed element by element.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import claripy

from verifier.machine.cells import cells_of
from verifier.machine.oracle import Fault, Unmodelled
from verifier.machine.paging import Intent
from verifier.machine.registers import Flag, Gpr, Segment
from verifier.machine.words import (
    concat,
    constant,
    extend,
    plus,
)
from verifier.semantics.instruction import Prefix
from verifier.semantics.rows import Row

if TYPE_CHECKING:
    from claripy.ast.bv import BV

    from verifier.semantics.cpu import Cpu
    from verifier.semantics.instruction import Instruction

LONGEST_REPEAT = 0x1_0000
"""Elements of the longest repetition that is executed."""
FEW = 8
"""Elements of a repetition that is executed one by one unless no fault can interrupt it."""
LONGEST_STEPWISE = 0x200
"""Elements of the longest repetition that is executed one by one."""


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
    if count > 1:
        _require_elsewhere(cpu, instruction, count * size, -size if down else size)
    at_once = not down and count > 1
    at_once = at_once and (count > FEW or _is_smooth(cpu, count * size, copies=copies))
    if not (at_once and _whole(cpu, count, size, copies=copies)):
        _stepwise(cpu, count, -size if down else size, copies=copies)
    if repeats:
        cpu.set_gpr(Gpr.RCX, constant(0, width))
    cpu.advance(instruction.size)


def _require_elsewhere(cpu: Cpu, instruction: Instruction, total: int, step: int) -> None:
    """Raise Unmodelled where a repetition overwrites itself: what runs then is open.

    SDM vol. 3, "Handling Self- and Cross-Modifying Code".
    """
    to = _offsets(cpu, copies=False)[0]
    start = extend(to if step > 0 else plus(to, -step - total))
    distance = start - cpu.state.rip
    within = claripy.Or(
        claripy.ULT(distance, instruction.size), claripy.ULT(-distance, constant(total))
    )
    if cpu.oracle.decide(within):
        raise Unmodelled("a repetition that overwrites itself", (distance,))


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


def _is_smooth(cpu: Cpu, total: int, *, copies: bool) -> bool:
    """Say whether no fault and no wrap can interrupt the repetition."""
    bound = constant(1 << (47 if cpu.state.mode.is_64 else 32))
    flat = cpu.state.mode.is_64 or all(
        cpu.state.segments[segment].is_flat for segment in (Segment.DS, Segment.ES)
    )
    return flat and all(
        cpu.region_below(extend(offset), total, bound) for offset in _offsets(cpu, copies=copies)
    )


def _extended(offset: BV) -> BV:
    return extend(offset)


def _whole(cpu: Cpu, count: int, size: int, *, copies: bool) -> bool:
    """Do it in one step; False, and nothing done, where the elements depend on their order."""
    before, events = cpu.state, len(cpu.events)
    try:
        done = _in_one_step(cpu, count, size, copies=copies)
    except Fault:
        done = False
    if done and (before.stale or not cpu.state.stale):
        return True
    cpu.state = before
    del cpu.events[events:]
    return False


def _in_one_step(cpu: Cpu, count: int, size: int, *, copies: bool) -> bool:
    total = count * size
    to, *source = _offsets(cpu, copies=copies)
    target = cpu.linear(Segment.ES, to, total, Intent.WRITE)
    if copies:
        origin = cpu.linear(Segment.DS, source[0], total, Intent.READ)
        if _may_feed_itself(cpu, origin, target, total):
            return False
        cells = cpu.load_cells(origin, total)
    else:
        cells = cells_of(cpu.gpr(Gpr.RAX, size * 8)) * count
    cpu.store_cells(target, cells)
    _move(cpu, total, copies=copies)
    return True


def _may_feed_itself(cpu: Cpu, origin: BV, target: BV, total: int) -> bool:
    """Say whether a byte that is copied may be read again; two addresses may map to one place."""
    pairs = [(origin, target)]
    places = cpu.physical(origin, total, Intent.READ), cpu.physical(target, total, Intent.WRITE)
    if places[0] is not origin or places[1] is not target:
        pairs.append(places)
    return not all(cpu.oracle.holds(claripy.UGE(to - of, total)) for of, to in pairs)


def _stepwise(cpu: Cpu, count: int, step: int, *, copies: bool) -> None:
    if cpu.state.strict and count > LONGEST_STEPWISE:
        raise Unmodelled(f"a repetition of {count:#x} elements that a fault may interrupt")
    size = abs(step)
    for _ in range(count):
        to, *source = _offsets(cpu, copies=copies)
        if copies:
            cells = cpu.load_cells(cpu.linear(Segment.DS, source[0], size, Intent.READ), size)
        else:
            cells = cells_of(cpu.gpr(Gpr.RAX, size * 8))
        cpu.store_cells(cpu.linear(Segment.ES, to, size, Intent.WRITE), cells)
        _move(cpu, step, copies=copies)


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
