"""Whole machines on numbers: odd segments and page tables with every right and mark.

Slower by far than one lift on many states, and for what that leaves out: page faults, the
marks that a walk sets, accesses across pages that differ. QEMU gives a second opinion.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tests.replay.build import DATA, segment
from tests.semantics.allowed import is_allowed, is_excepted
from tests.semantics.cases import Case, random_case
from tests.semantics.compare import compare
from verifier.machine.registers import ControlRegister, Segment
from verifier.replay import Engine, Replayer, ReplayFailed

if TYPE_CHECKING:
    from tests.differential.harness import Tally, Work
    from verifier.machine.concrete import Start


@dataclass(frozen=True, slots=True)
class Difference:
    """A case on which our semantics and an engine differ."""

    case: Case
    engine: Engine
    differences: tuple[str, ...]

    def __str__(self) -> str:
        """Give the instruction, the differences and the start."""
        return "\n  ".join((f"{self.engine.value}: {self.case}", *self.differences))


def run(work: Iterable[Work], replayer: Replayer, engine: Engine, tally: Tally) -> None:
    """Compare one case of each piece of work with an engine."""
    for source, entry, mode in work:
        case = random_case(source, entry, mode)
        if engine is Engine.QEMU:
            case = replace(case, start=_plainer(case))
        try:
            outcome = compare(case, replayer, engine)
        except ReplayFailed as failed:
            tally.no_judge[failed.reason] += 1
            continue
        if outcome.differences is None:
            _left(case, outcome.unmodelled, outcome.no_judge, tally)
            continue
        tally.on_numbers[engine][case.name] += 1
        tally.faults[case.name] += bool(outcome.fault)
        if is_excepted(case.name, outcome.differences, engine):
            tally.excepted[f"{engine.value}: {case.name}"] += 1
        elif outcome.differences:
            tally.divergences.append(Difference(case, engine, tuple(outcome.differences)))


def _left(case: Case, unmodelled: str, no_judge: str, tally: Tally) -> None:
    if no_judge:
        tally.no_judge[no_judge] += 1
        return
    tally.left[unmodelled] += 1
    if not is_allowed(unmodelled):
        told = (f"unmodelled: {unmodelled}",)
        tally.divergences.append(Difference(case, Engine.BOCHS, told))


def _plainer(case: Case) -> Start:
    """Give a start that QEMU can be put into more often: it loads segments from descriptors."""
    start = case.start
    segments = dict.fromkeys(Segment, segment(DATA, 3)) | {Segment.CS: start.segments[Segment.CS]}
    controls = dict(start.controls) | {ControlRegister.CR2: 0}
    return replace(start, controls=controls, segments=segments)
