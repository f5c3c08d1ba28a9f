"""The meaning of ordinary instructions by P-code, the second lifter: a check of the first.

Ghidra's SLEIGH tables say in P-code what each instruction does. As with the first lifter, an
instruction is translated at two nominal addresses, and a constant that moved by their
difference is relative to the code's address. AF, which the tables leave out, is the carry or
borrow out of bit 3 of the very additions and subtractions of which they take OF (SDM vol. 1,
"Status Flags").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, reduce
from operator import xor
from types import MappingProxyType
from typing import TYPE_CHECKING

import claripy
import pypcode
from pypcode import OpCode

from verifier.agreement.alone import NEXT, Accesses, Outcome, every_way, register_name
from verifier.agreement.operations import BYTE, MEANINGS, out_of_bit_3
from verifier.errors import Bug
from verifier.machine.cells import Cell, cells_of, join
from verifier.machine.oracle import Unmodelled
from verifier.machine.registers import LEGACY_GPRS, STATUS_FLAGS, Flag, Gpr
from verifier.machine.words import (
    bits,
    constant,
    extend,
    plus,
    signed,
    symbol,
    width_of,
)
from verifier.semantics.instruction import Prefix

if TYPE_CHECKING:
    from claripy.ast.bv import BV

    from verifier.agreement.alone import Place, Ways
    from verifier.semantics.instruction import Instruction

NOMINALS = {True: (0x0000_0000_2B3C_4D50, 0x0000_6E7F_8192_A3B7), False: (0x2B3C_4D50, 0x6E7F_A3B7)}
"""Two bases on either side of 4G that differ in every 16-bit part, by whether code is 64-bit."""
LANGUAGES = {True: "x86:LE:64:default", False: "x86:LE:32:default"}
CONST, RAM, REGISTER, UNIQUE = "const", "ram", "register", "unique"
REFUSALS = (
    pypcode.BadDataError,
    pypcode.DecoderError,
    pypcode.LowlevelError,
    pypcode.UnimplError,
)
PREFIXES = frozenset(prefix.value for prefix in Prefix)
OUT = 1 << 20
"""More operations than any instruction has: going on by so many leaves it."""


@dataclass(frozen=True, slots=True)
class Varnode:
    """Some bytes: of a space, or a constant. ``moves`` marks what is relative to the code."""

    space: str
    offset: int
    size: int
    moves: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of P-code; ``text`` is as Ghidra prints it."""

    code: OpCode
    output: Varnode | None
    inputs: tuple[Varnode, ...]
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Registers:
    """Where the tables of one language keep the registers: offsets in the register space."""

    context: pypcode.Context
    gprs: Mapping[Gpr, int]
    flags: Mapping[Flag, int]
    ip: int


@lru_cache(maxsize=2)
def _registers(*, is_64: bool) -> Registers:
    context = pypcode.Context(LANGUAGES[is_64])
    offsets = {name: node.offset for name, node in context.registers.items()}
    named = Gpr if is_64 else LEGACY_GPRS
    gprs = {each: offsets[register_name(each, is_64=is_64).upper()] for each in named}
    flags = {flag: offsets[flag.name] for flag in STATUS_FLAGS}
    return Registers(context, gprs, flags, offsets["RIP" if is_64 else "EIP"])


def _translate(
    raw: bytes,
    is_64: bool,  # noqa: FBT001 - passed on
    offset: int,
    *,
    relative: bool,
) -> tuple[Operation, ...]:
    mask = (1 << (64 if is_64 else 32)) - 1
    if not relative:
        return tuple(_operations(raw, is_64, offset & mask))
    addresses = [nominal + offset & mask for nominal in NOMINALS[is_64]]
    one, other = (_operations(raw, is_64, address) for address in addresses)
    if [each.code for each in one] != [each.code for each in other]:
        raise Unmodelled("its two translations to P-code have different shapes")
    return tuple(_settled(*pair, is_64) for pair in zip(one, other, strict=True))


def _operations(raw: bytes, is_64: bool, address: int) -> list[Operation]:  # noqa: FBT001 - as above
    context = _registers(is_64=is_64).context
    once = _once(raw)
    address += len(raw) - len(once)
    try:
        ops = context.translate(once, address, max_instructions=1).ops
    except REFUSALS as error:
        raise Unmodelled(f"P-code has no meaning for bytes {raw.hex(' ')}") from error
    mark = ops[0].inputs[0] if ops else None
    if mark is None or ops[0].opcode != OpCode.IMARK or mark.size != len(once):
        raise Unmodelled(f"P-code takes bytes {raw.hex(' ')} for another instruction")
    return [_operation(op) for op in ops[1:]]


