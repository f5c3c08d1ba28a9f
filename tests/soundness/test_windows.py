"""Windows: what is reached at addresses that the code computes, and what is remembered of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import claripy

from tests.soundness.build import Small, verdicts
from verifier.execution.oracle import Context, Knowledge, PathOracle
from verifier.machine.memory import Memory, Region
from verifier.machine.words import symbol
from verifier.solver import Fact, Satisfied, Solver
from verifier.specification.verdict import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from claripy.ast.bv import BV

    from verifier.replay.replayer import Replayer
    from verifier.solver import Model

DATA = '[regions.data]\nbase = "rsi"\nsize = 2560\nwindows = true\n'
CODE = DATA + 'rights = "rwx"\n'
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


def test_an_instruction_that_another_window_may_have_stored_to(
    tmp_path: Path, replayer: Replayer
) -> None:
    """Not its first byte alone, all of it must be what was stored or assumed there."""
    code = """
	leaq leave(%rip), %rcx
	movb $0xb8, (%rsi)
	movb $9, (%rsi,%rdx)
	jmp *%rsi
leave:	jmp out
out:	hlt
"""
    given = (*GIVEN, "0 < rdx < 5", "mem32(rsi + 1) == 5", "mem16(rsi + 5) == 0xe1ff")
    [result] = verdicts(tmp_path, Small(code, ("rax == 5",), given, CODE), replayer)
    assert result.verdict is Verdict.REFUTED


def _placed(model: Model, facts: tuple[Fact, ...], memory: Memory, at: BV) -> tuple[str, int]:
    """Resolve an access on a path that knows one model; tell the region and count the forks."""
    known = Knowledge((), (model,), {}, frozenset())
    oracle = PathOracle(Context(Solver(), facts), known, (), 0)
    _, place = memory.place(at, 8, oracle)
    return place.region.name, oracle.fork_count


def test_where_an_access_lies_is_not_a_matter_of_the_last_model() -> None:
    """In regions that may overlap it forks as often again, or one of its ways would be lost."""
    one, other, at = symbol("one"), symbol("other"), symbol("at")
    memory = Memory((Region("one", one, 0x100), Region("other", other, 0x100)))
    facts = (Fact("inside", claripy.ULE(at - other, 0xF8)),)
    found = []
    for first in (one == at, one == at + 0x1000):
        answer = Solver().ask("test", facts, first)
        assert isinstance(answer, Satisfied)
        found.append(_placed(answer.model, facts, memory, at))
    assert found == [("other", 0)] * 2
