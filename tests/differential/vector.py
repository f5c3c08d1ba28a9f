"""A processor's state as one list of numbers, and as a symbolic state over those numbers."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import TYPE_CHECKING, ClassVar

from tests.replay.build import CR4_LA57
from tests.semantics.compare import bochs_features
from tests.semantics.starts import FREE_FLAGS
from verifier.machine.descriptors import SegmentRegister
from verifier.machine.memory import Memory, Region
from verifier.machine.models import MODELS, ModelName
from verifier.machine.registers import ControlRegister, Flag, Gpr, Mode, Segment
from verifier.machine.state import LoaderTables, State, TablePointer
from verifier.machine.words import FALSE, TRUE, bit, bits, constant, symbol
from verifier.replay.bochs_models import BOCHS_PHYSICAL_BITS
from verifier.semantics.instruction import LONGEST

if TYPE_CHECKING:
    from claripy.ast.bv import BV

    from tests.semantics.starts import Setting
    from verifier.machine.cells import Cell
    from verifier.machine.concrete import SegmentValue

Registers = list[int]
"""Registers in the order of ``NAMES``."""

GPRS, SEGMENTS, CONTROLS = tuple(Gpr), tuple(Segment), tuple(ControlRegister)
PARTS = {"selector": 16, "base": 64, "limit": 32, "attributes": 16}
"""What a segment register has; the attributes lie as in a descriptor's bytes 5 and 6."""
ROOT_MASK = 0x000F_FFFF_FFFF_F000


class At(IntEnum):
    """Where in a vector registers begin."""

    GPRS = 0
    RIP = 16
    RFLAGS = 17
    CONTROLS = 18
    SEGMENTS = 23
    GDTR = 47
    IDTR = 49


WIDTHS: dict[str, int] = {
    **{register.name.lower(): 64 for register in Gpr},
    "rip": 64,
    "rflags": 64,
    **{register.value: 64 for register in CONTROLS},
    **{f"{name.name.lower()}.{part}": width for name in Segment for part, width in PARTS.items()},
    "gdtr.base": 64,
    "gdtr.limit": 16,
    "idtr.base": 64,
    "idtr.limit": 16,
}
"""The width of each number by its name, in the order of a vector."""
NAMES = tuple(WIDTHS)
SLOTS = {name: at for at, name in enumerate(NAMES)}


def slot(segment: Segment, part: str = "selector") -> int:
    """Give where a vector has a part of a segment register."""
    return SLOTS[f"{segment.name.lower()}.{part}"]


def attributes_of(value: SegmentValue) -> int:
    """Give a segment's attributes as one number."""
    return (
        value.type
        | value.s << 4
        | value.dpl << 5
        | value.present << 7
        | value.long << 13
        | value.default_big << 14
        | value.granular << 15
    )


def vector_of(made: Setting) -> Registers:
    """Give the registers of a setting."""
    vector = [made.gprs[register] for register in GPRS]
    if not made.mode.is_64:
        # Bochs cuts RSP where 64-bit mode is left, so it never has more in 32-bit code.
        vector[Gpr.RSP] &= 0xFFFF_FFFF
    vector += [made.rip, made.rflags, *(made.controls[each] for each in CONTROLS)]
    for segment in SEGMENTS:
        value = made.segments[segment]
        vector += [value.selector, value.base, value.limit, attributes_of(value)]
    return [*vector, made.gdtr.base, made.gdtr.limit, made.idtr.base, made.idtr.limit]


class Watched(Memory):
    """Memory that remembers which address each unknown byte was read from."""

    origins: ClassVar[dict[str, tuple[BV, int]]] = {}

    def cell(self, region: Region, offset: int) -> Cell:
        """Give one byte."""
        cell, name = super().cell(region, offset), f"{region.name}[{offset:#x}]"
        if not isinstance(cell, int) and cell[0].op == "BVS" and cell[0].args[0] == name:
            self.origins[name] = region.base, offset
        return cell


def state_over(vector: Registers, mode: Mode, raw: bytes, varied: Iterable[str]) -> State:
    """Give the state of code ``raw`` at RIP in which the registers ``varied`` are unknown.

    The others are as in ``vector``. Memory below 2^40 is mapped to itself where paging is on.
    """
    names = set(varied)
    values = {
        name: symbol(name, width) if name in names else constant(vector[SLOTS[name]], width)
        for name, width in WIDTHS.items()
    }
    rflags, code = values["rflags"], raw + bytes(LONGEST)
    zero = constant(0, 1)
    return State(
        gprs=tuple(values[register.name.lower()] for register in Gpr),
        rip=values["rip"],
        flags={flag: bit(rflags, flag) if flag in FREE_FLAGS else zero for flag in Flag},
        iopl=bits(rflags, 13, 12),
        segments={segment: _segment(segment, values) for segment in Segment},
        controls={register: values[register.value] for register in CONTROLS},
        gdtr=TablePointer(values["gdtr.base"], values["gdtr.limit"]),
        idtr=TablePointer(values["idtr.base"], values["idtr.limit"]),
        memory=Watched((Region("code", values["rip"], len(code), content=code),)),
        mode=mode,
        paging_was_off=mode is Mode.PROTECTED_32,
        model=MODELS[ModelName.RETAINING],
        features=bochs_features(),
        tables=() if mode is Mode.PROTECTED_32 else (_tables(vector),),
    )


def _tables(vector: Registers) -> LoaderTables:
    controls = dict(zip(CONTROLS, vector[At.CONTROLS : At.SEGMENTS], strict=True))
    return LoaderTables(
        root=constant(controls[ControlRegister.CR3] & ROOT_MASK),
        five_levels=TRUE if controls[ControlRegister.CR4] & CR4_LA57 else FALSE,
        identity_end=constant(1 << BOCHS_PHYSICAL_BITS),
        region="tables",
    )


def _segment(segment: Segment, values: dict[str, BV]) -> SegmentRegister:
    name = segment.name.lower()
    attributes = values[f"{name}.attributes"]
    return SegmentRegister(
        selector=values[f"{name}.selector"],
        base=values[f"{name}.base"],
        limit=values[f"{name}.limit"],
        type=bits(attributes, 3, 0),
        s=bit(attributes, 4),
        dpl=bits(attributes, 6, 5),
        present=bit(attributes, 7),
        long=bit(attributes, 13),
        big=bit(attributes, 14),
        granular=bit(attributes, 15),
    )


def attributes_in(register: SegmentRegister) -> BV:
    """Give a segment register's attributes as one word of 16 bits."""
    low = register.type.zero_extend(12) | register.s.zero_extend(15) << 4
    low |= register.dpl.zero_extend(14) << 5 | register.present.zero_extend(15) << 7
    high = register.long.zero_extend(15) << 13 | register.big.zero_extend(15) << 14
    return low | high | register.granular.zero_extend(15) << 15
