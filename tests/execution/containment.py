"""Whether what one concrete run did is among what the symbolic paths say may happen."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import claripy

from tests.execution.programs import DATA, MOST
from tests.soundness.build import Small, write
from verifier.execution.path import Faulted, OutOfFuel, OutOfModel, Reached
from verifier.machine.cells import byte_of
from verifier.machine.models import ModelName
from verifier.machine.registers import Flag, Gpr
from verifier.machine.words import known, plus, symbol
from verifier.proving.concretise import start_of
from verifier.proving.entry import begin
from verifier.proving.rehearsal import Rehearsal, overrides_of, rehearse
from verifier.proving.result import Judge
from verifier.proving.session import Session
from verifier.proving.target import read_target
from verifier.replay import Engine
from verifier.replay.confirm import confirm
from verifier.replay.judging import bench
from verifier.solver import Contradictory, Satisfied

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path as FilePath

    from claripy.ast.bool import Bool

    from tests.execution.programs import Program
    from verifier.execution.path import Path
    from verifier.machine.concrete import Start
    from verifier.machine.state import State
    from verifier.replay import Replayer

LOW, STACK = 1 << 20, 64
SIMPLE = (0, 1, 7, 8, 0xFF, 1 << 31, (1 << 32) - 1, 1 << 32, (1 << 64) - 1)
GIVEN = (
    f"1 <= rdi <= {MOST}",
    "1 << 20 <= rsi < 1 << 30",
    "1 << 20 <= rsp < 1 << 30",
    "disjoint(data, image, stack, tables)",
)
LIMITS = "[limits]\ninstructions = 600\npaths = 80\nsolver_seconds = 5\n"


@dataclass(frozen=True, slots=True)
class Escaped:
    """A run that no path contains: the program's text, the registers it started with."""

    code: str
    gprs: dict[str, int]
    why: str


@dataclass(slots=True)
class Tally:
    """What a soak saw."""

    programs: int = 0
    cut: int = 0
    runs: Counter[str] = field(default_factory=Counter)
    escaped: list[Escaped] = field(default_factory=list)


def explored(folder: FilePath, code: str, *, windows: bool, given: tuple[str, ...] = ()) -> Session:
    """Give every path of a program."""
    told = "true" if windows else "false"
    data = f'[regions.data]\nbase = "rsi"\nsize = {DATA}\nwindows = {told}\n'
    small = Small(code, ("true",), (*GIVEN, *given), data, more=LIMITS)
    return Session(read_target(write(folder, small)), ModelName.RETAINING, bench())


@dataclass(frozen=True, slots=True)
class Trial:
    """Where programs are written, the CPU that runs them too, and what was seen so far."""

    folder: FilePath
    replayer: Replayer
    tally: Tally

    def of(self, program: Program, source: random.Random, runs: int) -> None:
        """Explore a program, and look for ``runs`` concrete runs among its paths."""
        tally, given = self.tally, program.given
        session = explored(self.folder, program.code, windows=program.windows, given=given)
        tally.programs += 1
        tally.cut += bool(session.context.cuts)
        for _ in range(runs):
            rehearsal = _started(session, source)
            if rehearsal is None:
                tally.runs["no start"] += 1
                continue
            for word in (contained(session, rehearsal), self._replayed(session, rehearsal)):
                tally.runs[word.partition(":")[0]] += 1
                if word.startswith(("escaped", "contradicted")):
                    gprs = {each.name: rehearsal.start.gprs[each] for each in Gpr}
                    tally.escaped.append(Escaped(program.code, gprs, word))

    def _replayed(self, session: Session, rehearsal: Rehearsal) -> str:
        """Say in a word whether Bochs goes the same way to the same end."""
        if isinstance(rehearsal.path.ending, OutOfModel):
            return "not run by Bochs"
        overrides = overrides_of(rehearsal, session.stage.model)
        start = replace(rehearsal.start, overrides=overrides)
        said = confirm(rehearsal, start, self.replayer, Engine.BOCHS)
        match said.judge:
            case Judge.CONFIRMED:
                return "confirmed by Bochs"
            case Judge.CONTRADICTED:
                return f"contradicted: {said.sentence}"
            case _:
                return "not run by Bochs"