def _once(raw: bytes) -> bytes:
    """Leave out a prefix that stands there already: SLEIGH takes a second 66 for none at all."""
    opcode = next((at for at, byte in enumerate(raw) if byte not in PREFIXES), len(raw))
    return bytes(dict.fromkeys(raw[:opcode])) + raw[opcode:]


def _operation(op: pypcode.PcodeOp) -> Operation:
    nodes = op.inputs
    if op.opcode in {OpCode.LOAD, OpCode.STORE}:
        if nodes[0].getSpaceFromConst().name != RAM:
            raise Unmodelled("P-code reads or writes what is no memory")
        nodes = nodes[1:]
    output = None if op.output is None else _varnode(op.output)
    text = pypcode.PcodePrettyPrinter.fmt_op(op)
    return Operation(op.opcode, output, tuple(_varnode(node) for node in nodes), text)


def _varnode(node: pypcode.Varnode) -> Varnode:
    return Varnode(node.space.name, node.offset, node.size)


def _settled(one: Operation, other: Operation, is_64: bool) -> Operation:  # noqa: FBT001 - as above
    """Put the two translations of an operation together: what moved becomes an offset."""
    if len(one.inputs) != len(other.inputs) or (one.output is None) != (other.output is None):
        raise Unmodelled("its two translations to P-code have different shapes")
    pairs = zip(one.inputs, other.inputs, strict=True)
    inputs = tuple(_relative(*pair, is_64) for pair in pairs)
    if one.output is None or other.output is None:
        return replace(one, inputs=inputs)
    return replace(one, inputs=inputs, output=_relative(one.output, other.output, is_64))


def _relative(here: Varnode, there: Varnode, is_64: bool) -> Varnode:  # noqa: FBT001 - as above
    if here == there:
        return here
    low, high = NOMINALS[is_64]
    mask = (1 << (64 if is_64 else 32)) - 1
    alike = (here.space, here.size) == (there.space, there.size) and here.space in {CONST, RAM}
    whole = here.space == RAM or here.size * BYTE == mask.bit_length()
    if not alike or not whole or (there.offset - here.offset - high + low) & mask:
        raise Unmodelled("a constant of the P-code is neither absolute nor relative")
    return replace(here, offset=here.offset - low & mask, moves=True)


def pcode_outcomes(instruction: Instruction, place: Place) -> list[Outcome]:
    """Give what an instruction leaves by P-code, on every way, by the names of the first lifter.

    Raises Unmodelled for what the tables or this file have no meaning of.
    """
    ops = operations(instruction, place)

    def run(ways: Ways) -> Mapping[str, BV]:
        return MappingProxyType(_Evaluation(instruction, place, ways).run(ops))

    try:
        return every_way(run)
    except claripy.ClaripyError as error:
        raise Unmodelled(f"its P-code cannot be evaluated: {error}") from error


def operations(instruction: Instruction, place: Place) -> tuple[Operation, ...]:
    """Give the P-code of an instruction."""
    is_64, moves = instruction.mode.is_64, place.base is not None
    return _translate(instruction.raw, is_64, place.offset, relative=moves)


