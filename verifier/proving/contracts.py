"""The contracts of a spec as the execution takes them, and code that keeps one in a replay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import claripy

from verifier.execution.contract import Contract
from verifier.execution.oracle import ConcreteOracle
from verifier.machine.cells import BYTE
from verifier.machine.registers import Gpr
from verifier.machine.words import TRUE, constant, known, width_of
from verifier.proving.evaluate import Evaluator, Moment
from verifier.specification.contract import Abi
from verifier.specification.expression import RegionBase
from verifier.specification.vocabulary import When

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from claripy.ast.bool import Bool
    from claripy.ast.bv import BV

    from verifier.execution.contract import Application
    from verifier.machine.oracle import Oracle
    from verifier.machine.state import State
    from verifier.proving.rehearsal import Rehearsal
    from verifier.solver import Model
    from verifier.specification import contract as c

CHANGED = {
    Abi.EFI: (Gpr.RAX, Gpr.RCX, Gpr.RDX, Gpr.R8, Gpr.R9, Gpr.R10, Gpr.R11),
    Abi.SYSV: (
        *(Gpr.RAX, Gpr.RCX, Gpr.RDX, Gpr.RSI, Gpr.RDI),
        *(Gpr.R8, Gpr.R9, Gpr.R10, Gpr.R11),
    ),
}
"""The registers that a callee may change."""
HOME = {Abi.EFI: 32, Abi.SYSV: 0}
"""Bytes above the return address that are the callee's own."""
WORD_BYTES = 8
EXTENDED = 8
SCRATCH, SOURCE = Gpr.RAX, Gpr.RCX


class _AtCall(Evaluator):
    """Gives values to the expressions of a contract, where ``entry.`` means the call."""

    def __init__(self, words: Evaluator, call: State) -> None:
        """Take the words of the spec and the state at the call."""
        super().__init__(words.spec, words.image, words.entry, words.inputs)
        self._words = words
        self._call = call

    def _state(self, when: When, moment: Moment) -> State:
        return self._call if when is When.ENTRY else moment.state

    def _region_base(self, name: str) -> BV:
        return self._words.word(RegionBase(name), Moment(self._words.entry))


def contracts_of(words: Evaluator, dropped: Iterable[str] = ()) -> tuple[Contract, ...]:
    """Give the contracts of a spec but those ``dropped``."""
    left_out = set(dropped)
    return tuple(_of(each, words) for each in words.spec.contracts if each.id not in left_out)


def _of(contract: c.Contract, words: Evaluator) -> Contract:
    def writes(state: State, oracle: Oracle) -> list[tuple[BV, int]]:
        moment = Moment(state, oracle=oracle)
        there = _AtCall(words, state)
        return [(there.word(each.at.node, moment), each.size) for each in contract.writes]

    def requires(state: State, oracle: Oracle) -> Bool:
        if contract.requires is None:
            return TRUE
        return _AtCall(words, state).truth(contract.requires.node, Moment(state, oracle=oracle))

    def ensures(call: State, after: State, oracle: Oracle) -> Bool:
        if contract.ensures is None:
            return TRUE
        return _AtCall(words, call).truth(contract.ensures.node, Moment(after, oracle=oracle))

    return Contract(
        id=contract.id,
        entry=words.word(contract.entry.node, Moment(words.entry)),
        changes=CHANGED[contract.abi],
        stack=contract.stack,
        home=HOME[contract.abi],
        writes=writes,
        requires=requires,
        ensures=ensures,
    )


def stubs(
    applied: Iterable[Application], model: Model, memory: Mapping[int, bytes]
) -> dict[int, bytes] | None:
    """Give code for the callees outside the image that does in a replay what ``model`` has.

    None where the code has no room among what ``memory`` holds, and where calls of one callee
    differ: a stub does the same each time.
    """
    made: dict[int, bytes] = {}
    for each in applied:
        if not all(model.satisfies(fact.condition) for fact in each.facts):
            continue
        at = model.number(each.contract.entry)
        code = _code(each, model)
        if made.setdefault(at, code) != code:
            return None
    for at, code in tuple(made.items()):
        if any(start < at + len(code) and at < start + len(data) for start, data in memory.items()):
            if not any(start <= at < start + len(data) for start, data in memory.items()):
                return None
            del made[at]
    return made


def _code(applied: Application, model: Model) -> bytes:
    """Give code that stores what the callee leaves in memory and registers, and returns."""
    code = b""
    for at, value in applied.stored:
        code += _load(SCRATCH, model.number(at)) + _load(SOURCE, model.number(value))
        size = width_of(value) // BYTE
        code += b"\x48\x89\x08" if size == WORD_BYTES else _bytewise(size)
    for register, value in applied.gprs.items():
        code += _load(register, model.number(value))
    return code + b"\xc3"


def _load(register: Gpr, value: int) -> bytes:
    """Give ``movabs $value, %register``."""
    rex = 0x49 if register >= EXTENDED else 0x48
    return bytes([rex, 0xB8 | register % EXTENDED]) + value.to_bytes(WORD_BYTES, "little")


def _bytewise(size: int) -> bytes:
    """Give stores of the low bytes of RCX, one by one, from where RAX points to."""
    return b"\x88\x08\x48\xff\xc0\x48\xc1\xe9\x08" * size


def kept(rehearsal: Rehearsal, relied_on: Iterable[Contract]) -> bool:
    """Say whether each callee of a concrete run did what its contract, if relied on, ensures."""
    words, oracle = rehearsal.evaluator, ConcreteOracle({}, -1)
    ids = {each.id for each in relied_on}
    contracts = {known(each.entry): each for each in contracts_of(words) if each.id in ids}
    for call, after in _calls(rehearsal, set(contracts)):
        if not oracle.holds(contracts[known(call.rip)].ensures(call, after, oracle)):
            return False
    return True


def _calls(rehearsal: Rehearsal, entries: set[int | None]) -> Iterator[tuple[State, State]]:
    """Give each state at a callee's entry with that behind the call."""
    pending: list[tuple[State, BV]] = []
    for step, after in zip(rehearsal.path.steps, rehearsal.after, strict=False):
        if known(step.before.rip) in entries:
            top = step.before.gpr(Gpr.RSP) + constant(WORD_BYTES)
            pending.append((step.before, claripy.simplify(top)))
        while pending and known(after.gpr(Gpr.RSP)) == known(pending[-1][1]):
            yield pending.pop()[0], after
