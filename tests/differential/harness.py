"""Each row of the instruction table and each allowed form, on many states, judged by Bochs."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.differential.paths import Meaning, Path, fault_of
from tests.differential.states import Scenery, State
from tests.differential.vector import NAMES, SLOTS, slot, state_over
from tests.semantics.allowed import is_allowed, is_excepted, is_left_to_numbers
from tests.semantics.encoding import Entry, modes_of, name_of
from tests.semantics.manual import undefined_flags
from tests.semantics.scenes import form_of
from verifier.execution.path import Faulted, Stopped
from verifier.machine.registers import Efer, Flag, Mode, Segment, Vector
from verifier.replay import Engine
from verifier.semantics.forms import FORMS
from verifier.semantics.table import SYSTEM_ROWS

if TYPE_CHECKING:
    import random

    from tests.differential.judge import Batch, Judge, Seen
    from tests.differential.numbers import Difference
    from tests.differential.vector import Registers

ENTRIES: tuple[Entry, ...] = (*SYSTEM_ROWS, *FORMS)
RFLAGS, EFER = SLOTS["rflags"], SLOTS["efer"]
LONG, PRESENT = 1 << 13, 1 << 7
WAYS = 8
"""How many ways to choose what is open are tried at most for one state."""


@dataclass(frozen=True, slots=True)
class Divergence:
    """A state on which our semantics and the judge differ, and every difference."""

    scenery: Scenery
    state: State
    path: Path
    differences: tuple[str, ...]

    def __str__(self) -> str:
        """Give the instruction, the differences and the state."""
        registers = " ".join(
            f"{name}={number:#x}" for name, number in zip(NAMES, self.state.vector, strict=True)
        )
        memory = ", ".join(f"[{address:#x}]={data.hex()}" for address, data in self.state.deltas)
        told = "\n  ".join((*self.differences, f"state: {registers}", f"memory: {memory}"))
        return f"{self.scenery}\n  {told}"


@dataclass(slots=True)
class Tally:
    """What was compared, by entry and mode, and on numbers by engine; what was not, and why."""

    states: Counter[tuple[str, Mode]] = field(default_factory=Counter)
    on_numbers: dict[Engine, Counter[str]] = field(
        default_factory=lambda: {engine: Counter() for engine in Engine}
    )
    faults: Counter[str] = field(default_factory=Counter)
    excepted: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)
    no_judge: Counter[str] = field(default_factory=Counter)
    instances: int = 0
    paths: int = 0
    divergences: list[Divergence | Difference] = field(default_factory=list)


def combinations() -> list[tuple[Entry, Mode]]:
    """Give each entry of the tables in each of its modes."""
    return [(entry, mode) for entry in ENTRIES for mode in modes_of(entry)]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A scenery with its states and the meaning of its instruction."""

    scenery: Scenery
    states: list[State]
    meaning: Meaning

    @property
    def batch(self) -> Batch:
        """Give what the judge is asked."""
        states = [(state.vector, state.deltas) for state in self.states]
        return {"memory": list(self.scenery.memory.items()), "states": states}


def drawn(source: random.Random, entry: Entry, mode: Mode, count: int) -> Drawn:
    """Draw an instance of an entry and ``count`` states around it."""
    odd = not mode.is_64 and source.random() < 0.4
    scenery = Scenery(source, entry, mode, odd=odd)
    states = [scenery.state() for _ in range(count)]
    before = state_over(states[0].vector, mode, scenery.raw, scenery.varied)
    return Drawn(scenery, states, Meaning(before))


Work = tuple["random.Random", Entry, Mode]
"""What is compared next, and the source of its randomness."""


def run(work: Iterable[Work], count: int, judge: Judge, tally: Tally) -> None:
    """Compare ``count`` states of each piece of work; the judge works while the next is drawn."""
    waiting: Drawn | None = None
    for source, entry, mode in work:
        following = drawn(source, entry, mode, count)
        if waiting is not None:
            compare(waiting, judge.end(), tally)
        judge.begin(following.batch)
        waiting = following
    if waiting is not None:
        compare(waiting, judge.end(), tally)


def compare(made: Drawn, seen: list[Seen | str], tally: Tally) -> None:
    """Compare each state's outcome with what the judge saw."""
    scenery = made.scenery
    name = name_of(scenery.entry)
    for state, told in zip(made.states, seen, strict=True):
        if isinstance(told, str):
            tally.no_judge[told] += 1
            continue
        path, differences = _compared(made, state, told)
        if path.unmodelled is not None:
            tally.left[path.unmodelled] += 1
            if differences:
                tally.divergences.append(Divergence(scenery, state, path, tuple(differences)))
            continue
        tally.states[name, scenery.mode] += 1
        if told.fault is not None:
            tally.faults[name] += 1
        if is_excepted(name, differences):
            tally.excepted[name] += 1
        elif differences:
            tally.divergences.append(Divergence(scenery, state, path, tuple(differences)))
    tally.instances += 1
    tally.paths += made.meaning.count


