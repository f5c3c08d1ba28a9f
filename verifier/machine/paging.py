"""Linear to physical: SDM vol. 3, "4-Level Paging and 5-Level Paging".

The loader's tables are a function of their root. Tables that the code itself wrote are
walked through the bytes it stored, and where such a walk reaches the loader's root it
continues with that function.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol

import claripy

from verifier.machine.oracle import About, Fault, Unmodelled
from verifier.machine.registers import ControlRegister, Cr0, Cr4, Efer, Flag, Vector
from verifier.machine.words import (
    FALSE,
    TRUE,
    at_least,
    bits,
    both,
    concat,
    constant,
    either,
    equals,
    extend,
    is_set,
    masked,
    negated,
    plus,
    width_of,
)

if TYPE_CHECKING:
    from claripy.ast.bool import Bool
    from claripy.ast.bv import BV

    from verifier.machine.memory import Place
    from verifier.machine.oracle import Oracle
    from verifier.machine.state import LoaderTables, State

PRESENT, WRITABLE, USER = 0, 1, 2
ACCESSED, DIRTY, LARGE = 5, 6, 7
NO_EXECUTE = 63
ADDRESS_MASK = 0x000F_FFFF_FFFF_F000
PAGE_BITS = 12
INDEX_BITS = 9
ENTRY_BYTES = 8
ENTRY_SHIFT = 3
FOUR_LEVELS = 4
FIVE_LEVELS = 5
LOW_HALF_BITS = 47
"""Addresses below 2^47 are canonical, and those that 4 levels translate without a sign."""
LINKED = 1 << PRESENT | 1 << WRITABLE | 1 << USER
LARGE_LEVELS = (2, 3)
"""Levels whose entries may map a page: 2 MiB and 1 GiB."""


class Intent(Enum):
    """What an access does at its address."""

    READ = "read"
    WRITE = "write"
    FETCH = "fetch"


class Walker(Protocol):
    """Physical memory as the page walk sees it."""

    @property
    def state(self) -> State:
        """Give the state whose tables are walked."""
        ...

    @property
    def oracle(self) -> Oracle:
        """Give the oracle of the path."""
        ...

    def read_physical(self, address: BV, size: int) -> BV:
        """Read a table entry."""
        ...

    def is_copy(self, table: BV, root: BV) -> bool:
        """Say whether the page at ``table`` is a copy of the top-level table at ``root``."""
        ...

    def mark_physical(self, address: BV, value: BV) -> None:
        """Store an entry's low byte, as the processor does for accessed and dirty bits."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class _Mapping:
    """What the levels so far allow."""

    writable: Bool
    user: Bool
    no_execute: Bool


def translate(walker: Walker, linear: BV, intent: Intent, *, implicit: bool = False) -> BV:
    """Give the physical address of ``linear``, 64 bits wide.

    ``implicit`` marks accesses to descriptor tables, which EFLAGS.AC does not exempt from SMAP.
    Raises Fault (#PF) where a table forbids it, Unmodelled where the tables are not known.
    """
    state, oracle = walker.state, walker.oracle
    if not oracle.decide(state.cr0(Cr0.PG), About.TRANSLATION):
        return linear
    if not oracle.decide(state.cr4(Cr4.PAE), About.TRANSLATION):
        raise Unmodelled("32-bit paging without PAE is not modelled")
    if not oracle.decide(state.efer(Efer.LMA), About.TRANSLATION):
        raise Unmodelled("PAE paging outside IA-32e mode is not modelled")
    table = masked(state.control(ControlRegister.CR3), ADDRESS_MASK)
    everything, walk = _Mapping(TRUE, TRUE, FALSE), _Walk(walker, linear, intent, implicit)
    if any(_fits(walk, loader, table) and _by_region(walk, loader) for loader in state.tables):
        _check_rights(walk, _Mapping(TRUE, FALSE, FALSE))
        return linear
    levels = FIVE_LEVELS if oracle.decide(state.cr4(Cr4.LA57), About.TRANSLATION) else FOUR_LEVELS
    return _walk(walk, table, levels, everything)


def _fits(walk: _Walk, loader: LoaderTables, table: BV) -> bool:
    """Say whether a table is the loader's and has the levels in use, whichever number that is."""
    la57, five = walk.walker.state.cr4(Cr4.LA57), loader.five_levels
    agree = either(both(five, la57), both(negated(five), negated(la57)))
    oracle = walk.walker.oracle
    is_root = _is_loader_root(loader, table, oracle) or walk.walker.is_copy(table, loader.root)
    return is_root and oracle.holds(agree, About.TRANSLATION)


