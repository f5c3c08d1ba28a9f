"""The processor while it executes one instruction: what meanings are written in.

A meaning reads and changes a draft of the state. It may raise Fault or Unmodelled at any
point: then the draft is dropped, and the state before the instruction stands.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import claripy

from verifier.machine.choices import settled
from verifier.machine.copies import copy_at
from verifier.machine.events import Access, AccessBy, ControlWrite, ModeChange, Transfer
from verifier.machine.oracle import Fault, Unmodelled
from verifier.machine.paging import Intent, page_of, translate
from verifier.machine.registers import ControlRegister, Flag, Mode, Segment, Vector
from verifier.machine.words import (
    bits,
    concat,
    constant,
    extend,
    known,
    low32,
    plus,
    reduced,
    width_of,
)
from verifier.semantics.segmentation import linear_address, require_canonical, wide

if TYPE_CHECKING:
    from claripy.ast.bool import Bool
    from claripy.ast.bv import BV

    from verifier.machine.cells import Cell
    from verifier.machine.descriptors import SegmentRegister
    from verifier.machine.events import Event
    from verifier.machine.memory import Memory, Place
    from verifier.machine.oracle import Oracle
    from verifier.machine.state import LoaderTables, State

BYTE = 8
PAGE = 0x1000


class Cpu:
    """A draft of the state, the oracle of the path, and the events so far."""

    def __init__(self, state: State, oracle: Oracle) -> None:
        """Start with the state before the instruction."""
        self.state = state
        self.oracle = oracle
        self.events: list[Event] = []

    # Registers

    def gpr(self, number: int, width: int = 64) -> BV:
        """Give the low ``width`` bits of a general register."""
        value = self.state.gprs[number]
        return bits(value, width - 1, 0)

    def set_gpr(self, number: int, value: BV) -> None:
        """Write a general register: 32 bits zero-extend, 8 and 16 keep the rest."""
        match width_of(value):
            case 64:
                whole = reduced(value)
            case 32:
                whole = extend(value)
            case width:
                whole = concat(bits(self.state.gprs[number], 63, width), value)
        gprs = list(self.state.gprs)
        gprs[number] = whole
        self.state = replace(self.state, gprs=tuple(gprs))

    def set_flag(self, flag: Flag, value: BV) -> None:
        """Write one flag, one bit wide."""
        self.state = replace(self.state, flags={**self.state.flags, flag: value})

    def set_segment(self, segment: Segment, value: SegmentRegister) -> None:
        """Write a segment register with its hidden part."""
        self.state = replace(self.state, segments={**self.state.segments, segment: value})

    def set_control(self, register: ControlRegister, value: BV) -> None:
        """Write a control register, as an event where an instruction names it."""
        old = self.state.controls[register]
        if register is not ControlRegister.EFER:
            self.events.append(ControlWrite(register, old, value))
        self.state = replace(self.state, controls={**self.state.controls, register: value})

    def set_mode(self, mode: Mode) -> None:
        """Change the mode, as an event."""
        if mode is not self.state.mode:
            self.events.append(ModeChange(self.state.mode, mode))
            self.state = replace(self.state, mode=mode)

    # Conditions

    def fault_if(self, condition: Bool, vector: Vector, error: int | None, why: str) -> None:
        """Raise the exception on the paths where ``condition`` is true."""
        if self.oracle.decide(condition):
            raise Fault(vector, error, why)

    def general_protection_if(self, condition: Bool, why: str) -> None:
        """Raise #GP(0) on the paths where ``condition`` is true."""
        self.fault_if(condition, Vector.GP, 0, why)

    def determined(self, value: BV, what: str) -> int:
        """Give the one number that ``value`` can be on this path.

        Raises Unmodelled where it can be several.
        """
        number = known(value)
        if number is None:
            number = self.oracle.value(value)
        if number is None:
            raise Unmodelled(f"{what} is not fixed by the start", (value,))
        return number

    def undefined(self, what: str, width: int) -> BV:
        """Give a value that the manuals leave undefined."""
        return self.oracle.fresh(what, width)

    # Addresses

    def linear(self, segment: Segment, offset: BV, size: int, intent: Intent) -> BV:
        """Give the linear address, 64 bits, of ``size`` bytes at ``offset`` in a segment.

        Raises Fault: #GP(0), or #SS(0) through SS.
        """
        return linear_address(self, segment, offset, size, intent)

    def region_below(self, address: BV, size: int, bound: BV) -> bool:
        """Say whether the bytes lie in a region that ends at or below ``bound``."""
        memory = self.state.memory.noticing(address, size, self.oracle)
        if memory is not self.state.memory:
            self.state = replace(self.state, memory=memory)
        return memory.below(address, size, bound, self.oracle)

    # Memory

    def load(self, linear: BV, size: int, *, updates: bool = False, implicit: bool = False) -> BV:
        """Read ``size`` bytes at a linear address; ``updates`` where a store follows there.

        An update is refused at its load wherever its store would be. ``implicit`` marks
        descriptor tables, as for ``translate``.
        """
        intent = Intent.WRITE if updates else Intent.READ
        physical = self.physical(linear, size, intent, implicit=implicit)
        return self._read(
            linear, physical, size, AccessBy.PROCESSOR if implicit else AccessBy.INSTRUCTION
        )

    def store(self, linear: BV, value: BV, *, implicit: bool = False) -> None:
        """Write a value at a linear address."""
        size = width_of(value) // BYTE
        physical = self.physical(linear, size, Intent.WRITE, implicit=implicit)
        place = self._write(
            linear, physical, value, AccessBy.PROCESSOR if implicit else AccessBy.INSTRUCTION
        )
        self._require_tables_untouched(place, physical, size)

    def physical(self, linear: BV, size: int, intent: Intent, *, implicit: bool = False) -> BV:
        """Give the physical address of ``size`` bytes that are adjacent there too."""
        first = translate(self, linear, intent, implicit=implicit)
        number = known(linear)
        if number is not None and number % PAGE + size <= PAGE:
            return first
        for ahead in [*range(PAGE, size, PAGE), size - 1]:
            if not ahead:
                continue
            there = translate(self, plus(linear, ahead), intent, implicit=implicit)
            expected = plus(first, ahead)
            if there is not expected and not self.oracle.holds(there == expected):
                raise Unmodelled("an access crosses pages that are not adjacent", (linear,))
        return first

    def read_physical(self, address: BV, size: int) -> BV:
        """Read ``size`` bytes at a physical address, as the page walk does.

        Raises Unmodelled for a table that the start does not fix.
        """
        _, place = self.state.memory.place(address, size, self.oracle)
        if not self.state.memory.determined(place, size):
            reason = f"a page table at {place}, whose bytes the start does not fix"
            fixed = isinstance(place.offset, int)
            raise Unmodelled(reason, (self.state.memory.read(place, size),) if fixed else ())
        live = self.state.live | {(place.region.name, page_of(place))}
        self.state = replace(self.state, live=live)
        return self._read(address, address, size, AccessBy.PROCESSOR)

    def _read(self, linear: BV, physical: BV, size: int, by: AccessBy) -> BV:
        memory, place = self.state.memory.place(physical, size, self.oracle)
        self.state = replace(self.state, memory=memory)
        value = settled(memory.read(place, size), self.oracle)
        self.events.append(Access(Intent.READ, linear, physical, size, place, value, by))
        return value

    def is_copy(self, table: BV, root: BV) -> bool:
        """Say whether the page at ``table`` is a copy of that at ``root``: a table in use."""
        place = copy_at(self.state.memory, table, root, self.oracle)
        if place is None:
            return False
        live = self.state.live | {(place.region.name, page_of(place))}
        self.state = replace(self.state, live=live)
        return True

    def mark_physical(self, address: BV, value: BV) -> None:
        """Store a byte as the processor does for accessed and dirty bits."""
        self._write(address, address, value, AccessBy.PROCESSOR)

    def _write(self, linear: BV, physical: BV, value: BV, by: AccessBy) -> Place:
        size = width_of(value) // BYTE
        memory, place = self._writable(physical, size)
        self.state = replace(self.state, memory=memory.write(place, value))
        self.events.append(Access(Intent.WRITE, linear, physical, size, place, value, by))
        return place

    def _writable(self, address: BV, size: int) -> tuple[Memory, Place]:
        memory, place = self.state.memory.place(address, size, self.oracle)
        memory.require_apart(place, address, size, self.oracle)
        return memory, place

    def _require_tables_untouched(self, place: Place, address: BV, size: int) -> None:
        if self._hits_live_table(place, size):
            if self.state.strict:
                raise Unmodelled(f"a store to page tables in use, at {place}", (address,))
            self.state = replace(self.state, stale=True)
        for tables in self.state.tables:
            if tables.region in {place.region.name, place.region.within}:
                raise Unmodelled(f"a store to the loader's tables, at {place}", (address,))
        if place.region.stray and place.region.within is None and self.state.tables:
            hit = self.oracle.fresh("stray-store-hits-loader-tables", 1) == 1
            if self.oracle.decide(hit):
                reason = "a store outside every region may hit the loader's tables"
                raise Unmodelled(reason, (address,))
        for tables in self.state.tables:
            self._require_root_untouched(tables, address, size)

    def _require_root_untouched(self, tables: LoaderTables, address: BV, size: int) -> None:
        """Raise Unmodelled where the top-level table is not in its region, but stored to."""
        for region in self.state.memory.regions:
            if region.name == tables.region and region.size >= PAGE:
                inside = claripy.ULE(tables.root - region.base, region.size - PAGE)
                if self.oracle.holds(inside):
                    return
        hit = claripy.ULT(address - tables.root, PAGE), claripy.ULT(tables.root - address, size)
        if self.oracle.decide(claripy.Or(*hit)):
            raise Unmodelled("a store hits the loader's top-level table", (address,))

    def _hits_live_table(self, place: Place, size: int) -> bool:
        aheads = (*range(0, size, PAGE), size - 1)
        pages = {(place.region.name, page_of(place, ahead)) for ahead in aheads}
        if not self.state.live.isdisjoint(pages):
            return True
        return self._may_hit_otherwise(place, size)

    def _may_hit_otherwise(self, place: Place, size: int) -> bool:
        """Say whether a store may hit a table by another window, or one across two of its pages."""
        region, live = place.region, self.state.live
        if region.within is not None:
            strays = self.state.memory.strays
            others = {each.name for each in strays if each.within == region.within} - {region.name}
            if any(name in others for name, _ in live):
                return True
        start = place.offset if isinstance(place.offset, int) else 0
        near = any(
            name == region.name and at - PAGE < start + size and start < at + 2 * PAGE
            for name, at in live
        )
        return near and not self.oracle.holds(region.base & (PAGE - 1) == 0)

    def load_cells(self, linear: BV, size: int) -> list[Cell]:
        """Read many bytes in one step."""
        physical = self.physical(linear, size, Intent.READ)
        memory, place = self.state.memory.place(physical, size, self.oracle)
        self.state, by = replace(self.state, memory=memory), AccessBy.INSTRUCTION
        self.events.append(Access(Intent.READ, linear, physical, size, place, None, by))
        return memory.read_cells(place, size)

    def store_cells(self, linear: BV, cells: list[Cell]) -> None:
        """Write many bytes in one step."""
        physical = self.physical(linear, len(cells), Intent.WRITE)
        by = AccessBy.INSTRUCTION
        memory, place = self._writable(physical, len(cells))
        self._require_tables_untouched(place, physical, len(cells))
        self.state = replace(self.state, memory=memory.write_cells(place, cells))
        self.events.append(Access(Intent.WRITE, linear, physical, len(cells), place, None, by))

    # Transfers

    def next_rip(self, size: int) -> BV:
        """Give the address of the instruction that follows one of ``size`` bytes."""
        following = plus(self.state.rip, size)
        return following if self.state.mode.is_64 else self._wrapped(following)

    def _wrapped(self, address: BV) -> BV:
        if known(address) is None and self.region_below(address, 1, constant(1 << 32)):
            return address
        return wide(self, low32(address))

    def advance(self, size: int) -> None:
        """Continue with the instruction that follows one of ``size`` bytes."""
        self.state = replace(self.state, rip=self.next_rip(size))

    def jump(self, target: BV) -> None:
        """Transfer within the code segment; raises #GP(0) for a target outside it."""
        whole = extend(target)
        if self.state.mode.is_64:
            require_canonical(self, whole, 1, Vector.GP)
        else:
            limit = extend(self.state.segments[Segment.CS].limit)
            beyond = claripy.UGT(whole, limit)
            self.general_protection_if(beyond, "the target is beyond the code segment's limit")
            whole = self._wrapped(whole)
        mode = self.state.mode
        self.events.append(Transfer(self.state.rip, whole, far=False, before=mode, after=mode))
        self.state = replace(self.state, rip=whole)

    @property
    def privilege(self) -> BV:
        """Give the current privilege level, two bits."""
        return bits(self.state.segments[Segment.CS].selector, 1, 0)

    def require_ring_0(self) -> None:
        """Raise #GP(0) outside ring 0."""
        self.general_protection_if(self.privilege != 0, "the privilege level is not 0")
