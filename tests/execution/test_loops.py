"""A loop is cut only where initiation, preservation and the measure are shown; else UNKNOWN."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.execution.containment import explored
from verifier.execution.path import OutOfModel, Reached

if TYPE_CHECKING:
    from pathlib import Path

    from verifier.proving.session import Session

LEAVE = "leave:\tjmp out\nout:\thlt"
ODD = "\ttestb $1, (%rsi)\n\tje 1f\n\taddl $3, %eax\n1:"
"""Two ways through a body, so that the loop is cut after two rounds."""


def loop(before: str, body: str, again: str) -> str:
    """Give a program of one loop whose body has two ways."""
    return f"\txorl %ebp, %ebp\n{before}\ntop:{ODD}{body}\n{again} top\n{LEAVE}"


def reasons(session: Session) -> list[str]:
    """Give why paths are not followed to their end."""
    return [each.ending.reason for each in session.paths if isinstance(each.ending, OutOfModel)]


CUT = {
    "counts down to a register": ("movq %rdi, %rcx", "subq $1, %rcx\ncmpq %rbp, %rcx", "jne"),
    "counts down to 0": ("movq %rdi, %rcx\nmovl $1, %ebp", "subq $1, %rcx", "jnz"),
    "counts up to a register": ("xorl %ecx, %ecx", "addq $1, %rcx\ncmpq %rdi, %rcx", "jne"),
    "steps by 4 to an end": (
        "movq %rsi, %r11\nleaq (%rsi,%rdi,4), %r12",
        "movl (%r11), %r8d\naddq $4, %r11\ncmpq %r12, %r11",
        "jb",
    ),
    "changes one register on one way only": (
        "movq %rdi, %rcx",
        "testb $2, (%rsi)\nje 2f\nmovq %rdx, %rbx\n2: subq $1, %rcx\ncmpq %rbp, %rcx",
        "jne",
    ),
    "changes memory": (
        "movq %rdi, %rcx",
        "addl %eax, 8(%rsi)\nsubq $1, %rcx\ncmpq %rbp, %rcx",
        "jne",
    ),
}


@pytest.mark.parametrize("name", CUT)
def test_a_loop_with_a_bound_is_cut(tmp_path: Path, name: str) -> None:
    """All that follows is known: one cut, and a way out for any number of rounds."""
    session = explored(tmp_path, loop(*CUT[name]), windows=True)
    assert reasons(session) == []
    assert [cut.place for cut in session.context.cuts] != []
    assert any(isinstance(path.ending, Reached) for path in session.paths)


UNBOUNDED = {
    "nothing moves": ("", "testb $4, 4(%rsi)", "je"),
    "the end moves too": (
        "movq %rdi, %rcx\nmovq %rdi, %r12",
        "subq $1, %rcx\nsubq $1, %r12\ncmpq %r12, %rcx",
        "je",
    ),
    "distances differ": (
        "movq %rdi, %rcx",
        "subq $1, %rcx\ntestb $2, (%rsi)\nje 2f\nsubq $1, %rcx\n2: cmpq %rbp, %rcx",
        "jne",
    ),
    "steps over its end": (
        "movq %rsi, %r11\nleaq 30(%rsi,%rdi,4), %r12",
        "addq $20, %r11\ncmpq %r12, %r11",
        "jne",
    ),
    "the exit is not the bound": ("movq %rdi, %rcx", "subq $1, %rcx\ncmpq %r9, %rcx", "jne"),
    "moves away from its end": ("movq %rdi, %rcx", "addq $1, %rcx\ncmpq %rbp, %rcx", "jne"),
    "may be there already": (
        "leaq -1(%rdi), %rcx",
        "subq $1, %rcx\ncmpq %rbp, %rcx",
        "jne",
    ),
    "another way resets the counter": (
        "movq %rdi, %rcx",
        "testb $2, (%rsi)\nje 2f\nmovq %rdi, %rcx\n2: subq $1, %rcx\ncmpq %rbp, %rcx",
        "jne",
    ),
}


@pytest.mark.parametrize("name", UNBOUNDED)
def test_a_loop_without_a_bound_is_unknown(tmp_path: Path, name: str) -> None:
    """Its paths end as out of the model, with the loop named; none of its exits is claimed."""
    session = explored(tmp_path, loop(*UNBOUNDED[name]), windows=True)
    assert any("the loop at image+0x" in reason for reason in reasons(session))
    assert session.context.cuts == []


def test_a_loop_that_data_leaves_after_its_first_round_is_unrolled(tmp_path: Path) -> None:
    """What comes back on two ways is joined and goes round once more; nothing is cut."""
    again = f"orl $4, %edx\naddq %rdx, %rcx\njmp top\n{LEAVE}"
    head = "xorl %ecx, %ecx\ntop: cmpq $4, %rcx\njae leave"
    session = explored(tmp_path, f"{head}\n{ODD}\nmovzbl 4(%rsi), %edx\n{again}", windows=True)
    assert reasons(session) == []
    assert session.context.cuts == []
    assert sum(isinstance(path.ending, Reached) for path in session.paths) == 1


def test_the_assumption_behind_initiation_is_needed(tmp_path: Path) -> None:
    """Each path past a loop relies on what shows that the loop has a first round and a last."""
    code = f"\txorl %ebp, %ebp\n\tmovq %rdi, %rcx\ntop:\tsubq $1, %rcx\n\tjnz top\n{LEAVE}"
    session = explored(tmp_path, code, windows=True)
    ends = [path for path in session.paths if isinstance(path.ending, Reached)]
    assert ends
    assert all("given-0" in path.knowledge.relied_on for path in ends)


def test_the_invariant_is_told(tmp_path: Path) -> None:
    """The words name what moves and to where, and what is anything."""
    session = explored(tmp_path, loop(*CUT["steps by 4 to an end"]), windows=True)
    (cut,) = session.context.cuts
    assert "r11 = r11₀ + 4·k, on its way to r12" in cut.invariant
    assert "rax" in cut.invariant
    assert cut.invariant.endswith("are anything")
    assert cut.shown > 0
