"""``replay``: a saved counterexample on other CPU implementations, held against its file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from verifier.cli.screen import Progress, Screen
from verifier.errors import BadInput
from verifier.proving.result import Judge, ReplayWord
from verifier.replay.engine import (
    Engine,
    NotRepresentable,
    ReplayFailed,
    available,
    engine_version,
)
from verifier.replay.replayer import Replayer
from verifier.reporting.agreement import verdict_on
from verifier.reporting.counterexample import INDENT, PROSE, inputs, word_lines
from verifier.reporting.saved import Saved, read_saved
from verifier.reporting.status import Status
from verifier.reporting.wording import FAINT, STRONG, columns, line, number, paragraph

if TYPE_CHECKING:
    from rich.text import Text

    from verifier.machine.concrete import Observation
    from verifier.proving.result import Counterexample


def replay(file: Path, names: tuple[str, ...], *, asked: bool, trace: bool) -> Status:
    """Replay a file on the engines named; ``asked`` means that the user named them."""
    saved = read_saved(file)
    engines = _engines(names, asked=asked)
    screen = Screen()
    screen.show(_head(saved))
    judges = []
    with Replayer(engines) as replayer:
        for engine in engines:
            progress = Progress(screen)
            progress(f"replaying on {engine.value}")
            with progress.shown():
                word, seen = replayed(saved.counterexample, replayer, engine)
            judges.append(word.judge)
            if trace and seen is not None:
                screen.show(_trace(saved, seen))
            screen.show(word_lines(word))
    return _status(judges)


def _engines(names: tuple[str, ...], *, asked: bool) -> tuple[Engine, ...]:
    wanted, here = tuple(Engine(name) for name in names), available()
    missing = [engine for engine in wanted if engine not in here]
    if asked and missing:
        raise BadInput(f"{missing[0].value} is not installed (Debian: apt install qemu-system-x86)")
    return tuple(engine for engine in wanted if engine in here)


def _head(saved: Saved) -> list[Text]:
    shown = saved.counterexample
    return [
        line((f"{saved.target}: {saved.claim}", STRONG), f"  {saved.model}"),
        *paragraph(saved.holds, f"{INDENT}{INDENT}", PROSE),
        *paragraph(shown.reason, INDENT, PROSE),
        line(),
        *inputs(shown),
    ]


def replayed(
    shown: Counterexample, replayer: Replayer, engine: Engine
) -> tuple[ReplayWord, Observation | None]:
    """Give an engine's word on a counterexample, and what it saw if it could run it."""
    version = engine_version(engine)
    faults = len(shown.trace) > shown.steps if shown.end is None else shown.end.fault is not None
    try:
        seen = replayer.replay(shown.start, shown.steps + faults, engine)
    except NotRepresentable as gap:
        return ReplayWord(engine.value, version, Judge.NOT_REPRESENTABLE, gap.reason), None
    except ReplayFailed as failure:
        return ReplayWord(engine.value, version, Judge.FAILED, failure.reason), None
    judge, sentence = verdict_on(shown, seen, lenient=engine is Engine.QEMU)
    return ReplayWord(engine.value, version, judge, sentence), seen


def _trace(saved: Saved, seen: Observation) -> Iterator[Text]:
    """Give each instruction that the engine executed, with what the file says of it."""
    told = saved.counterexample.trace
    rows = []
    for index, step in enumerate(seen.steps):
        text = told[index].text if index < len(told) and told[index].address == step.rip else "?"
        changed = ", ".join(
            f"{name.value} = {number(value)}" for name, value in step.controls.items()
        )
        rows.append((str(index), number(step.rip), step.mode.value, text, changed))
    yield line(INDENT, (f"as {seen.engine} executes it", FAINT))
    yield from columns(rows, INDENT) if rows else ()


def _status(judges: list[Judge]) -> Status:
    if Judge.CONTRADICTED in judges:
        return Status.BUG
    return Status.PROVED if Judge.CONFIRMED in judges else Status.UNKNOWN
