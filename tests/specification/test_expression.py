"""Expressions are read as what they say."""

from __future__ import annotations

import pytest

from tests.specification.build import ASSUMPTION, CLAIM, TRANSFER, WRITE
from verifier.errors import BadInput
from verifier.machine.registers import ControlRegister, Flag, Gpr, Mode, Segment
from verifier.specification.events import Event, EventField
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
    Not,
    Number,
    RegionBase,
    Register,
    SegmentField,
    Slice,
    TableField,
    Translate,
)
from verifier.specification.parse import parse_truth, parse_word
from verifier.specification.scope import Scope
from verifier.specification.vocabulary import (
    CpuFact,
    CpuidRegister,
    Junction,
    ModeOf,
    Operator,
    Relation,
    SegmentPart,
    SystemTable,
    TablePart,
    When,
)

NOW, ENTRY = When.NOW, When.ENTRY
RSI, LOAD = Register(Gpr.RSI, NOW), Input("load")
CR4 = Control(ControlRegister.CR4, NOW)

WORDS = [
    ("7", Number(7)),
    ("0xffff_ffff_ffff_ffff", Number(2**64 - 1)),
    ("2**47", Number(2**47)),
    ("0**0 + 1**(2**63)", Number(2)),
    ("-1", Number(2**64 - 1)),
    ("~0xff", Number(2**64 - 256)),
    ("+rsi", RSI),
    ("1 << 63", Number(2**63)),
    ("1 << 64", Number(0)),
    ("5 >> 2**63", Number(0)),
    ("3 - 4", Number(2**64 - 1)),
    ("2**63 * 2", Number(0)),
    ("0xabcd[15:8]", Number(0xAB)),
    ("rsi", RSI),
    ("entry.rsi", Register(Gpr.RSI, ENTRY)),
    ("esi", Slice(RSI, 31, 0)),
    ("r8d", Slice(Register(Gpr.R8, NOW), 31, 0)),
    ("entry.r15d", Slice(Register(Gpr.R15, ENTRY), 31, 0)),
    ("low32(rsi)", Slice(RSI, 31, 0)),
    ("rip", InstructionPointer(NOW)),
    ("cr3", Control(ControlRegister.CR3, NOW)),
    ("entry.efer", Control(ControlRegister.EFER, ENTRY)),
    ("cr4.LA57", Slice(CR4, 12, 12)),
    ("entry.cr0.PG", Slice(Control(ControlRegister.CR0, ENTRY), 31, 31)),
    ("efer.LMA", Slice(Control(ControlRegister.EFER, NOW), 10, 10)),
    ("rflags.IF", FlagBit(Flag.IF, NOW)),
    ("entry.rflags.DF", FlagBit(Flag.DF, ENTRY)),
    ("cs.selector", SegmentField(Segment.CS, SegmentPart.SELECTOR, NOW)),
    ("entry.cs.L", SegmentField(Segment.CS, SegmentPart.LONG, ENTRY)),
    ("ss.null", SegmentField(Segment.SS, SegmentPart.NULL, NOW)),
    ("gdtr.base", TableField(SystemTable.GDTR, TablePart.BASE, NOW)),
    ("entry.idtr.limit", TableField(SystemTable.IDTR, TablePart.LIMIT, ENTRY)),
    ("load", LOAD),
    ("every", Bound("every")),
    ("cpu.physical_limit", Cpu(CpuFact.PHYSICAL_LIMIT)),
    ("cpu.LA57", Cpu(CpuFact.LA57)),
    ("cpuid_eax(0, 0)", Cpuid(CpuidRegister.EAX, 0, 0)),
    ("cpuid_ebx(7, SELECTOR)", Cpuid(CpuidRegister.EBX, 7, 0x10)),
    ("cpuid_ecx(7, 0)[16]", Slice(Cpuid(CpuidRegister.ECX, 7, 0), 16, 16)),
    ("cpuid_edx(2**31 + 1, 2**32 - 1)", Cpuid(CpuidRegister.EDX, 0x80000001, 0xFFFFFFFF)),
    ("lvl5", Label("lvl5")),
    ("entry", Label("entry")),
    ("size", Label("size")),
    ('label(".Lodd")', Label(".Lodd")),
    ("label('SELECTOR')", Number(0x10)),
    ("SELECTOR", Number(0x10)),
    ("jump - start", Number(0x20)),
    ("0x7c00 + jump - start", Number(0x7C20)),
    ("-(start - jump)", Number(0x20)),
    ("-start + jump", Number(0x20)),
    ("jump + start", Arithmetic(Operator.ADD, Label("jump"), Label("start"))),
    ("sizeof(image)", Number(0x80)),
    ("low.base", Number(0x7000)),
    ("low.size", Number(0x1000)),
    ("low.end", Number(0x8000)),
    ("stack.base", RegionBase("stack")),
    ("stack.end", Arithmetic(Operator.ADD, RegionBase("stack"), Number(64))),
    ("mem8(rsi)", Memory(RSI, 1, NOW)),
    ("entry.mem64(rsi)", Memory(RSI, 8, ENTRY)),
    ("mem32(entry.rsi)", Memory(Register(Gpr.RSI, ENTRY), 4, NOW)),
    ("translate(load)", Translate(LOAD, NOW)),
    ("entry.translate(load)", Translate(LOAD, ENTRY)),
    ("~rsi", Invert(RSI)),
    ("-rsi", Negate(RSI)),
    ("rsi[7]", Slice(RSI, 7, 7)),
    ("(rsi + load)[63:32]", Slice(Arithmetic(Operator.ADD, RSI, LOAD), 63, 32)),
    ("rsi if rsi < load else load", Conditional(Compare(Relation.LESS, RSI, LOAD), RSI, LOAD)),
    ("  rsi \n + load ", Arithmetic(Operator.ADD, RSI, LOAD)),
]


