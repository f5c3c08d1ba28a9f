"""One instruction alone, from any start: what its meaning leaves, over symbols.

Every register and flag is a symbol, and so is the address that the code is at; what is read
from memory is a symbol by its order. Segments, canonical addresses and page tables, which no
lifter knows, are left out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

import claripy

from verifier.machine.descriptors import decode_descriptor
from verifier.machine.memory import Memory
from verifier.machine.models import MODELS, ModelName
from verifier.machine.oracle import Unmodelled
from verifier.machine.registers import (
    LEGACY_GPRS,
    STATUS_FLAGS,
    ControlRegister,
    Flag,
    Gpr,
    Mode,
    Segment,
)
from verifier.machine.state import Features, State, TablePointer
from verifier.machine.words import TRUE, bits, constant, extend, known, plus, symbol, width_of
from verifier.semantics import lifted
from verifier.semantics.cpu import BYTE, Cpu

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from claripy.ast.bool import Bool
    from claripy.ast.bv import BV

    from verifier.machine.paging import Intent
    from verifier.semantics.forms import Form
    from verifier.semantics.instruction import Instruction

FLAT_32 = 0x00CF_9300_0000_FFFF
"""The descriptor of a present, writable data segment of 32 bits, all of 4 GiB."""
NEXT = "the next address"


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Where the code lies: at the symbol ``base`` plus ``offset``, or at ``offset`` itself.

    ``base`` is 64 bits wide, None where the address is a number.
    """

    base: BV | None
    offset: int

    @property
    def rip(self) -> BV:
        """Give the address, 64 bits."""
        return constant(self.offset) if self.base is None else plus(self.base, self.offset)


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """One way through an instruction: when it is taken, and everything that it leaves, by name."""

    condition: Bool
    values: Mapping[str, BV]


class Ways:
    """An oracle that goes every way: ``choices`` at the first forks, then the true side.

    ``alternatives`` gets the choices that lead to the other sides.
    """

    def __init__(self, choices: tuple[bool, ...] = ()) -> None:
        """Start before the first fork."""
        self.conditions: list[Bool] = []
        self.alternatives: list[tuple[bool, ...]] = []
        self._choices = choices
        self._taken: list[bool] = []

    def decide(self, condition: Bool, _: object = None) -> bool:
        """Say which way it goes, both ways in turn."""
        if condition.is_true() or condition.is_false():
            return bool(condition.is_true())
        passed = len(self._taken)
        if passed >= len(self._choices):
            self.alternatives.append((*self._taken, False))
        way = self._choices[passed] if passed < len(self._choices) else True
        self._taken.append(way)
        self.conditions.append(condition if way else claripy.Not(condition))
        return way

    def holds(self, condition: Bool, _: object = None) -> bool:
        """Say whether the condition is true as it is written."""
        return bool(condition.is_true())

    def likely(self, condition: Bool) -> bool:
        """Say the same."""
        return self.holds(condition)

    def value(self, expression: BV, _: object = None) -> int | None:
        """Give the number that the expression is as it is written, or None."""
        return known(expression)

    def fresh(self, name: str, width: int) -> BV:
        """Give a symbol of that name."""
        return symbol(name, width)


def every_way(run: Callable[[Ways], Mapping[str, BV]]) -> list[Outcome]:
    """Run again for each way at each fork."""
    outcomes = []
    pending: list[tuple[bool, ...]] = [()]
    while pending:
        ways = Ways(pending.pop())
        values = run(ways)
        outcomes.append(Outcome(claripy.And(TRUE, *ways.conditions), values))
        pending += ways.alternatives
    return outcomes


