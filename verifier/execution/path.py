"""A path: the steps from the entry to wherever it ended, and what it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from claripy.ast.bv import BV

    from verifier.execution.oracle import Knowledge
    from verifier.execution.segment import Segment
    from verifier.machine.events import Event
    from verifier.machine.memory import Place
    from verifier.machine.registers import Vector
    from verifier.machine.state import State
    from verifier.semantics.instruction import Instruction
    from verifier.solver import Fact


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One executed instruction, or the one at which the path ended.

    ``place`` is where its bytes came from, ``form`` the manual's form, empty where it has no
    meaning here. ``facts`` counts the path's facts before it.
    """

    number: int
    instruction: Instruction
    form: str
    place: Place
    before: State
    facts: int


@dataclass(frozen=True, slots=True, eq=False)
class Occurrence:
    """An event, the step that caused it, and how many of the path's facts held by then."""

    event: Event
    step: Step
    facts: int


@dataclass(frozen=True, slots=True, eq=False)
class Reached:
    """The exit's transfer was executed; ``state.rip`` is its full target."""

    state: State


@dataclass(frozen=True, slots=True, eq=False)
class Faulted:
    """The processor raised an exception before the exit; ``state`` is the one before it."""

    state: State
    vector: Vector
    error: int | None
    why: str


@dataclass(frozen=True, slots=True, eq=False)
class Stopped:
    """The processor halted before the exit, with no interrupt to wake it; ``state`` is after."""

    state: State


@dataclass(frozen=True, slots=True, eq=False)
class OutOfModel:
    """What follows is not modelled; concrete starts that differ in ``around`` may show it."""

    state: State
    reason: str
    around: tuple[BV, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class OutOfFuel:
    """A stated limit was reached."""

    state: State
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Subsumed:
    """What follows from ``state`` is on other paths, which start from it or from more.

    So a loop's round ends at the loop's head, and a way through a call at its return.
    ``by`` is where those paths begin.
    """

    state: State
    by: Segment | None = None


Ending = Reached | Faulted | Stopped | Subsumed | OutOfModel | OutOfFuel


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """One way through the code.

    ``knowledge`` has the facts, beyond the assumptions, under which it is taken, and the
    assumptions that excluded what is not on it. ``segment`` is the stretch it ended in.
    """

    steps: tuple[Step, ...]
    occurrences: tuple[Occurrence, ...]
    ending: Ending
    knowledge: Knowledge
    segment: Segment | None = None

    @property
    def facts(self) -> tuple[Fact, ...]:
        """Give the conditions under which the path is taken."""
        return self.knowledge.facts
