"""P-code's operations compute what Ghidra's reference manual says, and each of them counts."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import claripy
import pytest
from pypcode import OpCode

from verifier.agreement import pcode
from verifier.agreement.alone import Place
from verifier.agreement.compare import compare, forget
from verifier.agreement.found import Agreed, Disagreed, NotCompared
from verifier.agreement.operations import MEANINGS, out_of_bit_3
from verifier.agreement.pcode import operations, pcode_outcomes
from verifier.agreement.products import without_products
from verifier.machine.oracle import Unmodelled
from verifier.machine.registers import Mode
from verifier.machine.words import constant, known, signed, symbol
from verifier.semantics.instruction import decode

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

    from claripy.ast.bv import BV

    from verifier.semantics.instruction import Instruction

TIMES = 40
WIDTHS = (8, 16, 32, 64)


def _shifted(one: int, count: int, width: int) -> int:
    return one << count if count < width else 0


def _fits(number: int, width: int) -> bool:
    return -(1 << width - 1) <= number < 1 << width - 1


OF_NUMBERS: dict[OpCode, Callable[[int, int, int], int]] = {
    OpCode.COPY: lambda one, _, __: one,
    OpCode.INT_2COMP: lambda one, _, __: -one,
    OpCode.INT_NEGATE: lambda one, _, __: ~one,
    OpCode.INT_ADD: lambda one, other, _: one + other,
    OpCode.INT_SUB: lambda one, other, _: one - other,
    OpCode.INT_MULT: lambda one, other, _: one * other,
    OpCode.INT_AND: lambda one, other, _: one & other,
    OpCode.INT_OR: lambda one, other, _: one | other,
    OpCode.INT_XOR: lambda one, other, _: one ^ other,
    OpCode.INT_LEFT: _shifted,
    OpCode.INT_RIGHT: lambda one, count, _: one >> count,
    OpCode.INT_SRIGHT: lambda one, count, width: signed(one, width) >> count,
    OpCode.INT_EQUAL: lambda one, other, _: one == other,
    OpCode.INT_NOTEQUAL: lambda one, other, _: one != other,
    OpCode.INT_LESS: lambda one, other, _: one < other,
    OpCode.INT_SLESS: lambda one, other, width: signed(one, width) < signed(other, width),
    OpCode.INT_CARRY: lambda one, other, width: one + other >> width,
    OpCode.INT_SCARRY: lambda one, other, width: (
        not _fits(signed(one, width) + signed(other, width), width)
    ),
    OpCode.INT_SBORROW: lambda one, other, width: (
        not _fits(signed(one, width) - signed(other, width), width)
    ),
    OpCode.BOOL_NEGATE: lambda one, _, __: not one & 1,
    OpCode.BOOL_AND: lambda one, other, _: one & other & 1,
    OpCode.BOOL_OR: lambda one, other, _: (one | other) & 1,
    OpCode.BOOL_XOR: lambda one, other, _: (one ^ other) & 1,
    OpCode.POPCOUNT: lambda one, _, __: one.bit_count(),
}
"""By the reference manual, of one or two inputs of equal width, given in bits."""
TRUTHS = {code for code in OF_NUMBERS if "EQUAL" in code.__name__ or "CARRY" in code.__name__}
TRUTHS |= {OpCode.INT_LESS, OpCode.INT_SLESS, OpCode.INT_SBORROW}
BOOLS = {code for code in OF_NUMBERS if "BOOL" in code.__name__}
RESIZING = {OpCode.INT_ZEXT, OpCode.INT_SEXT, OpCode.SUBPIECE}
SHIFTS = {OpCode.INT_LEFT, OpCode.INT_RIGHT, OpCode.INT_SRIGHT}


@pytest.fixture
def unforgetting() -> Iterator[None]:
    """Let no comparison with a wrong meaning be remembered, nor one without it be found."""
    forget()
    yield
    forget()


def _evaluated(code: OpCode, inputs: list[BV], width: int) -> int:
    number = known(claripy.simplify(MEANINGS[code](inputs, width)))
    assert number is not None
    return number


def test_every_operation_has_a_definition_here() -> None:
    """No operation is evaluated that these tests do not define again on numbers."""
    assert set(MEANINGS) == set(OF_NUMBERS) | RESIZING


@pytest.mark.parametrize("code", OF_NUMBERS, ids=lambda code: code.__name__)
def test_operation_on_numbers(code: OpCode, rng: random.Random) -> None:
    """An operation gives the number that its definition gives, at edges too."""
    for _ in range(TIMES):
        width = 8 if code in BOOLS else rng.choice(WIDTHS)
        edges = (0, 1, (1 << width) - 1, 1 << width - 1, (1 << width - 1) - 1)
        one, other = (rng.choice((*edges, rng.getrandbits(width))) for _ in range(2))
        if code in BOOLS:
            one, other = one & 1, other & 1
        if code in SHIFTS:
            other = rng.choice((0, 1, width - 1, width, 0xFF))
        out = 8 if code in TRUTHS | {OpCode.POPCOUNT} else width
        inputs = [constant(one, width), constant(other, 8 if code in SHIFTS else width)]
        expected = int(OF_NUMBERS[code](one, other, width)) % (1 << out)
        assert _evaluated(code, inputs, out) == expected, (one, other, width)


def test_operations_that_resize(rng: random.Random) -> None:
    """Extensions put zeros or the sign above; a piece lies so many bytes up."""
    for _ in range(TIMES):
        number = rng.getrandbits(32)
        value = constant(number, 32)
        assert _evaluated(OpCode.INT_ZEXT, [value], 64) == number
        assert _evaluated(OpCode.INT_SEXT, [value], 64) == signed(number, 32) % (1 << 64)
        piece = _evaluated(OpCode.SUBPIECE, [value, constant(1, 32)], 16)
        assert piece == number >> 8 & 0xFFFF


def test_auxiliary_carry_on_numbers(rng: random.Random) -> None:
    """AF is the carry or borrow out of bit 3, as of the low digits alone."""
    for _ in range(TIMES):
        one, other = rng.getrandbits(8), rng.getrandbits(8)
        pair = constant(one, 8), constant(other, 8)
        added = known(claripy.simplify(out_of_bit_3(*pair, pair[0] + pair[1])))
        taken = known(claripy.simplify(out_of_bit_3(*pair, pair[0] - pair[1])))
        assert added == ((one & 15) + (other & 15) > 15)
        assert taken == (one & 15 < other & 15)


SAMPLES = (
    *("01d8", "11d8", "29d8", "19d8", "f7d8", "f7d0", "21d8", "09d8", "31d8", "48c1e005"),
    *("48c1e805", "48c1f805", "7f10", "0f94c0", "6bc307", "480fafc3", "0fbec3", "99", "c0e003"),
    *("8d4302", "8d0578060000", "0fb6c3", "4863c3", "0f44c3", "f5", "c3", "50", "0fbaf805"),
)


@pytest.mark.parametrize("code", MEANINGS, ids=lambda code: code.__name__)
def test_wrong_operation_shows(
    code: OpCode, monkeypatch: pytest.MonkeyPatch, unforgetting: None
) -> None:
    """An operation whose lowest bit is wrong makes the meanings of some instruction disagree."""
    del unforgetting
    right = MEANINGS[code]
    wrong = {**MEANINGS, code: lambda values, width: right(values, width) ^ 1}
    using = [each for each in map(_decoded, SAMPLES) if _uses(each, code)]
    assert using
    assert all(isinstance(compare(each), Agreed) for each in using)
    forget()
    monkeypatch.setattr(pcode, "MEANINGS", MappingProxyType(wrong))
    assert any(isinstance(compare(each), Disagreed) for each in using)


def _decoded(code: str) -> Instruction:
    found = decode(bytes.fromhex(code), Mode.LONG_64)
    assert found is not None
    return found


def _uses(instruction: Instruction, code: OpCode) -> bool:
    ops = operations(instruction, Place(symbol("base"), 0))
    return any(each.code == code for each in ops)


def test_absolute_address_is_itself() -> None:
    """Where the code's address is a number, so is what is relative to it."""
    instruction = _decoded("488d0578060000")
    (outcome,) = pcode_outcomes(instruction, Place(None, 0x7C00))
    assert known(outcome.values["rax"]) == 0x7C00 + 7 + 0x678
    assert known(outcome.values["the next address"]) == 0x7C07


