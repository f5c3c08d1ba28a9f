"""A far jump whose offset is an expression goes where Bochs goes, for each value of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import claripy
import pytest

from tests.replay.build import CODE, CODE_32, CODE_64, compatibility_mode
from tests.semantics.cases import Case
from tests.semantics.compare import bochs_features, compare
from verifier.execution.concrete import MEMORY, mode_of, run, state_of
from verifier.execution.oracle import Context, Knowledge, PathOracle
from verifier.execution.path import OutOfModel
from verifier.execution.step import take
from verifier.machine.cells import cells_of
from verifier.machine.models import MODELS, ModelName
from verifier.machine.registers import Mode
from verifier.machine.words import constant, known, symbol
from verifier.replay import Engine, Replayer
from verifier.semantics.instruction import decode, decode_open
from verifier.solver import Fact, Satisfied, Solver

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from verifier.execution.step import Taken
    from verifier.machine.concrete import Start
    from verifier.machine.state import State

TARGET = symbol("target", 32)
OPEN = (None,) * 4
FAR_JUMP = b"\xea"


@pytest.fixture(scope="module")
def replayer() -> Iterator[Replayer]:
    """Give a replayer with Bochs."""
    with Replayer([Engine.BOCHS]) as shared:
        yield shared


def start_at(target: int, selector: int) -> Start:
    """Give a start at a far jump to a number."""
    raw = FAR_JUMP + target.to_bytes(4, "little") + selector.to_bytes(2, "little")
    return compatibility_mode(raw)


def open_state(selector: int, at: int = 1) -> State:
    """Give the same start with four bytes that are an expression."""
    state = state_of(start_at(0, selector), MODELS[ModelName.RETAINING], bochs_features())
    cells = dict(enumerate(cells_of(TARGET), CODE + at))
    return replace(state, memory=replace(state.memory, cells={MEMORY: cells}))


def taken(state: State, choices: tuple[bool, ...] = ()) -> Taken:
    """Take a step on a path that knows nothing of the expression."""
    below = Fact("below", claripy.ULT(TARGET, 0xFFFF_FFFF))
    context = Context(Solver(), (below,))
    found = context.solver.ask("assumptions", context.assumptions)
    assert isinstance(found, Satisfied)
    oracle = PathOracle(context, Knowledge((), (found.model,), {}, frozenset()), choices, 0)
    return take(state, oracle, 0, 0)


@pytest.mark.parametrize("selector", [CODE_32, CODE_64])
def test_each_value_goes_as_in_bochs(selector: int, rng: random.Random, replayer: Replayer) -> None:
    """What the expression says of RIP, at a number, is where that number leads in Bochs."""
    symbolic = taken(open_state(selector))
    assert symbolic.ending is None
    assert symbolic.step is not None
    assert symbolic.step.instruction.text == "ljmpl (patched)"
    for target in (0, CODE, 0xFFFF_FFFE, *(rng.getrandbits(32) for _ in range(5))):
        start = start_at(target, selector)
        case = Case("patched", mode_of(start), start.memory[CODE], start, 1)
        assert compare(case, replayer).differences == []
        concrete = run(state_of(start, symbolic.state.model, bochs_features()), 1, {}).state
        rip = claripy.replace(symbolic.state.rip, TARGET, constant(target, 32))
        assert claripy.simplify(rip).concrete_value == known(concrete.rip)
        assert symbolic.state.mode is concrete.mode


@pytest.mark.parametrize("at", [0, 2, 3])
def test_open_bytes_elsewhere_are_never_an_expression(at: int) -> None:
    """An open opcode or selector gives one way to go wrong, and all other values are unknown."""
    chosen = taken(open_state(CODE_64, at), ())
    assert chosen.step is not None
    assert chosen.step.instruction.patched is None
    assert isinstance(taken(open_state(CODE_64, at), (False,)).ending, OutOfModel)


def test_an_open_offset_keeps_the_instruction() -> None:
    """Length, prefixes and opcode are those with any number in place of the open bytes."""
    opened = decode_open((0xEA, *OPEN, 0x10, 0), Mode.COMPATIBILITY)
    plain = decode(bytes((0xEA, 1, 2, 3, 4, 0x10, 0)), Mode.COMPATIBILITY)
    assert opened is not None
    assert plain is not None
    assert (opened.size, opened.opcode, opened.prefixes) == (7, FAR_JUMP, plain.prefixes)
    assert opened.immediate(2) == 0x10


@pytest.mark.parametrize(
    "code", [(None, 0, 0, 0, 0, 0, 0), (0x0F, None, 0, 0), (0x8B, None, 0, 0, 0, 0), (None,) * 15]
)
def test_open_bytes_that_decide_the_instruction_are_refused(code: tuple[int | None, ...]) -> None:
    """An open opcode, or a ModRM that decides the length, is no instruction."""
    assert decode_open(code, Mode.COMPATIBILITY) is None
