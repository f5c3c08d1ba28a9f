"""A concrete start, and the end it must come to, as JSON and back, every bit of it.

Numbers are texts ``0x...``, as JSON's own lose bits above 2^53; bytes are hexadecimal.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar

from verifier.errors import nearest
from verifier.machine.concrete import FaultSeen, Override, SegmentValue, Start, TableRegister
from verifier.machine.registers import ControlRegister, Gpr, Segment, Vector
from verifier.proving.result import End

if TYPE_CHECKING:
    from verifier.reporting.fields import Fields

RFLAGS = "rflags"
HIGHEST_VECTOR = 255

Named = TypeVar("Named", bound=Enum)


def start_to_json(start: Start) -> dict[str, Any]:
    """Give a start as JSON."""
    return {
        "gprs": _named(start.gprs),
        "rip": hex(start.rip),
        RFLAGS: hex(start.rflags),
        "controls": _named(start.controls),
        "segments": {each.name.lower(): _segment(value) for each, value in start.segments.items()},
        "gdtr": _table(start.gdtr),
        "idtr": _table(start.idtr),
        "has_la57": start.has_la57,
        "memory": {hex(at): bytes(data).hex() for at, data in sorted(start.memory.items())},
        "overrides": [
            {
                "before_instruction": index,
                "register": RFLAGS if each.register is None else each.register.name.lower(),
                "mask": hex(each.mask),
                "value": hex(each.value),
            }
            for index, choices in sorted(start.overrides.items())
            for each in choices
        ],
    }


def start_from_json(fields: Fields) -> Start:
    """Read a start; BadInput names what is missing or does not fit."""
    overrides: dict[int, tuple[Override, ...]] = {}
    for each in fields.each("overrides"):
        name = each.text("register")
        register = None if name == RFLAGS else _member(each, "register", name, Gpr)
        override = Override(register, each.number("mask"), each.number("value"))
        index = each.count("before_instruction")
        overrides[index] = (*overrides.get(index, ()), override)
    memory = fields.inner("memory")
    segments = fields.inner("segments")
    return Start(
        gprs=_numbers(fields.inner("gprs"), Gpr),
        rip=fields.number("rip"),
        rflags=fields.number(RFLAGS),
        controls=_numbers(fields.inner("controls"), ControlRegister),
        segments={each: _read_segment(segments.inner(each.name.lower())) for each in Segment},
        gdtr=_read_table(fields.inner("gdtr")),
        idtr=_read_table(fields.inner("idtr")),
        memory={memory.address(key): memory.raw(key) for key in memory.values},
        has_la57=fields.truth("has_la57"),
        overrides=overrides,
    )


def end_to_json(end: End) -> dict[str, Any]:
    """Give what must be seen at the end, as JSON."""
    fault = end.fault
    return {
        "rip": hex(end.rip),
        "fault": None
        if fault is None
        else {"vector": int(fault.vector), "error": fault.error, "rip": hex(fault.rip)},
        "gprs": _named(end.gprs),
        "controls": _named(end.controls),
        "written": {hex(at): hex(value) for at, value in sorted(end.written.items())},
    }


def end_from_json(fields: Fields) -> End:
    """Read what must be seen at the end."""
    fault = fields.optional("fault")
    written = fields.inner("written")
    return End(
        rip=fields.number("rip"),
        fault=None if fault is None else _read_fault(fault),
        gprs=_numbers(fields.inner("gprs"), Gpr),
        controls=_numbers(fields.inner("controls"), ControlRegister),
        written={written.address(key): written.number(key, 8) for key in written.values},
    )


def _read_fault(fields: Fields) -> FaultSeen:
    number = fields.count("vector")
    if number not in set(Vector):
        raise fields.mistake(f"is no exception: {number}", "vector")
    error = None if fields.values.get("error") is None else fields.count("error")
    return FaultSeen(Vector(number), error, fields.number("rip"))


def _named(values: Mapping[Any, int]) -> dict[str, str]:
    return {register.name.lower(): hex(value) for register, value in values.items()}


def _numbers(fields: Fields, kind: type[Named]) -> dict[Named, int]:
    return {_member(fields, key, key, kind): fields.number(key) for key in fields.values}


def _member(fields: Fields, key: str, name: str, kind: type[Named]) -> Named:
    names = {each.name.lower(): each for each in kind}
    if name not in names:
        raise fields.mistake(f"names no register; {nearest(name, names)}", key)
    return names[name]


def _segment(value: SegmentValue) -> dict[str, Any]:
    return {
        "selector": hex(value.selector),
        "base": hex(value.base),
        "limit": hex(value.limit),
        "type": value.type,
        "s": value.s,
        "dpl": value.dpl,
        "present": value.present,
        "long": value.long,
        "default_big": value.default_big,
        "granular": value.granular,
    }


def _read_segment(fields: Fields) -> SegmentValue:
    return SegmentValue(
        selector=fields.number("selector", 16),
        base=fields.number("base"),
        limit=fields.number("limit", 32),
        type=fields.count("type") & 0xF,
        s=fields.truth("s"),
        dpl=fields.count("dpl") & 3,
        present=fields.truth("present"),
        long=fields.truth("long"),
        default_big=fields.truth("default_big"),
        granular=fields.truth("granular"),
    )


def _table(value: TableRegister) -> dict[str, str]:
    return {"base": hex(value.base), "limit": hex(value.limit)}


def _read_table(fields: Fields) -> TableRegister:
    return TableRegister(fields.number("base"), fields.number("limit", 16))
