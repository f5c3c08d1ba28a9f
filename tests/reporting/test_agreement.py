"""An engine's run is held against a saved counterexample: path, fault, values, memory."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.replay.build import CODE, PML4
from tests.reporting import build
from verifier.machine.concrete import EndKind, FaultSeen, Observation, StepSeen
from verifier.machine.registers import ControlRegister, Gpr, Mode, Vector
from verifier.proving.result import Judge
from verifier.reporting.agreement import verdict_on

if TYPE_CHECKING:
    from verifier.proving.result import Counterexample, End

SHOWN = build.counterexample()
FAULT = FaultSeen(Vector.GP, 0, CODE + 10)
SEEN = Observation(
    engine="bochs",
    steps=tuple(StepSeen(each.address, Mode.LONG_64, {}) for each in SHOWN.trace),
    end=EndKind.RAN,
    fault=None,
    gprs=dict.fromkeys(Gpr, 0) | {Gpr.RSI: 7, Gpr.R9: 0x5A},
    rip=CODE + 11,
    rflags=2,
    controls={ControlRegister.CR3: PML4},
    segments=SHOWN.start.segments,
    gdtr=SHOWN.start.gdtr,
    written={0x9000: 1},
)


def end(**changes: Any) -> Counterexample:  # noqa: ANN401 - fields of an End
    """Give the counterexample with another end."""
    expected: End | None = SHOWN.end
    assert expected is not None
    return replace(SHOWN, end=replace(expected, **changes))


def faulting() -> Counterexample:
    """Give the counterexample ending in a fault at its third instruction."""
    return replace(end(fault=FAULT, gprs={}, controls={}), steps=2)


STOPPED = replace(SEEN, steps=SEEN.steps[:2], fault=FAULT, end=EndKind.FAULTED, rip=CODE + 10)


@pytest.mark.parametrize(
    ("shown", "seen"),
    [(SHOWN, SEEN), (replace(SHOWN, end=None), SEEN), (faulting(), STOPPED)],
    ids=["values", "path alone", "fault"],
)
def test_same_run_confirms(shown: Counterexample, seen: Observation) -> None:
    """The same instructions and the same end are a confirmation."""
    judge, sentence = verdict_on(shown, seen, lenient=False)
    assert judge is Judge.CONFIRMED, sentence


@pytest.mark.parametrize(
    ("shown", "seen", "sentence"),
    [
        (SHOWN, replace(SEEN, rip=CODE), "goes on at 0x100000, not at 0x10000b"),
        (end(gprs={Gpr.RSI: 8}), SEEN, "rsi is 0x7, not 0x8"),
        (end(controls={ControlRegister.CR3: 1}), SEEN, "cr3 is 0x10000, not 0x1"),
        (end(written={0x9000: 2}), SEEN, "wrote 0x1 at 0x9000, not 0x2"),
        (end(written={0x8000: 2}), SEEN, "wrote nothing at 0x8000, not 0x2"),
        (SHOWN, STOPPED, "raises #GP(0x0) at 0x10000a instead of executing 0x10000a"),
        (SHOWN, replace(SEEN, steps=SEEN.steps[:1]), "stops after 1 instruction"),
        (
            SHOWN,
            replace(SEEN, steps=SEEN.steps[:1], end=EndKind.HALTED),
            "halts after 1 instruction",
        ),
        (
            SHOWN,
            replace(SEEN, steps=(StepSeen(0x7C00, Mode.LONG_64, {}), *SEEN.steps[1:])),
            "executes 0x7c00, not 0x100000 as instruction 0",
        ),
        (faulting(), SEEN, "does not raise #GP(0x0) at 0x10000a"),
        (
            faulting(),
            replace(STOPPED, fault=replace(FAULT, vector=Vector.PF, error=9)),
            "raises #PF(0x9) at 0x10000a, not #GP(0x0) at 0x10000a",
        ),
        (
            faulting(),
            replace(STOPPED, fault=replace(FAULT, error=8)),
            "raises #GP(0x8) at 0x10000a, not #GP(0x0) at 0x10000a",
        ),
    ],
)
def test_other_run_contradicts(shown: Counterexample, seen: Observation, sentence: str) -> None:
    """The first departure is told, with what was seen and what was said."""
    assert verdict_on(shown, seen, lenient=False) == (Judge.CONTRADICTED, sentence)


def test_engine_without_faults_is_no_judge_of_them() -> None:
    """An engine that runs through a fault neither confirms nor contradicts it."""
    judge, _ = verdict_on(faulting(), SEEN, lenient=True)
    assert judge is Judge.NOT_REPRESENTABLE
    assert verdict_on(faulting(), STOPPED, lenient=True)[0] is Judge.CONFIRMED
    other = replace(STOPPED, fault=replace(FAULT, vector=Vector.SS))
    assert verdict_on(faulting(), other, lenient=True)[0] is Judge.NOT_REPRESENTABLE
    assert verdict_on(faulting(), other, lenient=False)[0] is Judge.CONTRADICTED


def test_an_engine_with_another_cpuid_is_no_judge_of_what_follows_on_it() -> None:
    """Where the path asks CPUID, other values show nothing of QEMU; without it they do."""
    asked = replace(SHOWN.trace[0], text="cpuid")
    for shown, judge in (
        (replace(end(gprs={Gpr.RSI: 8}), trace=(asked, *SHOWN.trace[1:])), "NOT_REPRESENTABLE"),
        (end(gprs={Gpr.RSI: 8}), "CONTRADICTED"),
    ):
        assert verdict_on(shown, SEEN, lenient=True)[0] is Judge[judge]
