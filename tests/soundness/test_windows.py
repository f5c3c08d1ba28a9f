"""Windows: what is reached at addresses that the code computes, and what is remembered of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.soundness.build import Small, verdicts
from verifier.specification.verdict import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from verifier.replay.replayer import Replayer

DATA = '[regions.data]\nbase = "rsi"\nsize = 2560\nwindows = true\n'
GIVEN = (
    "rdi < 128",
    "rdx < 128",
    "1 << 20 <= rsi < 1 << 30",
    "disjoint(data, image, stack, tables)",
)


def test_a_window_first_reached_by_the_instruction_that_faults(
    tmp_path: Path, replayer: Replayer
) -> None:
    """What it read there can be spoken of: a claim about the read is judged, not lost."""
    code = """
	movb (%rsi,%rdi), %al
	jmp *(%rsi,%rdx)
leave:	jmp out
out:	hlt
"""
    claims = (
        'event = "read"\nholds = "size == 1 or mem64(address) == value"\n',
        'event = "read"\nholds = "size == 1 or mem64(address) != 1 << 63"\n',
    )
    kept, broken = verdicts(tmp_path, Small(code, claims, GIVEN, DATA), replayer)
    assert kept.verdict is Verdict.UNKNOWN
    assert "beyond the loader's identity map" in kept.reason
    assert broken.verdict is Verdict.REFUTED
