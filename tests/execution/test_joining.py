"""Trails that meet become one that is each of them under its own condition."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import claripy
import pytest

from tests.execution.containment import begun_at
from tests.machine.build import oracle
from verifier.execution.joining import joined
from verifier.execution.oracle import Knowledge
from verifier.execution.trail import Trail, meet
from verifier.machine.choices import settled
from verifier.machine.memory import Memory, Region
from verifier.machine.registers import ControlRegister, Flag, Gpr
from verifier.machine.words import constant, symbol
from verifier.solver import Contradictory, Fact, Satisfied, Solver

if TYPE_CHECKING:
    from pathlib import Path

    from claripy.ast.bool import Bool

    from verifier.machine.state import State

X, BASE = symbol("x"), symbol("base")
DATA = Region("data", BASE, 0x100, windowed=True)
SHARED = Fact("path0", claripy.ULT(X, 100))


@pytest.fixture
def start(tmp_path: Path) -> State:
    """Give some state, with a windowed region as all of its memory."""
    at, _ = begun_at(tmp_path, "leave: jmp out\nout: hlt")
    return replace(at(), memory=Memory((DATA,)))


def way(state: State, condition: Bool, **values: int) -> Trail:
    """Give a trail that differs in registers."""
    gprs = list(state.gprs)
    for name, value in values.items():
        gprs[Gpr[name]] = constant(value)
    knowledge = Knowledge((SHARED, Fact("path1", condition)), (), {}, frozenset())
    return Trail(replace(state, gprs=tuple(gprs)), knowledge, number=3)


def always(trail: Trail, given: Bool, then: Bool) -> bool:
    """Say whether a trail's facts and ``given`` leave no exception to ``then``."""
    goals = (given, claripy.Not(then))
    answer = Solver().ask("test", trail.knowledge.facts, *goals)
    return isinstance(answer, Contradictory)


def test_each_way_keeps_its_values(start: State) -> None:
    """Under a way's condition a register has the value that it had on that way."""
    small, large = way(start, X < 5, RAX=1, RBX=7), way(start, X >= 5, RAX=2, RBX=7)
    joint = joined([small, large])
    assert joint is not None
    rax = joint.state.gpr(Gpr.RAX)
    assert always(joint, X < 5, rax == 1)
    assert always(joint, X >= 5, rax == 2)
    assert joint.state.gpr(Gpr.RBX) is constant(7)
    assert joint.state.gpr(Gpr.RCX) is start.gpr(Gpr.RCX)


def test_flags_and_bytes_are_joined(start: State) -> None:
    """A flag and a stored byte are each way's own; what one way left alone is as it was."""
    set_flag = {**start.flags, Flag.CF: constant(1, 1)}
    memory, place = start.memory.place(BASE + 8, 1, oracle())
    stored = replace(start, flags=set_flag, memory=memory.write(place, constant(5, 8)))
    joint = joined([way(stored, X < 5), way(start, X >= 5)])
    assert joint is not None
    value = joint.state.memory.read(place, 1)
    assert always(joint, X < 5, claripy.And(value == 5, joint.state.flags[Flag.CF] == 1))
    assert always(joint, X >= 5, value == symbol("data[0x8]", 8))
    assert always(joint, X >= 5, joint.state.flags[Flag.CF] == start.flags[Flag.CF])


def test_a_fact_of_one_way_alone_is_dropped(start: State) -> None:
    """The joint knows what all ways know, and that one of them was taken."""
    joint = joined([way(start, X < 5), way(start, X == 7)])
    assert joint is not None
    assert joint.knowledge.facts[0] is SHARED
    assert always(joint, claripy.true(), claripy.Or(X < 5, X == 7))
    assert isinstance(Solver().ask("test", joint.knowledge.facts, X == 7), Satisfied)
    assert isinstance(Solver().ask("test", joint.knowledge.facts, X == 4), Satisfied)


def test_what_one_way_showed_of_windows_is_forgotten(start: State) -> None:
    """Bytes that one way alone showed to lie in a region are asked for again."""
    window = Region("data@x", X, 0, stray=True, within="data")
    one = Memory((DATA,), strays=(window,), extents={"data@x": ((0, 8), (8, 16))})
    other = replace(one, extents={"data@x": ((0, 8),)})
    joint = joined(
        [way(replace(start, memory=one), X < 5), way(replace(start, memory=other), X >= 5)]
    )
    assert joint is not None
    assert joint.state.memory.extents == {"data@x": ((0, 8),)}
    third = joined([way(replace(start, memory=one), X < 5), way(start, X >= 5)])
    assert third is not None
    assert third.state.memory.extents == {"data@x": ()}
    assert third.state.memory.strays == (window,)


def test_ways_that_differ_in_more_are_not_joined(start: State) -> None:
    """Control registers that differ keep trails apart."""
    controls = {**start.controls, ControlRegister.CR3: constant(0x1000)}
    other = way(replace(start, controls=controls), X >= 5)
    assert joined([way(start, X < 5), other]) is None


def test_trails_meet_at_one_instruction_with_one_stack(start: State) -> None:
    """Another stack pointer or another place is no meeting."""
    here = way(start, X < 5)
    assert meet(here, way(start, X >= 5, RAX=1))
    assert not meet(here, way(start, X >= 5, RSP=8))
    assert not meet(here, way(replace(start, rip=start.rip + 1), X >= 5))


def test_what_each_way_stored_as_a_word_stays_one(start: State) -> None:
    """A word is joined whole; where one way stored less, each byte is what its way left."""
    memory, place = start.memory.place(BASE + 8, 8, oracle())
    one = replace(start, memory=memory.write(place, BASE + 0x1234))
    other = replace(start, memory=memory.write(place, X))
    less = replace(other, memory=other.memory.write(place, constant(9, 16)))
    joint = joined([way(one, X < 5), way(other, X >= 5)])
    assert joint is not None
    value = joint.state.memory.read(place, 8)
    assert value.op == "If"
    assert always(joint, X < 5, value == BASE + 0x1234)
    assert always(joint, X >= 5, value == X)
    joint = joined([way(one, X < 5), way(less, X >= 5)])
    assert joint is not None
    value = joint.state.memory.read(place, 8)
    assert always(joint, X < 5, value == BASE + 0x1234)
    assert always(joint, X >= 5, value == (X & ~0xFFFF) + 9)
    assert always(joint, X >= 5, joint.state.memory.read(place, 4)[15:0] == 9)


def test_a_part_of_a_joined_word_is_seen_to_be_one_ways() -> None:
    """Where the path says which way it came, a part of a word is what that way stored."""
    whole = claripy.If(X < 5, BASE, claripy.BVV(0x1111_2222_3333_4444, 64))
    assert settled(whole[31:0], oracle(X >= 5)) is constant(0x3333_4444, 32)
    assert settled(whole[31:0], oracle(X < 200)) is whole[31:0]