@dataclass(slots=True)
class Accesses:
    """The memory that an instruction reads and writes, in order."""

    reads: list[tuple[BV, int]] = field(default_factory=list)
    writes: list[tuple[BV, BV]] = field(default_factory=list)

    def load(self, address: BV, size: int) -> BV:
        """Give what ``size`` bytes hold: a symbol, or what was stored there before.

        Raises Unmodelled for a read that may overlap what was stored elsewhere.
        """
        for at, value in self.writes:
            if at is address and width_of(value) == size * BYTE:
                return value
        if self.writes:
            raise Unmodelled("it reads memory after it wrote some")
        same = [
            number
            for number, (at, read) in enumerate(self.reads, 1)
            if at is address and read == size
        ]
        if not same:
            self.reads.append((address, size))
        return symbol(f"read {same[0] if same else len(self.reads)}", size * BYTE)

    def store(self, address: BV, value: BV) -> None:
        """Take note of a store; one to the same bytes again takes the place of the first."""
        self.writes = [
            each
            for each in self.writes
            if not (each[0] is address and width_of(each[1]) == width_of(value))
        ]
        self.writes.append((address, value))

    def values(self) -> dict[str, BV]:
        """Give the addresses, and the values that were stored, by what they are."""
        told: dict[str, BV] = {}
        for number, (address, size) in enumerate(self.reads, 1):
            told[f"the address of read {number}, of {size} bytes"] = address
        for number, (address, value) in enumerate(self.writes, 1):
            size = width_of(value) // BYTE
            told[f"the address of write {number}, of {size} bytes"] = address
            told[f"write {number}, of {size} bytes"] = value
        return told


def register_name(register: Gpr, *, is_64: bool) -> str:
    """Give a register's name in code of that width."""
    return register.name.lower() if is_64 else f"e{register.name[1:].lower()}"


def start_of(mode: Mode, place: Place) -> State:
    """Give the start of which nothing is known but the mode and flat segments."""
    zero = constant(0)
    flat = decode_descriptor(constant(0, 16), constant(FLAT_32))
    pointer = TablePointer(zero, constant(0, 16))
    return State(
        gprs=tuple(symbol(register.name.lower()) for register in Gpr),
        rip=place.rip,
        flags={flag: symbol(flag.name, 1) for flag in Flag},
        iopl=constant(0, 2),
        segments=dict.fromkeys(Segment, flat),
        controls=dict.fromkeys(ControlRegister, zero),
        gdtr=pointer,
        idtr=pointer,
        memory=Memory(()),
        mode=mode,
        model=MODELS[ModelName.RETAINING],
        features=Features(zero, zero, zero),
        tables=(),
    )


class Alone(Cpu):
    """A draft of the state of which memory and the next address are only taken note of."""

    def __init__(self, state: State, oracle: Ways) -> None:
        """Start before the instruction."""
        super().__init__(state, oracle)
        self.accesses = Accesses()
        self.next: BV | None = None

    def linear(self, segment: Segment, offset: BV, size: int, intent: Intent) -> BV:
        """Give the offset itself, as in a flat segment."""
        del segment, size, intent
        return offset

    def load(self, linear: BV, size: int, *, updates: bool = False, implicit: bool = False) -> BV:
        """Read ``size`` bytes."""
        del updates, implicit
        return self.accesses.load(linear, size)

    def store(self, linear: BV, value: BV, *, implicit: bool = False) -> None:
        """Write a value."""
        del implicit
        self.accesses.store(linear, value)

    def advance(self, size: int) -> None:
        """Continue behind an instruction of ``size`` bytes."""
        self.next = self._short(plus(self.state.rip, size))

    def jump(self, target: BV) -> None:
        """Continue at a target."""
        self.next = self._short(target)

    def _short(self, address: BV) -> BV:
        return bits(address, 63 if self.state.mode.is_64 else 31, 0)

    def values(self) -> dict[str, BV]:
        """Give everything by name: registers as wide as the code has them, flags a byte each."""
        is_64 = self.state.mode.is_64
        told = {
            register_name(register, is_64=is_64): self._short(self.state.gpr(register))
            for register in (Gpr if is_64 else LEGACY_GPRS)
        }
        told |= {flag.name: extend(self.state.flags[flag], BYTE) for flag in STATUS_FLAGS}
        told |= self.accesses.values()
        return told if self.next is None else {**told, NEXT: self.next}


def lifted_outcomes(instruction: Instruction, form: Form, place: Place) -> list[Outcome]:
    """Give what the meaning that paths are executed with leaves, on every way.

    Raises Unmodelled as executing it does.
    """
    start = start_of(instruction.mode, place)

    def run(ways: Ways) -> Mapping[str, BV]:
        cpu = Alone(start, ways)
        lifted.execute(cpu, instruction, form)
        return MappingProxyType(cpu.values())

    return every_way(run)
