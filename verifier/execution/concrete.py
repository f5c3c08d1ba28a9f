"""The model run on numbers: the state of a concrete start, and the run from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from verifier.execution.oracle import ConcreteOracle
from verifier.execution.path import Stopped
from verifier.execution.step import take
from verifier.machine.descriptors import from_value
from verifier.machine.memory import Memory, Region
from verifier.machine.ram import Ram
from verifier.machine.registers import ControlRegister, Efer, Gpr, Mode, Segment
from verifier.machine.state import State, TablePointer, flags_of
from verifier.machine.words import constant

if TYPE_CHECKING:
    from verifier.execution.oracle import Choice
    from verifier.execution.path import Ending
    from verifier.execution.step import Taken
    from verifier.machine.concrete import Start, TableRegister
    from verifier.machine.models import ProcessorModel
    from verifier.machine.state import Features

PHYSICAL_SIZE = 1 << 52
"""Bytes of the largest physical memory that a processor can address."""
MEMORY = "memory"
"""The name of the one region."""


def state_of(start: Start, model: ProcessorModel, features: Features) -> State:
    """Give the state of ``start``: every value a number, page tables in memory."""
    flags, iopl = flags_of(start.rflags)
    ram = Ram(PHYSICAL_SIZE, start.memory)
    return State(
        gprs=tuple(constant(start.gprs.get(register, 0)) for register in Gpr),
        rip=constant(start.rip),
        flags=flags,
        iopl=iopl,
        segments={segment: from_value(start.segments[segment]) for segment in Segment},
        controls={
            register: constant(start.controls.get(register, 0)) for register in ControlRegister
        },
        gdtr=_pointer(start.gdtr),
        idtr=_pointer(start.idtr),
        memory=Memory((Region(MEMORY, constant(0), PHYSICAL_SIZE, content=ram),)),
        mode=mode_of(start),
        paging_was_off=mode_of(start) is Mode.PROTECTED_32,
        model=model,
        features=features,
        tables=(),
        strict=False,
    )


def mode_of(start: Start) -> Mode:
    """Give the mode that ``start`` is in."""
    if not start.controls.get(ControlRegister.EFER, 0) >> Efer.LMA & 1:
        return Mode.PROTECTED_32
    return Mode.LONG_64 if start.segments[Segment.CS].long else Mode.COMPATIBILITY


def _pointer(register: TableRegister) -> TablePointer:
    return TablePointer(constant(register.base), constant(register.limit, 16))


@dataclass(frozen=True, slots=True, eq=False)
class ConcreteRun:
    """What a concrete run did: each step with its events, and the open values it chose.

    ``ending`` is None where all the steps asked for were executed; ``state`` is the one
    after the last instruction that completed.
    """

    steps: tuple[Taken, ...]
    choices: tuple[Choice, ...]
    ending: Ending | None
    state: State


def run(state: State, steps: int, values: Mapping[str, int]) -> ConcreteRun:
    """Execute at most ``steps`` instructions; ``values`` are as ``ConcreteOracle`` has them."""
    done: list[Taken] = []
    choices: list[Choice] = []
    for number in range(steps):
        oracle = ConcreteOracle(values, number)
        taken = take(state, oracle, number, 0)
        done.append(taken)
        choices += oracle.asked
        if taken.ending is not None:
            after = taken.state if isinstance(taken.ending, Stopped) else state
            return ConcreteRun(tuple(done), tuple(choices), taken.ending, after)
        state = taken.state
    return ConcreteRun(tuple(done), tuple(choices), None, state)
