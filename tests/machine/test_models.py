"""Processor models differ in the upper halves of registers, and in nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import claripy
import pytest

from tests.machine.build import value_at
from verifier.machine.models import MODELS, ModelName
from verifier.machine.registers import LEGACY_GPRS, Gpr
from verifier.machine.words import bits, constant, extend, low32, symbol

if TYPE_CHECKING:
    from claripy.ast.bv import BV

GPRS = tuple(symbol(register.name) for register in Gpr)
EXTENDED = tuple(register for register in Gpr if register not in LEGACY_GPRS)


def fresh(name: str, width: int) -> BV:
    """Give an unknown that says that it is one."""
    return symbol(f"fresh {name}", width)


def at(model: ModelName, *, paging_was_off: bool) -> tuple[BV, ...]:
    """Give the registers after a stay in 32-bit code that touched none of them."""
    left = MODELS[model].leaving_64(GPRS, fresh)
    return MODELS[model].entering_64(left, paging_was_off=paging_was_off, fresh=fresh)


def test_every_model_is_there() -> None:
    """A model's record bears the name it is found by."""
    assert {name: model.name for name, model in MODELS.items()} == {
        name: name for name in ModelName
    }


@pytest.mark.parametrize("name", list(ModelName))
@pytest.mark.parametrize("register", LEGACY_GPRS)
def test_low_halves_are_kept(name: ModelName, register: Gpr) -> None:
    """No model changes bits 31:0 of the registers that 32-bit code can name."""
    after = at(name, paging_was_off=True)[register]
    assert value_at(low32(after), GPRS[register], 0x1234_5678_9ABC_DEF0) == 0x9ABC_DEF0


@pytest.mark.parametrize("register", LEGACY_GPRS)
def test_architectural_upper_halves(register: Gpr) -> None:
    """By the manuals the upper halves are anything, RSP's included, whatever was written."""
    model = MODELS[ModelName.ARCHITECTURAL]
    written = tuple(constant(5) for _ in Gpr)
    after = model.entering_64(written, paging_was_off=False, fresh=fresh)[register]
    assert bits(after, 63, 32) is fresh(f"{register.name.lower()}[63:32]", 32)
    assert bits(after, 31, 0) is constant(5, 32)


@pytest.mark.parametrize("register", EXTENDED)
def test_extended_registers(register: Gpr) -> None:
    """R8 to R15 are lost by the manuals only if paging was off in between."""
    assert at(ModelName.ARCHITECTURAL, paging_was_off=False)[register] is GPRS[register]
    lost = at(ModelName.ARCHITECTURAL, paging_was_off=True)[register]
    assert lost is fresh(register.name.lower(), 64)
    for name in (ModelName.RETAINING, ModelName.ZEROING):
        assert at(name, paging_was_off=True)[register] is GPRS[register]


@pytest.mark.parametrize("register", LEGACY_GPRS)
def test_zeroing(register: Gpr) -> None:
    """A zeroing processor has cut the upper halves when 32-bit code begins."""
    left = MODELS[ModelName.ZEROING].leaving_64(GPRS, fresh)
    assert left[register] is extend(low32(GPRS[register]))
    assert at(ModelName.ZEROING, paging_was_off=True)[register] is left[register]


@pytest.mark.parametrize("register", LEGACY_GPRS)
def test_retaining(register: Gpr) -> None:
    """A retaining processor keeps all but perhaps RSP's upper half: that is one free bit."""
    after = at(ModelName.RETAINING, paging_was_off=True)[register]
    if register is not Gpr.RSP:
        assert after is GPRS[register]
        return
    kept, cut = (
        value_at(value_at_free_bit(after, bit), GPRS[register], 0x1234_5678_9ABC_DEF0)
        for bit in (1, 0)
    )
    assert kept == 0x1234_5678_9ABC_DEF0
    assert cut == 0x9ABC_DEF0


def value_at_free_bit(value: BV, bit: int) -> BV:
    """Give RSP where the free bit is decided."""
    return cast("BV", claripy.replace(value, fresh("rsp-kept", 1), constant(bit, 1)))