@pytest.mark.parametrize(("text", "node"), WORDS, ids=[text for text, _ in WORDS])
def test_a_word_is_read_as_what_it_says(text: str, node: object) -> None:
    """Each form of a word gives its node, with constants folded."""
    assert parse_word(text, CLAIM) == node


LESS = Compare(Relation.LESS, RSI, LOAD)
EQUAL = Compare(Relation.EQUAL, RSI, LOAD)
LONG = ModeIs(ModeOf.NOW, Mode.LONG_64)

TRUTHS = [
    ("rsi < load", LESS),
    ("true", Constant(value=True)),
    ("1 == 2", Constant(value=False)),
    ("not false", Constant(value=True)),
    ("rsi < load and true", LESS),
    ("rsi < load or true", Constant(value=True)),
    (
        "1 <= rsi < load",
        Logic(Junction.AND, (Compare(Relation.LESS_OR_EQUAL, Number(1), RSI), LESS)),
    ),
    ("(rsi < load and rsi == load) and rsi < load", Logic(Junction.AND, (LESS, EQUAL, LESS))),
    ("rsi < load or rsi == load", Logic(Junction.OR, (LESS, EQUAL))),
    ("not rsi < load", Not(LESS)),
    ("implies(rsi < load, rsi == load)", Implies(LESS, EQUAL)),
    ("mode == LONG_64", LONG),
    ("LONG_64 == mode", LONG),
    ("mode != LONG_64", Not(LONG)),
    ("entry.mode == PROTECTED_32", ModeIs(ModeOf.ENTRY, Mode.PROTECTED_32)),
    (
        "aligned(rsi, 8)",
        Compare(Relation.EQUAL, Arithmetic(Operator.AND, RSI, Number(7)), Number(0)),
    ),
    ("aligned(low.base, 0x1000)", Constant(value=True)),
    ("within(0x7ff8, 8, low)", Constant(value=True)),
    ("within(0x7ff9, 8, low)", Constant(value=False)),
    (
        "all(mem8(i) == 1 for i in range(2))",
        Logic(
            Junction.AND,
            tuple(Compare(Relation.EQUAL, Memory(Number(i), 1, NOW), Number(1)) for i in (0, 1)),
        ),
    ),
    (
        "any(rsi[i] == 1 for i in range(62, 64))",
        Logic(
            Junction.OR,
            tuple(Compare(Relation.EQUAL, Slice(RSI, i, i), Number(1)) for i in (62, 63)),
        ),
    ),
]


@pytest.mark.parametrize(("text", "node"), TRUTHS, ids=[text for text, _ in TRUTHS])
def test_a_truth_is_read_as_what_it_says(text: str, node: object) -> None:
    """Each form of a truth gives its node; chains and nested junctions come out flat."""
    assert parse_truth(text, CLAIM) == node


def test_an_assumption_speaks_of_the_entry() -> None:
    """A bare name in an assumption is the entry's, as if ``entry.`` stood before it."""
    for text in ("rsi == rdi[7:0]", "mode == LONG_64", "cs.L == cr4.LA57", "canonical(rip)"):
        bare = parse_truth(text, ASSUMPTION)
        assert "NOW" not in repr(bare)
    assert parse_word("rsi[7:0]", ASSUMPTION) == parse_word("entry.rsi[7:0]", CLAIM)


@pytest.mark.parametrize("event", Event)
def test_an_event_carries_its_own_fields_only(event: Event) -> None:
    """The words of an event are names in its claims, and in no other's."""
    scope = Scope(NOW, event=event)
    for field in EventField:
        if field in event.fields:
            assert parse_word(field.value, scope) == EventValue(field)
        else:
            with pytest.raises(BadInput, match=f"{event.value} carries no '{field.value}'"):
                parse_word(field.value, scope)
    if event.has_new_mode:
        made = parse_truth("new_mode == COMPATIBILITY", scope)
        assert made == ModeIs(ModeOf.NEW, Mode.COMPATIBILITY)
    else:
        with pytest.raises(BadInput, match="only the events transfer and mode-change"):
            parse_truth("new_mode == COMPATIBILITY", scope)


def test_a_label_is_found_last() -> None:
    """A label that is named as an event's field is meant where the event has no such field."""
    assert parse_word("size", WRITE) == EventValue(EventField.SIZE)
    assert parse_word("size", TRANSFER) == Label("size")
    assert parse_word('label("size")', WRITE) == Label("size")
