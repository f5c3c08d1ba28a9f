"""Loops that fill or copy memory, an element a round: all rounds but the last in one step.

What one round does is shown for all of them at once, as for a loop that is cut; but what each
of them stores is told by its number, so that what the memory holds afterwards is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import claripy

from verifier.execution.asking import Asking
from verifier.execution.element import NoSweep, OneRound, Store, stored
from verifier.execution.oracle import Cut
from verifier.execution.segment import Entry, Root, Segment
from verifier.execution.template import (
    Shape,
    Template,
    distance,
    general,
    nearest,
)
from verifier.machine.memory import Place
from verifier.machine.oracle import Unmodelled
from verifier.machine.registers import Gpr
from verifier.machine.sweep import Sweep, swept
from verifier.machine.words import constant, signed, symbol
from verifier.solver import SolverGaveUp

if TYPE_CHECKING:
    from claripy.ast.bv import BV

    from verifier.execution.element import Writer
    from verifier.execution.loops import GoRound, Round
    from verifier.execution.oracle import Context
    from verifier.execution.trail import Trail
    from verifier.machine.memory import Memory
    from verifier.machine.state import State

BRANCHES = ("J", "LOOP")
"""How the manual's forms of jumps begin."""
SEEN = 3
"""States at the head, one round apart, that show what moves."""
LEAST_ROUNDS = 16
"""Rounds that are fewer are followed one by one."""
MOST_TESTS = 2
"""Branches of a round: one leaves, one more may; with others it does not fill or copy alone."""
MOST_BYTES = 0x1_0000
"""Bytes of the longest sweep: what the longest repetition of a string store has too."""


@dataclass(slots=True)
class Bulk:
    """A loop of one way round, its head reached as each of ``seen`` one after the other."""

    context: Context
    seen: Sequence[Trail]
    go_round: GoRound
    place: str

    def taken(self) -> Trail | None:
        """Give the trail at the head of the last round, None where this is no such loop."""
        before, after = len(self.context.cuts), None
        if self._tests() > MOST_TESTS:
            return None
        try:
            sweeping = _Sweeping(self, self._template(), self._stores())
            length = sweeping.length()
            after = None if length < LEAST_ROUNDS else sweeping.after(length)
        except (NoSweep, SolverGaveUp, Unmodelled):
            pass
        if after is None:
            self.context.keep_cuts(before)
        return after

    def _tests(self) -> int:
        """Count the conditional branches of the last round that was followed."""
        one, two = self.seen[-2:]
        forms = [step.form for step in two.steps[len(one.steps) :]]
        return sum(form.startswith(BRANCHES) and not form.startswith("JMP") for form in forms)

    def _template(self) -> Template:
        template = Template(dict.fromkeys(Gpr, Shape.KEPT))
        one, two, three = (trail.state.gprs for trail in self.seen)
        for register in Gpr:
            first = distance(one[register], two[register])
            second = distance(two[register], three[register])
            if first is None or first != second:
                template = template.wider(register, Shape.ANY)
            elif first:
                template = template.moving(register, signed(first))
        return template

    def _stores(self) -> list[Store]:
        """Give what the next rounds store, after what the rounds so far did."""
        before, last = (stored(*pair) for pair in zip(self.seen, self.seen[1:], strict=False))
        if not last or len(before) != len(last):
            raise NoSweep
        stores = []
        for one, two in zip(before, last, strict=True):
            here, there = one.place, two.place
            if here.region is not there.region or one.size != two.size or here.region.stray:
                raise NoSweep
            if not isinstance(here.offset, int) or not isinstance(there.offset, int):
                raise NoSweep
            step = there.offset - here.offset
            stores.append(Store(there.region, there.offset + step, two.size, step))
        if len({each.region.name for each in stores}) > 1:
            raise NoSweep
        return stores


