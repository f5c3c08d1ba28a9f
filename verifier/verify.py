"""The whole job, top to bottom: a spec in, a report out."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from verifier.proving.session import Session, report_of
from verifier.proving.target import Choice, Target, read_target
from verifier.replay.judging import bench, confirmed, sample
from verifier.solver import Solver

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from verifier.proving.result import Report, Result
    from verifier.replay.replayer import Replayer


@dataclass(frozen=True, slots=True)
class Options:
    """What to judge, on which kernel, and how many starts of what is proved to replay.

    ``without`` is left out, ``image`` stands in for the spec's, ``certify`` keeps the proofs.
    """

    choice: Choice = field(default_factory=Choice)
    without: tuple[str, ...] = ()
    image: Path | None = None
    explain: bool = False
    samples: int = 3
    certify: bool = False


def verify(path: Path, options: Options, replayer: Replayer, say: Callable[[str], None]) -> Report:
    """Prove or refute what a spec claims; each refutation is confirmed by a replay."""
    return verify_target(read_target(path, options.without, options.image), options, replayer, say)


def verify_target(
    target: Target, options: Options, replayer: Replayer, say: Callable[[str], None]
) -> Report:
    """Judge every wanted claim of a target under every wanted model."""
    started = time.perf_counter()
    solver = Solver(target.spec.limits.solver_seconds)
    results: list[Result] = []
    sessions, samples = list[Session](), 0
    for model, claims in options.choice.pairs(target.spec):
        say(f"{target.spec.name}: exploring under {model.value}")
        session = Session(target, model, bench(), solver, certify=options.certify)
        for claim in claims:
            say(f"{target.spec.name}: {claim.id} under {model.value}")
            results.append(confirmed(session.judge(claim, told=options.explain), replayer))
        samples += sample(session, results, replayer, options.samples)
        sessions.append(session)
    report = report_of(target, sessions, results)
    return replace(report, samples=samples, seconds=time.perf_counter() - started)
