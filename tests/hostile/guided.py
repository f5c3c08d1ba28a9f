"""Fuzzing led by coverage: what reaches lines that nothing reached before is changed further."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

import verifier
from tests.hostile.confine import outcome
from tests.hostile.mutate import mutated

if TYPE_CHECKING:
    import random

    from tests.hostile.formats import Format

OURS = str(Path(verifier.__file__).parent)
LONGEST = 1 << 16
"""Bytes of an input that is kept; longer ones only make the search slow."""

Edge = tuple[CodeType, int, int]


@dataclass(slots=True)
class Tally:
    """What a run did: executions, how many were read or refused, edges, and what broke."""

    runs: Counter[str] = field(default_factory=Counter)
    read: Counter[str] = field(default_factory=Counter)
    edges: Counter[str] = field(default_factory=Counter)
    slowest: dict[str, float] = field(default_factory=dict)
    broken: dict[str, bytes] = field(default_factory=dict)


class Trace:
    """Which lines of ours follow which, while something runs."""

    def __init__(self) -> None:
        """Begin with nothing seen."""
        self.seen: set[Edge] = set()

    def run(self, call: Callable[[], str | None]) -> str | None:
        """Run something and keep what it did."""
        sys.settrace(self._enter)
        try:
            return call()
        finally:
            sys.settrace(None)

    def _enter(self, frame: FrameType, _event: str, _given: object) -> Any:  # noqa: ANN401 - the interpreter's own protocol
        if not frame.f_code.co_filename.startswith(OURS):
            return None
        code, last, seen = frame.f_code, 0, self.seen

        def step(frame: FrameType, event: str, _given: object) -> Any:  # noqa: ANN401 - as above
            nonlocal last
            if event == "line":
                seen.add((code, last, frame.f_lineno))
                last = frame.f_lineno
            return step

        return step


class Search:
    """The inputs of one format that are worth changing, and the lines they reach."""

    def __init__(self, form: Format, folder: Path, source: random.Random, tally: Tally) -> None:
        """Try the valid inputs first."""
        self.form, self.folder, self.source, self.tally = form, folder, source, tally
        self.known: set[Edge] = set()
        self.kept: list[bytes] = []
        for each in form.valid():
            self.kept.append(each)
            self._try(each)
        self.valid = len(self.kept)

    def step(self) -> None:
        """Change a valid input, one of the latest or any, and keep what leads further."""
        place = min(int(self.source.expovariate(0.1)), len(self.kept) - 1)
        valid = self.source.choice(self.kept[: self.valid])
        chosen = self.source.choice((valid, self.kept[-1 - place], self._any()))
        changed = mutated(self.source, chosen, self._any(), self.form.words)
        if self._try(changed) and len(changed) < LONGEST:
            self.kept.append(changed)

    def _any(self) -> bytes:
        return self.source.choice(self.kept)

    def _try(self, data: bytes) -> bool:
        """Read an input; say whether it reached what nothing had reached."""
        trace, began, name = Trace(), time.process_time(), self.form.name
        self.tally.runs[name] += 1
        try:
            sentence = trace.run(lambda: outcome(lambda: self.form.read(data, self.folder)))
            self.tally.read[name] += sentence is None
        except Exception as error:  # noqa: BLE001 - any is a finding
            last = error.__traceback__
            while last and last.tb_next:
                last = last.tb_next
            place = f"{last.tb_frame.f_code.co_name}:{last.tb_lineno}" if last else ""
            self.tally.broken.setdefault(f"{name}: {error!r:.200} at {place}", data)
        spent = time.process_time() - began
        self.tally.slowest[name] = max(spent, self.tally.slowest.get(name, 0.0))
        fresh = trace.seen - self.known
        self.known |= fresh
        self.tally.edges[name] = len(self.known)
        return bool(fresh)