def test_relative_constant_does_not_come_from_a_nominal_address() -> None:
    """What is relative to the code is the base, any address, plus a distance."""
    base = symbol("base")
    (outcome,) = pcode_outcomes(_decoded("488d0578060000"), Place(base, 0x123))
    assert outcome.values["rax"] is base + (0x123 + 7 + 0x678)


def test_constant_that_looks_like_an_address_is_absolute() -> None:
    """An immediate that is one of the nominal addresses stays what it is."""
    for nominal in pcode.NOMINALS[True]:
        code = "48b8" + nominal.to_bytes(8, "little").hex()
        (outcome,) = pcode_outcomes(_decoded(code), Place(symbol("base"), 0))
        assert known(outcome.values["rax"]) == nominal


REFUSED = {
    "a user operation": "0fa2",
    "a register that is not modelled": "dec1",
    "no instruction": "0fff",
}


@pytest.mark.parametrize("why", REFUSED)
def test_unknown_p_code_has_no_meaning(why: str) -> None:
    """What this translation does not know is never passed over."""
    nop = _decoded("90")
    with pytest.raises(Unmodelled):
        pcode_outcomes(replace(nop, raw=bytes.fromhex(REFUSED[why])), Place(symbol("base"), 0))


def test_what_cannot_be_evaluated_is_not_compared(
    monkeypatch: pytest.MonkeyPatch, unforgetting: None
) -> None:
    """An operation on widths that do not fit leaves the instruction without a second meaning."""
    del unforgetting
    wrong = {**MEANINGS, OpCode.INT_ADD: lambda values, _: values[0] + values[1][6:0]}
    monkeypatch.setattr(pcode, "MEANINGS", MappingProxyType(wrong))
    found = compare(_decoded("01d8"))
    assert isinstance(found, NotCompared)
    assert "cannot be evaluated" in found.reason


