"""What a report says beside its verdicts: code that no start reaches, and first causes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.soundness.build import Small, verdicts, write
from verifier.machine.models import ModelName
from verifier.proving.target import Choice
from verifier.reporting.summary import summarise
from verifier.specification.verdict import Verdict
from verifier.verify import Options, verify

if TYPE_CHECKING:
    from pathlib import Path

    from verifier.replay.replayer import Replayer

LEAVE = "\nleave: jmp out\nout: hlt"
DEAD = "xorl %eax, %eax\njz 1f\nwrmsr\n1:" + LEAVE
LATE = "movq %rcx, %rax\npoint: nop\nmovq %rax, %rdx" + LEAVE
"""RAX is what matters at ``point``, and RDX follows."""


def at_point(holds: str) -> str:
    """Give a claim about the instruction at ``point``."""
    return f'event = "instruction"\nwhen = "address == point"\nholds = "{holds}"\n'


def notes(folder: Path, small: Small, replayer: Replayer) -> tuple[str, ...]:
    """Give the notes of the report on a small spec."""
    choice = Choice(models=(ModelName.RETAINING,))
    report = verify(write(folder, small), Options(choice, samples=0), replayer, lambda _: None)
    return summarise(report).unreached


def test_a_branch_that_no_start_takes_is_told(tmp_path: Path, replayer: Replayer) -> None:
    """The report names the instruction behind it, and the branch."""
    (note,) = notes(tmp_path, Small(DEAD, ("true",)), replayer)
    reached = "no start reaches image+0x4 (`wrmsr`)"
    assert note == f"{reached}: `je` at image+0x2 always goes the other way"


def test_a_branch_that_some_start_takes_is_not_told(tmp_path: Path, replayer: Replayer) -> None:
    """Where both ways are taken there is nothing to tell."""
    code = "testl %ecx, %ecx\njz 1f\nnop\n1:" + LEAVE
    assert notes(tmp_path, Small(code, ("true",)), replayer) == ()


def test_nothing_is_told_of_what_was_not_followed(tmp_path: Path, replayer: Replayer) -> None:
    """Where a path left the model, code that it may reach is not called unreached."""
    code = "testl %ecx, %ecx\njz 2f\nud2\n2:" + DEAD.replace("wrmsr", "nop") + "\nfninit"
    small = Small(code.replace("ud2", "fninit"), ("true",))
    assert notes(tmp_path, small, replayer) == ()


def test_what_follows_from_a_claim_points_to_it(tmp_path: Path, replayer: Replayer) -> None:
    """A claim that breaks only where one about an earlier instruction does names that one."""
    small = Small(LATE, (at_point("rax == 7"), "rdx == 7"))
    first, then = verdicts(tmp_path, small, replayer)
    assert {first.verdict, then.verdict} == {Verdict.REFUTED}
    assert "after `movq %rcx, %rax` at image" in first.reason
    assert "follows" not in first.reason
    assert "; follows from claim-0, broken after `movq %rcx, %rax` at image" in then.reason


def test_what_breaks_by_itself_points_nowhere(tmp_path: Path, replayer: Replayer) -> None:
    """Some start breaks it and keeps the other claim, so the other is not its cause."""
    small = Small(LATE, (at_point("rax != 7"), "rdx < 9"))
    assert "follows" not in verdicts(tmp_path, small, replayer)[1].reason


def test_a_claim_that_nothing_keeps_is_no_cause(tmp_path: Path, replayer: Replayer) -> None:
    """What every start breaks would explain anything, and so explains nothing."""
    small = Small(LATE, (at_point("rsp == entry.rsp + 1"), "rdx == 7"))
    assert "follows" not in verdicts(tmp_path, small, replayer)[1].reason
