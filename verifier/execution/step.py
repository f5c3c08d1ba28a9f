"""One step of one path: fetch, execute, and see how it went."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from verifier.execution.fetch import fetch
from verifier.execution.path import Faulted, OutOfModel, Step, Stopped
from verifier.machine.oracle import Fault, Unmodelled
from verifier.machine.registers import Cr4, Flag, Vector
from verifier.machine.words import equals
from verifier.semantics.cpu import Cpu
from verifier.semantics.system import Halted
from verifier.semantics.table import execute
from verifier.solver import SolverGaveUp

if TYPE_CHECKING:
    from verifier.execution.path import Ending
    from verifier.machine.events import Event
    from verifier.machine.memory import Place
    from verifier.machine.oracle import Oracle
    from verifier.machine.state import State
    from verifier.semantics.instruction import Instruction


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """What one step did: the state after it, or the ending; the events in order."""

    step: Step | None
    state: State
    ending: Ending | None
    events: tuple[Event, ...]


class _Progress:
    """How far a step got, for when it ends early."""

    def __init__(self) -> None:
        self.instruction: Instruction | None = None
        self.place: Place | None = None
        self.form = ""


def take(state: State, oracle: Oracle, number: int, facts: int) -> Taken:
    """Execute the instruction at ``state.rip``."""
    cpu = Cpu(state, oracle)
    progress = _Progress()
    ending: Ending | None = None
    try:
        _execute(cpu, progress)
    except Fault as fault:
        state = _with_marks(state, cpu.state)
        ending = Faulted(state, fault.vector, fault.error, fault.why)
    except Halted:
        ending = Stopped(cpu.state)
    except Unmodelled as unmodelled:
        state = _with_marks(state, cpu.state)
        ending = OutOfModel(state, unmodelled.reason, unmodelled.around)
    except SolverGaveUp as gave_up:
        ending = OutOfModel(state, f"the solver gave up: {gave_up}")
    step = None
    if progress.instruction is not None and progress.place is not None:
        step = Step(number, progress.instruction, progress.form, progress.place, state, facts)
    return Taken(step, cpu.state, ending, tuple(cpu.events))


def _with_marks(before: State, after: State) -> State:
    """Give the state before a step that knows which memory the step reached."""
    reached, stale = after.memory, after.stale
    if reached.strays is before.memory.strays and stale == before.stale:
        return before
    memory = replace(before.memory, strays=reached.strays, extents=reached.extents)
    return replace(before, memory=memory, stale=stale)


def _execute(cpu: Cpu, progress: _Progress) -> None:
    _require_quiet(cpu)
    trap = cpu.oracle.decide(equals(cpu.state.flags[Flag.TF], 1))
    fetched = fetch(cpu)
    progress.instruction, progress.place = fetched.instruction, fetched.place
    progress.form = execute(cpu, fetched.instruction)
    if trap:
        raise Fault(Vector.DB, None, "single-stepping is on (RFLAGS.TF)")


def _require_quiet(cpu: Cpu) -> None:
    if cpu.oracle.decide(equals(cpu.state.flags[Flag.IF], 1)):
        raise Unmodelled("interrupts are on: one may arrive before any instruction")
    if cpu.oracle.decide(cpu.state.cr4(Cr4.CET)):
        raise Unmodelled("control-flow enforcement (CR4.CET) is not modelled")
    if not cpu.oracle.decide(equals(cpu.privilege, 0)):
        raise Unmodelled("code outside ring 0 is not modelled")
