"""Concrete runs that take more instructions than the path that they follow has steps."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.soundness.build import Small, verdicts, write
from verifier.errors import Bug
from verifier.execution.path import OutOfFuel
from verifier.machine.models import ModelName
from verifier.proving.session import Session
from verifier.proving.target import Choice, read_target
from verifier.replay.judging import bench, sample
from verifier.specification.verdict import Verdict
from verifier.verify import Options, verify

if TYPE_CHECKING:
    from pathlib import Path

    from verifier.replay.replayer import Replayer

LEAVE = "leave:\tjmp out\nout:\thlt"
COUNT = f"""\
	movq %rdi, %rcx
top:	testb $1, %dl
	je 1f
	nop
1:	shrq $1, %rdx
	subq $1, %rcx
	jnz top
{LEAVE}"""
FORTY = ("rdi == 40",)
WAYS = f"""\
	testb $1, %dl
	je 1f
	.rept 150
	incl %eax
	.endr
	jmp 2f
1:	.rept 150
	decl %eax
	.endr
2:	incl %eax
{LEAVE}"""


def test_many_rounds_of_a_cut_loop_are_replayed(tmp_path: Path, replayer: Replayer) -> None:
    """Where the loop is one round of the path, the counterexample may take forty of them."""
    (result,) = verdicts(tmp_path, Small(COUNT, ("rcx != 0",), FORTY), replayer)
    assert result.verdict is Verdict.REFUTED
    assert result.counterexample is not None
    assert len(result.counterexample.trace) > 160


def test_a_joined_path_is_replayed_to_its_end(tmp_path: Path, replayer: Replayer) -> None:
    """A path of ways that met has the steps of their beginning alone; the run has them all."""
    claims = ("rax == entry.rax",)
    (result,) = verdicts(tmp_path, Small(WAYS, claims), replayer)
    assert result.verdict is Verdict.REFUTED


LIMIT = "[limits]\ninstructions = 100\n"
SHIFTED = 'event = "instruction"\nholds = "rdx == entry.rdx"\n'


def test_a_sample_that_exceeds_the_limit_is_none(tmp_path: Path, replayer: Replayer) -> None:
    """What is proved of every number of rounds is not contradicted by a run that is not done."""
    long = Small(COUNT, ("rcx == 0",), FORTY, more=LIMIT)
    options = Options(Choice(models=(ModelName.RETAINING,)), samples=3)
    report = verify(write(tmp_path, long), options, replayer, lambda _: None)
    assert {result.verdict for result in report.results} == {Verdict.PROVED}
    assert report.samples == 0
    short = Small(COUNT, long.claims, ("1 <= rdi <= 40",), more=LIMIT)
    report = verify(write(tmp_path, short), options, replayer, lambda _: None)
    assert report.samples == options.samples


def test_a_sample_that_breaks_a_claim_on_its_way_is_told(
    tmp_path: Path, replayer: Replayer
) -> None:
    """A run that is not done counts for what it did: an event that breaks a claim is our bug."""
    spec = write(tmp_path, Small(COUNT, (SHIFTED,), FORTY, more=LIMIT))
    session = Session(read_target(spec), ModelName.RETAINING, bench())
    (claim,) = session.target.spec.claims
    verdict = session.judge(claim, told=False).result
    broken = session.finder.rehearsed([*session.finder.bench_conditions])
    assert broken is not None
    assert isinstance(broken.path.ending, OutOfFuel)
    with pytest.raises(Bug, match="a start breaks it"):
        sample(session, [replace(verdict, verdict=Verdict.PROVED)], replayer, 1)
