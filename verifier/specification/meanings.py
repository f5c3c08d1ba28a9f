"""What a name in an expression means."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from verifier.machine.registers import Flag
from verifier.specification import build
from verifier.specification.events import EventField
from verifier.specification.expression import (
    Constant,
    Control,
    Cpu,
    EventValue,
    FlagBit,
    Input,
    InstructionPointer,
    Label,
    ModeIs,
    Not,
    Number,
    Register,
    SegmentField,
    TableField,
)
from verifier.specification.scope import (
    CONTROL_BITS,
    CONTROLS,
    CPU_MEMBERS,
    GPRS,
    LOW_GPRS,
    MEMBERS,
    MODES,
    REGION_MEMBERS,
    SEGMENTS,
    STATE_WORDS,
    suggestion,
)
from verifier.specification.vocabulary import (
    CpuFact,
    ModeOf,
    Operator,
    SegmentPart,
    SystemTable,
    TablePart,
    When,
)

if TYPE_CHECKING:
    from verifier.specification.expression import Node, Truth, Word
    from verifier.specification.parse import Parser

STATE_FUNCTIONS = ("mem8", "mem16", "mem32", "mem64", "translate", "canonical")
"""Functions that read the state, so that ``entry.`` may stand before them."""


def read_name(parser: Parser, node: ast.Name | ast.Attribute) -> Node:
    """Give the meaning of ``name``, ``name.part``, ``entry.name`` or ``entry.name.part``."""
    match node:
        case ast.Name(id=name):
            return _single(parser, name, node)
        case ast.Attribute(value=ast.Name(id="entry"), attr=name):
            return _at_entry(parser, name, node)
        case ast.Attribute(value=ast.Attribute(value=ast.Name(id="entry"), attr=name), attr=part):
            if name not in MEMBERS:
                raise parser.mistake(f"unknown name '{name}'; {suggestion(name, MEMBERS)}", node)
            return _part(parser, (name, part), When.ENTRY, node)
        case ast.Attribute(value=ast.Name(id=name), attr=part):
            return _with_part(parser, name, part, node)
        case _:
            raise parser.mistake(f"'{parser.source(node)}' is not a name", node)


def label(parser: Parser, name: str, node: ast.expr) -> Word:
    """Give the address of a label or the value of a constant of the image."""
    symbols = parser.scope.symbols
    if name in symbols.labels:
        return Label(name)
    if name in symbols.constants:
        return build.number(symbols.constants[name])
    near = suggestion(name, [*symbols.labels, *symbols.constants])
    raise parser.mistake(f"the image has no symbol '{name}'; {near}", node)


def read_mode(parser: Parser, node: ast.Compare) -> Truth | None:
    """Read ``mode == LONG_64`` and its like, or give None for another comparison."""
    sides = [node.left, *node.comparators]
    subjects = [of for of in (_mode_of(side) for side in sides) if of is not None]
    if not subjects:
        return None
    match sides, subjects, node.ops:
        case [left, right], [of], [ast.Eq() | ast.NotEq() as op]:
            value = right if _mode_of(left) else left
        case _:
            raise parser.mistake("compare a mode by == or != with one of " + ", ".join(MODES), node)
    if not (isinstance(value, ast.Name) and value.id in MODES):
        name = parser.source(value)
        raise parser.mistake(f"unknown mode '{name}'; {suggestion(name, MODES)}", value)
    event = parser.scope.event
    if of is ModeOf.NEW and not (event and event.has_new_mode):
        raise parser.mistake("only the events transfer and mode-change have a new_mode", node)
    if of is ModeOf.NOW and parser.scope.when is When.ENTRY:
        of = ModeOf.ENTRY
    made = ModeIs(of, MODES[value.id])
    return Not(made) if isinstance(op, ast.NotEq) else made


def _mode_of(node: ast.expr) -> ModeOf | None:
    match node:
        case ast.Name(id="mode"):
            return ModeOf.NOW
        case ast.Name(id="new_mode"):
            return ModeOf.NEW
        case ast.Attribute(value=ast.Name(id="entry"), attr="mode"):
            return ModeOf.ENTRY
        case _:
            return None


def _single(parser: Parser, name: str, node: ast.expr) -> Node:
    """Resolve a name without parts; the image's symbols come last."""
    scope = parser.scope
    if name in scope.bound:
        return scope.bound[name]
    if name in STATE_WORDS:
        return _state(name, scope.when)
    if name in {"true", "false"}:
        return Constant(name == "true")
    if scope.event and name in {field.value for field in scope.event.fields}:
        return EventValue(EventField(name))
    if name in scope.inputs:
        return Input(name)
    if name in scope.symbols.labels or name in scope.symbols.constants:
        return label(parser, name, node)
    raise parser.mistake(_unknown(parser, name), node)