class _Evaluation:
    """Evaluates the operations of one instruction, one way through them."""

    def __init__(self, instruction: Instruction, place: Place, ways: Ways) -> None:
        """Start with every register a symbol of its own name."""
        self.is_64 = instruction.mode.is_64
        self.width = 64 if self.is_64 else 32
        self.registers = _registers(is_64=self.is_64)
        self.ways = ways
        self.base = None if place.base is None else bits(place.base, self.width - 1, 0)
        self.next = bits(plus(place.rip, instruction.size), self.width - 1, 0)
        self.accesses = Accesses()
        self.carried: list[BV] = []
        self.cells: dict[tuple[str, int], Cell] = {}
        for gpr, offset in self.registers.gprs.items():
            whole = symbol(gpr.name.lower())
            self._put(REGISTER, offset, bits(whole, self.width - 1, 0))
        for flag, offset in self.registers.flags.items():
            self._put(REGISTER, offset, extend(symbol(flag.name, 1), BYTE))
        self._put(REGISTER, self.registers.ip, self.next)

    def run(self, ops: tuple[Operation, ...]) -> dict[str, BV]:
        """Evaluate the operations; give everything by name."""
        index = 0
        while index < len(ops):
            index += self._step(ops[index])
            if not 0 <= index <= len(ops):
                break
        return self._values()

    # Places

    def _put(self, space: str, offset: int, value: BV) -> None:
        for ahead, cell in enumerate(cells_of(value)):
            self.cells[space, offset + ahead] = cell

    def _get(self, space: str, offset: int, size: int) -> BV:
        try:
            return join([self.cells[space, offset + ahead] for ahead in range(size)])
        except KeyError as missing:
            raise Unmodelled(
                f"P-code reads {space} {offset:#x}, which is not modelled"
            ) from missing

    def _address(self, node: Varnode) -> BV:
        number = constant(node.offset, self.width)
        if not node.moves:
            return number
        if self.base is None:
            raise Bug("a constant of P-code moves with code that does not")
        return plus(self.base, number)

    def _value(self, node: Varnode) -> BV:
        match node.space:
            case "const" if node.moves:
                return self._address(node)
            case "const":
                return constant(node.offset, node.size * BYTE)
            case "ram":
                return self.accesses.load(self._address(node), node.size)
            case space:
                return self._get(space, node.offset, node.size)

    def _assign(self, node: Varnode, value: BV) -> None:
        if width_of(value) != node.size * BYTE:
            raise Unmodelled("P-code gives a value another width than its place has")
        if node.space == RAM:
            self.accesses.store(self._address(node), value)
            return
        if node.space == REGISTER:
            for ahead in range(node.size):
                if (REGISTER, node.offset + ahead) not in self.cells:
                    raise Unmodelled(f"P-code writes register {node.offset:#x}, not modelled")
        self._put(node.space, node.offset, value)

    # Operations

    def _step(self, op: Operation) -> int:
        """Evaluate an operation; give how many operations to go on by."""
        match op.code:
            case OpCode.BRANCH | OpCode.CALL:
                return self._branch(op.inputs[0])
            case OpCode.CBRANCH:
                taken = self._value(op.inputs[1]) != 0
                return self._branch(op.inputs[0]) if self.ways.decide(taken) else 1
            case OpCode.BRANCHIND | OpCode.CALLIND | OpCode.RETURN:
                self.next = self._value(op.inputs[0])
                return OUT
            case OpCode.STORE:
                address, value = (self._value(node) for node in op.inputs)
                self.accesses.store(address, value)
                return 1
            case OpCode.LOAD if op.output is not None:
                self._assign(
                    op.output, self.accesses.load(self._value(op.inputs[0]), op.output.size)
                )
                return 1
            case _:
                self._compute(op)
                return 1

    def _branch(self, to: Varnode) -> int:
        if to.space == RAM:
            self.next = self._address(to)
            return OUT
        ahead = signed(to.offset, to.size * BYTE)
        if ahead <= 0:
            raise Unmodelled("the P-code has a loop")
        return ahead

    def _compute(self, op: Operation) -> None:
        meaning = MEANINGS.get(op.code)
        if meaning is None or op.output is None:
            raise Unmodelled(f"the P-code has the operation {op.code.__name__}")
        values = [self._value(node) for node in op.inputs]
        self._assign(op.output, meaning(values, op.output.size * BYTE))
        if op.code in {OpCode.INT_SCARRY, OpCode.INT_SBORROW}:
            one, other = values
            result = one + other if op.code == OpCode.INT_SCARRY else one - other
            self.carried.append(out_of_bit_3(one, other, result))

    def _values(self) -> dict[str, BV]:
        registers = self.registers
        told = {
            register_name(gpr, is_64=self.is_64): self._get(REGISTER, offset, self.width // BYTE)
            for gpr, offset in registers.gprs.items()
        }
        told |= {
            flag.name: self._get(REGISTER, offset, 1) for flag, offset in registers.flags.items()
        }
        if self.carried:
            told[Flag.AF.name] = extend(reduce(xor, self.carried), BYTE)
        return {**told, **self.accesses.values(), NEXT: self.next}
