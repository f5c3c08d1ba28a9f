"""Loops whose length is data: cut at the head, not unrolled.

At the head, what a round changes becomes unknown under an invariant. That every state which
comes back to the head fits (preservation), that the state on entering does (initiation), and
that the rounds left become fewer (the measure) is asked of the solver, like any claim.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from verifier.execution.asking import Asking
from verifier.execution.bounds import Bound, candidates, in_words
from verifier.execution.heads import Heads
from verifier.execution.joining import alike
from verifier.execution.oracle import Cut, PathOracle
from verifier.execution.segment import Entry
from verifier.execution.template import (
    Shape,
    Template,
    changed_cells,
    distance,
    is_fixed,
    is_short,
    is_told,
    nearest,
    same_control_flags,
    unchanged,
)
from verifier.execution.trail import Trail
from verifier.machine.oracle import About
from verifier.machine.registers import Gpr
from verifier.machine.words import WORD_MASK, constant, signed, symbol

if TYPE_CHECKING:
    from claripy.ast.bv import BV

    from verifier.execution.oracle import Context
    from verifier.execution.path import Path
    from verifier.machine.memory import Region

MOST_HEADS = 64
"""States at one head that are told apart."""
MOST_CHANGED = 4096
"""Bytes that the rounds of one loop may change."""
MOST_ATTEMPTS = 40


@dataclass(frozen=True, slots=True, eq=False)
class Round:
    """What one round from a head gave: trails at the head again, trails outside, paths ended."""

    back: tuple[Trail, ...]
    outside: tuple[Trail, ...]
    ended: tuple[Path, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Closed:
    """All that a loop leads to, however many rounds it takes."""

    outside: tuple[Trail, ...]
    ended: tuple[Path, ...]
    cut: Cut
    entry: Entry


class _Widened(Exception):
    """A state came back that the template does not cover; ``template`` is a wider one."""

    def __init__(self, template: Template) -> None:
        super().__init__()
        self.template = template


class NotCut(Exception):
    """No invariant was found: the reason, in words."""


GoRound = Callable[[Trail], Round]
"""Follows a trail from the head until it is back at it, or outside the loop, or ended."""


@dataclass(slots=True)
class Cutting:
    """The search for an invariant of one loop, entered as ``start``."""

    context: Context
    start: Trail
    go_round: GoRound
    place: str
    dropped: set[tuple[Gpr, str]] = field(default_factory=set)
    shown: int = 0
    asking: Asking = field(init=False)

    def __post_init__(self) -> None:
        """Ask in the context of the exploration."""
        self.asking = Asking(self.context)

    def close(self, first: Sequence[Trail]) -> Closed:
        """Find an invariant, given what came back from the ``first`` round.

        Raises NotCut where there is none.
        """
        template = self._first_template(first)
        self.start = self._named(template)
        for _ in range(MOST_ATTEMPTS):
            self.shown, before = 0, len(self.context.cuts)
            try:
                return self._attempt(template)
            except _Widened as widened:
                self.context.keep_cuts(before)
                template = widened.template
        raise NotCut("its states at the head differ in too many ways")

    def _named(self, template: Template) -> Trail:
        """Give the start with moving registers as distances from regions, where that is so."""
        start = self.start
        oracle = PathOracle(self.context, start.knowledge, (), start.number, start.state.rip)
        gprs = list(self.start.state.gprs)
        for register, shape in template.shapes.items():
            if shape is not Shape.MOVING:
                continue
            for region in self.start.state.memory.regions:
                offset = oracle.value(gprs[register] - region.base)
                if offset is not None:
                    gprs[register] = nearest(region.base + offset)
                    break
        state = replace(self.start.state, gprs=tuple(gprs))
        return replace(self.start, state=state, knowledge=oracle.knowledge)

    # The template

    def _first_template(self, first: Sequence[Trail]) -> Template:
        template = unchanged()
        start = self.start.state
        for register in Gpr:
            values = [trail.state.gpr(register) for trail in first]
            moves = {distance(start.gpr(register), value) for value in values}
            if moves == {0}:
                continue
            move = next(iter(moves))
            if len(moves) == 1 and move is not None:
                template = template.moving(register, signed(move))
            else:
                template = self._widened(template, register, [start.gpr(register), *values])
        return template

    def _widened(self, template: Template, register: Gpr, values: Sequence[BV]) -> Template:
        shape = template.shapes[register]
        if shape in {Shape.KEPT, Shape.MOVING} and is_told(values[0], self.start.state):
            return template.wider(register, Shape.TOLD)
        short = all(is_short(value) for value in (self.start.state.gpr(register), *values))
        if shape is not Shape.SHORT and short:
            return template.wider(register, Shape.SHORT)
        return template.wider(register, Shape.ANY)

    # One attempt

    def _attempt(self, template: Template) -> Closed:
        rounds = symbol(f"rounds of the loop@{self.start.number}")
        bounds = self._bounds(template)
        if not bounds:
            raise NotCut("nothing that it changes was found to bound its rounds")
        first = tuple(nearest(self.start.state.gpr(each)) for each in template.told())
        heads = Heads(self.start, template, rounds, bounds, self.place, [first])
        outside: list[Trail] = []
        ended: list[Path] = []
        backs: list[tuple[Trail, int]] = []
        while len(heads.segments) < len(heads.told):
            if len(heads.told) > MOST_HEADS:
                raise _Widened(self._without_told(template))
            head = self.asking.with_model(heads.begin())
            found = self.go_round(head)
            outside += found.outside
            ended += found.ended
            for back in found.back:
                for case in self._cases(template, back):
                    values = self._fits(template, head, case, rounds)
                    backs.append((case, heads.place_of(values)))
        came = [back for back, _ in backs]
        kept = [each for each in bounds if self._preserved(each, came, rounds)]
        if not kept:
            raise NotCut("no bound on its rounds is kept by each of them")
        if len(kept) < len(bounds):
            raise _Widened(template)
        ended += [heads.ended(back, place) for back, place in backs]
        start = self.start
        cut = Cut(self.place, in_words(template, kept), len(heads.told), self.shown)
        return Closed(
            tuple(replace(each, knowledge=self.asking.needing(each.knowledge)) for each in outside),
            tuple(replace(each, knowledge=self.asking.needing(each.knowledge)) for each in ended),
            cut,
            Entry(start.knowledge.facts, start.state, start.segment, heads.segments[0]),
        )

    def _without_told(self, template: Template) -> Template:
        for register in template.told():
            template = template.wider(register, Shape.ANY)
        return template

    # Bounds on the rounds

    def _bounds(self, template: Template) -> list[Bound]:
        """Give the bounds that hold on entering and that no round was seen to break."""
        return [
            bound
            for bound in candidates(template, self.start)
            if bound.key not in self.dropped
            and self.asking.holds(self.start, bound.enters, About.BOUND)
        ]

    def _preserved(self, bound: Bound, backs: Sequence[Trail], rounds: BV) -> bool:
        """Say whether each state that came back has gone fewer rounds than there are."""
        self.shown += len(backs)
        if all(self.asking.holds(back, bound.fewer(rounds + 1), About.BOUND) for back in backs):
            return True
        self.dropped.add(bound.key)
        return False

    # What comes back

    def _cases(self, template: Template, back: Trail) -> list[Trail]:
        """Give the trail for each value that a register with told values may have."""
        cases = [back]
        for register in template.told():
            split_up: list[Trail] = []
            for case in cases:
                apart = self._apart(case, register)
                if apart is None:
                    values = [case.state.gpr(register)]
                    raise _Widened(self._widened(template, register, values))
                split_up += apart
            cases = split_up
        return cases

    def _apart(self, trail: Trail, register: Gpr) -> list[Trail] | None:
        value = trail.state.gpr(register)
        if is_told(value, self.start.state):
            return [trail]
        found = self.asking.values(trail, value)
        return None if found is None else [_with(case, register, number) for case, number in found]

    def _fits(self, template: Template, head: Trail, back: Trail, rounds: BV) -> tuple[BV, ...]:
        """Give the told values of a state that came back; raise where it does not fit."""
        start = self.start.state
        if not alike(start, back.state) or not same_control_flags(start, back.state):
            raise NotCut("a round changes more than registers, status flags and memory")
        changed = changed_cells(head.state.memory, back.state.memory) - template.changed
        if changed:
            if len(changed) > MOST_CHANGED:
                raise NotCut("a round changes too much memory")
            raise _Widened(template.changing(changed, self._reached(head, back, changed)))
        if not back.state.live <= start.live:
            start = replace(start, live=start.live | back.state.live)
            self.start = replace(self.start, state=start)
            raise _Widened(template)
        for register, shape in template.shapes.items():
            self._fits_shape(template, register, shape, back, rounds)
        return tuple(nearest(back.state.gpr(each)) for each in template.told())

    def _reached(
        self, head: Trail, back: Trail, changed: frozenset[tuple[str, int]]
    ) -> list[Region]:
        """Give the windows and strays that a round stored to and that the head lacks."""
        before = {each.name for each in (*head.state.memory.regions, *head.state.memory.strays)}
        names = {name for name, _ in changed} - before
        found = [each for each in back.state.memory.strays if each.name in names]
        if not all(is_fixed(each.base, self.start) for each in found):
            raise NotCut("it stores to addresses that differ from round to round")
        return found

    def _fits_shape(
        self, template: Template, register: Gpr, shape: Shape, back: Trail, rounds: BV
    ) -> None:
        start, value = self.start.state.gpr(register), back.state.gpr(register)
        match shape:
            case Shape.KEPT:
                fits = value is start or self.asking.holds(back, value == start)
            case Shape.MOVING:
                after = start + (rounds + 1) * template.distances[register]
                fits = self.asking.holds(back, value == after)
            case Shape.SHORT:
                fits = is_short(value) or self.asking.holds(back, value[63:32] == 0)
            case Shape.TOLD:
                fits = True
            case Shape.ANY:
                return
        self.shown += 1
        if not fits:
            raise _Widened(self._widened(template, register, [start, value]))


def _with(trail: Trail, register: Gpr, number: int) -> Trail:
    gprs = list(trail.state.gprs)
    gprs[register] = constant(number & WORD_MASK)
    return replace(trail, state=replace(trail.state, gprs=tuple(gprs)))
