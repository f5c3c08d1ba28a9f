"""The flags that forms leave undefined are those of the manual, neither more nor fewer.

SDM vol. 1, appendix A, "EFLAGS Cross-Reference". A flag too few would trust what no manual
promises; a flag too many would refute code that is right.
"""

from __future__ import annotations

import pytest

from tests.semantics.manual import UNDEFINED
from verifier.machine.registers import Flag, Mode
from verifier.semantics.forms import FORMS, Form, find_form
from verifier.semantics.instruction import decode

COUNTS = {
    "c0e000": set(),
    "c0e001": {Flag.AF},
    "c0e007": {Flag.AF, Flag.OF},
    "c0e008": {Flag.AF, Flag.OF, Flag.CF},
    "c0e81f": {Flag.AF, Flag.OF, Flag.CF},
    "c0e020": set(),
    "c0f81f": {Flag.AF, Flag.OF},
    "66c1e00f": {Flag.AF, Flag.OF},
    "66c1e010": {Flag.AF, Flag.OF, Flag.CF},
    "c1e01f": {Flag.AF, Flag.OF},
    "c1e020": set(),
    "c1e021": {Flag.AF},
    "48c1e020": {Flag.AF, Flag.OF},
    "48c1e03f": {Flag.AF, Flag.OF},
    "48c1e040": set(),
    "d1e0": {Flag.AF},
}
"""By the bytes of a shift in 64-bit mode."""


@pytest.mark.parametrize("form", [form for form in FORMS if not form.shifts], ids=lambda f: f.name)
def test_undefined_flags(form: Form) -> None:
    """Each mnemonic leaves undefined what the cross-reference marks so."""
    assert form.undefined == UNDEFINED.get(form.name.split()[0], set())


@pytest.mark.parametrize("code", COUNTS)
def test_shift_leaves_flags_by_its_count(code: str) -> None:
    """A count of 0 leaves all alone, 1 defines OF, and CF is lost by the operand's width."""
    instruction = decode(bytes.fromhex(code), Mode.LONG_64)
    assert instruction is not None
    form = find_form(instruction)
    assert form is not None
    assert form.undefined_flags(instruction) == COUNTS[code]


REFUSED = {
    "66 BSWAP is undefined": "660fc8",
    "PUSH imm with 66 is lifted wrong": "666a01",
    "an address-size prefix": "678b00",
    "a segment override": "648b00",
    "LOCK": "f00101",
    "REP before what does not repeat": "f301c0",
    "XCHG with memory is locked": "8700",
    "PAUSE with REX.B": "f34190",
    "NOP with REX.B is an exchange": "4190",
    "66 before a near return": "66c3",
    "66 before a near jump": "66eb00",
}


@pytest.mark.parametrize("why", REFUSED)
def test_not_on_the_list(why: str) -> None:
    """What the list does not name by form and prefix has no meaning."""
    instruction = decode(bytes.fromhex(REFUSED[why]), Mode.LONG_64)
    assert instruction is not None
    assert find_form(instruction) is None


def test_inc_by_one_byte_is_no_instruction_of_64_bit_mode() -> None:
    """40 to 4F are INC and DEC in 32-bit code and REX in 64-bit mode."""
    narrow = decode(b"\x40", Mode.PROTECTED_32)
    assert narrow is not None
    found = find_form(narrow)
    assert found is not None
    assert found.name == "INC r"
    wide = decode(b"\x40\x90", Mode.LONG_64)
    assert wide is not None
    assert wide.rex == 0x40
