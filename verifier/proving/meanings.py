"""What operators, registers' parts and events' fields of the expression language stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

import claripy

from verifier.machine.cpuid import ANSWERED, cpuid_answer
from verifier.machine.events import (
    Access,
    AccessBy,
    ControlWrite,
    Execution,
    ModeChange,
    MsrWrite,
    Transfer,
)
from verifier.machine.oracle import Unmodelled
from verifier.machine.registers import ControlRegister, Cr4
from verifier.machine.words import WORD, bit, constant, extend, joined, split, width_of
from verifier.specification.events import EventField
from verifier.specification.vocabulary import CpuFact, Operator, Relation, SegmentPart

if TYPE_CHECKING:
    from claripy.ast.bool import Bool
    from claripy.ast.bv import BV

    from verifier.machine.descriptors import SegmentRegister
    from verifier.machine.events import Event
    from verifier.machine.state import State
    from verifier.specification.vocabulary import CpuidRegister


def combine(operator: Operator, left: BV, right: BV) -> BV:
    """Give two words combined."""
    match operator:
        case Operator.ADD:
            base, offset = split(right)
            return joined(left, offset) if base is None else left + right
        case Operator.SUBTRACT:
            return _difference(left, right)
        case Operator.MULTIPLY:
            return left * right
        case Operator.AND:
            return left & right
        case Operator.OR:
            return left | right
        case Operator.XOR:
            return left ^ right
        case Operator.SHIFT_LEFT:
            return left << right
        case Operator.SHIFT_RIGHT:
            return claripy.LShR(left, right)
        case _:
            assert_never(operator)


def _difference(left: BV, right: BV) -> BV:
    (base, offset), (other, far) = split(left), split(right)
    if base is other:
        return constant(offset - far)
    return joined(left, -far) if other is None else left - right


def compare(relation: Relation, left: BV, right: BV) -> Bool:
    """Give the condition of an unsigned comparison."""
    match relation:
        case Relation.EQUAL:
            return left == right
        case Relation.UNEQUAL:
            return left != right
        case Relation.LESS:
            return claripy.ULT(left, right)
        case Relation.LESS_OR_EQUAL:
            return claripy.ULE(left, right)
        case Relation.GREATER:
            return claripy.UGT(left, right)
        case Relation.GREATER_OR_EQUAL:
            return claripy.UGE(left, right)
        case _:
            assert_never(relation)


def segment_part(register: SegmentRegister, part: SegmentPart) -> BV:
    """Give one part of a segment register, zero-extended."""
    parts = {
        SegmentPart.SELECTOR: register.selector,
        SegmentPart.BASE: register.base,
        SegmentPart.LIMIT: register.limit,
        SegmentPart.TYPE: register.type,
        SegmentPart.S: register.s,
        SegmentPart.DPL: register.dpl,
        SegmentPart.PRESENT: register.present,
        SegmentPart.LONG: register.long,
        SegmentPart.BIG: register.big,
        SegmentPart.NULL: ~register.present,
    }
    return extend(parts[part])


def cpu_fact(entry: State, fact: CpuFact) -> BV:
    """Give what CPUID tells."""
    match fact:
        case CpuFact.PHYSICAL_LIMIT:
            return entry.features.physical_limit
        case CpuFact.CR4_SUPPORTED:
            return entry.features.cr4
        case CpuFact.LA57:
            return extend(bit(entry.features.cr4, Cr4.LA57))
        case _:
            assert_never(fact)


def cpuid_word(entry: State, register: CpuidRegister, leaf: int, subleaf: int) -> BV:
    """Give what CPUID answers at the entry in one register, zero-extended."""
    cr4 = entry.control(ControlRegister.CR4)
    answer = cpuid_answer(entry.features, cr4, leaf, subleaf)
    return extend(answer[ANSWERED.index(register.value)])


def event_word(event: Event | None, state: State, part: EventField) -> BV:
    """Give a word that an event carries.

    Raises Unmodelled where the event has no single one.
    """
    words: dict[EventField, BV] = {}
    match event:
        case ControlWrite(_, old, value):
            words = {EventField.OLD: old, EventField.VALUE: value}
        case MsrWrite(msr, old, value):
            words = {
                EventField.MSR: constant(msr),
                EventField.OLD: old,
                EventField.VALUE: value,
            }
        case Transfer(source, target, far):
            words = {
                EventField.SOURCE: source,
                EventField.TARGET: target,
                EventField.FAR: constant(far),
            }
        case ModeChange():
            words = {EventField.SOURCE: state.rip}
        case Access():
            words = _access_words(event)
        case Execution(physical, size):
            words = {
                EventField.ADDRESS: state.rip,
                EventField.PHYSICAL: physical,
                EventField.SIZE: constant(size),
            }
        case None:
            words = {}
    if part not in words:
        raise Unmodelled(f"the event has no single {part.value}")
    return words[part]


def _access_words(event: Access) -> dict[EventField, BV]:
    words = {
        EventField.PHYSICAL: event.physical,
        EventField.ADDRESS: event.linear,
        EventField.SIZE: constant(event.size),
        EventField.IMPLICIT: constant(event.by is AccessBy.PROCESSOR),
    }
    if event.value is not None and width_of(event.value) <= WORD:
        words[EventField.VALUE] = extend(event.value)
    return words
