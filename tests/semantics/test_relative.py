"""What code computes at a symbolic load address is what it computes at each load address.

Each instance is executed once with RIP as ``load + offset``, and at random loads below and
above 4G as a number. The symbolic result, evaluated at those loads, must be the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import claripy
import pytest

from tests.replay.build import STACK, long_mode, protected_mode
from tests.semantics.cases import random_case
from tests.semantics.compare import bochs_features
from tests.semantics.encoding import modes_of, name_of
from verifier.execution.concrete import state_of
from verifier.machine.memory import Memory, Region
from verifier.machine.models import MODELS, ModelName
from verifier.machine.oracle import Fault, Unmodelled
from verifier.machine.registers import Cr0, Gpr, Mode
from verifier.machine.state import LoaderTables
from verifier.machine.words import FALSE, constant, known, symbol
from verifier.semantics.cpu import Cpu
from verifier.semantics.forms import FORMS
from verifier.semantics.instruction import decode
from verifier.semantics.table import execute

if TYPE_CHECKING:
    import random

    from claripy.ast.bool import Bool
    from claripy.ast.bv import BV

    from tests.semantics.encoding import Entry
    from verifier.machine.state import State
    from verifier.semantics.forms import Form

LOAD = symbol("load")
IMAGE = 0x2000
OFFSET = 0x123
IDENTITY_END = 1 << 46
CASES = 30
LOADS_32 = (0x10_0000, 0x7FFF_F000, 0xFFFF_0000)
LOADS_64 = (*LOADS_32, 0xFFFF_F000, 0x1_2345_6000, 0x3FFF_8765_4000)


@dataclass(slots=True)
class AtLoad:
    """An oracle that answers as the load address ``load`` would."""

    load: int

    def at(self, expression: BV) -> int | None:
        """Give the value of an expression at this load."""
        replaced = cast("BV", claripy.replace(expression, LOAD, constant(self.load)))
        return known(claripy.simplify(replaced))

    def decide(self, condition: Bool, _: object = None) -> bool:
        """Say whether the condition is true at this load."""
        return self.holds(condition)

    def holds(self, condition: Bool, _: object = None) -> bool:
        """Say whether the condition is true at this load."""
        replaced = cast("Bool", claripy.replace(condition, LOAD, constant(self.load)))
        return bool(claripy.simplify(replaced).is_true())

    def likely(self, condition: Bool) -> bool:
        """Say whether the condition is true at this load."""
        return self.holds(condition)

    def value(self, expression: BV, _: object = None) -> int | None:
        """Give the value at this load."""
        return self.at(expression)

    def fresh(self, name: str, width: int) -> BV:
        """Give an unknown of that name."""
        return symbol(name, width)


def state_at(base: BV, raw: bytes, mode: Mode, gprs: dict[Gpr, int]) -> State:
    """Give a state with ``raw`` at ``base`` plus the offset, in an identity map."""
    make = long_mode if mode.is_64 else protected_mode
    start = make("", gprs=gprs)
    state = state_of(start, MODELS[ModelName.RETAINING], bochs_features())
    content = bytes(OFFSET) + raw + (bytes(11) + bytes(range(1, 6))) * 128
    regions = (
        Region("image", base, IMAGE, content=content),
        Region("stack", constant(STACK - 0x1000), 0x2000, content=bytes(0x2000)),
    )
    root = constant(0x1_0000)
    loader = LoaderTables(root, FALSE, constant(IDENTITY_END))
    tables = (loader,) if state.cr0(Cr0.PG).is_true() else ()
    return replace(state, rip=base + OFFSET, memory=Memory(regions), tables=tables)


def execute_at(base: BV, raw: bytes, mode: Mode, gprs: dict[Gpr, int], load: int) -> Cpu | str:
    """Execute one instruction; give why where it ends the path."""
    instruction = decode(raw, mode)
    assert instruction is not None
    cpu = Cpu(state_at(base, raw, mode, gprs), AtLoad(load))
    try:
        execute(cpu, instruction)
    except (Fault, Unmodelled) as ended:
        return str(ended)
    return cpu


def compare(raw: bytes, mode: Mode, gprs: dict[Gpr, int], load: int) -> bool:
    """Assert that both executions agree; say whether either got to its end."""
    moving = execute_at(LOAD, raw, mode, gprs, load)
    fixed = execute_at(constant(load), raw, mode, gprs, load)
    if isinstance(moving, str) or isinstance(fixed, str):
        assert isinstance(moving, str) == isinstance(fixed, str), (moving, fixed)
        return False
    at = AtLoad(load).at
    assert at(moving.state.rip) == at(fixed.state.rip)
    for register in Gpr:
        assert at(moving.state.gpr(register)) == at(fixed.state.gpr(register)), register
    for flag, value in moving.state.flags.items():
        if not value.symbolic:
            assert at(value) == at(fixed.state.flags[flag]), flag
    stack = moving.state.memory.regions[1]
    for offset in moving.state.memory.cells.get("stack", {}):
        mine, other = (each.state.memory.cell(stack, offset) for each in (moving, fixed))
        assert _byte(mine, load) == _byte(other, load), offset
    return True


def _byte(cell: int | tuple[BV, int], load: int) -> int | None:
    if isinstance(cell, int):
        return cell
    value, index = cell
    whole = AtLoad(load).at(value)
    return None if whole is None else whole >> 8 * index & 0xFF


RELATIVE_64 = {
    "LEA, RIP-relative": "488d05 78060000",
    "LEA, RIP-relative, backwards": "488d05 f0ffffff",
    "LEA into 32 bits": "8d05 78060000",
    "MOV from RIP-relative": "488b05 78060000",
    "MOV to RIP-relative": "488905 78060000",
    "MOV imm32 to RIP-relative": "48c705 78060000 11223344",
    "ADD to RIP-relative": "480105 78060000",
    "CMP with RIP-relative": "483b05 78060000",
    "MOVZX from RIP-relative": "0fb605 78060000",
    "PUSH": "50",
    "CALL": "e8 78060000",
    "CALL backwards": "e8 00ffffff",
    "JMP rel32": "e9 78060000",
    "JMP rel8": "eb fe",
    "JE": "7410",
    "JNE": "7510",
    "JNE rel32": "0f8500010000",
    "a constant that looks like an address": "48b8 403c2b1a00000000",
    "a constant that looks like the other": "48b8 a792817f6e5d0000",
    "LGDT, RIP-relative": "0f0115 78060000",
    "SGDT, RIP-relative": "0f0105 78060000",
}
RELATIVE_32 = {
    "CALL": "e8 78060000",
    "CALL backwards": "e8 00ffffff",
    "JMP rel32": "e9 78060000",
    "JMP rel8": "eb fe",
    "JE": "7410",
    "JNE": "7510",
    "MOV imm32": "b8 403c2b1a",
    "PUSH imm32": "68 403c2b1a",
}


@pytest.mark.parametrize("load", LOADS_64)
@pytest.mark.parametrize("name", RELATIVE_64)
def test_relative_in_64_bit_mode(name: str, load: int, rng: random.Random) -> None:
    """What is relative to RIP moves with the load address, above 4G too."""
    gprs = {gpr: rng.getrandbits(64) for gpr in Gpr} | {Gpr.RSP: STACK}
    assert compare(bytes.fromhex(RELATIVE_64[name]), Mode.LONG_64, gprs, load)


@pytest.mark.parametrize("load", LOADS_32)
@pytest.mark.parametrize("name", RELATIVE_32)
def test_relative_in_32_bit_code(name: str, load: int, rng: random.Random) -> None:
    """In 32-bit code the address is the low half, and targets stay below 4G."""
    gprs = {gpr: rng.getrandbits(64) for gpr in Gpr} | {Gpr.RSP: STACK}
    assert compare(bytes.fromhex(RELATIVE_32[name]), Mode.PROTECTED_32, gprs, load)


@pytest.mark.parametrize("entry", FORMS, ids=name_of)
def test_every_form_at_a_symbolic_address(entry: Form, rng: random.Random) -> None:
    """No form computes anything from the nominal addresses of its lifts."""
    done = 0
    for mode in (Mode.LONG_64, Mode.PROTECTED_32):
        if mode not in modes_of(_as_entry(entry)):
            continue
        for _ in range(CASES):
            case = random_case(rng, entry, mode)
            gprs = dict(case.start.gprs) | {Gpr.RSP: STACK}
            load = rng.choice(LOADS_64 if mode.is_64 else LOADS_32)
            if compare(case.raw, mode, gprs, load):
                done += 1
                break
    assert done


def _as_entry(form: Form) -> Entry:
    return form