@dataclass(frozen=True, slots=True, eq=False)
class _Walk:
    walker: Walker
    linear: BV
    intent: Intent
    implicit: bool


def _walk(walk: _Walk, table: BV, level: int, above: _Mapping) -> BV:
    walker, oracle = walk.walker, walk.walker.oracle
    for loader in walker.state.tables:
        if _is_loader_root(loader, table, oracle) or walker.is_copy(table, loader.root):
            return _by_loader(walk, loader, level, above)
    shift = PAGE_BITS + INDEX_BITS * (level - 1)
    slot = plus(table, _slot_offset(walk, shift))
    entry = _entry(walker, slot, level)
    if not oracle.decide(is_set(entry, PRESENT), About.TRANSLATION):
        raise _page_fault(walk, present=False, why=f"entry of level {level} is not present")
    _check_reserved(walk, entry, level)
    leaf = level == 1 or (
        level in LARGE_LEVELS and oracle.decide(is_set(entry, LARGE), About.TRANSLATION)
    )
    here = _Mapping(
        both(above.writable, is_set(entry, WRITABLE)),
        both(above.user, is_set(entry, USER)),
        either(above.no_execute, is_set(entry, NO_EXECUTE)),
    )
    if not leaf:
        _mark(walk, slot, entry, (ACCESSED,))
        return _walk(walk, masked(entry, ADDRESS_MASK), level - 1, here)
    _check_rights(walk, here)
    _check_keys(walk, here)
    _mark(walk, slot, entry, (ACCESSED, DIRTY) if walk.intent is Intent.WRITE else (ACCESSED,))
    frame = masked(entry, ADDRESS_MASK & -(1 << shift))
    return plus(frame, extend(bits(walk.linear, shift - 1, 0)))


def _entry(walker: Walker, slot: BV, level: int) -> BV:
    """Read an entry; where nothing determines it, the loader's root is one that it may hold."""
    try:
        return walker.read_physical(slot, ENTRY_BYTES)
    except Unmodelled as unmodelled:
        if level != FIVE_LEVELS or not unmodelled.around:
            raise
        (entry,) = unmodelled.around
        marks = 1 << ACCESSED | 1 << DIRTY
        linked = [
            both(negated(loader.five_levels), entry & ~marks == loader.root | LINKED)
            for loader in walker.state.tables
        ]
        if not walker.oracle.decide(either(*linked), About.TRANSLATION):
            raise
        return entry


def _slot_offset(walk: _Walk, shift: int) -> BV:
    memory, oracle = walk.walker.state.memory, walk.walker.oracle
    lowest_half = constant(1 << LOW_HALF_BITS)
    if shift > LOW_HALF_BITS and memory.below(walk.linear, 1, lowest_half, oracle):
        return constant(0)
    index = bits(walk.linear, shift + INDEX_BITS - 1, shift)
    return extend(concat(index, constant(0, ENTRY_SHIFT)))


def _is_loader_root(loader: LoaderTables, table: BV, oracle: Oracle) -> bool:
    same = table == loader.root
    return same.is_true() or (not same.is_false() and oracle.decide(same, About.TRANSLATION))


def _by_loader(walk: _Walk, loader: LoaderTables, level: int, above: _Mapping) -> BV:
    oracle = walk.walker.oracle
    levels = FIVE_LEVELS if oracle.decide(loader.five_levels, About.TRANSLATION) else FOUR_LEVELS
    if level != levels:
        raise Unmodelled(
            f"the loader's level-{levels} table is used as a table of level {level}",
            (walk.linear,),
        )
    _check_rights(walk, _Mapping(above.writable, FALSE, above.no_execute))
    if _by_region(walk, loader):
        return walk.linear
    covered = PAGE_BITS + INDEX_BITS * level
    linear = extend(bits(walk.linear, covered - 1, 0))
    lower_half = claripy.ULT(linear, 1 << covered - 1)
    if not oracle.decide(
        both(lower_half, claripy.ULT(linear, loader.identity_end)), About.TRANSLATION
    ):
        raise Unmodelled("an address beyond the loader's identity map is used", (walk.linear,))
    return walk.linear if oracle.holds(walk.linear == linear, About.TRANSLATION) else linear


