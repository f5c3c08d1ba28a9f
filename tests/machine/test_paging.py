"""Page walks through tables that the code wrote, up to the loader's own, which are a function."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import claripy
import pytest

from tests.machine.build import oracle
from tests.replay.build import CR4_LA57, CR4_PAE, PML4, long_mode, quads, with_controls
from tests.semantics.compare import bochs_features
from verifier.execution.concrete import state_of
from verifier.machine.memory import Memory, Place, Region
from verifier.machine.models import MODELS, ModelName
from verifier.machine.oracle import Fault, Unmodelled
from verifier.machine.paging import Intent, canonical, translate
from verifier.machine.registers import ControlRegister, Cr0, Cr4, Efer, Flag, Vector
from verifier.machine.state import LoaderTables
from verifier.machine.words import FALSE, constant, symbol
from verifier.semantics.cpu import Cpu

if TYPE_CHECKING:
    from claripy.ast.bool import Bool
    from claripy.ast.bv import BV

    from verifier.machine.oracle import Oracle
    from verifier.machine.state import State

ROOT, LOAD = symbol("cr3"), symbol("load")
END = 1 << 46
TOP = 0x7000
LIMIT = 1 << 40
FACTS = (
    ROOT & 0xFFF == 0,
    claripy.ULT(ROOT, LIMIT),
    claripy.UGE(ROOT, 0x10_0000),
    claripy.UGE(LOAD, 0x10_0000),
    claripy.ULE(LOAD, 1 << 45),
)
PRESENT, WRITABLE, USER, LARGE, NO_EXECUTE = 1, 2, 4, 1 << 7, 1 << 63


def state(cr3: BV, *, la57: bool, tables: tuple[LoaderTables, ...], memory: Memory) -> State:
    """Give a state in 64-bit mode with these tables."""
    start = with_controls(long_mode(""), {ControlRegister.CR4: CR4_PAE | (CR4_LA57 if la57 else 0)})
    made = state_of(start, MODELS[ModelName.RETAINING], bochs_features())
    controls = {**made.controls, ControlRegister.CR3: cr3}
    return replace(made, controls=controls, tables=tables, memory=memory)


def new_top(entry: BV, second: int = 0) -> State:
    """Give a state whose five-level root is a page the code wrote ``entry`` into."""
    region = Region("top", constant(TOP), 0x1000, content=bytes(8) + quads(second) + bytes(4080))
    memory = Memory((region, Region("image", LOAD, 0x1000))).write(Place(region, 0), entry)
    loader = LoaderTables(ROOT, FALSE, constant(END))
    return state(constant(TOP), la57=True, tables=(loader,), memory=memory)


def walk(start: State, linear: BV, intent: Intent = Intent.READ, asked: Oracle | None = None) -> BV:
    """Translate and give the physical address."""
    return translate(Cpu(start, asked or oracle(*FACTS)), linear, intent)


def fault(start: State, linear: BV, intent: Intent = Intent.READ) -> int | None:
    """Translate, expect a page fault, and give its error code."""
    with pytest.raises(Fault) as raised:
        walk(start, linear, intent)
    assert raised.value.vector is Vector.PF
    return raised.value.error


def test_without_paging_addresses_are_physical() -> None:
    """With CR0.PG clear nothing is walked."""
    start = state(ROOT, la57=False, tables=(), memory=Memory(()))
    off = {**start.controls, ControlRegister.CR0: constant(1 << Cr0.PE)}
    assert walk(replace(start, controls=off), LOAD) is LOAD


def test_loader_tables_are_the_identity() -> None:
    """Under the loader's root an address below the map's end is its own translation."""
    loader = LoaderTables(ROOT, FALSE, constant(END))
    start = state(ROOT, la57=False, tables=(loader,), memory=Memory(()))
    assert walk(start, LOAD + 8) is LOAD + 8
    beyond = oracle(*FACTS[:3], claripy.UGE(LOAD, END), claripy.ULT(LOAD, 1 << 47))
    with pytest.raises(Unmodelled, match="beyond the loader's identity map"):
        walk(start, LOAD, asked=beyond)


@pytest.mark.parametrize("flags", [3, 7, 0x23, 0x63, 0xF67])
def test_new_top_table_leads_to_the_loaders(flags: int) -> None:
    """Entry 0 of a five-level root that points at the old root changes no translation."""
    start = new_top(ROOT + flags)
    for intent in Intent:
        assert walk(start, LOAD + 0x123, intent) is LOAD + 0x123


def test_walk_sets_the_accessed_bit_in_the_stored_entry() -> None:
    """The processor's own store to the new table is an event, and memory has it."""
    cpu = Cpu(new_top(ROOT + 3), oracle(*FACTS))
    translate(cpu, LOAD, Intent.READ)
    region = cpu.state.memory.regions[0]
    entry = cpu.state.memory.read(Place(region, 0), 8)
    asked = oracle(*FACTS)
    assert asked.holds(entry == ROOT + 0x23)
    events = len(cpu.events)
    translate(cpu, LOAD, Intent.READ)
    assert len(cpu.events) == events + 1


