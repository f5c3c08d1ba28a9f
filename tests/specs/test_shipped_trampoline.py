"""The trampoline of each kernel that ships gets the verdicts that its spec records."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.kernels import SERIES, extra, shipped
from tests.specs.found import KERNELS
from verifier.proving.target import Choice, read_target
from verifier.reporting.recorded import compare
from verifier.specification.verdict import Verdict
from verifier.verify import Options, verify_target

if TYPE_CHECKING:
    from pathlib import Path

    from verifier.replay.replayer import Replayer

SPEC = KERNELS / "trampoline"
PROMISED = 2
"""Models under which every claim is proved."""


@pytest.mark.parametrize("kernel", [*SERIES, *extra()], ids=str)
def test_the_trampoline_is_proved(kernel: str | Path, replayer: Replayer) -> None:
    """Each promised claim is proved, and three of the starts go so in Bochs, one at 5 GiB."""
    path = shipped(kernel).path if isinstance(kernel, str) else kernel
    target = read_target(SPEC, image=path)
    report = verify_target(target, Options(), replayer, lambda _: None)
    assert len(report.results) == PROMISED * len(target.spec.claims)
    assert {result.verdict for result in report.results} == {Verdict.PROVED}
    assert [(each.claim, each.model, each.sentence) for each in compare(report)] == []
    assert report.samples == PROMISED * Options().samples
    (dead,) = report.unreached
    assert dead.text == "wrmsr"


def test_architectural_upper_halves_break_the_stack(replayer: Replayer) -> None:
    """By the manuals the restored stack pointer is wrong, and the return with it."""
    target = read_target(SPEC, image=shipped(next(iter(SERIES))).path)
    model = next(each for each in target.spec.models if each.value == "architectural")
    claims = ("restored-rsp", "returns-to-caller")
    options = Options(Choice(models=(model,), claims=claims), samples=0)
    first, then = verify_target(target, options, replayer, lambda _: None).results
    assert (first.verdict, then.verdict) == (Verdict.REFUTED, Verdict.REFUTED)
    assert "after `orq %rbx, %rsp` at copy_of_trampoline" in first.reason
    assert "follows from restored-rsp" in then.reason
