"""One case run by our semantics and by Bochs, and every way in which the two differ."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from tests.semantics.starts import FINE_TABLES, TABLES
from verifier.execution.concrete import PHYSICAL_SIZE, run, state_of
from verifier.execution.path import Faulted, OutOfModel, Stopped
from verifier.machine.concrete import EndKind
from verifier.machine.events import Access
from verifier.machine.models import MODELS, ModelName
from verifier.machine.paging import Intent
from verifier.machine.ram import Ram
from verifier.machine.registers import ControlRegister, Flag, Gpr, Mode, Segment
from verifier.machine.state import Features
from verifier.machine.words import constant, known
from verifier.replay import BOCHS_PHYSICAL_BITS, Engine, NotRepresentable, bochs_model

if TYPE_CHECKING:
    from tests.semantics.cases import Case
    from verifier.execution.concrete import ConcreteRun
    from verifier.machine.concrete import Observation, SegmentValue
    from verifier.machine.descriptors import SegmentRegister
    from verifier.replay import Replayer

CONTROLS = (
    *(ControlRegister.CR0, ControlRegister.CR3, ControlRegister.CR4),
    ControlRegister.EFER,
)
"""CR2 is written by page faults, which end a path here."""
LOW_HALF = 0xFFFF_FFFF


def bochs_features() -> Features:
    """Give what Bochs's model with LA57 has."""
    model = bochs_model(has_la57=True)
    return Features(
        physical_limit=constant(1 << BOCHS_PHYSICAL_BITS),
        cr4=constant(model.cr4_supported),
        efer=constant(model.efer_supported),
        cpuid={
            question: (answer.eax, answer.ebx, answer.ecx, answer.edx)
            for question, answer in model.cpuid.items()
        },
    )


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a comparison went: ``differences`` is None where there was nothing to compare."""

    differences: list[str] | None
    unmodelled: str = ""
    no_judge: str = ""
    fault: str = ""


def run_ours(case: Case) -> ConcreteRun:
    """Run a case by our semantics, on the processor model that Bochs is one of."""
    state = state_of(case.start, MODELS[ModelName.RETAINING], bochs_features())
    return run(state, case.steps, {})


def compare(case: Case, replayer: Replayer, engine: Engine = Engine.BOCHS) -> Outcome:
    """Run a case on both and give the differences.

    QEMU runs through many faults, so it is asked for what completes; it shows less.
    """
    ours = run_ours(case)
    if isinstance(ours.ending, OutOfModel):
        return Outcome(None, unmodelled=ours.ending.reason)
    if engine is Engine.QEMU and isinstance(ours.ending, Faulted):
        return Outcome(None, no_judge="QEMU is no judge of faults")
    try:
        seen = replayer.replay(case.start, case.steps, engine)
    except NotRepresentable as error:
        return Outcome(None, no_judge=error.reason)
    if isinstance(ours.ending, Faulted):
        fault = f"{ours.ending.vector.mnemonic}({ours.ending.error})"
        return Outcome(_compare_fault(ours, ours.ending, seen), fault=fault)
    if seen.fault is not None:
        told = f"{seen.fault.vector.mnemonic}({seen.fault.error})"
        return Outcome([f"{engine.value} raises {told}, we none"])
    left = {
        flag for flag in Flag if any(each.name == f"rflags.{flag.name}" for each in ours.choices)
    }
    # Where the code's page maps to another frame, another instruction is executed.
    first = ours.steps[0].step if ours.steps else None
    same = first is not None and first.instruction.raw == case.raw
    undefined = case.undefined if same and case.undefined is not None else left
    shown = _registers(ours, seen, undefined)
    if left != undefined:
        mine, manual = (sorted(flag.name for flag in each) for each in (left, undefined))
        shown.append(f"left open: {mine}; undefined by the manual: {manual}")
    if engine is Engine.QEMU:
        return Outcome(shown + _memory_changed(case, ours, seen))
    return Outcome([*shown, *_segments(ours, seen), *_memory(ours, seen)])


def _compare_fault(ours: ConcreteRun, ending: Faulted, seen: Observation) -> list[str]:
    told = f"we raise {ending.vector.mnemonic}({ending.error}): {ending.why}"
    if seen.fault is None:
        return [f"{told}; Bochs none"]
    differences = []
    if (seen.fault.vector, seen.fault.error) != (ending.vector, ending.error):
        differences.append(f"{told}; Bochs {seen.fault.vector.mnemonic}({seen.fault.error})")
    if len(seen.steps) != len(ours.steps) - 1:
        differences.append(f"{told} at step {len(ours.steps)}; Bochs at {len(seen.steps) + 1}")
    return differences


def _differ(what: str, ours: int | None, seen: int) -> list[str]:
    shown = "unknown" if ours is None else f"{ours:#x}"
    return [] if ours == seen else [f"{what}: ours {shown}, Bochs {seen:#x}"]


def _registers(ours: ConcreteRun, seen: Observation, open_flags: AbstractSet[Flag]) -> list[str]:
    state = ours.state
    halted = isinstance(ours.ending, Stopped)
    differences = [] if halted == (seen.end is EndKind.HALTED) else [f"Bochs {seen.end.value}"]
    undefined = {choice.name for choice in ours.choices}
    for register in Gpr:
        number = known(state.gpr(register))
        upper = f"{register.name.lower()}[63:32]" in undefined
        keep = LOW_HALF if upper and number is not None else -1
        mine = None if number is None else number & keep
        differences += _differ(register.name, mine, seen.gprs[register] & keep)
    if not halted:
        differences += _differ("RIP", known(state.rip), seen.rip)
    for control in CONTROLS:
        differences += _differ(control.name, known(state.control(control)), seen.controls[control])
    differences += _differ("GDTR.base", known(state.gdtr.base), seen.gdtr.base)
    differences += _differ("GDTR.limit", known(state.gdtr.limit), seen.gdtr.limit)
    mask = sum(1 << flag for flag in open_flags)
    flags = known(state.rflags)
    differences += _differ("RFLAGS", None if flags is None else flags & ~mask, seen.rflags & ~mask)
    return differences + _mode(ours, seen)


def _mode(ours: ConcreteRun, seen: Observation) -> list[str]:
    wide = seen.segments[Segment.CS].long
    active = seen.controls[ControlRegister.EFER] >> 10 & 1
    mode = (Mode.LONG_64 if wide else Mode.COMPATIBILITY) if active else Mode.PROTECTED_32
    return [] if ours.state.mode is mode else [f"mode: ours {ours.state.mode}, Bochs {mode}"]


OURS = {"default_big": "big"}


def _segments(ours: ConcreteRun, seen: Observation) -> list[str]:
    differences = []
    for segment in Segment:
        differences += _segment(segment.name, ours.state.segments[segment], seen.segments[segment])
    return differences


def _segment(name: str, ours: SegmentRegister, seen: SegmentValue) -> list[str]:
    differences = []
    for field in fields(seen):
        if not seen.present and field.name not in {"selector", "present"}:
            continue
        mine = known(getattr(ours, OURS.get(field.name, field.name)))
        differences += _differ(f"{name}.{field.name}", mine, int(getattr(seen, field.name)))
    return differences


def _stored(ours: ConcreteRun) -> set[int]:
    """Give the addresses of the bytes that our run wrote."""
    written: set[int] = set()
    for step in ours.steps:
        for event in step.events:
            if isinstance(event, Access) and event.intent is Intent.WRITE:
                at = known(event.physical)
                assert at is not None
                written |= set(range(at, at + event.size))
    return written


def _byte(ours: ConcreteRun, at: int) -> int | None:
    """Give a byte of memory in the end, None where it is no number."""
    cell = ours.state.memory.cell(ours.state.memory.regions[0], at)
    return cell if isinstance(cell, int) else None


def _memory(ours: ConcreteRun, seen: Observation) -> list[str]:
    differences = []
    for at in sorted(_stored(ours) | seen.written.keys()):
        if at in seen.written:
            differences += _differ(f"[{at:#x}]", _byte(ours, at), seen.written[at])
        else:
            differences.append(f"[{at:#x}]: written by us, not by Bochs")
    return differences


def _memory_changed(case: Case, ours: ConcreteRun, seen: Observation) -> list[str]:
    """Compare what differs from the start, tables apart: QEMU marks their entries as it likes."""
    before = Ram(PHYSICAL_SIZE, case.start.memory)
    differences = []
    for at in sorted(_stored(ours) | seen.written.keys()):
        if at not in TABLES and at not in FINE_TABLES:
            there = seen.written.get(at, before[at])
            differences += _differ(f"[{at:#x}]", _byte(ours, at), there)
    return differences