@dataclass(slots=True)
class _Sweeping:
    """A loop whose rounds may all be alike: what moves, and what they store."""

    bulk: Bulk
    template: Template
    stores: list[Store]

    @property
    def start(self) -> Trail:
        """Give the trail from which on rounds are taken at once."""
        return self.bulk.seen[-1]

    @property
    def rounds(self) -> BV:
        """Give the unknown that counts rounds: 0 at the start."""
        return symbol(f"rounds of the loop@{self.start.number}")

    def length(self) -> int:
        """Guess how many rounds come back to the head before one leaves the loop."""
        asking, before = Asking(self.bulk.context), len(self.bulk.context.cuts)
        _, found = self._round(asking, 1, self._room())
        self.bulk.context.keep_cuts(before)
        leaving = [_least(asking, trail, self.rounds) for trail in found.outside]
        return min(leaving, default=0)

    def _room(self) -> int:
        """Give how many rounds there may be until one stores beyond the region."""
        rooms = [each.room() for each in self.stores]
        return min(MOST_BYTES, *rooms)

    def after(self, length: int) -> Trail | None:
        """Give the trail after so many rounds, None where one of them does something else."""
        asking = Asking(self.bulk.context)
        head, found = self._round(asking, length, length)
        if len(found.back) != 1 or found.outside or found.ended:
            return None
        (back,) = found.back
        shown = OneRound(self.start, self.template, self.rounds, asking, head, back)
        if not shown.keeps():
            return None
        writers = shown.writers(self.stores, length)
        after = general(
            self.template, replace(self.start, number=back.number), (), constant(length)
        )
        memory = self._filled(self.start.state.memory, writers, length)
        gprs = tuple(nearest(value) for value in after.gprs)
        words = f"{length} rounds at once: {_in_words(writers)}"
        state = replace(after, gprs=gprs, memory=memory)
        segment = self._segment(state, back)
        start = self.start
        self.bulk.context.cut(
            Cut(self.bulk.place, words, 1, shown.asked),
            Entry(start.knowledge.facts, start.state, start.segment, segment),
        )
        knowledge = asking.needing(back.knowledge)
        return replace(back, state=state, knowledge=knowledge, segment=segment)

    def _segment(self, state: State, back: Trail) -> Segment:
        """Give the segment that begins after all rounds; its facts are those of any one."""
        return Segment(
            Root.SWEPT,
            state,
            back.knowledge.facts,
            self.bulk.place,
            known=len(self.start.knowledge.facts),
            entered=((self.rounds, constant(0)),),
        )

    def _round(self, asking: Asking, swept_rounds: int, most: int) -> tuple[Trail, Round]:
        """Go round once, as any of the first ``most`` rounds, with what some of them store open."""
        start = self.start
        state = general(self.template, start, (), self.rounds)
        state = replace(state, memory=swept(state.memory, self._sweep(swept_rounds)))
        head = replace(start, state=state, choices=(), number=start.number + 1)
        head = asking.with_model(head.knowing(claripy.ULT(self.rounds, most)))
        return head, self.bulk.go_round(head)

    def _sweep(self, rounds: int) -> Sweep:
        region = self.stores[0].region
        extents = [each.extent(rounds) for each in self.stores]
        low, high = min(low for low, _ in extents), max(high for _, high in extents)
        live = {name for name, _ in self.start.state.live}
        if region.windowed or region.name in live or low < 0 or high > region.size:
            raise NoSweep
        # Within a round that stands for all, bytes are open that another sweep would let be read.
        if high - low > MOST_BYTES or self.start.state.memory.sweep is not None:
            raise NoSweep
        return Sweep(region.name, low, high, f"in the loop@{self.start.number}")

    def _filled(self, memory: Memory, writers: Sequence[Writer], length: int) -> Memory:
        """Give the memory after all rounds, stored to in their order."""
        name = self.stores[0].region.name
        cells = dict(memory.cells.get(name, {}))
        for number in range(length):
            for writer in writers:
                at = writer.store.offset + number * writer.store.step
                cells.update(enumerate(writer.cells(memory, number), at))
        return replace(memory, cells={**memory.cells, name: cells})


def _least(asking: Asking, trail: Trail, rounds: BV) -> int:
    """Give the least number of rounds that a trail may have come after."""
    low, high = 0, asking.with_model(trail).knowledge.models[-1].number(rounds)
    middle = high - 1
    while low < high:
        if asking.holds(trail, claripy.UGT(rounds, middle)):
            low = middle + 1
        else:
            high = middle
        middle = (low + high) // 2
    return low


def _in_words(writers: Sequence[Writer]) -> str:
    parts = []
    for writer in writers:
        to = Place(writer.store.region, writer.store.offset)
        verb = "copies" if writer.source is not None else "stores"
        size = writer.store.size
        parts.append(f"each {verb} {size} byte{'s' if size > 1 else ''}, from {to} on")
    return "; ".join(parts)
