"""Concrete runs of many instructions go as in Bochs, and tell what they chose."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.replay.build import CODE, STACK, compatibility_mode, long_mode, protected_mode
from tests.replay.test_switch import RSI, STEPS, journey
from tests.semantics.cases import Case, random_case
from tests.semantics.compare import bochs_features, compare
from verifier.execution.concrete import mode_of, run, state_of
from verifier.execution.path import Faulted, OutOfModel, Stopped
from verifier.machine.models import MODELS, ModelName
from verifier.machine.registers import Flag, Gpr, Mode, Segment
from verifier.machine.words import known
from verifier.replay import Engine, Replayer
from verifier.semantics.forms import FORMS

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from verifier.execution.concrete import ConcreteRun
    from verifier.machine.concrete import Start

SEQUENCES, LENGTH = 12, 12
PLAIN = [form for form in FORMS if not (form.transfers or form.uses_stack or form.memory_only)]


@pytest.fixture(scope="module")
def replayer() -> Iterator[Replayer]:
    """Give a replayer with Bochs."""
    with Replayer([Engine.BOCHS]) as shared:
        yield shared


def run_from(
    start: Start, steps: int, model: ModelName = ModelName.RETAINING, **values: int
) -> ConcreteRun:
    """Run a start; ``values`` have ``_at_`` for the ``@`` of a name."""
    named = {name.replace("_at_", "@"): value for name, value in values.items()}
    return run(state_of(start, MODELS[model], bochs_features()), steps, named)


def case(start: Start, steps: int) -> Case:
    """Give a start as a case of several steps."""
    return Case("sequence", mode_of(start), start.memory[start.rip], start, steps)


@pytest.mark.parametrize("steps", range(STEPS + 1))
def test_journey_agrees_with_bochs(steps: int, replayer: Replayer) -> None:
    """The whole way to 32-bit code and back goes as in Bochs, wherever it is cut."""
    assert compare(case(journey(), steps), replayer).differences == []


@pytest.mark.parametrize("mode", list(Mode))
def test_sequences_agree_with_bochs(mode: Mode, rng: random.Random, replayer: Replayer) -> None:
    """Random instructions one after the other go as in Bochs: no undefined flag is relied on."""
    make = {
        Mode.LONG_64: long_mode,
        Mode.COMPATIBILITY: compatibility_mode,
        Mode.PROTECTED_32: protected_mode,
    }[mode]
    forms = [form for form in PLAIN if not form.undefined]
    forms = [form for form in forms if not (form.legacy_only if mode.is_64 else form.wide_only)]
    for _ in range(SEQUENCES):
        code = b"".join(random_case(rng, rng.choice(forms), mode).raw for _ in range(LENGTH))
        gprs = {gpr: rng.getrandbits(32) for gpr in Gpr}
        made = case(make(code, gprs=gprs), LENGTH)
        assert not compare(made, replayer).differences, made


def test_journey_keeps_all_on_a_retaining_processor() -> None:
    """On a processor that retains upper halves RSI arrives whole."""
    ended = run_from(journey(), 100)
    assert isinstance(ended.ending, Stopped)
    assert known(ended.state.gpr(Gpr.RDI)) == RSI
    assert len(ended.steps) == STEPS


def test_journey_loses_upper_halves_by_the_manuals() -> None:
    """By the manuals the upper halves are what ``values`` say, and each choice is told."""
    chosen = {"rsi[63:32]_at_22": 0xDEAD_BEEF, "r12_at_22": 7}
    ended = run_from(journey(), 100, ModelName.ARCHITECTURAL, **chosen)
    assert known(ended.state.gpr(Gpr.RSI)) == 0xDEAD_BEEF << 32 | RSI & 0xFFFF_FFFF
    assert known(ended.state.gpr(Gpr.R12)) == 7
    told = {(choice.name, choice.step, choice.width, choice.value) for choice in ended.choices}
    assert ("rsi[63:32]", 22, 32, 0xDEAD_BEEF) in told
    assert ("r12", 22, 64, 7) in told
    assert ("rbx[63:32]", 22, 32, 0) in told


def test_zeroing_processor_cuts_at_the_switch() -> None:
    """On a processor that zeroes them the upper halves are gone in 32-bit code."""
    ended = run_from(journey(), 6, ModelName.ZEROING)
    assert known(ended.state.gpr(Gpr.RSI)) == RSI & 0xFFFF_FFFF
    assert known(ended.state.gpr(Gpr.R12)) == RSI


@pytest.mark.parametrize(
    ("start", "mode"),
    [
        (long_mode("90"), Mode.LONG_64),
        (compatibility_mode("90"), Mode.COMPATIBILITY),
        (protected_mode("90"), Mode.PROTECTED_32),
    ],
)
def test_state_of_a_start(start: Start, mode: Mode) -> None:
    """The state has the start's mode, registers and bytes, and paging where it was on."""
    state = state_of(start, MODELS[ModelName.RETAINING], bochs_features())
    assert state.mode is mode_of(start) is mode
    assert known(state.rip) == CODE
    assert known(state.gpr(Gpr.RSP)) == STACK
    assert known(state.rflags) == start.rflags
    assert known(state.segments[Segment.CS].selector) == start.segments[Segment.CS].selector
    assert state.memory.cell(state.memory.regions[0], CODE) == 0x90
    assert state.paging_was_off is (mode is Mode.PROTECTED_32)


def test_fault_keeps_the_state_before_it() -> None:
    """A run that faults ends in the state before the instruction, and tells its events."""
    ended = run_from(long_mode("90 50", gprs={Gpr.RSP: 1 << 41}), 5)
    assert isinstance(ended.ending, Faulted)
    assert known(ended.state.rip) == CODE + 1
    assert known(ended.state.gpr(Gpr.RSP)) == 1 << 41
    assert len(ended.steps) == 2


@pytest.mark.parametrize("flag", [Flag.IF, Flag.TF])
def test_interrupts_and_traps(flag: Flag) -> None:
    """With interrupts on nothing is known; with TF set the next instruction traps."""
    ended = run_from(replace(long_mode("90"), rflags=2 | 1 << flag), 1)
    assert isinstance(ended.ending, OutOfModel if flag is Flag.IF else Faulted)


def test_steps_are_all_there_is() -> None:
    """A run of no steps is the start, and one that ran out has no ending."""
    assert run_from(long_mode("90"), 0).steps == ()
    assert run_from(long_mode("9090"), 1).ending is None