def _compared(made: Drawn, state: State, seen: Seen) -> tuple[Path, list[str]]:
    """Give the path of a state and how it differs, with what is open chosen as the judge has it."""
    byte = made.scenery.reader(state)
    path, results = made.meaning.outcome(state.vector, byte, {})
    if path.unmodelled is not None:
        allowed = is_allowed(path.unmodelled) or is_left_to_numbers(path.unmodelled)
        return path, [] if allowed else [f"unmodelled: {path.unmodelled}"]
    undefined = undefined_flags(form_of(made.scenery.entry), made.scenery.instance)
    differences = _differences(path, results, undefined, state, seen)
    for choices in _choices(path, seen) if differences else ():
        path, results = made.meaning.outcome(state.vector, byte, choices)
        again = _differences(path, results, undefined, state, seen)
        if not again:
            return path, []
    return path, differences


OPEN_BITS = ("rsp-kept", "rsp-release", "cpuid(0x80000001,0).edx[11] in 32-bit code")
"""What processors differ in, one bit each, as the rows that ask for it say."""
OPEN_HALVES = {f"{name}[63:32]": SLOTS[name] for name in ("rcx", "rsi", "rdi")}
"""Upper halves that a repetition of no elements may or may not clear."""


def _choices(path: Path, seen: Seen) -> Iterator[Mapping[str, int]]:
    """Give ways to choose what is open: halves as the judge left them, single bits both ways."""
    halves = {
        name: seen.vector[OPEN_HALVES[name]] >> 32 for name in path.fresh if name in OPEN_HALVES
    }
    single = [name for name in OPEN_BITS if name in path.fresh]
    ways = itertools.product((0, 1), repeat=len(single))
    for way in itertools.islice(ways, WAYS):
        yield halves | dict(zip(single, way, strict=True))


def _differences(
    path: Path, results: tuple[int, ...], undefined: frozenset[Flag], state: State, seen: Seen
) -> list[str]:
    fault = fault_of(path)
    if fault != seen.fault:
        return [_told(path, fault, seen.fault)]
    if fault is not None:
        return []
    if isinstance(path.ending, Stopped) != seen.halted:
        return ["only one of the two halts"]
    after = list(state.vector)
    for at, number in zip(path.changed, results, strict=False):
        after[at] = number
    results = results[len(path.changed) :]
    for flag, bit in zip(path.flags, results, strict=False):
        after[RFLAGS] = after[RFLAGS] & ~(1 << flag) | bit << flag
    mask = sum(1 << flag for flag in undefined)
    differences = _registers(after, seen.vector, mask)
    differences += _mode(path, seen.vector)
    if path.open_flags != undefined:
        told = [sorted(Flag(flag).name for flag in each) for each in (path.open_flags, undefined)]
        differences.append(f"left open: {told[0]}; undefined by the manual: {told[1]}")
    return differences + _memory(path, results[len(path.flags) :], seen)


def _told(path: Path, ours: tuple[int, int] | None, seen: tuple[int, int] | None) -> str:
    theirs = "none" if seen is None else f"{Vector(seen[0]).mnemonic}({seen[1]})"
    if ours is None or not isinstance(path.ending, Faulted):
        return f"we raise none; Bochs {theirs}"
    return f"we raise {Vector(ours[0]).mnemonic}({ours[1]}): {path.ending.why}; Bochs {theirs}"


def _registers(ours: Registers, seen: Registers, mask: int) -> list[str]:
    if ours == seen:
        return []
    found = []
    skipped: set[int] = set()
    for segment in Segment:
        if not seen[slot(segment, "attributes")] & PRESENT:
            skipped |= {slot(segment, "base"), slot(segment, "limit")}
    for at, (one, other) in enumerate(zip(ours, seen, strict=True)):
        different = one ^ other
        if at == RFLAGS:
            different &= ~mask
        if at in ATTRIBUTES and not other & PRESENT:
            different &= PRESENT
        if different and at not in skipped:
            found.append(f"{NAMES[at]}: ours {one:#x}, Bochs {other:#x}")
    return found


ATTRIBUTES = frozenset(slot(segment, "attributes") for segment in Segment)


def _mode(path: Path, seen: Registers) -> list[str]:
    wide = seen[slot(Segment.CS, "attributes")] & LONG
    active = seen[EFER] >> Efer.LMA & 1
    mode = (Mode.LONG_64 if wide else Mode.COMPATIBILITY) if active else Mode.PROTECTED_32
    return [] if path.mode is mode else [f"mode: ours {path.mode.value}, Bochs {mode.value}"]


def _memory(path: Path, results: tuple[int, ...], seen: Seen) -> list[str]:
    ours: dict[int, int] = {}
    for number, size in enumerate(path.stores):
        address, value = results[2 * number : 2 * number + 2]
        ours.update(enumerate(value.to_bytes(size, "little"), address))
    theirs = {address + at: byte for address, data in seen.written for at, byte in enumerate(data)}
    if ours == theirs:
        return []
    return [
        f"[{at:#x}]: ours {ours.get(at, 'not stored')}, Bochs {theirs.get(at, 'not stored')}"
        for at in sorted(ours.keys() | theirs.keys())
        if ours.get(at) != theirs.get(at)
    ]
