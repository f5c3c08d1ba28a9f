"""What a spec says of CPUID is what the code is told, and what the replaying processor has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.soundness.build import Small, verdicts, write
from verifier.machine.models import ModelName
from verifier.proving.target import Choice
from verifier.specification.verdict import Verdict
from verifier.verify import Options, verify

if TYPE_CHECKING:
    from pathlib import Path

    from verifier.replay.replayer import Replayer

LEAVE = "leave:\tjmp out\nout:\thlt"


def ask(leaf: int, subleaf: int) -> str:
    """Give code that asks CPUID and leaves."""
    return f"\tmovl ${leaf:#x}, %eax\n\tmovl ${subleaf:#x}, %ecx\n\tcpuid\n{LEAVE}"


@pytest.mark.parametrize("leaf", [0, 1, 7, 0xD, 0x80000001, 0x80000008])
def test_the_code_gets_what_the_spec_says(tmp_path: Path, replayer: Replayer, leaf: int) -> None:
    """Each register of an answer is the word of that register, for every processor."""
    claims = tuple(
        f"r{each}x == cpuid_e{each}x({leaf:#x}, {0x3 if leaf == 0xD else 0})" for each in "abcd"
    )
    results = verdicts(tmp_path, Small(ask(leaf, 3 if leaf == 0xD else 0), claims), replayer)
    assert [result.verdict for result in results] == [Verdict.PROVED] * 4


def test_answers_agree_with_the_features(tmp_path: Path, replayer: Replayer) -> None:
    """LA57 in leaf 7 is ``cpu.LA57``, and leaf 1 shows CR4.OSXSAVE as it is at the entry."""
    claims = (
        "cpuid_ecx(7, 0)[16] == cpu.LA57",
        "cpuid_ecx(1, 9)[27] == entry.cr4.OSXSAVE",
        "1 << cpuid_eax(0x80000008, 0)[7:0] == cpu.physical_limit",
    )
    results = verdicts(tmp_path, Small(LEAVE, claims, ("cpu.physical_limit == 1 << 40",)), replayer)
    assert [result.verdict for result in results] == [Verdict.PROVED] * 3


def test_a_subleaf_that_is_ignored_makes_no_difference(tmp_path: Path, replayer: Replayer) -> None:
    """Leaf 0 answers the same whatever the subleaf; leaf 7 does not."""
    claims = ("cpuid_eax(0, 0) == cpuid_eax(0, 5)", "cpuid_ebx(7, 0) == cpuid_ebx(7, 1)")
    first, second = verdicts(tmp_path, Small(LEAVE, claims), replayer)
    assert first.verdict is Verdict.PROVED
    assert second.verdict is Verdict.REFUTED


def test_an_assumption_decides_a_branch(tmp_path: Path, replayer: Replayer) -> None:
    """Code that branches on CPUID is proved for the processors that an assumption allows."""
    code = "\tmovl $7, %eax\n\txorl %ecx, %ecx\n\tcpuid\n\ttestl $0x10000, %ecx\n\tsetnz %al\n"
    claims = ("rax[7:0] == 1",)
    given = Small(code + LEAVE, claims, ("cpuid_ecx(7, 0)[16] == 1",))
    (result,) = verdicts(tmp_path / "given", given, replayer)
    assert result.verdict is Verdict.PROVED
    (result,) = verdicts(tmp_path / "any", Small(code + LEAVE, claims), replayer)
    assert result.verdict is Verdict.REFUTED


def test_no_start_that_the_assumptions_rule_out_refutes(tmp_path: Path, replayer: Replayer) -> None:
    """A start on a processor that answers otherwise than assumed is no counterexample."""
    given = Small(LEAVE, ("rbx == 1",), ("cpuid_eax(0, 0) == 0x12345678",))
    (result,) = verdicts(tmp_path, given, replayer)
    assert result.verdict is Verdict.UNKNOWN


def test_nothing_that_is_proved_is_tried_elsewhere(tmp_path: Path, replayer: Replayer) -> None:
    """A proof that rests on an answer of CPUID is not held against a processor without it."""
    code = "\tmovl $0, %eax\n\tcpuid\n"
    given = Small(code + LEAVE, ("rax == 0x12345678",), ("cpuid_eax(0, 0) == 0x12345678",))
    options = Options(Choice(models=(ModelName.RETAINING,)), samples=2)
    report = verify(write(tmp_path, given), options, replayer, lambda _: None)
    assert [result.verdict for result in report.results] == [Verdict.PROVED]
    assert report.samples == 0
