"""Where a path ends as meant: at an exit, named by the transfer that leaves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import claripy

from verifier.machine.words import split

if TYPE_CHECKING:
    from claripy.ast.bool import Bool
    from claripy.ast.bv import BV

    from verifier.machine.oracle import Oracle
    from verifier.machine.registers import ControlRegister
    from verifier.machine.state import State


@dataclass(frozen=True, slots=True, eq=False)
class ExitAtInstruction:
    """The exit is the transfer executed at one of these addresses, given by source."""

    addresses: tuple[BV, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ExitAfterBit:
    """The exit is the first transfer to 64-bit code after a control bit differs from the entry."""

    register: ControlRegister
    bit: int
    at_entry: BV

    def reached(self, after: State) -> Bool:
        """Say whether the step ended in 64-bit code with the bit changed."""
        changed = (after.control(self.register) ^ self.at_entry)[self.bit] == 1
        return claripy.And(changed, claripy.BoolV(after.mode.is_64))


@dataclass(frozen=True, slots=True, eq=False)
class ExitLeavesRanges:
    """The exit is the first transfer to a target outside these ranges of linear addresses."""

    ranges: tuple[tuple[BV, int], ...]

    def reached(self, after: State) -> Bool:
        """Say whether the step's target lies outside."""
        return claripy.And(*(claripy.UGE(after.rip - base, size) for base, size in self.ranges))


ExitRule = ExitAtInstruction | ExitAfterBit | ExitLeavesRanges


def stands_at(state: State, rule: ExitAtInstruction, oracle: Oracle) -> bool:
    """Say whether the next instruction is at an exit, forking where it may be."""
    for address in rule.addresses:
        here, there = split(state.rip), split(address)
        if here[0] is there[0]:
            if here[1] == there[1]:
                return True
            continue
        if oracle.decide(state.rip == address):
            return True
    return False
