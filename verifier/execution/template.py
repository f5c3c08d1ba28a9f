"""What the rounds of a loop have in common: the state at its head, as general as it must be.

A register at the head is as it was on entering, or has moved by the same distance in every
round, or is one of a few values that are told apart, or is anything. Flags and the memory
that a round changes are anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING

from verifier.machine.cells import same_cell
from verifier.machine.registers import Flag, Gpr
from verifier.machine.words import LOW_HALF, WORD, bits, constant, extend, known, split, symbol

if TYPE_CHECKING:
    from claripy.ast.bv import BV

    from verifier.execution.trail import Trail
    from verifier.machine.memory import Memory, Region
    from verifier.machine.state import State

FLAG_WIDTH = 1
STATUS = (Flag.CF, Flag.PF, Flag.AF, Flag.ZF, Flag.SF, Flag.OF)
"""The flags that arithmetic sets, which are anything at the head."""


class Shape(Enum):
    """What a general register is at the head of a loop, round after round."""

    KEPT = "as on entering"
    MOVING = "moved by the same distance in each round"
    TOLD = "one of a few values"
    SHORT = "any value below 2^32"
    ANY = "any value"


@dataclass(frozen=True, slots=True)
class Template:
    """The shapes of the registers, the distances they move, and the memory a round changes.

    ``reached`` are windows and strays, at the same address in each round, that the rounds
    store to and that were not reached before the loop.
    """

    shapes: Mapping[Gpr, Shape]
    distances: Mapping[Gpr, int] = field(default_factory=dict)
    changed: frozenset[tuple[str, int]] = frozenset()
    reached: tuple[Region, ...] = ()

    def told(self) -> tuple[Gpr, ...]:
        """Give the registers whose values are told apart."""
        return self.of(Shape.TOLD)

    def of(self, shape: Shape) -> tuple[Gpr, ...]:
        """Give the registers of a shape."""
        return tuple(each for each, its in self.shapes.items() if its is shape)

    def wider(self, register: Gpr, shape: Shape) -> Template:
        """Give the template in which a register may be more."""
        return replace(self, shapes={**self.shapes, register: shape})

    def moving(self, register: Gpr, distance: int) -> Template:
        """Give the template in which a register moves in each round."""
        distances = {**self.distances, register: distance}
        return replace(self.wider(register, Shape.MOVING), distances=distances)

    def changing(self, cells: frozenset[tuple[str, int]], reached: Sequence[Region]) -> Template:
        """Give the template in which a round may change these bytes too."""
        return replace(self, changed=self.changed | cells, reached=(*self.reached, *reached))


def unchanged() -> Template:
    """Give the template in which no register changes."""
    return Template(dict.fromkeys(Gpr, Shape.KEPT))


def general(template: Template, start: Trail, told: tuple[BV, ...], rounds: BV) -> State:
    """Give the state at the head after any number of ``rounds``, entered as ``start``."""
    values = dict(zip(template.told(), told, strict=True))
    gprs = list(start.state.gprs)
    for register, shape in template.shapes.items():
        name = f"{register.name.lower()} in the loop@{start.number}"
        match shape:
            case Shape.KEPT:
                pass
            case Shape.MOVING:
                gprs[register] += _times(rounds, template.distances[register])
            case Shape.TOLD:
                gprs[register] = values[register]
            case Shape.SHORT:
                gprs[register] = extend(symbol(name, LOW_HALF))
            case Shape.ANY:
                gprs[register] = symbol(name)
    flags = {
        flag: symbol(f"rflags.{flag.name} in the loop@{start.number}", FLAG_WIDTH)
        for flag in STATUS
    }
    memory = _general_memory(start.state.memory, template, start.number)
    flags = {**start.state.flags, **flags}
    return replace(start.state, gprs=tuple(gprs), flags=flags, memory=memory)


def _times(rounds: BV, distance: int) -> BV:
    return rounds if distance == 1 else rounds * distance


def _general_memory(memory: Memory, template: Template, number: int) -> Memory:
    if not template.changed:
        return memory
    cells = {name: dict(each) for name, each in memory.cells.items()}
    for name, offset in template.changed:
        unknown = symbol(f"{name}+{offset:#x} in the loop@{number}", 8)
        cells.setdefault(name, {})[offset] = unknown, 0
    strays = (*memory.strays, *template.reached)
    extents = {window.name: () for window in template.reached if window.within is not None}
    return replace(memory, cells=cells, strays=strays, extents={**extents, **memory.extents})


def is_fixed(base: BV, start: Trail) -> bool:
    """Say whether an address is the same in each round: nothing in it is newer than the loop.

    What a step made up has ``@`` in its name; the bytes of a stray may be named by anything.
    """
    state = start.state
    older = frozenset[str]().union(
        *(value.variables for value in state.gprs),
        *(stray.base.variables for stray in state.memory.strays),
        *(fact.condition.variables for fact in start.knowledge.facts),
    )
    return all(name in older or not ("@" in name or "stray" in name) for name in base.variables)


def changed_cells(before: Memory, after: Memory) -> frozenset[tuple[str, int]]:
    """Give the bytes that differ, by region and offset."""
    changed: set[tuple[str, int]] = set()
    for name in {*before.cells, *after.cells}:
        mine, theirs = before.cells.get(name, {}), after.cells.get(name, {})
        if mine is theirs:
            continue
        changed |= {
            (name, offset)
            for offset in {*mine, *theirs}
            if not same_cell(mine.get(offset), theirs.get(offset))
        }
    return frozenset(changed)


def same_control_flags(one: State, other: State) -> bool:
    """Say whether the flags that are no result of arithmetic are the same."""
    return all(one.flags[flag] is other.flags[flag] for flag in one.flags if flag not in STATUS)


def is_short(value: BV) -> bool:
    """Say whether a value is below 2^32 by how it is made."""
    number = known(value)
    if number is not None:
        return number >> LOW_HALF == 0
    return known(bits(value, WORD - 1, LOW_HALF)) == 0


def distance(before: BV, after: BV) -> int | None:
    """Give by how much a value moved where its sum shows it, modulo 2^64."""
    if before is after:
        return 0
    here, there = split(before), split(after)
    return there[1] - here[1] & (1 << 64) - 1 if here[0] is there[0] else None


def is_told(value: BV, start: State) -> bool:
    """Say whether a value is a number, or a constant distance from a register on entering."""
    base, _ = split(value)
    if base is None:
        return True
    own = split(start.rip)[0]
    return base is own or any(split(each)[0] is base for each in start.gprs)


def nearest(value: BV) -> BV:
    """Give a sum in its one form, so that equal ones are the same expression."""
    base, offset = split(value)
    if base is None:
        return constant(offset)
    return base + constant(offset) if offset else base
