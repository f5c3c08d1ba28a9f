"""Whether an engine did what a counterexample says: the same path, the same end."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, TypeVar

from verifier.machine.concrete import EndKind
from verifier.proving.result import Judge, beyond_qemu
from verifier.reporting.wording import counted, number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from verifier.machine.concrete import FaultSeen, Observation
    from verifier.proving.result import Counterexample, End, TraceLine

Register = TypeVar("Register", bound=Enum)


def verdict_on(shown: Counterexample, seen: Observation, *, lenient: bool) -> tuple[Judge, str]:
    """Hold an observation against a counterexample: the judgement, and one sentence.

    ``lenient`` is for QEMU, which is no judge of faults and of what follows on CPUID.
    """
    departure = next(departures(shown, seen), None)
    if departure is not None:
        faults = shown.end is not None and shown.end.fault is not None
        asks_cpuid = any(step.text == "cpuid" for step in shown.trace)
        excuse = beyond_qemu(departure, faults=faults, asks_cpuid=asks_cpuid)
        if lenient and excuse is not None:
            return Judge.NOT_REPRESENTABLE, excuse
        return Judge.CONTRADICTED, departure
    return Judge.CONFIRMED, _confirmation(shown, seen)


def departures(shown: Counterexample, seen: Observation) -> Iterator[str]:
    """Give a sentence for each way in which an engine did not do what is said, earliest first."""
    yield from _path(shown, seen)
    if shown.end is None:
        return
    yield from _fault_departs(shown.end, seen)
    if shown.end.fault is None and seen.fault is None and seen.rip != shown.end.rip:
        yield f"goes on at {number(seen.rip)}, not at {number(shown.end.rip)}"
    yield from _values(shown.end.gprs, seen.gprs)
    yield from _values(shown.end.controls, seen.controls)
    for address, value in shown.end.written.items():
        found = seen.written.get(address)
        if found != value:
            is_there = "nothing" if found is None else number(found)
            yield f"wrote {is_there} at {number(address)}, not {number(value)}"


def _path(shown: Counterexample, seen: Observation) -> Iterator[str]:
    completed = shown.trace[: shown.steps]
    for index, (expected, actual) in enumerate(zip(completed, seen.steps, strict=False)):
        if expected.address != actual.rip:
            where = f"{number(actual.rip)}, not {number(expected.address)}"
            yield f"executes {where} as instruction {index}"
            return
    if len(seen.steps) < len(completed):
        yield _early(completed[len(seen.steps)], seen)


def _early(next_step: TraceLine, seen: Observation) -> str:
    if seen.fault is not None:
        return f"raises {_fault(seen.fault)} instead of executing {number(next_step.address)}"
    how = "halts" if seen.end is EndKind.HALTED else "stops"
    return f"{how} after {counted(len(seen.steps), 'instruction')}"


def _fault_departs(end: End, seen: Observation) -> Iterator[str]:
    match end.fault, seen.fault:
        case None, None:
            return
        case None, found if found is not None:
            yield f"raises {_fault(found)}"
        case expected, None if expected is not None:
            yield f"does not raise {_fault(expected)}"
        case expected, found if expected is not None and found is not None:
            same_code = expected.error is None or expected.error == found.error
            if (expected.vector, expected.rip) != (found.vector, found.rip) or not same_code:
                yield f"raises {_fault(found)}, not {_fault(expected)}"


def _values(expected: Mapping[Register, int], actual: Mapping[Register, int]) -> Iterator[str]:
    for register, value in expected.items():
        found = actual.get(register)
        if found != value:
            is_there = "unknown" if found is None else number(found)
            yield f"{register.name.lower()} is {is_there}, not {number(value)}"


def _fault(fault: FaultSeen) -> str:
    code = "" if fault.error is None else f"({fault.error:#x})"
    return f"{fault.vector.mnemonic}{code} at {number(fault.rip)}"


def _confirmation(shown: Counterexample, seen: Observation) -> str:
    path = f"the same {counted(len(seen.steps), 'instruction')}"
    if shown.end is None:
        return f"{path}; the file does not say what the end is"
    if shown.end.fault is not None:
        return f"{path}, then {_fault(shown.end.fault)}"
    return f"{path}, the same values at the end"
