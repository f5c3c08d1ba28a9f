"""What one instruction does, executed once over symbols and evaluated on many states.

The instruction is executed by ``verifier.execution.step.take``, as in a proof, with an oracle
that answers by one state's numbers and writes down each question. What came of it holds for
every state that answers alike, so it becomes a function of the state that first compares the
answers. A state that answers otherwise is executed anew, and gives the path beside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from tests.differential.expressions import Byte, Choices, Emitter, Function, function
from tests.differential.vector import PARTS, SLOTS, Registers, Watched, attributes_in
from verifier.execution.path import Faulted, OutOfModel, Stopped
from verifier.execution.step import take
from verifier.machine.events import Access
from verifier.machine.paging import Intent
from verifier.machine.registers import ControlRegister, Gpr, Mode, Segment
from verifier.machine.state import IOPL_LOW
from verifier.machine.words import bit, known, symbol, width_of

if TYPE_CHECKING:
    from claripy.ast.base import Base
    from claripy.ast.bool import Bool
    from claripy.ast.bv import BV

    from verifier.execution.path import Ending
    from verifier.execution.step import Taken
    from verifier.machine.state import State

Answer = bool | int | None
NEAR = 64
"""Which 64-bit values are told apart: counts of repetitions, distances that overlap."""
SMALL = 32
"""The width up to which a value decides by itself: selectors, numbers of registers and leaves."""
WORD = 1 << 64
DONE = -1


class Follower:
    """An oracle that answers by the numbers of one state and keeps what it was asked.

    A question is how many lines come before it, the text that is compared and the answer.
    """

    def __init__(self, vector: Registers, byte: Byte, choices: Choices) -> None:
        """Start with no questions."""
        self.emitter = Emitter(self._leaf)
        self.questions: list[tuple[int, str, Answer]] = []
        self.fresh_names: dict[str, int] = {}
        self._vector, self._byte, self._choices = vector, byte, choices
        self._asked: set[str] = set()

    def decide(self, condition: Bool, _: object = None) -> bool:
        """Say whether the condition is true of the state."""
        if condition.is_true() or condition.is_false():
            return bool(condition.is_true())
        answer = bool(self.emitter.number(condition))
        self._keep(self.emitter.text(condition), answer)
        return answer

    def holds(self, condition: Bool, _: object = None) -> bool:
        """Say whether the condition is true of the state; the path is for those alone."""
        return self.decide(condition)

    def likely(self, condition: Bool) -> bool:
        """Guess nothing."""
        del condition
        return False

    def value(self, expression: BV, _: object = None) -> int | None:
        """Give the number where it is one that decides by itself, else None."""
        number = known(expression)
        if number is not None:
            return number
        text = self.emitter.text(expression)
        answer: int | None = self.emitter.numbers[text]
        if width_of(expression) > SMALL:
            far = NEAR <= self.emitter.numbers[text] <= WORD - NEAR
            answer = None if far else answer
            text = f"{text} if {text} < {NEAR} or {text} > {WORD - NEAR} else None"
        self._keep(text, answer)
        return answer

    def fresh(self, name: str, width: int) -> BV:
        """Give the unknown of that name."""
        self.fresh_names[name] = width
        return symbol(f"{name}@", width)

    def _keep(self, text: str, answer: Answer) -> None:
        if text not in self._asked:
            self._asked.add(text)
            self.questions.append((len(self.emitter.lines), text, answer))

    def _leaf(self, name: str, width: int) -> tuple[str, int]:
        if name in SLOTS:
            return f"v[{SLOTS[name]}]", self._vector[SLOTS[name]]
        if name.endswith("@"):
            number = self._choices.get(name[:-1], 0) & (1 << width) - 1
            return self.emitter.name(f"u.get({name[:-1]!r}, 0) & {(1 << width) - 1}"), number
        base, offset = Watched.origins[name]
        address = self.emitter.text(base)
        number = self._byte((self.emitter.numbers[address] + offset) % WORD)
        return self.emitter.name(f"m(({address} + {offset}) % {WORD})"), number


@dataclass(slots=True, eq=False)
class Path:
    """What happens on one path. The results of ``function`` are in the order of the fields.

    ``changed`` are the slots of registers, ``flags`` the bits of RFLAGS that were written,
    ``stores`` the sizes of stores: each gives an address and a value. ``open_flags`` are the
    flags that rest on what the manuals leave open, ``fresh`` all that was left open, by name
    and width.
    """

    ending: Ending | None
    mode: Mode
    changed: tuple[int, ...]
    flags: tuple[int, ...]
    stores: tuple[int, ...]
    open_flags: frozenset[int]
    fresh: Mapping[str, int]
    function: Function
    beside: dict[tuple[int, Answer], Path] = field(default_factory=dict)

    @property
    def unmodelled(self) -> str | None:
        """Give the reason where nothing is known of this path."""
        return self.ending.reason if isinstance(self.ending, OutOfModel) else None


class Meaning:
    """All paths so far of the instruction at the start of a state."""

    def __init__(self, state: State) -> None:
        """Take the state before it."""
        self.state = state
        self.first: Path | None = None
        self.count = 0

    def outcome(
        self, vector: Registers, byte: Byte, choices: Choices
    ) -> tuple[Path, tuple[int, ...]]:
        """Give the path that a state takes, and its results."""
        if self.first is None:
            self.first = self._follow(vector, byte, choices)
        path = self.first
        while True:
            at, told = path.function(vector, byte, choices)
            if at == DONE:
                return path, cast("tuple[int, ...]", told)
            key = at, cast("Answer", told)
            if key not in path.beside:
                path.beside[key] = self._follow(vector, byte, choices)
            path = path.beside[key]

    def _follow(self, vector: Registers, byte: Byte, choices: Choices) -> Path:
        follower = Follower(vector, byte, choices)
        taken = take(self.state, follower, 0, 0)
        self.count += 1
        return _path(self.state, taken, follower)


def _path(before: State, taken: Taken, follower: Follower) -> Path:
    after = taken.state
    completed = taken.ending is None or isinstance(taken.ending, Stopped)
    registers = dict(_changed(before, after)) if completed else {}
    flags = dict(_changed_flags(before, after)) if completed else {}
    stores = _stores(taken) if completed else []
    fresh = {f"{name}@" for name in follower.fresh_names}
    texts = [follower.emitter.text(each) for each in (*registers.values(), *flags.values())]
    for address, value in stores:
        texts += [follower.emitter.text(address), follower.emitter.text(value)]
    return Path(
        ending=taken.ending,
        mode=after.mode,
        changed=tuple(registers),
        flags=tuple(flags),
        stores=tuple(width_of(value) // 8 for _, value in stores),
        open_flags=frozenset(flag for flag, each in flags.items() if each.variables & fresh),
        fresh=follower.fresh_names,
        function=_function(follower, texts),
    )


def _function(follower: Follower, texts: list[str]) -> Function:
    """Give a function that leaves at the first question that is answered otherwise."""
    lines, done = [], 0
    for number, (end, text, answer) in enumerate(follower.questions):
        lines += follower.emitter.lines[done:end]
        differs = "is not None" if answer is None else f"!= {answer}"
        lines += [f"q = {text}", f"if q {differs}: return {number}, q"]
        done = end
    lines += follower.emitter.lines[done:]
    return function(lines, f"{DONE}, ({' '.join(f'{text},' for text in texts)})")


def _changed(before: State, after: State) -> list[tuple[int, Base]]:
    """Give the registers that another expression stands for now, by slot."""
    found: list[tuple[int, Base, Base]] = [
        (SLOTS[each.name.lower()], before.gprs[each], after.gprs[each]) for each in Gpr
    ]
    found.append((SLOTS["rip"], before.rip, after.rip))
    found += [
        (SLOTS[control.value], before.controls[control], after.controls[control])
        for control in ControlRegister
    ]
    for segment in Segment:
        old, new = before.segments[segment], after.segments[segment]
        if old is new:
            continue
        name = segment.name.lower()
        for part in PARTS:
            now = attributes_in(new) if part == "attributes" else getattr(new, part)
            found.append((SLOTS[f"{name}.{part}"], before.rip, now))
    for name in ("gdtr", "idtr"):
        for part in ("base", "limit"):
            pair = getattr(getattr(before, name), part), getattr(getattr(after, name), part)
            found.append((SLOTS[f"{name}.{part}"], *pair))
    return [(at, new) for at, old, new in found if new is not old]


def _changed_flags(before: State, after: State) -> list[tuple[int, BV]]:
    """Give the bits of RFLAGS that another expression stands for now, by position."""
    found: list[tuple[int, BV]] = [
        (flag, value) for flag, value in after.flags.items() if value is not before.flags[flag]
    ]
    if after.iopl is not before.iopl:
        found += [(IOPL_LOW + at, bit(after.iopl, at)) for at in range(2)]
    return found


def _stores(taken: Taken) -> list[tuple[BV, BV]]:
    """Give the physical address of each store and what its bytes hold in the end."""
    memory = taken.state.memory
    return [
        (event.physical, memory.read(event.place, event.size))
        for event in taken.events
        if isinstance(event, Access) and event.intent is Intent.WRITE
    ]


def fault_of(path: Path) -> tuple[int, int] | None:
    """Give the vector and error code, 0 where there is none, of a path that faults."""
    if not isinstance(path.ending, Faulted):
        return None
    return int(path.ending.vector), path.ending.error or 0
