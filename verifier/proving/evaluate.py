"""The value of a spec's expression in a state: words become bit-vectors, truths conditions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, assert_never, cast

import claripy

from verifier.errors import Bug
from verifier.execution.oracle import PathOracle
from verifier.machine import windows
from verifier.machine.events import (
    ModeChange,
    Transfer,
)
from verifier.machine.memory import Place
from verifier.machine.paging import Intent, translate
from verifier.machine.registers import Cr0, Vector
from verifier.machine.words import TRUE, constant, extend, joined, known, split, symbol
from verifier.proving.meanings import (
    combine,
    compare,
    cpu_fact,
    cpuid_word,
    event_word,
    segment_part,
)
from verifier.semantics.cpu import Cpu
from verifier.semantics.segmentation import require_canonical
from verifier.specification import expression as e
from verifier.specification.vocabulary import (
    Junction,
    ModeOf,
    SystemTable,
    TablePart,
    When,
)

if TYPE_CHECKING:
    from claripy.ast.bool import Bool
    from claripy.ast.bv import BV

    from verifier.loading.image import Image
    from verifier.machine.events import Event
    from verifier.machine.memory import Memory
    from verifier.machine.oracle import Oracle
    from verifier.machine.state import State
    from verifier.specification.spec import Spec


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """What an expression speaks of: a state, an event in it, and the oracle of the path.

    The oracle is needed for memory and translations alone. ``cut`` collects the terms at
    which the evaluation of a conjunction stopped early.
    """

    state: State
    event: Event | None = None
    oracle: Oracle | None = None
    bound: Mapping[str, BV] = field(default_factory=dict)
    cut: list[e.Truth] = field(default_factory=list)


Conclude = Callable[[e.Truth, Moment], "Bool"]
"""Evaluates the conclusion of an implication."""


def _fixed_place(memory: Memory, address: BV, size: int) -> Place:
    """Resolve an address that lies at a constant offset in a declared region."""
    for region in memory.regions:
        distance = known(claripy.simplify(address - region.base))
        if distance is not None and distance + size <= region.size:
            return Place(region, distance)
    raise Bug("memory is read where no path is, at an address that no region fixes")


def _resolved(memory: Memory, address: BV, size: int, oracle: Oracle) -> BV:
    """Give the one address that a choice between several comes to, unless it is a known one."""
    while windows.seen(memory, address, size) is None:
        base, offset = split(address)
        if base is None or base.op != "If":
            break
        condition, then, otherwise = cast("tuple[Bool, BV, BV]", base.args)
        address = joined(then if oracle.decide(condition) else otherwise, offset)
    return address


def looks_into_memory(truth: e.Truth) -> bool:
    """Say whether a truth has a value only where its addresses have one."""
    return any(isinstance(node, e.Memory | e.Translate) for node in e.walk(truth))


def _forks(moment: Moment) -> int:
    return moment.oracle.fork_count if isinstance(moment.oracle, PathOracle) else 0


class Evaluator:
    """Gives values to the expressions of one spec; ``entry`` is the state they may refer to."""

    def __init__(
        self, spec: Spec, image: Image, entry: State, inputs: Mapping[str, BV] | None = None
    ) -> None:
        """Fix the spec, its image, the entry state, and values for inputs that have one."""
        self._spec = spec
        self._image = image
        self._entry = entry
        self._inputs = inputs or {}

    @property
    def spec(self) -> Spec:
        """Give the spec."""
        return self._spec

    @property
    def image(self) -> Image:
        """Give the image."""
        return self._image

    @property
    def inputs(self) -> Mapping[str, BV]:
        """Give the inputs that have a value."""
        return self._inputs

    @property
    def entry(self) -> State:
        """Give the state at the entry."""
        return self._entry

    @property
    def base(self) -> BV:
        """Give the address of the image's first byte."""
        return self.word(self._spec.base.node, Moment(self._entry))

    def number_of_base(self) -> int | None:
        """Give the load address where it is a number and the image moves."""
        return known(self.base) if isinstance(self._spec.base.node, e.Input) else None

    def truth(self, node: e.Truth, moment: Moment) -> Bool:
        """Give the condition that a truth states."""
        match node:
            case e.Constant(value):
                return claripy.BoolV(value)
            case e.Compare(relation, left, right):
                return compare(relation, self.word(left, moment), self.word(right, moment))
            case e.ModeIs(of, mode):
                return claripy.BoolV(self._mode(of, moment) is mode)
            case e.Not(truth):
                return claripy.Not(self.truth(truth, moment))
            case e.Logic(Junction.AND, terms):
                return claripy.And(*(self.truth(term, moment) for term in terms))
            case e.Logic(_, terms):
                return claripy.Or(*(self.truth(term, moment) for term in terms))
            case e.Implies(premise, conclusion):
                return self._implication(premise, conclusion, moment, self.truth)
            case _:
                assert_never(node)

    def claimed(self, node: e.Truth, moment: Moment) -> Bool:
        """Give the condition that a whole claim states, or only a part that need not hold.

        A part is enough for a claim, and for nothing inside an expression: the rest of it may
        be what makes the expression false.
        """
        match node:
            case e.Logic(Junction.AND, terms):
                return self._conjunction(terms, moment)
            case e.Implies(premise, conclusion):
                return self._implication(premise, conclusion, moment, self.claimed)
            case _:
                return self.truth(node, moment)

    def _conjunction(self, terms: tuple[e.Truth, ...], moment: Moment) -> Bool:
        """Evaluate a claimed conjunction, up to the first term that forked and need not hold.

        Whatever the later terms say, it does not hold either; ``moment.cut`` tells.
        """
        truths = []
        for term in terms:
            forks = _forks(moment)
            truth = self.claimed(term, moment)
            truths.append(truth)
            forked = _forks(moment) > forks
            if forked and moment.oracle is not None and not moment.oracle.holds(truth):
                moment.cut.append(term)
                return truth
        return claripy.And(*truths)

    def _implication(
        self, premise: e.Truth, conclusion: e.Truth, moment: Moment, conclude: Conclude
    ) -> Bool:
        """Evaluate a conclusion that looks into memory only where the premise holds."""
        given = self.truth(premise, moment)
        if given.is_false():
            return TRUE
        if moment.oracle is not None and looks_into_memory(conclusion):
            return conclude(conclusion, moment) if moment.oracle.decide(given) else TRUE
        return claripy.Or(claripy.Not(given), self.truth(conclusion, moment))

    def word(self, node: e.Word, moment: Moment) -> BV:
        """Give the 64-bit value of a word."""
        match node:
            case e.Number(value):
                return constant(value)
            case e.Input(name):
                return self._inputs.get(name, symbol(name))
            case e.Bound(name):
                return moment.bound.get(name, constant(0))
            case e.Label(name):
                return self.base + constant(self._image.symbols[name])
            case e.RegionBase(name):
                return self._region_base(name)
            case e.EventValue(part):
                return event_word(moment.event, moment.state, part)
            case e.Arithmetic() | e.Invert() | e.Negate() | e.Slice() | e.Conditional():
                return self._computed(node, moment)
            case _:
                return self._of_state(node, moment)

    def _computed(
        self, node: e.Arithmetic | e.Invert | e.Negate | e.Slice | e.Conditional, moment: Moment
    ) -> BV:
        match node:
            case e.Arithmetic(operator, left, right):
                return combine(operator, self.word(left, moment), self.word(right, moment))
            case e.Invert(word):
                return ~self.word(word, moment)
            case e.Negate(word):
                return -self.word(word, moment)
            case e.Slice(word, high, low):
                return extend(self.word(word, moment)[high:low])
            case e.Conditional(condition, then, otherwise):
                return claripy.If(
                    self.truth(condition, moment),
                    self.word(then, moment),
                    self.word(otherwise, moment),
                )
            case _:
                assert_never(node)

    def _of_state(self, node: e.Word, moment: Moment) -> BV:
        match node:
            case e.Register(gpr, when):
                return self._state(when, moment).gprs[gpr]
            case e.InstructionPointer(when):
                return self._state(when, moment).rip
            case e.Control(register, when):
                return self._state(when, moment).controls[register]
            case e.FlagBit(flag, when):
                return extend(self._state(when, moment).flags[flag])
            case e.SegmentField(segment, part, when):
                return segment_part(self._state(when, moment).segments[segment], part)
            case e.TableField(table, part, when):
                state = self._state(when, moment)
                pointer = state.gdtr if table is SystemTable.GDTR else state.idtr
                return pointer.base if part is TablePart.BASE else extend(pointer.limit)
            case e.Cpu(fact):
                return cpu_fact(self._entry, fact)
            case e.Cpuid(register, leaf, subleaf):
                return cpuid_word(self._entry, register, leaf, subleaf)
            case e.Memory(address, size, when):
                return self._memory(self.word(address, moment), size, when, moment)
            case e.Translate(address, when):
                return self._translation(self.word(address, moment), when, moment)
            case _:
                raise Bug(f"an expression node without a meaning: {node}")

    def _state(self, when: When, moment: Moment) -> State:
        return self._entry if when is When.ENTRY else moment.state

    def _mode(self, of: ModeOf, moment: Moment) -> object:
        match of:
            case ModeOf.ENTRY:
                return self._entry.mode
            case ModeOf.NOW:
                return moment.state.mode
            case ModeOf.NEW:
                if isinstance(moment.event, (Transfer, ModeChange)):
                    return moment.event.after
                raise Bug("new_mode of an event that has none")
            case _:
                assert_never(of)

    def _region_base(self, name: str) -> BV:
        for region in self._spec.regions:
            if region.name == name:
                return self.word(region.base.node, Moment(self._entry))
        raise Bug(f"no region {name}")

    def _memory(self, address: BV, size: int, when: When, moment: Moment) -> BV:
        memory = self._state(when, moment).memory
        if moment.oracle is None:
            return extend(memory.read(_fixed_place(memory, address, size), size))
        if when is When.ENTRY:
            memory = windows.adopting(memory, moment.state.memory)
        address = _resolved(memory, address, size, moment.oracle)
        memory, place = memory.place(address, size, moment.oracle)
        return extend(memory.read(place, size))

    def _translation(self, linear: BV, when: When, moment: Moment) -> BV:
        if moment.oracle is None:
            raise Bug("an address is translated where no path is")
        state, oracle = self._state(when, moment), moment.oracle
        if oracle.decide(state.cr0(Cr0.PG)):
            require_canonical(Cpu(state, oracle), linear, 1, Vector.GP)
        physical = [translate(Cpu(state, oracle), linear, intent) for intent in Intent]
        return physical[0]
