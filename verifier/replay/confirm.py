"""Whether an engine's run is the one that the model foretold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from verifier.execution.path import Faulted
from verifier.machine.concrete import EndKind
from verifier.machine.descriptors import ACCESSED
from verifier.machine.registers import ControlRegister, Gpr, Segment
from verifier.machine.words import known
from verifier.proving.result import Judge, ReplayWord
from verifier.replay.engine import Engine, NotRepresentable, ReplayFailed, engine_version

if TYPE_CHECKING:
    from verifier.machine.concrete import Observation, Start
    from verifier.machine.state import State
    from verifier.proving.rehearsal import Rehearsal
    from verifier.replay.replayer import Replayer

COMPARED_CONTROLS = (
    ControlRegister.CR0,
    ControlRegister.CR3,
    ControlRegister.CR4,
    ControlRegister.EFER,
)


def confirm(rehearsal: Rehearsal, start: Start, replayer: Replayer, engine: Engine) -> ReplayWord:
    """Replay a start and compare every step and the end with what the model foretold."""
    version = engine_version(engine)
    try:
        seen = replayer.replay(start, _steps(rehearsal), engine)
    except NotRepresentable as gap:
        return ReplayWord(engine.value, version, Judge.NOT_REPRESENTABLE, gap.reason)
    except ReplayFailed as failure:
        return ReplayWord(engine.value, version, Judge.FAILED, failure.reason)
    difference = next(differences(rehearsal, seen), None)
    if difference is None:
        return ReplayWord(engine.value, version, Judge.CONFIRMED, _told(seen))
    if rehearsal.is_stale:
        sentence = f"page tables in use are changed, and translations are cached: {difference}"
        return ReplayWord(engine.value, version, Judge.NOT_REPRESENTABLE, sentence)
    return ReplayWord(engine.value, version, Judge.CONTRADICTED, difference)


def _steps(rehearsal: Rehearsal) -> int:
    faulted = isinstance(rehearsal.path.ending, Faulted)
    return rehearsal.completed + int(faulted)


def _told(seen: Observation) -> str:
    if seen.fault is None:
        return f"arrives at {seen.rip:#x} after {len(seen.steps)} instructions"
    code = "" if seen.fault.error is None else f"({seen.fault.error:#x})"
    where = f"at {seen.fault.rip:#x} after {len(seen.steps)} instructions"
    return f"{seen.fault.vector.mnemonic}{code} {where}"


def differences(rehearsal: Rehearsal, seen: Observation) -> Iterator[str]:
    """Give each way in which an observed run differs from the foretold one."""
    yield from _path_differences(rehearsal, seen)
    yield from _end_differences(rehearsal, seen)
    if isinstance(rehearsal.path.ending, Faulted):
        return
    yield from _state_differences(rehearsal.after[-1], seen)
    yield from _memory_differences(rehearsal.after[-1], seen)


def _path_differences(rehearsal: Rehearsal, seen: Observation) -> Iterator[str]:
    for step, other in zip(rehearsal.path.steps, seen.steps, strict=False):
        here = known(step.before.rip)
        if here != other.rip:
            yield f"instruction {step.number} is at {other.rip:#x}, not at {here or 0:#x}"
            return


def _end_differences(rehearsal: Rehearsal, seen: Observation) -> Iterator[str]:
    ending = rehearsal.path.ending
    if isinstance(ending, Faulted):
        if seen.fault is None:
            yield f"no exception; the model expects {ending.vector.mnemonic}"
        elif (seen.fault.vector, seen.fault.error) != (ending.vector, ending.error):
            foretold = ending.vector.mnemonic
            yield f"{seen.fault.vector.mnemonic}({seen.fault.error}), not {foretold}"
        elif seen.fault.rip != known(ending.state.rip):
            yield f"{seen.fault.vector.mnemonic} at {seen.fault.rip:#x}"
    elif seen.end is EndKind.FAULTED and seen.fault is not None:
        yield f"{seen.fault.vector.mnemonic}({seen.fault.error}) at {seen.fault.rip:#x}"
    elif len(seen.steps) < rehearsal.completed:
        yield f"only {len(seen.steps)} instructions were executed"


def _state_differences(state: State, seen: Observation) -> Iterator[str]:
    for register in Gpr:
        foretold = known(state.gprs[register])
        if foretold is not None and seen.gprs[register] != foretold:
            yield f"{register.name.lower()} is {seen.gprs[register]:#x}, not {foretold:#x}"
    if known(state.rip) != seen.rip:
        yield f"rip is {seen.rip:#x}, not {known(state.rip) or 0:#x}"
    for control in COMPARED_CONTROLS:
        foretold = known(state.controls[control])
        if foretold is not None and seen.controls[control] != foretold:
            yield f"{control.value} is {seen.controls[control]:#x}, not {foretold:#x}"
    foretold = known(state.segments[Segment.CS].selector)
    if foretold is not None and seen.segments[Segment.CS].selector != foretold:
        yield f"cs is {seen.segments[Segment.CS].selector:#x}, not {foretold:#x}"


def _memory_differences(state: State, seen: Observation) -> Iterator[str]:
    """Compare every byte that the engine wrote; descriptors' accessed bits may differ."""
    region = state.memory.regions[0]
    for address, byte in seen.written.items():
        cell = state.memory.cell(region, address)
        if isinstance(cell, int) and cell | ACCESSED != byte | ACCESSED:
            yield f"the byte at {address:#x} is {byte:#x}, not {cell:#x}"
    if seen.engine != Engine.BOCHS.value:
        return
    for address, cell in state.memory.cells.get(region.name, {}).items():
        before = region.content[address] if region.content is not None else 0
        if isinstance(cell, int) and address not in seen.written and cell != before:
            yield f"the byte at {address:#x} was not written"