def _unknown(parser: Parser, name: str) -> str:
    """Say what is wrong with a name that means nothing here by itself."""
    if name in {of.value for of in ModeOf}:
        return f"'{name}' is no number; compare it, as in '{name} == LONG_64'"
    if name in MODES:
        return f"'{name}' is a mode; write 'mode == {name}'"
    if name in MEMBERS:
        return f"'{name}' is not a number; name a part of it, as in '{name}.{min(MEMBERS[name])}'"
    if name in parser.scope.regions:
        return f"'{name}' is a region; name a part of it: base, size or end"
    if name in {field.value for field in EventField}:
        event = parser.scope.event
        if event is None:
            return f"'{name}' is a word of an event, and this speaks of none"
        valid = suggestion(name, [field.value for field in event.fields])
        return f"the event {event.value} carries no '{name}'; {valid}"
    return f"unknown name '{name}'; {suggestion(name, parser.scope.names())}"


def _at_entry(parser: Parser, name: str, node: ast.Attribute) -> Node:
    if name in STATE_WORDS:
        return _state(name, When.ENTRY)
    if name == "mode":
        raise parser.mistake(
            "'entry.mode' is no number; compare it, as in 'entry.mode == LONG_64'", node
        )
    if name in MEMBERS:
        raise parser.mistake(f"name a part of it, as in 'entry.{name}.{min(MEMBERS[name])}'", node)
    valid = suggestion(name, [*STATE_WORDS, *MEMBERS, *STATE_FUNCTIONS, "mode"])
    raise parser.mistake(f"the state at the entry has no '{name}'; {valid}", node)


def _with_part(parser: Parser, name: str, part: str, node: ast.expr) -> Word:
    """Resolve ``name.part``."""
    scope = parser.scope
    if name in MEMBERS:
        return _part(parser, (name, part), scope.when, node)
    if name == "cpu":
        if part not in CPU_MEMBERS:
            raise parser.mistake(f"'cpu' has no '{part}'; {suggestion(part, CPU_MEMBERS)}", node)
        return Cpu(CpuFact(part))
    if name in scope.regions:
        if part not in REGION_MEMBERS:
            near = suggestion(part, REGION_MEMBERS)
            raise parser.mistake(f"region '{name}' has no '{part}'; {near}", node)
        extent = scope.regions[name]
        base, size = build.base_of(name, extent), Number(extent.size)
        if part == "size":
            return size
        whole = build.arithmetic(Operator.ADD, base, size, parser.labels)
        return base if part == "base" else whole
    if name in scope.names():
        raise parser.mistake(f"'{name}' has no parts; bits are written '{name}[high:low]'", node)
    near = suggestion(name, [*MEMBERS, "cpu", "entry", *scope.regions])
    raise parser.mistake(f"unknown name '{name}'; {near}", node)


def _state(name: str, when: When) -> Word:
    """Give a register of a state by its name."""
    if name in GPRS:
        return Register(GPRS[name], when)
    if name in LOW_GPRS:
        return build.bits(Register(LOW_GPRS[name], when), 31, 0)
    if name == "rip":
        return InstructionPointer(when)
    return Control(CONTROLS[name], when)


def _part(parser: Parser, names: tuple[str, str], when: When, node: ast.expr) -> Word:
    """Give a part of a register of a state."""
    name, part = names
    if part not in MEMBERS[name]:
        near = suggestion(part, MEMBERS[name])
        raise parser.mistake(f"'{name}' has no '{part}'; {near}", node)
    if name in CONTROLS:
        bit = CONTROL_BITS[CONTROLS[name]][part]
        return build.bits(Control(CONTROLS[name], when), bit, bit)
    if name in SEGMENTS:
        return SegmentField(SEGMENTS[name], SegmentPart(part), when)
    if name == "rflags":
        return FlagBit(Flag[part], when)
    return TableField(SystemTable(name), TablePart(part), when)
