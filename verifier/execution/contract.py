"""Contracts: one step that stands for a callee, whatever instructions it has.

What the callee may change becomes unknown, what it ensures is a fact of the path from there
on, and the code goes on behind the call. Nothing of the callee itself is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from verifier.execution.flow import located
from verifier.execution.path import OutOfModel, Step
from verifier.execution.step import Taken
from verifier.execution.trail import same_place
from verifier.machine.cells import BYTE, cells_of
from verifier.machine.memory import Place, Region
from verifier.machine.oracle import About, Fault, Unmodelled
from verifier.machine.paging import Intent
from verifier.machine.registers import STATUS_FLAGS, Flag, Gpr, Segment
from verifier.machine.words import equals, plus, width_of
from verifier.semantics.cpu import Cpu
from verifier.semantics.instruction import Instruction, ModRm
from verifier.solver import SolverGaveUp

if TYPE_CHECKING:
    from claripy.ast.bool import Bool
    from claripy.ast.bv import BV

    from verifier.execution.oracle import Context, PathOracle
    from verifier.execution.path import Ending
    from verifier.machine.cells import Cell
    from verifier.machine.oracle import Oracle
    from verifier.machine.registers import Mode
    from verifier.machine.state import State
    from verifier.solver import Fact

CONTRACT = "contract"
"""The form of a step that stands for a callee."""
WORD_BYTES = 8

Extents = Callable[["State", "Oracle"], Sequence[tuple["BV", int]]]
"""Gives the linear addresses and sizes of what a callee may write, from the state at the call."""
Demand = Callable[["State", "Oracle"], "Bool"]
"""Gives what must hold of the state at the call."""
Promise = Callable[["State", "State", "Oracle"], "Bool"]
"""Gives what holds of the states at the call and after it."""


@dataclass(frozen=True, slots=True, eq=False)
class Contract:
    """What stands for the callee at ``entry``.

    ``stack`` bytes below the stack pointer at the call are its own, the return address, and
    ``home`` bytes above that.
    """

    id: str
    entry: BV
    changes: tuple[Gpr, ...]
    stack: int
    home: int
    writes: Extents
    requires: Demand
    ensures: Promise


@dataclass(frozen=True, slots=True, eq=False)
class Application:
    """One call that a contract stood for, when ``facts`` held: what it made unknown."""

    contract: Contract
    facts: tuple[Fact, ...]
    stored: tuple[tuple[BV, BV], ...]
    gprs: Mapping[Gpr, BV]


@dataclass(slots=True)
class _Call:
    """A contract being applied to a call."""

    contract: Contract
    cpu: Cpu
    stored: list[tuple[BV, BV]] = field(default_factory=list)

    def make(self) -> None:
        """Have everything be as it may be behind the call."""
        cpu, contract, before = self.cpu, self.contract, self.cpu.state
        if not cpu.oracle.holds(equals(before.flags[Flag.DF], 0), About.CONTRACT):
            raise Unmodelled(f"{contract.id} is called where the direction flag may be set")
        if not cpu.oracle.holds(contract.requires(before, cpu.oracle), About.CONTRACT):
            raise Unmodelled(f"{contract.id} is called otherwise than it requires")
        stack = before.gpr(Gpr.RSP)
        back = cpu.load(cpu.linear(Segment.SS, stack, WORD_BYTES, Intent.READ), WORD_BYTES)
        for number, (at, size) in enumerate(contract.writes(before, cpu.oracle)):
            self._forget(Segment.DS, at, size, f"writes[{number}]")
        own = contract.stack + WORD_BYTES + contract.home
        self._forget(Segment.SS, plus(stack, -contract.stack), own, "stack")
        for register in contract.changes:
            cpu.set_gpr(register, cpu.oracle.fresh(self._name(register.name.lower()), 64))
        for flag in STATUS_FLAGS:
            cpu.set_flag(flag, cpu.oracle.fresh(self._name(flag.name), 1))
        cpu.set_gpr(Gpr.RSP, plus(stack, WORD_BYTES))
        cpu.jump(back)

    def _forget(self, segment: Segment, at: BV, size: int, what: str) -> None:
        """Have ``size`` bytes hold whatever the callee leaves there, as one write."""
        linear = self.cpu.linear(segment, at, size, Intent.WRITE)
        cells: list[Cell] = []
        for start in range(0, size, WORD_BYTES):
            length = min(WORD_BYTES, size - start)
            value = self.cpu.oracle.fresh(self._name(f"{what}+{start:#x}"), length * BYTE)
            cells += cells_of(value)
            if what != "stack":
                physical = self.cpu.physical(linear, size, Intent.WRITE)
                self.stored.append((plus(physical, start), value))
            if size == length:
                self.cpu.store(linear, value)
                return
        self.cpu.store_cells(linear, cells)

    def name_stored(self) -> None:
        """Have a word that surely is an address in a region be one by its name.

        So what the callee handed over is seen to lie there without a question at each access.
        """
        oracle = self.cpu.oracle
        for at, value in self.stored:
            for region in self.cpu.state.memory.regions:
                distance = None
                if width_of(value) == WORD_BYTES * BYTE:
                    distance = oracle.value(value - region.base)
                if distance is not None:
                    memory, place = self.cpu.state.memory.place(at, WORD_BYTES, oracle)
                    memory = memory.write(place, plus(region.base, distance))
                    self.cpu.state = replace(self.cpu.state, memory=memory)
                    break

    def application(self, facts: tuple[Fact, ...]) -> Application:
        """Give what was made unknown, of a call that comes back under these facts."""
        gprs = {register: self.cpu.state.gpr(register) for register in self.contract.changes}
        return Application(self.contract, facts, tuple(self.stored), gprs)

    def _name(self, what: str) -> str:
        return f"{self.contract.id}.{what}"


def stand_in(context: Context, state: State, oracle: PathOracle, number: int) -> Taken | None:
    """Give the step of the contract that stands for the callee at RIP, None where none does.

    The path ends outside the model where the call is none that the contract speaks of, where
    what it ensures cannot be, and where the solver cannot say whether the callee is one.
    """
    try:
        contract = _standing(context.contracts, state, oracle)
    except SolverGaveUp as gave_up:
        reason = f"the solver gave up on whether a contract stands for what follows: {gave_up}"
        return Taken(None, state, OutOfModel(state, reason), ())
    if contract is None:
        return None
    call = _Call(contract, Cpu(state, oracle))
    step = _step(contract, state, number, oracle.fact_count)
    ending: Ending | None = None
    try:
        call.make()
        oracle.suppose(contract.id, contract.ensures(state, call.cpu.state, oracle))
        call.name_stored()
        context.applied.append(call.application(oracle.knowledge.facts))
    except Fault as fault:
        ending = OutOfModel(state, f"the callee of the contract {contract.id} faults: {fault}")
    except Unmodelled as unmodelled:
        ending = OutOfModel(state, unmodelled.reason, unmodelled.around)
    except SolverGaveUp as gave_up:
        reason = f"no start found for which the contract {contract.id} can be kept: {gave_up}"
        ending = OutOfModel(state, reason)
    return Taken(step, call.cpu.state, ending, tuple(call.cpu.events))


def _standing(contracts: Sequence[Contract], state: State, oracle: PathOracle) -> Contract | None:
    """Give the contract whose callee the next instruction is the first of, if one surely.

    Raises SolverGaveUp where it cannot be told.
    """
    if not state.mode.is_64:
        return None
    for contract in contracts:
        if same_place(state.rip, contract.entry):
            return contract
    if not contracts or located(state) is not None:
        return None
    return next(
        (each for each in contracts if oracle.holds(state.rip == each.entry, About.CONTRACT)), None
    )


def _step(contract: Contract, state: State, number: int, facts: int) -> Step:
    region = Region(f"{CONTRACT} {contract.id}", contract.entry, 0, stray=True)
    return Step(number, _named(contract.id, state.mode), CONTRACT, Place(region, 0), state, facts)


def _named(name: str, mode: Mode) -> Instruction:
    """Give what stands in a path for the callee's instructions: no bytes, and a name."""
    text = f"({CONTRACT} {name})"
    return Instruction(b"", mode, frozenset(), 0, b"", ModRm(0, 0, 0), text, None)
