"""A loop that fills or copies memory is one step, and gives what it gives round by round."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.soundness.build import Small, write
from verifier.execution import bulk
from verifier.execution.path import Reached
from verifier.machine.cells import byte_of
from verifier.machine.models import ModelName
from verifier.machine.registers import Flag, Gpr
from verifier.proving.session import Session
from verifier.proving.target import read_target
from verifier.replay.judging import bench
from verifier.solver import Contradictory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path as FilePath

    from claripy.ast.bv import BV

    from verifier.execution.path import Path

SIZE = 0x100
REGIONS = f"""
[regions.data]
base = "rsi"
size = {SIZE}
[regions.other]
base = "rdi"
size = {SIZE}
"""
GIVEN = (
    "1 << 20 <= rsi < 1 << 30",
    "1 << 20 <= rdi < 1 << 30",
    "disjoint(data, other, image, stack, tables)",
)
LIMITS = "[limits]\ninstructions = 4000\npaths = 80\n"
LEAVE = "leave:\tjmp out\nout:\thlt"


def explored(folder: FilePath, code: str) -> Session:
    """Give every path of a program with two buffers, at %rsi and %rdi."""
    small = Small(f"{code}\n{LEAVE}", ("true",), GIVEN, REGIONS, more=LIMITS)
    return Session(read_target(write(folder, small)), ModelName.RETAINING, bench())


def end_of(session: Session) -> Path:
    """Give the only path of a session."""
    (path,) = session.paths
    assert isinstance(path.ending, Reached)
    return path


def told(path: Path) -> Iterator[BV]:
    """Give every register, flag and byte of the buffers at the end of a path."""
    state = path.ending.state
    yield from state.gprs
    yield from (state.flags[flag] for flag in Flag)
    for region in state.memory.regions:
        if region.name in {"data", "other"}:
            yield from (byte_of(state.memory.cell(region, at)) for at in range(SIZE))


def require_same(session: Session, one: Path, other: Path) -> None:
    """Fail where two ends may differ for the same start."""
    facts = [*session.context.assumptions, *one.facts]
    for here, there in zip(told(one), told(other), strict=True):
        if here is not there:
            differ = session.context.solver.ask("differ", facts, here != there)
            assert isinstance(differ, Contradictory), (here, there)


SWEEPS = {
    "bytes, upwards": """
        movq %rsi, %rcx
        leaq 200(%rsi), %r8
    1:  movb %al, (%rcx)
        addq $1, %rcx
        cmpq %r8, %rcx
        jne 1b""",
    "words, downwards, by a counter": """
        movl $60, %ecx
    1:  movl %eax, 4(%rsi,%rcx,4)
        subl $1, %ecx
        jne 1b""",
    "with gaps, the test first": """
        xorl %ecx, %ecx
    1:  cmpq $50, %rcx
        je 2f
        movw $0x1234, 1(%rsi,%rcx,4)
        incq %rcx
        jmp 1b
    2:""",
    "two stores a round that overlap": """
        movq %rsi, %rcx
        leaq 240(%rsi), %r8
    1:  movq %rax, (%rcx)
        movw %bx, 6(%rcx)
        addq $8, %rcx
        cmpq %r8, %rcx
        jb 1b""",
    "copies bytes": """
        xorl %ecx, %ecx
    1:  movzbl 3(%rdi,%rcx), %edx
        movb %dl, 7(%rsi,%rcx)
        addq $1, %rcx
        cmpq $180, %rcx
        jne 1b""",
    "copies words downwards": """
        movl $31, %ecx
    1:  movq (%rdi,%rcx,8), %rdx
        movq %rdx, (%rsi,%rcx,8)
        subq $1, %rcx
        jns 1b""",
    "copies within a buffer, apart": """
        xorl %ecx, %ecx
    1:  movzbl (%rsi,%rcx), %edx
        movb %dl, 0x80(%rsi,%rcx)
        addq $1, %rcx
        cmpq $0x80, %rcx
        jne 1b""",
}


@pytest.mark.parametrize("name", SWEEPS)
def test_a_sweep_is_one_step(
    tmp_path: FilePath, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Few steps lead to the end, and there everything is as after the rounds one by one."""
    at_once = explored(tmp_path, SWEEPS[name])
    assert [cut.heads for cut in at_once.context.cuts] == [1]
    assert "rounds at once" in at_once.context.cuts[0].invariant
    assert len(end_of(at_once).steps) < 60
    monkeypatch.setattr(bulk, "LEAST_ROUNDS", 1 << 40)
    one_by_one = explored(tmp_path, SWEEPS[name])
    assert not one_by_one.context.cuts
    require_same(at_once, end_of(at_once), end_of(one_by_one))