@pytest.mark.parametrize(
    ("flags", "intent", "error"),
    [
        (6, Intent.READ, 0),
        (6, Intent.WRITE, 2),
        (3 | LARGE, Intent.READ, 9),
        (3 | LARGE, Intent.WRITE, 11),
        (3 | NO_EXECUTE, Intent.READ, 9),
        (3 | 1 << 51, Intent.READ, 9),
        (3 | 1 << 40, Intent.READ, 9),
    ],
)
def test_new_top_table_that_faults(flags: int, intent: Intent, error: int) -> None:
    """An entry without P, or with a reserved bit, is a page fault that says which."""
    assert fault(new_top(ROOT + flags), LOAD, intent) == error


def with_bits(start: State, register: ControlRegister, bits: int) -> State:
    """Give a state with bits of a control register set."""
    old = start.controls[register]
    return replace(start, controls={**start.controls, register: old | bits})


def test_read_only_top_table() -> None:
    """Without W in the new entry a store faults only under CR0.WP."""
    start = new_top(ROOT + PRESENT)
    assert walk(start, LOAD, Intent.WRITE) is LOAD
    assert fault(with_bits(start, ControlRegister.CR0, 1 << Cr0.WP), LOAD, Intent.WRITE) == 3


def test_no_execute_top_table() -> None:
    """With EFER.NXE the bit forbids fetches, and the error code says that it was a fetch."""
    start = with_bits(
        new_top(ROOT + (PRESENT | WRITABLE | NO_EXECUTE)), ControlRegister.EFER, 1 << Efer.NXE
    )
    assert walk(start, LOAD) is LOAD
    assert fault(start, LOAD, Intent.FETCH) == 0x11


def test_other_entry_of_the_new_table() -> None:
    """An address at or above 2^48 goes through another entry."""
    start = new_top(ROOT + 3)
    assert fault(start, constant(1 << 48)) == 0


def test_unwritten_table_is_unmodelled() -> None:
    """A table whose bytes nothing determines is not walked."""
    region = Region("top", constant(TOP), 0x1000)
    start = state(constant(TOP), la57=True, tables=(), memory=Memory((region,)))
    with pytest.raises(Unmodelled, match="page table"):
        walk(start, LOAD)


def test_loaders_table_at_another_level_is_unmodelled() -> None:
    """The old four-level root taken as a five-level one is not known to be a table."""
    loader = LoaderTables(ROOT, FALSE, constant(END))
    start = state(ROOT, la57=True, tables=(loader,), memory=Memory(()))
    with pytest.raises(Unmodelled, match="used as a table of level 5"):
        walk(start, LOAD)


def full_walk(entries: dict[int, int]) -> State:
    """Give a state of four levels in memory; ``entries`` replace table entries by address."""
    start = long_mode("", memory={at: quads(value) for at, value in entries.items()})
    return state_of(start, MODELS[ModelName.RETAINING], bochs_features())


def user_page(**bits: int) -> State:
    """Give a state where all is mapped for the user too, with bits of CR4 and flags set."""
    start = full_walk({PML4: 0x1_1007, 0x1_1000: 0x87})
    made = with_bits(start, ControlRegister.CR4, bits["cr4"])
    return replace(made, flags={**made.flags, Flag.AC: constant(bits.get("ac", 0), 1)})


def test_user_pages() -> None:
    """SMAP closes them to data unless AC is set and the access explicit, SMEP to fetches."""
    at = constant(0x5000)
    smap, smep = 1 << Cr4.SMAP, 1 << Cr4.SMEP
    assert fault(user_page(cr4=smap), at) == 1
    assert fault(user_page(cr4=smap), at, Intent.WRITE) == 3
    assert walk(user_page(cr4=smap), at, Intent.FETCH) is at
    assert walk(user_page(cr4=smap, ac=1), at) is at
    assert fault(user_page(cr4=smep), at, Intent.FETCH) == 0x11
    with pytest.raises(Fault):
        translate(Cpu(user_page(cr4=smap, ac=1), oracle()), at, Intent.READ, implicit=True)


@pytest.mark.parametrize(
    ("address", "la57", "expected"),
    [
        (0x7FFF_FFFF_FFFF, False, True),
        (0x8000_0000_0000, False, False),
        (0xFFFF_7FFF_FFFF_FFFF, False, False),
        (0xFFFF_8000_0000_0000, False, True),
        (0x8000_0000_0000, True, True),
        (0x00FF_FFFF_FFFF_FFFF, True, True),
        (0x0100_0000_0000_0000, True, False),
        (0xFF00_0000_0000_0000, True, True),
    ],
)
def test_canonical(address: int, la57: bool, expected: bool) -> None:
    """The canonical width is 48 bits, or 57 with LA57."""
    told: Bool = canonical(constant(address), la57=la57)
    assert told.is_true() == expected
