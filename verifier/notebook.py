"""A spec in a notebook: its paths, the state at any step, verdicts, replays; all show as tables."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from verifier.cli.replay import replayed
from verifier.errors import BadInput, nearest
from verifier.inspection import Inspection
from verifier.inspection import inspect as look
from verifier.loading.binary import Binary, open_binary
from verifier.machine.models import ModelName
from verifier.proving.result import claim_of
from verifier.proving.session import Session
from verifier.proving.target import Choice, read_target
from verifier.replay.engine import Engine, available
from verifier.replay.judging import bench, confirmed
from verifier.replay.replayer import Replayer
from verifier.reporting.html import register_notebook_formatters, replay_html, spec_html
from verifier.reporting.inspection_text import inspection_html
from verifier.solver import Solver

if TYPE_CHECKING:
    from verifier.execution.path import Path as Walk
    from verifier.machine.concrete import Observation
    from verifier.machine.state import State
    from verifier.proving.result import Counterexample, ReplayWord, Result

UNTOLD = "retaining"


@dataclass(frozen=True, slots=True)
class Replayed:
    """What an engine did from a counterexample's start; nothing was ``seen`` where it broke."""

    shown: Counterexample
    word: ReplayWord
    seen: Observation | None

    def _repr_html_(self) -> str:
        return replay_html(self.shown, self.word, self.seen)


class Opened:
    """A spec with its image; what was explored once is kept."""

    def __init__(self, path: Path) -> None:
        """Read the spec; nothing is explored yet."""
        self.target = read_target(path)
        self._path = path
        self._solver = Solver(self.target.spec.limits.solver_seconds)
        self._sessions: dict[tuple[ModelName, tuple[str, ...]], Session] = {}
        self._replayer = Replayer(available())
        weakref.finalize(self, self._replayer.close)

    def paths(self, model: str = UNTOLD, *, without: Sequence[str] = ()) -> tuple[Walk, ...]:
        """Give every path under a model; ``without`` drops assumptions by their ids."""
        return self._session(model, without).paths

    def state(self, at: int | str, model: str = UNTOLD, *, path: int = 0) -> State:
        """Give the state before a step of a path, by its number or its place (``low+0xc28``)."""
        steps = self.paths(model)[path].steps
        for step in steps:
            if at in (step.number, str(step.place)):
                return step.before
        places = [str(step.place) for step in steps]
        message = f"the path has no step '{at}'; {nearest(str(at), places)}"
        raise BadInput(message, self._path)

    def prove(self, claim: str, model: str = UNTOLD, *, without: Sequence[str] = ()) -> Result:
        """Judge one claim under one model; a refutation is confirmed by a replay."""
        Choice(claims=(claim,)).pairs(self.target.spec)
        session = self._session(model, without)
        wanted = claim_of(self.target.spec, claim)
        return confirmed(session.judge(wanted, told=True), self._replayer)

    def replay(self, refuted: Result, engine: str = "bochs") -> Replayed:
        """Run a counterexample on another CPU once more."""
        shown = refuted.counterexample
        if shown is None:
            message = f"{refuted.claim} has no counterexample: it is {refuted.verdict.value}"
            raise BadInput(message, self._path)
        return Replayed(shown, *replayed(shown, self._replayer, Engine(engine)))

    def _session(self, model: str, without: Sequence[str]) -> Session:
        names = [name.value for name in ModelName]
        if model not in names:
            raise BadInput(f"there is no model '{model}'; {nearest(model, names)}", self._path)
        key = ModelName(model), tuple(sorted(without))
        if key not in self._sessions:
            target = read_target(self._path, key[1]) if without else self.target
            self._sessions[key] = Session(target, key[0], bench(), self._solver)
        return self._sessions[key]

    def _repr_html_(self) -> str:
        return spec_html(self.target.spec, self.target.image)


def open_spec(path: str | Path) -> Opened:
    """Open a spec by its folder or file, and have results show as tables from now on."""
    register_notebook_formatters()
    return Opened(Path(path))


@dataclass(frozen=True, slots=True)
class Inspected:
    """A kernel or another image, and what was found in it without its symbols."""

    binary: Binary
    found: Inspection

    def _repr_html_(self) -> str:
        return inspection_html(self.binary, self.found)


def inspect(path: str | Path) -> Inspected:
    """Look into a bzImage, an ELF, PE or raw file."""
    binary = open_binary(Path(path))
    return Inspected(binary, look(binary))
