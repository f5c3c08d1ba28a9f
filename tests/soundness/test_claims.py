"""What a claim says is what is proved: no part of it is lost, none of it is empty."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.soundness.build import Small, verdicts
from verifier.specification.verdict import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from verifier.replay.replayer import Replayer

LEAVE = "leave:\tjmp out\nout:\thlt"
TWO_REGIONS = "[regions.a]\nbase = 0x7000\nsize = 16\n[regions.b]\nbase = 0x8000\nsize = 16\n"
IN_EITHER = "within(p, 1, a, b) and disjoint(a, b, image, stack, tables)"
FAR_AWAY = """
rax >= 1 << 38 and rax < 0x5000000000 and rbx >= 1 << 38 and rbx < 0x5000000000
and load < 1 << 30 and rsp < 1 << 30 and tables_base < 1 << 30
"""


@pytest.mark.parametrize(
    "claim",
    [
        "(mem8(p) == 1 and rax == 0) or mem8(p) != 1",
        "(1 if (mem8(p) == 1 and rax == 0) else 0) == (1 if mem8(p) == 1 else 0)",
        'event = "transfer"\nwhen = "mem8(p) == 1"\nholds = "mem8(p) == 1 and rax == 0"\n',
    ],
)
def test_conjunction_inside_a_claim(tmp_path: Path, replayer: Replayer, claim: str) -> None:
    """A conjunction whose address may lie in two regions counts whole within an expression."""
    small = Small(LEAVE, (claim,), (IN_EITHER,), TWO_REGIONS, ("p",))
    (result,) = verdicts(tmp_path, small, replayer)
    assert result.verdict is Verdict.REFUTED
    assert "rax" in result.reason or "1 if" in result.reason


def test_bytes_outside_every_region(tmp_path: Path, replayer: Replayer) -> None:
    """Two addresses outside every region need not hold the same, whenever they are read."""
    claims = ("mem64(rax) == mem64(rbx)", "mem64(rax) == entry.mem64(rbx)", "rcx == mem64(rbx)")
    small = Small("\tmovq (%rax), %rcx\n" + LEAVE, claims, (" ".join(FAR_AWAY.split()),))
    results = verdicts(tmp_path, small, replayer)
    assert all(result.verdict is not Verdict.PROVED for result in results)


def test_same_bytes_outside_every_region(tmp_path: Path, replayer: Replayer) -> None:
    """What was read outside every region is what is there."""
    small = Small(
        "\tmovq (%rax), %rcx\n" + LEAVE,
        ("rcx == mem64(rax)", "rcx == entry.mem64(rax)"),
        (" ".join(FAR_AWAY.split()),),
    )
    results = verdicts(tmp_path, small, replayer)
    assert [result.verdict for result in results] == [Verdict.PROVED] * 2


def test_when_that_no_event_meets(tmp_path: Path, replayer: Replayer) -> None:
    """A claim on events that the assumptions exclude says nothing."""
    claim = 'event = "write"\nwhen = "load < 5"\nholds = "1 == 2"\n'
    (result,) = verdicts(tmp_path, Small("\tpushq %rax\n" + LEAVE, (claim,)), replayer)
    assert result.verdict is Verdict.VACUOUS


def test_event_beyond_the_model(tmp_path: Path, replayer: Replayer) -> None:
    """Where a path left the model nobody knows whether it meets the event."""
    claim = 'event = "msr-write"\nholds = "true"\n'
    (result,) = verdicts(tmp_path, Small("\trdtsc\n" + LEAVE, (claim,)), replayer)
    assert result.verdict is Verdict.UNKNOWN
    assert "rdtsc" in result.reason


@pytest.mark.parametrize("when", ["mem8(load) == 0x50", "translate(rsp) == rsp"])
def test_when_looks_into_memory(tmp_path: Path, replayer: Replayer, when: str) -> None:
    """Memory and translations may decide which events a claim is about."""
    claim = f'event = "write"\nwhen = "{when}"\nholds = "size == 8"\n'
    (result,) = verdicts(tmp_path, Small("\tpushq %rax\n" + LEAVE, (claim,)), replayer)
    assert result.verdict is Verdict.PROVED


def test_translation_of_no_address(tmp_path: Path, replayer: Replayer) -> None:
    """An address that is not canonical has no translation."""
    claims = ("translate(0x0001000000007000) == 0x7000", "translate(0x7000) == 0x7000")
    wrong, right = verdicts(tmp_path, Small(LEAVE, claims), replayer)
    assert wrong.verdict is Verdict.REFUTED
    assert "canonical" in wrong.reason
    assert right.verdict is Verdict.PROVED
