"""Processor models: what registers hold after a stay in 32-bit code.

Both manuals leave bits 63:32 of the general registers undefined once 64-bit mode is left
("General-Purpose Registers in 64-Bit Mode"); processors and emulators keep them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

import claripy
from claripy.ast.bv import BV

from verifier.machine.registers import LEGACY_GPRS, Gpr
from verifier.machine.words import (
    WORD,
    bits,
    concat,
    constant,
    extend,
    low32,
)

Gprs = tuple[BV, ...]
"""The sixteen general registers, 64 bits each, by number."""

Fresh = Callable[[str, int], BV]
"""Gives an undetermined value of that name and width."""

UPPER = 32


class ModelName(Enum):
    """The name of a processor model, as specs and reports give it."""

    ARCHITECTURAL = "architectural"
    RETAINING = "retaining"
    ZEROING = "zeroing"


class Upper(Enum):
    """What becomes of bits that the manuals leave undefined."""

    KEPT = "kept"
    ZERO = "zero"
    UNDEFINED = "any value"


@dataclass(frozen=True, slots=True)
class ProcessorModel:
    """One processor, as far as the manuals leave a choice.

    ``on_leaving`` speaks of bits 63:32 of the eight legacy registers at the switch to 32-bit
    code, ``on_entering`` of the same bits at the switch back, ``extended`` of R8 to R15 at the
    switch back when paging was off in between. ``may_cut_rsp`` leaves open whether RSP[63:32]
    survive the switch to 32-bit code.
    """

    name: ModelName
    on_leaving: Upper
    on_entering: Upper
    extended: Upper
    may_cut_rsp: bool

    def leaving_64(self, gprs: Gprs, fresh: Fresh) -> Gprs:
        """Give the registers after the switch from 64-bit mode to 32-bit code."""
        after = [
            _upper(self.on_leaving, gprs[number], f"{Gpr(number).name.lower()}[63:32]", fresh)
            if number in LEGACY_GPRS
            else gprs[number]
            for number in range(len(gprs))
        ]
        if self.may_cut_rsp:
            rsp = gprs[Gpr.RSP]
            kept = fresh("rsp-kept", 1) == 1
            upper = claripy.If(kept, bits(rsp, WORD - 1, UPPER), constant(0, UPPER))
            after[Gpr.RSP] = concat(upper, low32(rsp))
        return tuple(after)

    def entering_64(self, gprs: Gprs, *, paging_was_off: bool, fresh: Fresh) -> Gprs:
        """Give the registers after the switch from 32-bit code to 64-bit mode."""
        extended = self.extended if paging_was_off else Upper.KEPT
        return tuple(
            _upper(self.on_entering, value, f"{Gpr(number).name.lower()}[63:32]", fresh)
            if number in LEGACY_GPRS
            else _whole(extended, value, Gpr(number).name.lower(), fresh)
            for number, value in enumerate(gprs)
        )


def _upper(choice: Upper, value: BV, name: str, fresh: Fresh) -> BV:
    match choice:
        case Upper.KEPT:
            return value
        case Upper.ZERO:
            return extend(low32(value))
        case Upper.UNDEFINED:
            return concat(fresh(name, UPPER), low32(value))


def _whole(choice: Upper, value: BV, name: str, fresh: Fresh) -> BV:
    match choice:
        case Upper.KEPT:
            return value
        case Upper.ZERO:
            return constant(0)
        case Upper.UNDEFINED:
            return fresh(name, WORD)


MODELS: Mapping[ModelName, ProcessorModel] = MappingProxyType(
    {
        ModelName.ARCHITECTURAL: ProcessorModel(
            name=ModelName.ARCHITECTURAL,
            on_leaving=Upper.KEPT,
            on_entering=Upper.UNDEFINED,
            extended=Upper.UNDEFINED,
            may_cut_rsp=False,
        ),
        ModelName.RETAINING: ProcessorModel(
            name=ModelName.RETAINING,
            on_leaving=Upper.KEPT,
            on_entering=Upper.KEPT,
            extended=Upper.KEPT,
            may_cut_rsp=True,
        ),
        ModelName.ZEROING: ProcessorModel(
            name=ModelName.ZEROING,
            on_leaving=Upper.ZERO,
            on_entering=Upper.KEPT,
            extended=Upper.KEPT,
            may_cut_rsp=False,
        ),
    }
)
"""The models that PROVED may name."""
