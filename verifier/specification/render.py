"""Expression back to text; reading it gives the same expression."""

from __future__ import annotations

import keyword
from enum import IntEnum
from typing import assert_never

from verifier.specification.expression import (
    Arithmetic,
    Bound,
    Compare,
    Conditional,
    Constant,
    Control,
    Cpu,
    Cpuid,
    EventValue,
    FlagBit,
    Implies,
    Input,
    InstructionPointer,
    Invert,
    Label,
    Logic,
    Memory,
    ModeIs,
    Negate,
    Node,
    Not,
    Number,
    RegionBase,
    Register,
    SegmentField,
    Slice,
    TableField,
    Translate,
    Truth,
    Word,
    walk,
)
from verifier.specification.scope import CONTROL_BITS, RESERVED
from verifier.specification.vocabulary import Junction, Operator, When

_SMALL = 100


class _Level(IntEnum):
    """How tightly a form binds, as in Python's grammar; a looser part takes parentheses."""

    CONDITIONAL = 0
    OR = 1
    AND = 2
    NOT = 3
    COMPARE = 4
    BIT_OR = 5
    BIT_XOR = 6
    BIT_AND = 7
    SHIFT = 8
    SUM = 9
    PRODUCT = 10
    UNARY = 11
    WHOLE = 12


_LEVELS = {
    Operator.ADD: _Level.SUM,
    Operator.SUBTRACT: _Level.SUM,
    Operator.MULTIPLY: _Level.PRODUCT,
    Operator.AND: _Level.BIT_AND,
    Operator.OR: _Level.BIT_OR,
    Operator.XOR: _Level.BIT_XOR,
    Operator.SHIFT_LEFT: _Level.SHIFT,
    Operator.SHIFT_RIGHT: _Level.SHIFT,
}


def render(node: Node) -> str:
    """Give an expression as text: numbers from 100 on in hexadecimal, sugar written out."""
    text, _ = _word(node) if isinstance(node, Word) else _truth(node)
    return text


def names(node: Node) -> frozenset[str]:
    """Give what an expression speaks of: its registers, inputs, labels and their like."""
    return frozenset(
        render(part) for part in walk(node) if not isinstance(part, Number) and _leaf(part)
    )


def _leaf(node: Node) -> bool:
    if isinstance(node, Slice):
        return isinstance(node.word, Control) and "." in render(node)
    return isinstance(
        node,
        Register | InstructionPointer | Control | FlagBit | SegmentField | TableField
        | Input | Cpu | Cpuid | Label | RegionBase | EventValue | Bound | ModeIs,
    )  # fmt: skip


def _inside(node: Node, least: _Level) -> str:
    """Give a part of a larger expression, in parentheses where it binds looser."""
    text, level = _word(node) if isinstance(node, Word) else _truth(node)
    return text if level >= least else f"({text})"


def _word(node: Word) -> tuple[str, _Level]:
    match node:
        case Arithmetic(operator=operator, left=left, right=right):
            level = _LEVELS[operator]
            one, other = _inside(left, level), _inside(right, _Level(level + 1))
            return f"{one} {operator.value} {other}", level
        case Invert(word=word):
            return "~" + _inside(word, _Level.UNARY), _Level.UNARY
        case Negate(word=word):
            return "-" + _inside(word, _Level.UNARY), _Level.UNARY
        case Conditional(condition=condition, then=then, otherwise=otherwise):
            one, test = _inside(then, _Level.BIT_OR), _inside(condition, _Level.OR)
            return f"{one} if {test} else {_inside(otherwise, _Level.CONDITIONAL)}", _Level(0)
        case Slice(word=word, high=high, low=low):
            return _slice(word, high, low), _Level.WHOLE
        case Memory(address=address, bytes=size, when=when):
            return f"{_at(when)}mem{8 * size}({render(address)})", _Level.WHOLE
        case Translate(address=address, when=when):
            return f"{_at(when)}translate({render(address)})", _Level.WHOLE
        case _:
            return _name(node), _Level.WHOLE


def _name(
    node: Number | Register | InstructionPointer | Control | FlagBit | SegmentField
    | TableField | Input | Cpu | Cpuid | Label | RegionBase | EventValue | Bound,
) -> str:  # fmt: skip
    match node:
        case Number(value=value):
            return _number(value)
        case Register(gpr=gpr, when=when):
            return _at(when) + gpr.name.lower()
        case InstructionPointer(when=when):
            return _at(when) + "rip"
        case Control(register=register, when=when):
            return _at(when) + register.value
        case FlagBit(flag=flag, when=when):
            return f"{_at(when)}rflags.{flag.name}"
        case SegmentField(segment=segment, part=part, when=when):
            return f"{_at(when)}{segment.name.lower()}.{part.value}"
        case TableField(table=table, part=part, when=when):
            return f"{_at(when)}{table.value}.{part.value}"
        case Cpu(fact=fact):
            return f"cpu.{fact.value}"
        case Cpuid(register=register, leaf=leaf, subleaf=subleaf):
            return f"cpuid_{register.value}({_number(leaf)}, {_number(subleaf)})"
        case Label(name=name):
            return _label(name)
        case RegionBase(region=region):
            return f"{region}.base"
        case EventValue(field=field):
            return field.value
        case Input(name=name) | Bound(name=name):
            return name
        case _:
            assert_never(node)


def _number(value: int) -> str:
    return str(value) if value < _SMALL else hex(value)


def _truth(node: Truth) -> tuple[str, _Level]:
    match node:
        case Constant(value=value):
            return str(value).lower(), _Level.WHOLE
        case Compare(relation=relation, left=left, right=right):
            one, other = _inside(left, _Level.SHIFT), _inside(right, _Level.SHIFT)
            return f"{one} {relation.value} {other}", _Level.COMPARE
        case ModeIs(of=of, mode=mode):
            return f"{of.value} == {mode.name}", _Level.COMPARE
        case Not(truth=ModeIs(of=of, mode=mode)):
            return f"{of.value} != {mode.name}", _Level.COMPARE
        case Not(truth=truth):
            return f"not {_inside(truth, _Level.WHOLE)}", _Level.NOT
        case Logic(junction=junction, terms=terms):
            level = _Level.AND if junction is Junction.AND else _Level.OR
            parts = [_inside(term, _Level(level + 1)) for term in terms]
            return f" {junction.value} ".join(parts), level
        case Implies(premise=premise, conclusion=conclusion):
            return f"implies({render(premise)}, {render(conclusion)})", _Level.WHOLE
        case _:
            assert_never(node)


def _at(when: When) -> str:
    return "entry." if when is When.ENTRY else ""


def _slice(word: Word, high: int, low: int) -> str:
    if isinstance(word, Control) and high == low:
        for name, bit in CONTROL_BITS.get(word.register, {}).items():
            if bit == high:
                return f"{_name(word)}.{name}"
    bits = f"{high}" if high == low else f"{high}:{low}"
    return f"{_inside(word, _Level.WHOLE)}[{bits}]"


def _label(name: str) -> str:
    if name.isascii() and name.isidentifier() and not keyword.iskeyword(name):
        return f'label("{name}")' if name in RESERVED else name
    quote = "'" if '"' in name else '"'
    return f"label({quote}{name}{quote})"