def _started(session: Session, source: random.Random) -> Rehearsal | None:
    """Run from a random start."""
    entry = session.begin.state
    wanted: dict[Gpr, int] = {Gpr.RDI: source.randint(1, MOST), Gpr.RSI: LOW + 0x4000}
    wanted[Gpr.RSP] = LOW + 0x8000
    for each in (Gpr.RAX, Gpr.RBX, Gpr.RDX, Gpr.R8, Gpr.R9, Gpr.R10):
        wanted[each] = source.choice((*SIMPLE, source.getrandbits(64)))
    conditions = [entry.gprs[each] == value for each, value in wanted.items()]
    names = [f"data[{at:#x}]" for at in range(DATA)]
    conditions += [symbol(name, 8) == source.choice((0, 1, 7, 8, 0xF0)) for name in names]
    conditions += session.finder.bench_conditions
    answer = session.context.solver.ask("run", session.context.assumptions, *conditions)
    if not isinstance(answer, Satisfied):
        return None
    start = start_of(entry, answer.model, names)
    if start is None:
        return None
    inputs = {name: answer.model.number(symbol(name)) for name in session.stage.words.spec.inputs}
    return rehearse(session.stage, start, inputs, {})


def contained(session: Session, rehearsal: Rehearsal) -> str:
    """Say in a word what contains the run: a path's end, or a path that promises nothing."""
    if isinstance(rehearsal.path.ending, OutOfFuel):
        return "too long"
    begun = list(_begun(session, rehearsal.start))
    unknown = False
    for path in session.paths:
        match path.ending:
            case Reached(state):
                fits = _may_be(session, path, [*begun, *_ends(state, rehearsal)])
                if fits:
                    return "reached"
            case Faulted() if isinstance(rehearsal.path.ending, Faulted):
                if _may_be(session, path, begun):
                    return "faulted"
            case OutOfModel() | OutOfFuel():
                unknown = unknown or _may_be(session, path, begun)
            case _:
                pass
    return "unknown" if unknown else f"escaped: it ended as {type(rehearsal.path.ending).__name__}"


def _may_be(session: Session, path: Path, conditions: list[Bool]) -> bool:
    facts = (*session.context.assumptions, *path.facts)
    return not isinstance(session.context.solver.ask("among", facts, *conditions), Contradictory)


def _begun(session: Session, start: Start) -> Iterator[Bool]:
    entry = session.begin.state
    for each in Gpr:
        yield entry.gprs[each] == start.gprs[each]
    for flag in Flag:
        yield entry.flags[flag] == start.rflags >> flag & 1
    for name, value in entry.controls.items():
        yield value == start.controls[name]
    yield entry.rip == start.rip
    for at in range(DATA):
        yield symbol(f"data[{at:#x}]", 8) == _byte(start, start.gprs[Gpr.RSI] + at)


def _byte(start: Start, address: int) -> int:
    for base, content in start.memory.items():
        if base <= address < base + len(content):
            return content[address - base]
    return 0


def _ends(state: State, rehearsal: Rehearsal) -> Iterator[Bool]:
    """State that the symbolic end is the concrete one: registers, flags, data and stack."""
    there = rehearsal.path.ending.state
    for each in Gpr:
        yield state.gprs[each] == there.gprs[each]
    for flag in (Flag.CF, Flag.ZF, Flag.SF, Flag.OF, Flag.PF):
        yield state.flags[flag] == there.flags[flag]
    yield state.rip == there.rip
    start = rehearsal.start
    stack = start.gprs[Gpr.RSP] - STACK
    ranges = {"data": (start.gprs[Gpr.RSI], DATA), "stack": (stack, STACK)}
    regions = (*state.memory.regions, *state.memory.strays)
    for name, (base, size) in ranges.items():
        after = {at: _after(there, start, at) for at in range(base, base + size)}
        stored = [
            (region.base + offset, byte_of(cell))
            for region in regions
            if name in {region.name, region.within}
            for offset, cell in state.memory.cells.get(region.name, {}).items()
        ]
        for address, value in stored:
            yield claripy.Or(
                *(claripy.And(address == at, value == byte) for at, byte in after.items())
            )
        for at, byte in after.items():
            if byte != _byte(start, at):
                yield claripy.Or(
                    *(claripy.And(address == at, value == byte) for address, value in stored)
                )


def _after(state: State, start: Start, address: int) -> int:
    cell = state.memory.cells.get("memory", {}).get(address)
    number = None if cell is None else known(claripy.simplify(byte_of(cell)))
    return _byte(start, address) if number is None else number


def begun_at(folder: FilePath, code: str) -> tuple[Callable[..., State], Mapping[str, int]]:
    """Give the state at an offset of a program, and the offsets of its labels."""
    target = read_target(write(folder, Small(code, ("true",))))
    entry = begin(target.spec, target.image, ModelName.RETAINING).state

    def at(offset: int = 0) -> State:
        return replace(entry, rip=plus(entry.rip, offset))

    return at, target.image.symbols