def _by_region(walk: _Walk, loader: LoaderTables) -> bool:
    """Say whether the address is in a region that the identity map covers whole."""
    oracle, memory = walk.walker.oracle, walk.walker.state.memory
    lowest_half = claripy.ULE(loader.identity_end, 1 << LOW_HALF_BITS)
    return oracle.holds(lowest_half, About.TRANSLATION) and memory.below(
        walk.linear, 1, loader.identity_end, oracle
    )


def _check_reserved(walk: _Walk, entry: BV, level: int) -> None:
    state, oracle = walk.walker.state, walk.walker.oracle
    frame = masked(entry, ADDRESS_MASK)
    reserved: list[Bool] = [at_least(frame, state.features.physical_limit)]
    if level not in {1, *LARGE_LEVELS}:
        reserved.append(is_set(entry, LARGE))
    reserved.append(both(is_set(entry, NO_EXECUTE), negated(state.efer(Efer.NXE))))
    if level in LARGE_LEVELS:
        low = bits(entry, PAGE_BITS + INDEX_BITS * (level - 1) - 1, PAGE_BITS + 1)
        reserved.append(both(is_set(entry, LARGE), negated(equals(low, 0))))
    if oracle.decide(either(*reserved), About.TRANSLATION):
        raise _page_fault(walk, present=True, why=f"entry of level {level} has a reserved bit set")


def _check_rights(walk: _Walk, mapping: _Mapping) -> None:
    state, oracle = walk.walker.state, walk.walker.oracle
    user = mapping.user
    match walk.intent:
        case Intent.READ:
            denied = both(user, _smap(walk))
        case Intent.WRITE:
            read_only = both(negated(mapping.writable), state.cr0(Cr0.WP))
            denied = either(read_only, both(user, _smap(walk)))
        case Intent.FETCH:
            no_execute = both(mapping.no_execute, state.efer(Efer.NXE))
            denied = either(no_execute, both(user, state.cr4(Cr4.SMEP)))
    if oracle.decide(denied, About.TRANSLATION):
        raise _page_fault(walk, present=True, why=f"the page does not allow a {walk.intent.value}")


def _check_keys(walk: _Walk, mapping: _Mapping) -> None:
    """Refuse data accesses that a protection key may forbid: PKRU and PKRS are not modelled."""
    state = walk.walker.state
    if walk.intent is Intent.FETCH or not state.strict:
        return
    user = both(mapping.user, state.cr4(Cr4.PKE))
    supervisor = both(negated(mapping.user), state.cr4(Cr4.PKS))
    if walk.walker.oracle.decide(either(user, supervisor), About.TRANSLATION):
        raise Unmodelled("protection keys (CR4.PKE, CR4.PKS) are not modelled")


def _smap(walk: _Walk) -> Bool:
    """Say whether user pages are closed: EFLAGS.AC opens them to explicit accesses only."""
    state = walk.walker.state
    if walk.implicit:
        return state.cr4(Cr4.SMAP)
    return both(state.cr4(Cr4.SMAP), equals(state.flags[Flag.AC], 0))


def _mark(walk: _Walk, slot: BV, entry: BV, wanted: tuple[int, ...]) -> None:
    marked = both(*(is_set(entry, position) for position in wanted))
    if not walk.walker.oracle.decide(marked, About.TRANSLATION):
        mask = sum(1 << position for position in wanted)
        walk.walker.mark_physical(slot, bits(entry, 7, 0) | mask)


def _page_fault(walk: _Walk, *, present: bool, why: str) -> Fault:
    state, oracle = walk.walker.state, walk.walker.oracle
    error = int(present) | (walk.intent is Intent.WRITE) << 1
    error |= ("reserved" in why) << 3
    if walk.intent is Intent.FETCH:
        reported = either(state.efer(Efer.NXE), state.cr4(Cr4.SMEP))
        error |= oracle.decide(reported, About.TRANSLATION) << 4
    return Fault(Vector.PF, error, why)


def canonical(address: BV, *, la57: bool) -> Bool:
    """Say whether the unused upper bits of a linear address repeat its topmost used bit."""
    top = 56 if la57 else 47
    upper = bits(address, 63, top)
    return either(equals(upper, 0), equals(upper, (1 << width_of(upper)) - 1))


def page_of(place: Place, ahead: int = 0) -> int:
    """Give the offset of the page of an access in its region, -1 where it is no number."""
    return place.offset + ahead & -(1 << PAGE_BITS) if isinstance(place.offset, int) else -1
