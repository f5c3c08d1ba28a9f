"""From a segment and an offset to a linear address, with every check on the way.

SDM vol. 3, "Limit Checking", "Type Checking", "Canonical Addressing"; in 64-bit mode a
segment only decides which exception a non-canonical address raises.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import claripy

from verifier.machine.descriptors import FLAT_LIMIT
from verifier.machine.oracle import Unmodelled
from verifier.machine.paging import LOW_HALF_BITS, Intent, canonical
from verifier.machine.registers import Cr4, Segment, Vector
from verifier.machine.words import (
    both,
    constant,
    either,
    equals,
    extend,
    known,
    low32,
    negated,
    plus,
    widened,
    width_of,
)

if TYPE_CHECKING:
    from claripy.ast.bool import Bool
    from claripy.ast.bv import BV

    from verifier.machine.descriptors import SegmentRegister
    from verifier.semantics.cpu import Cpu


def linear_address(cpu: Cpu, segment: Segment, offset: BV, size: int, intent: Intent) -> BV:
    """Give the linear address, 64 bits, of ``size`` bytes at ``offset`` in a segment.

    Raises Fault: #GP(0), or #SS(0) through SS.
    """
    vector = Vector.SS if segment is Segment.SS else Vector.GP
    if cpu.state.mode.is_64:
        if segment in {Segment.FS, Segment.GS}:
            raise Unmodelled(f"an access through {segment.name} in 64-bit mode")
        require_canonical(cpu, offset, size, vector)
        return offset
    register = cpu.state.segments[segment]
    _check_segment(cpu, register, vector, intent)
    short = offset if width_of(offset) == 32 else low32(offset)
    _check_limit(cpu, register, short, size, vector)
    return wide(cpu, plus(low32(register.base), short))


def wide(cpu: Cpu, short: BV) -> BV:
    """Zero-extend a 32-bit address, as a plain sum where that is the same number."""
    whole = None if known(short) is not None else widened(short)
    if whole is None:
        return extend(short)
    below = cpu.region_below(whole, 1, constant(1 << 32))
    if below or cpu.oracle.holds(whole == extend(short)):
        return whole
    return extend(short)


def require_canonical(cpu: Cpu, address: BV, size: int, vector: Vector) -> None:
    """Raise the exception, with error code 0, where a byte's linear address is not canonical."""
    if inside_low_half(cpu, address, size):
        return
    ends = [address] if size == 1 else [address, plus(address, size - 1)]
    if cpu.oracle.holds(both(*(canonical(end, la57=False) for end in ends))):
        return
    la57 = cpu.oracle.decide(cpu.state.cr4(Cr4.LA57))
    bad = negated(both(*(canonical(end, la57=la57) for end in ends)))
    cpu.fault_if(bad, vector, 0, "the address is not canonical")


def inside_low_half(cpu: Cpu, address: BV, size: int) -> bool:
    """Say whether the bytes lie in a region that lies whole below 2^47."""
    return cpu.region_below(address, size, constant(1 << LOW_HALF_BITS))


def _check_segment(cpu: Cpu, register: SegmentRegister, vector: Vector, intent: Intent) -> None:
    allowed = _allows(register, intent)
    if register.is_flat and allowed.is_true():
        return
    missing = equals(register.present, 0)
    cpu.fault_if(missing, vector, 0, "the segment register is null")
    why = f"the segment does not allow a {intent.value}"
    cpu.fault_if(negated(allowed), vector, 0, why)


def _allows(register: SegmentRegister, intent: Intent) -> Bool:
    match intent:
        case Intent.READ:
            return register.is_readable
        case Intent.WRITE:
            return register.is_writable_data
        case Intent.FETCH:
            return register.is_code


def _check_limit(
    cpu: Cpu, register: SegmentRegister, offset: BV, size: int, vector: Vector
) -> None:
    if cpu.oracle.decide(register.expands_down):
        raise Unmodelled("an expand-down segment")
    flat = known(register.limit) == FLAT_LIMIT
    if not flat:
        beyond = claripy.UGT(plus(extend(offset), size - 1), extend(register.limit))
        if size > 1 and known(register.limit) is None and cpu.oracle.decide(beyond):
            _refuse_wrap(cpu, equals(register.limit, FLAT_LIMIT), offset)
        cpu.fault_if(beyond, vector, 0, "the access is beyond the segment's limit")
    if size > 1 and (flat or known(register.base) != 0):
        highest = FLAT_LIMIT - (size - 1)
        linear = plus(low32(register.base), offset)
        wraps = either(claripy.UGT(offset, highest), claripy.UGT(linear, highest))
        _refuse_wrap(cpu, wraps, offset)


def _refuse_wrap(cpu: Cpu, wraps: Bool, offset: BV) -> None:
    """Raise Unmodelled for an access past the end of 4 GiB: processors may fault or wrap.

    SDM vol. 3, "Limit Checking".
    """
    if cpu.oracle.decide(wraps):
        raise Unmodelled("an access that wraps around 4G", (offset,))