def test_bytes_of_another_length_are_refused() -> None:
    """An instruction that SLEIGH takes to be shorter has no second meaning."""
    nop = _decoded("90")
    with pytest.raises(Unmodelled, match="another instruction"):
        pcode_outcomes(replace(nop, raw=bytes.fromhex("9090")), Place(symbol("base"), 0))


def test_products_become_unknowns_that_say_less(rng: random.Random) -> None:
    """What holds of numbers holds with the product of those numbers in the unknown's place."""
    one, other = symbol("one"), symbol("other")
    wide = one.sign_extend(64) * other.sign_extend(64)
    conditions = [one * other == wide[63:0], other * one == 12, (one * other)[7:0] != wide[71:64]]
    less = without_products(claripy.And(*conditions))
    assert less.variables == {"product 0"}
    for _ in range(TIMES):
        numbers = {one: rng.getrandbits(64), other: rng.getrandbits(64)}
        product = signed(numbers[one]) * signed(numbers[other])
        for condition in conditions:
            truth = condition
            for name, number in numbers.items():
                truth = claripy.replace(truth, name, constant(number))
            unknown = claripy.replace(
                without_products(condition), symbol("product 0", 128), constant(product, 128)
            )
            assert claripy.simplify(truth).is_true() == claripy.simplify(unknown).is_true()


def test_different_products_are_different_unknowns() -> None:
    """Nothing is taken to be equal that has other factors."""
    one, other, third = symbol("one"), symbol("other"), symbol("third")
    less = without_products(one * other == one * third)
    assert less.variables == {"product 0", "product 1"}
    shifted = one * 4 == other
    assert without_products(shifted) is shifted