NO_SWEEPS = {
    "the value differs from round to round": """
        xorl %ecx, %ecx
    1:  movb %cl, (%rsi,%rcx)
        addq $1, %rcx
        cmpq $40, %rcx
        jne 1b""",
    "one element makes the next": """
        movl $1, %ecx
    1:  movb -1(%rsi,%rcx), %dl
        movb %dl, (%rsi,%rcx)
        addq $1, %rcx
        cmpq $40, %rcx
        jne 1b""",
    "the copy overlaps what it copies": """
        xorl %ecx, %ecx
    1:  movb (%rsi,%rcx), %dl
        movb %dl, 20(%rsi,%rcx)
        addq $1, %rcx
        cmpq $40, %rcx
        jne 1b""",
    "a sum is kept in a register that is stored": """
        xorl %ecx, %ecx
    1:  addl %ecx, %edx
        movb %dl, (%rsi,%rcx)
        addq $1, %rcx
        cmpq $40, %rcx
        jne 1b""",
    "a variable in memory counts too": """
        xorl %ecx, %ecx
    1:  movb %al, (%rsi,%rcx)
        incq 0x80(%rsi)
        addq $1, %rcx
        cmpq $40, %rcx
        jne 1b""",
    "later rounds load what they store for a while": """
        movb $1, 5(%rdi)
        xorl %ecx, %ecx
    1:  cmpq $2, %rcx
        jb 2f
        movb $7, 5(%rdi)
    2:  movzbl (%rdi,%rcx), %edx
        cmpq $2, %rcx
        jb 3f
        movb $1, 5(%rdi)
    3:  movb %dl, (%rsi,%rcx)
        addq $1, %rcx
        cmpq $40, %rcx
        jne 1b""",
    "later rounds compare before and after a store for a while": """
        movb $1, 5(%rdi)
        xorl %ecx, %ecx
        xorl %r9d, %r9d
    1:  cmpq $2, %rcx
        jb 3f
        movb (%rdi,%rcx), %dl
        movb $7, 5(%rdi)
        movb (%rdi,%rcx), %bl
        movb $1, 5(%rdi)
        cmpb %dl, %bl
        je 2f
        movl $1, %r9d
        jmp 2f
    3:  movb 60(%rdi,%rcx), %dl
        movb 70(%rdi,%rcx), %bl
    2:  movb %al, (%rsi,%rcx)
        addq $1, %rcx
        cmpq $40, %rcx
        jne 1b""",
    "it stores over what it counts to": """
        xorl %ecx, %ecx
        movq $40, 0x20(%rsi)
    1:  movb $60, (%rsi,%rcx)
        addq $1, %rcx
        cmpb 0x20(%rsi), %cl
        jne 1b""",
}


@pytest.mark.parametrize("name", NO_SWEEPS)
def test_other_loops_are_followed_round_by_round(
    tmp_path: FilePath, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """What a round leaves is not told by its number alone, so that no round is left out."""
    monkeypatch.setattr(bulk, "MOST_TESTS", 8)
    session = explored(tmp_path, NO_SWEEPS[name])
    assert session.context.cuts == []
    assert len(end_of(session).steps) > 100


def test_rounds_with_many_branches_are_not_tried_at_once(
    tmp_path: FilePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A round that asks much does more than to fill or copy: no round stands for all there."""
    tried: list[bulk.Bulk] = []
    monkeypatch.setattr(bulk.Bulk, "_template", tried.append)
    code = NO_SWEEPS["later rounds load what they store for a while"]
    assert len(end_of(explored(tmp_path, code)).steps) > 100
    assert tried == []


def test_registers_that_the_loop_moves_are_exact(tmp_path: FilePath) -> None:
    """After a sweep the moving register is a number again."""
    state = end_of(explored(tmp_path, SWEEPS["copies bytes"])).ending.state
    assert state.gpr(Gpr.RCX).args[0] == 180


INNER = {
    "later rounds fill another buffer": """
        xorl %ecx, %ecx
    1:  cmpq $2, %rcx
        jb 3f
        xorl %edx, %edx
    2:  movb %cl, (%rdi,%rdx)
        addq $1, %rdx
        cmpq $20, %rdx
        jne 2b
    3:  movb %al, (%rsi,%rcx)
        addq $1, %rcx
        cmpq $20, %rcx
        jne 1b""",
    "later rounds copy what is filled": """
        xorl %ecx, %ecx
    1:  cmpq $2, %rcx
        jb 3f
        xorl %edx, %edx
    2:  movb (%rsi,%rdx), %bl
        movb %bl, (%rdi,%rdx)
        addq $1, %rdx
        cmpq $20, %rdx
        jne 2b
    3:  movb %al, (%rsi,%rcx)
        addq $1, %rcx
        cmpq $6, %rcx
        jne 1b""",
}


@pytest.mark.parametrize("name", INNER)
def test_a_sweep_inside_a_round_that_is_no_sweep_leaves_no_trace(
    tmp_path: FilePath, name: str
) -> None:
    """What was tried for all rounds at once and given up is in no bundle: no trail goes there."""
    session = explored(tmp_path, INNER[name])
    assert end_of(session)
    begun = {id(path.segment) for path in session.paths}
    begun |= {id(entry.segment) for entry in session.context.entries}
    assert all(id(entry.head) in begun for entry in session.context.entries)
