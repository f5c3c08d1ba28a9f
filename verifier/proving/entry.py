"""The symbolic state at the entry, from a spec and an image.

Bits that the mode fixes are numbers, all others symbols, named as specs and reports name
them. What else a processor guarantees of its own state is the fact ``processor-state``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import claripy

from verifier.machine.cells import BYTE, cells_of
from verifier.machine.descriptors import FLAT_LIMIT, SegmentRegister, null_segment
from verifier.machine.memory import Memory, Region, Rights
from verifier.machine.models import MODELS
from verifier.machine.paging import FIVE_LEVELS
from verifier.machine.registers import (
    ControlRegister,
    Cr0,
    Cr4,
    Efer,
    Flag,
    Gpr,
    Mode,
    Segment,
)
from verifier.machine.state import Features, LoaderTables, State, TablePointer
from verifier.machine.words import TRUE, bits, both, constant, is_set, negated, symbol
from verifier.proving.evaluate import Evaluator, Moment
from verifier.solver import Fact
from verifier.specification.spec import Content, SegmentState

if TYPE_CHECKING:
    from collections.abc import Mapping
    from enum import IntEnum

    from claripy.ast.bool import Bool
    from claripy.ast.bv import BV

    from verifier.loading.image import Image
    from verifier.machine.cells import Cell
    from verifier.machine.models import ModelName
    from verifier.specification.spec import Paging, Spec

PROCESSOR_STATE = "processor-state"
"""The id of what a processor guarantees of its own state."""
SMALLEST_PHYSICAL, LARGEST_PHYSICAL = 1 << 36, 1 << 52
CODE_TYPE, DATA_TYPE = 0xB, 0x3
ALWAYS_SUPPORTED_CR4 = frozenset({Cr4.PAE, Cr4.PSE})
FREE_EFER = (Efer.SCE, Efer.NXE)


@dataclass(frozen=True, slots=True, eq=False)
class Begin:
    """The state at the entry, the facts that hold of it, and the words to speak of it.

    ``cases`` are conditions of which one holds: starts are followed case by case.
    """

    state: State
    facts: tuple[Fact, ...]
    evaluator: Evaluator
    cases: tuple[Bool, ...] = (TRUE,)


def begin(spec: Spec, image: Image, model: ModelName) -> Begin:
    """Give the start of ``spec`` under a processor model."""
    registers = _registers(spec, model)
    words = Evaluator(spec, image, registers)
    regions = tuple(
        Region(
            region.name,
            words.word(region.base.node, Moment(registers)),
            region.size,
            Rights(region.rights.value),
            image.data if region.content is Content.IMAGE else None,
            windowed=region.windows,
        )
        for region in spec.regions
    )
    state = _place(spec, words, registers, regions)
    words = Evaluator(spec, image, state)
    assumed = tuple(
        Fact(assumption.id, words.truth(assumption.holds.node, Moment(state)))
        for assumption in spec.assumptions
    )
    guaranteed = (Fact(PROCESSOR_STATE, condition) for condition in _guaranteed(state))
    facts = (*guaranteed, *assumed)
    return Begin(state, facts, words, _cases(spec, words, state))


def _cases(spec: Spec, words: Evaluator, state: State) -> tuple[Bool, ...]:
    cases, others = [], TRUE
    for split in spec.entry.split:
        condition = words.truth(split.node, Moment(state))
        cases.append(both(others, condition))
        others = both(others, negated(condition))
    return (*cases, others)


def _place(spec: Spec, words: Evaluator, registers: State, regions: tuple[Region, ...]) -> State:
    moment = Moment(registers)
    state = replace(
        registers,
        rip=words.word(spec.entry.at.node, moment),
        memory=Memory(regions, _patched(spec, words, moment)),
    )
    if spec.paging is not None:
        state = replace(state, tables=_tables(spec.paging, words, moment))
    if spec.entry.gdt is not None:
        base = words.word(spec.entry.gdt.base.node, moment)
        given = spec.entry.gdt.limit
        limit = symbol("gdtr.limit", 16) if given is None else constant(given, 16)
        state = replace(state, gdtr=TablePointer(base, limit))
    return state


def _patched(spec: Spec, words: Evaluator, moment: Moment) -> dict[str, dict[int, Cell]]:
    """Give what patches say of the bytes of each region."""
    cells: dict[str, dict[int, Cell]] = {}
    for region in spec.regions:
        for patch in region.patches:
            value = bits(words.word(patch.value.node, moment), patch.size * BYTE - 1, 0)
            cells.setdefault(region.name, {}).update(enumerate(cells_of(value), patch.offset))
    return cells


def _tables(paging: Paging, words: Evaluator, moment: Moment) -> tuple[LoaderTables, ...]:
    end = words.word(paging.identity_end.node, moment)
    la57 = is_set(moment.state.control(ControlRegister.CR4), Cr4.LA57)
    five = la57 if paging.levels is None else claripy.BoolV(paging.levels == FIVE_LEVELS)
    named = [(paging.tables, five)]
    if paging.other is not None:
        named.append((paging.other, negated(five)))
    return tuple(
        LoaderTables(words.word(tables.root.node, moment), deep, end, tables.region)
        for tables, deep in named
    )


def _bits(name: str, fixed: Mapping[Any, int], free: tuple[IntEnum, ...]) -> BV:
    parts: list[BV] = []
    positions = {int(bit): bit for bit in (*fixed, *free)}
    for position in reversed(range(max(positions) + 1)):
        bit = positions.get(position)
        if bit is None:
            parts.append(constant(0, 1))
        elif bit in fixed:
            parts.append(constant(fixed[bit], 1))
        else:
            parts.append(symbol(f"{name}.{bit.name}", 1))
    return claripy.ZeroExt(64 - len(parts), claripy.Concat(*parts))


def _registers(spec: Spec, model: ModelName) -> State:
    mode = spec.entry.mode
    long = mode is not Mode.PROTECTED_32
    cr0_fixed = {Cr0.PG: int(long), Cr0.PE: 1, Cr0.ET: 1}
    cr4_fixed = {Cr4.PAE: 1} if long else {}
    efer_fixed = {Efer.LMA: int(long)} | ({Efer.LME: 1} if long else {})
    controls = {
        ControlRegister.CR0: _bits("cr0", cr0_fixed, _free(Cr0, cr0_fixed)),
        ControlRegister.CR2: symbol("cr2"),
        ControlRegister.CR3: symbol("cr3"),
        ControlRegister.CR4: _bits("cr4", cr4_fixed, _free(Cr4, cr4_fixed)),
        ControlRegister.EFER: _bits(
            "efer", efer_fixed, FREE_EFER if long else (*FREE_EFER, Efer.LME)
        ),
    }
    always = dict.fromkeys(ALWAYS_SUPPORTED_CR4, 1)
    features = Features(
        physical_limit=symbol("cpu.physical_limit"),
        cr4=_bits("cpu", always, _free(Cr4, always)),
        efer=_bits("cpu", {Efer.LME: 1, Efer.LMA: 1}, FREE_EFER),
    )
    return State(
        gprs=tuple(symbol(register.name.lower()) for register in Gpr),
        rip=constant(0),
        flags=_flags(),
        iopl=symbol("rflags.IOPL", 2),
        segments=_segments(spec),
        controls=controls,
        gdtr=TablePointer(symbol("gdtr.base"), symbol("gdtr.limit", 16)),
        idtr=TablePointer(symbol("idtr.base"), symbol("idtr.limit", 16)),
        memory=Memory(()),
        mode=mode,
        model=MODELS[model],
        features=features,
        tables=(),
        paging_was_off=not long,
    )


def _free(names: type[IntEnum], fixed: Mapping[Any, int]) -> tuple[IntEnum, ...]:
    return tuple(name for name in names if name not in fixed)


def _flags() -> dict[Flag, BV]:
    never = {Flag.VM, Flag.RF}
    return {
        flag: constant(0, 1) if flag in never else symbol(f"rflags.{flag.name}", 1) for flag in Flag
    }


def _segments(spec: Spec) -> dict[Segment, SegmentRegister]:
    is_64 = spec.entry.mode.is_64
    segments = {Segment.CS: _flat("cs", CODE_TYPE, long=is_64)}
    for segment in Segment:
        if segment is Segment.CS:
            continue
        name = segment.name.lower()
        match spec.entry.segments[segment]:
            case SegmentState.FLAT:
                segments[segment] = _flat(name, DATA_TYPE, long=False)
            case SegmentState.NULL:
                segments[segment] = null_segment(constant(0, 16))
            case SegmentState.UNKNOWN:
                segments[segment] = _unknown(name)
    return segments


def _flat(name: str, kind: int, *, long: bool) -> SegmentRegister:
    return SegmentRegister(
        selector=claripy.Concat(symbol(f"{name}.selector[15:2]", 14), constant(0, 2)),
        base=constant(0),
        limit=constant(FLAT_LIMIT, 32),
        type=constant(kind, 4),
        s=constant(1, 1),
        dpl=constant(0, 2),
        present=constant(1, 1),
        long=constant(long, 1),
        big=constant(not long, 1),
        granular=constant(1, 1),
    )


def _unknown(name: str) -> SegmentRegister:
    return SegmentRegister(
        selector=symbol(f"{name}.selector", 16),
        base=claripy.ZeroExt(32, symbol(f"{name}.base", 32)),
        limit=symbol(f"{name}.limit", 32),
        type=symbol(f"{name}.type", 4),
        s=constant(1, 1),
        dpl=symbol(f"{name}.DPL", 2),
        present=symbol(f"{name}.present", 1),
        long=constant(0, 1),
        big=symbol(f"{name}.D", 1),
        granular=symbol(f"{name}.G", 1),
    )


def _guaranteed(state: State) -> list[Bool]:
    """Give what every processor guarantees, SDM vol. 3, "Control Registers"."""
    controls, features = state.controls, state.features
    limit = features.physical_limit
    return [
        limit & (limit - 1) == 0,
        claripy.UGE(limit, SMALLEST_PHYSICAL),
        claripy.ULE(limit, LARGEST_PHYSICAL),
        claripy.ULT(controls[ControlRegister.CR3], limit),
        controls[ControlRegister.CR4] & ~features.cr4 == 0,
        controls[ControlRegister.EFER] & ~features.efer == 0,
        claripy.Or(claripy.Not(state.cr0(Cr0.NW)), state.cr0(Cr0.CD)),
        claripy.Or(claripy.Not(state.cr4(Cr4.CET)), state.cr0(Cr0.WP)),
    ]
