"""Whole programs: whatever was joined, cut or taken at once, other solvers agree on it."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tests.bundle.conftest import certified
from tests.execution.containment import GIVEN, LIMITS
from tests.execution.programs import DATA, Writer
from tests.soundness.build import Small, calling, write
from verifier.bundle.audit import audit
from verifier.bundle.kinds import Answer, Kind
from verifier.bundle.read import read_bundle
from verifier.bundle.solvers import SolverName, ask
from verifier.execution.bounds import Bound
from verifier.execution.loops import Cutting

if TYPE_CHECKING:
    from pathlib import Path

SEEDS = ("bundle 2", "bundle 7")
SECONDS = 60
HANDED_ON = {Kind.COVER, Kind.JOIN, Kind.ENTRY, Kind.ROUND}
FIRST_ROUND = """\
	xorl %ecx, %ecx
top:	cmpq $4, %rcx
	jae leave
	testb $1, (%rsi)
	je 1f
	addl $3, %eax
1:	movzbl 4(%rsi), %edx
	orl $4, %edx
	addq %rdx, %rcx
	jmp top
leave:	jmp out
out:	hlt
"""


def roots(folder: Path, code: str) -> set[str]:
    """Certify a program and require that its bundle is confirmed; give where segments begin."""
    data = f'[regions.data]\nbase = "rsi"\nsize = {DATA}\nwindows = true\n'
    certified(
        write(folder / "spec", Small(code, ("true",), GIVEN, data, more=LIMITS)), folder / "b"
    )
    (part,) = read_bundle(folder / "b").parts
    audit(part)
    asked = [each for each in part.obligations if each.kind in HANDED_ON]
    assert asked
    for each in asked:
        reply = ask(SolverName.BITWUZLA, each.text, SECONDS)
        assert reply.answer is each.expected, f"{each.name}: {each.states}"
    return {segment.root for segment in part.segments}


@pytest.mark.parametrize("seed", SEEDS)
def test_no_start_of_a_random_program_is_lost(tmp_path: Path, seed: str) -> None:
    """Covers, joins and loops of a program drawn by its seed are confirmed."""
    print(f"seed '{seed}'")  # noqa: T201 - to repeat a failure
    program = Writer(random.Random(seed)).program()  # noqa: S311 - test data
    assert "start" in roots(tmp_path, program.code)


CALLED = calling("callq *%rsi\nleave: jmp out\nout: hlt", "rbx == entry.rbx")
"""A call that is the callee's of a contract by what is assumed, as is its direction flag."""


def test_what_a_contract_requires_of_a_call_is_an_obligation(tmp_path: Path) -> None:
    """That the callee is the one spoken of and the direction flag is clear is asked by name."""
    certified(write(tmp_path / "spec", CALLED), tmp_path / "b")
    (part,) = read_bundle(tmp_path / "b").parts
    audit(part)
    asked = [each for each in part.obligations if each.kind is Kind.CONTRACT]
    assert len(asked) == 2
    for each in asked:
        assert ask(SolverName.BITWUZLA, each.text, SECONDS).answer is each.expected


def test_a_loop_whose_rounds_nobody_bounded_is_not_confirmed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the search takes bounds for kept that no round was asked about, a round tells."""
    monkeypatch.setattr(Bound, "invariant", lambda _, __: [])
    monkeypatch.setattr(Cutting, "_preserved", lambda _, __, ___, ____: True)
    code = "movq %rdi, %rcx\n1: addq $20, %rdx\nsubq $1, %rcx\njnz 1b\nleave: jmp out\nout: hlt"
    certified(write(tmp_path / "spec", Small(code, ("true",), ("1 <= rdi < 128",))), tmp_path / "b")
    (part,) = read_bundle(tmp_path / "b").parts
    (round_,) = [each for each in part.obligations if each.kind is Kind.ROUND]
    assert ask(SolverName.BITWUZLA, round_.text, SECONDS).answer is Answer.SAT


def test_a_premise_that_the_assumptions_exclude_is_excluded_by_itself(tmp_path: Path) -> None:
    """What a claim says of memory where its premise never holds is no question of its own."""
    claims = ("implies(rdi == 200, mem64(rsp) == 8) and implies(rdi < 200, mem64(rsp) == 7)",)
    code = "movq $7, (%rsp)\nleave: jmp out\nout: hlt"
    more = '[regions.top]\nbase = "rsp"\nsize = 8\n'
    assume = ("1 <= rdi < 128", "disjoint(top, stack, image, tables)")
    certified(write(tmp_path / "spec", Small(code, claims, assume, more)), tmp_path / "b")
    (part,) = read_bundle(tmp_path / "b").parts
    audit(part)
    for each in part.obligations:
        assert ask(SolverName.BITWUZLA, each.text, SECONDS).answer is each.expected, each.name


def test_what_is_joined_after_a_loops_first_round_goes_on(tmp_path: Path) -> None:
    """Two ways back to the head that are joined, and not cut, hand their states on."""
    assert roots(tmp_path, FIRST_ROUND) == {"start", "joined"}
