"""A proof is given up where the two lifters disagree on an instruction that it executed."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import pytest
from pypcode import OpCode

from tests.soundness.build import Small, write
from verifier.agreement import pcode
from verifier.agreement.compare import forget
from verifier.agreement.operations import MEANINGS
from verifier.machine.models import ModelName
from verifier.proving.session import Session, report_of
from verifier.proving.target import read_target
from verifier.replay.judging import bench
from verifier.specification.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CODE = """
	movq %rbx, %rax
	addq $1, %rax
	addq $2, %rax
	testq %rcx, %rcx
	jz leave
	shrq $1, %rdx
	.byte 0x48, 0x0f, 0x1f, 0x00
leave:	jmp out
out:	hlt
"""
CLAIMS = ("rax == rbx + 3", "rax == rbx")


@pytest.fixture
def unforgetting() -> Iterator[None]:
    """Let no comparison with a wrong meaning be remembered, nor one without it be found."""
    forget()
    yield
    forget()


def session(folder: Path) -> Session:
    """Explore the code above."""
    return Session(read_target(write(folder, Small(CODE, CLAIMS))), ModelName.RETAINING, bench())


def test_proof_says_what_agrees(tmp_path: Path) -> None:
    """Each ordinary instruction that any path executed is compared, the exit's jump too."""
    found = session(tmp_path)
    first = found.judge(found.target.spec.claims[0]).result
    assert first.verdict is Verdict.PROVED
    report = report_of(found.target, [found], [first])
    names = ("ADD r/m, imm8", "JE rel8", "JMP rel8", "MOV r/m, r", "SHR r/m, 1", "TEST r/m, r")
    assert report.comparison.forms == names
    assert report.comparison.compared == 7
    assert [(form, each.value) for form, each in report.comparison.apart] == [("SHR r/m, 1", "OF")]
    assert [each.form for each in report.comparison.uncompared] == ["NOP m"]
    assert not report.comparison.disagreed


def test_disagreement_gives_a_proof_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unforgetting: None
) -> None:
    """What would be PROVED is UNKNOWN and rests on nothing; what is refuted stays a candidate."""
    del unforgetting
    right = MEANINGS[OpCode.INT_ADD]
    wrong = {**MEANINGS, OpCode.INT_ADD: lambda values, width: right(values, width) ^ 1}
    monkeypatch.setattr(pcode, "MEANINGS", MappingProxyType(wrong))
    found = session(tmp_path)
    one, other = (found.judge(claim) for claim in found.target.spec.claims)
    assert one.result.verdict is Verdict.UNKNOWN
    assert "two lifters disagree on `addq $1, %rax` (bytes 48 83 c0 01)" in one.result.reason
    assert "two lifters disagree on `addq $2, %rax`" in one.result.reason
    assert (one.result.assumptions, one.result.obligations) == ((), 0)
    assert other.result.verdict is Verdict.REFUTED
    assert other.candidate is not None
    told = report_of(found.target, [found], [one.result]).comparison
    assert [each.form for each in told.disagreed] == ["ADD r/m, imm8"] * 2
    assert "ADD r/m, imm8" not in told.forms


def test_branch_not_taken_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unforgetting: None
) -> None:
    """A disagreement on any path gives up a proof: paths are told apart by the first lifter."""
    del unforgetting
    wrong = {**MEANINGS, OpCode.INT_RIGHT: lambda values, _: values[0]}
    monkeypatch.setattr(pcode, "MEANINGS", MappingProxyType(wrong))
    found = session(tmp_path)
    assert found.judge(found.target.spec.claims[0]).result.verdict is Verdict.UNKNOWN
