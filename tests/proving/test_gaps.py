"""What lies between proved and true is told of each exploration, but what cannot bear on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.soundness.build import Small, verdicts, write
from verifier.machine.models import ModelName
from verifier.proving.gaps import RULES, Gap, gaps_of, replay_gaps
from verifier.proving.session import Session
from verifier.proving.target import read_target
from verifier.replay.engine import Engine
from verifier.replay.judging import bench
from verifier.replay.replayer import Replayer

if TYPE_CHECKING:
    from pathlib import Path

PLAIN = "\tnop\nleave:\tjmp out\nout:\thlt"
STORED = """
\tmovb $0x90, 1f(%rip)
1:\tcli
leave:\tjmp out
out:\thlt"""
FILLS = """
\tmovq %rsp, %rcx
1:\tmovb $0, -64(%rcx)
\taddq $1, %rcx
\tleaq 40(%rsp), %rdx
\tcmpq %rdx, %rcx
\tjne 1b
leave:\tjmp out
out:\thlt"""


def found(folder: Path, code: str, *, long: bool = True) -> frozenset[Gap]:
    """Give the gaps of a few instructions."""
    small = Small(code, ("true",), long=long)
    return gaps_of(Session(read_target(write(folder, small)), ModelName.RETAINING, bench()))


def test_what_always_bears(tmp_path: Path) -> None:
    """The tools, the surroundings and what the model leaves out have no rule."""
    gaps = found(tmp_path, PLAIN)
    assert {gap for gap in Gap if gap.value[0] == "D"} <= gaps
    assert {Gap.SOLVER, Gap.SIMPLIFIER, Gap.LIFTER, Gap.DECODER, Gap.LOADER_TABLES} <= gaps


def test_what_nothing_met_is_left_out(tmp_path: Path) -> None:
    """A jump in 64-bit code meets no mode change, no contract, no CPUID, no code it stored."""
    gaps = found(tmp_path, PLAIN)
    absent = {Gap.UPPER_HALVES, Gap.CONTRACTS, Gap.CPUID, Gap.CODE_STORED, Gap.ABSTRACTION}
    assert gaps.isdisjoint({*absent, Gap.ROWS, Gap.VENDORS, Gap.INSPECTION})


def test_code_without_paging_has_no_tables(tmp_path: Path) -> None:
    """In 32-bit code with paging off no table is walked."""
    gaps = found(tmp_path, PLAIN, long=False)
    assert gaps.isdisjoint({Gap.LOADER_TABLES, Gap.CACHED_TRANSLATIONS, Gap.PROTECTION_KEYS})


def test_what_is_canonical_bears_on_all_64_bit_code(tmp_path: Path) -> None:
    """Each address there is checked by the number of levels in use, none in 32-bit code is."""
    assert Gap.LEVELS in found(tmp_path / "long", PLAIN)
    assert Gap.LEVELS not in found(tmp_path / "short", PLAIN, long=False)


@pytest.mark.parametrize(
    ("code", "gap"),
    [
        (STORED, Gap.CODE_STORED),
        (FILLS, Gap.ABSTRACTION),
        (f"\txorl %eax, %eax\n\txorl %ecx, %ecx\n\tcpuid\n{PLAIN}", Gap.CPUID),
        (f"\tcli\n{PLAIN}", Gap.ROWS),
        (f"\tmovq %cr3, %rax\n\tmovq %rax, %cr3\n{PLAIN}", Gap.LEVELS),
    ],
)
def test_what_was_met_is_told(tmp_path: Path, code: str, gap: Gap) -> None:
    """What an instruction brings with it is told."""
    assert gap in found(tmp_path, code)


def test_refutations_rest_on_who_judged_them(tmp_path: Path) -> None:
    """Bochs is named where it confirmed a counterexample, and only there."""
    with Replayer((Engine.BOCHS,)) as replayer:
        proved = verdicts(tmp_path, Small(PLAIN, ("true",)), replayer)
        refuted = verdicts(tmp_path, Small(PLAIN, ("rax == 1",)), replayer)
    assert not replay_gaps(proved)
    assert Gap.BOCHS in replay_gaps(refuted)


def test_rules_are_of_gaps_that_proofs_rest_on() -> None:
    """No rule is given to what only refutations rest on."""
    assert not {gap.value for gap in RULES} & {"C7", "C8", "C9"}
