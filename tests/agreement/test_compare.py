"""Both lifters give every allowed form one meaning, and a wrong meaning on either side shows.

The cases are generated from the list of forms, so a form that is never compared is a form
whose test fails.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.semantics.encoding import modes_of, name_of, random_instance
from verifier.agreement import compare as comparing
from verifier.agreement.alone import Accesses, Alone, Place
from verifier.agreement.compare import compare, forget
from verifier.agreement.found import MISTAKES, Agreed, Disagreed, NotCompared, comparison
from verifier.agreement.pcode import pcode_outcomes
from verifier.machine.registers import Flag, Gpr, Mode
from verifier.machine.words import bits, concat, constant, plus
from verifier.semantics import lifted
from verifier.semantics.cpu import Cpu
from verifier.semantics.forms import FORMS, Form
from verifier.semantics.instruction import decode
from verifier.solver import GaveUp, Solver

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterable, Iterator

    from claripy.ast.bool import Bool
    from claripy.ast.bv import BV

    from verifier.agreement.found import Agreement, Mistake
    from verifier.solver import Answer, Fact

CASES = 2
TRIES = 20
DRAWN = 400
NOT_COMPARED = (
    # The first lifter refuses a useless REX.W before a direct jump, so no path executes it.
    r"the lifter does not know bytes (66 )*4[0-9a-f] (eb|e9) .*",
    # SLEIGH has NOP m of 16 and 32 bits alone.
    r"P-code has no meaning for bytes (66 )*4[89a-f] 0f 1f .*",
)
"""Why an encoding of an allowed form may be without a second meaning."""


def of(code: str, mode: Mode = Mode.LONG_64) -> Agreement:
    """Compare the meanings of one instruction, given in hexadecimal."""
    instruction = decode(bytes.fromhex(code), mode)
    assert instruction is not None
    found = compare(instruction)
    assert found is not None
    return found


def differing(code: str, mode: Mode = Mode.LONG_64) -> set[str]:
    """Give the names of what is unequal of an instruction."""
    found = of(code, mode)
    assert isinstance(found, Disagreed), found
    assert found.vex
    assert found.pcode
    return {each.name for each in found.unequal}


@pytest.fixture
def unforgetting() -> Iterator[None]:
    """Let no comparison with a wrong meaning be remembered, nor one without it be found."""
    forget()
    yield
    forget()


def combinations() -> list[object]:
    """Give each form in each width of code in which it exists."""
    return [
        pytest.param(form, mode, id=f"{name_of(form)} {mode.name}")
        for form in FORMS
        for mode in modes_of(form)
        if mode is not Mode.COMPATIBILITY
    ]


@pytest.mark.parametrize(("form", "mode"), combinations())
def test_every_form_agrees(form: Form, mode: Mode, rng: random.Random) -> None:
    """From every start, instances of a form leave the same by both lifters."""
    agreed = 0
    for _ in range(TRIES):
        raw = random_instance(rng, form, mode).raw
        found = of(raw.hex(), mode)
        if isinstance(found, NotCompared):
            assert any(re.fullmatch(reason, found.reason) for reason in NOT_COMPARED), found
            continue
        assert isinstance(found, Agreed), found.sentence
        assert found.form == form.name
        agreed += 1
        if agreed == CASES:
            return
    pytest.fail(f"only {agreed} of {CASES} comparisons")


BOUNDARIES = {
    "shift by 0": "c1e000",
    "shift right by 1, counted": "c1e801",
    "arithmetic shift by 1, counted": "c1f801",
    "shift by the operand's width": "c0e008",
    "shift by more than the operand's width": "c0f81f",
    "a count that is taken modulo 32": "c1e021",
    "a count that is taken modulo 64": "48c1f83f",
    "the stack pointer pushed": "54",
    "the stack pointer popped": "5c",
    "a call to what follows": "e800000000",
    "a branch to what follows": "7400",
    "a branch to itself": "75fe",
    "AH, and not SPL": "88fc",
    "SPL, and not AH": "4088fc",
    "an address relative to RIP": "488d0578060000",
    "half an address relative to RIP": "8d0578060000",
    "a store relative to RIP": "48890578060000",
    "an update relative to RIP": "480105f0ffffff",
    "a NOP with a prefix that names no register": "4490",
    "a prefix that is repeated": "666601d8",
    "a prefix that is repeated before a NOP": "666690",
    "a register and its own address": "480300",
    "a product of 64 bits": "480fafc3",
    "a product with memory": "4c0faf6cb1fb",
    "a square": "480fafc0",
    "an exchange with itself": "4887c0",
    "a negative immediate": "4883c0ff",
}


@pytest.mark.parametrize("name", BOUNDARIES)
def test_boundaries_agree(name: str) -> None:
    """Where lifters are known to stumble, these do not, or not both the same way."""
    assert isinstance(of(BOUNDARIES[name]), Agreed)


def test_32_bit_code() -> None:
    """In 32-bit code addresses, stack and next address are 32 bits wide by both."""
    for code in ("50", "58", "c3", "e8fbffffff", "7480", "8b4424fc", "ffe0"):
        assert isinstance(of(code, Mode.PROTECTED_32), Agreed), code


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda each: each.value)
def test_known_mistakes_are_there(
    mistake: Mistake, monkeypatch: pytest.MonkeyPatch, unforgetting: None, rng: random.Random
) -> None:
    """What is not compared differs indeed, and nothing beside it does."""
    del unforgetting
    met: set[str] = set()
    monkeypatch.setattr(comparing, "MISTAKES", ())
    forms = [form for form in FORMS if form.name in mistake.forms]
    assert {form.name for form in forms} == mistake.forms
    for form, mode in [(each, mode) for each in forms for mode in modes_of(each)]:
        raws = [random_instance(rng, form, mode).raw for _ in range(DRAWN)]
        for raw in [raw for raw in raws if mistake.concerns(form.name, raw)][:CASES]:
            assert differing(raw.hex(), mode) == {mistake.value}
            met.add(form.name)
    assert met == mistake.forms


def test_undefined_flags_are_not_compared() -> None:
    """AF after AND is whatever each lifter says: the manual leaves it undefined."""
    instruction = decode(bytes.fromhex("21d8"), Mode.LONG_64)
    assert instruction is not None
    assert isinstance(compare(instruction), Agreed)


def test_system_instructions_are_not_compared() -> None:
    """What has a row of its own is not taken from either lifter."""
    for code in ("0f20c0", "f4", "ff10", "f3a4"):
        instruction = decode(bytes.fromhex(code), Mode.LONG_64)
        assert instruction is not None
        assert compare(instruction) is None


# Wrong meanings of the first lifter


def _wrong_flag(self: Cpu, flag: Flag, value: BV) -> None:
    self.state.flags[flag]
    RIGHT_FLAG(self, flag, ~value if flag is Flag.CF else value)


def _half(self: Cpu, number: int, value: BV) -> None:
    RIGHT_GPR(self, number, concat(bits(self.gpr(number), 63, 32), bits(value, 31, 0)))


def _swapped(self: Cpu, number: int, value: BV) -> None:
    RIGHT_GPR(self, number ^ 1, value)


def _stored_low(self: Accesses, address: BV, value: BV) -> None:
    RIGHT_STORE(self, address, bits(value, 31, 0))


def _stored_beside(self: Accesses, address: BV, value: BV) -> None:
    RIGHT_STORE(self, plus(address, 1), value)


def _read_beside(self: Alone, linear: BV, size: int, *, updates: bool = False) -> BV:
    del updates
    return self.accesses.load(plus(linear, 1), size)


def _not_read(self: Alone, linear: BV, size: int, *, updates: bool = False) -> BV:
    del self, linear, updates
    return constant(0, 8 * size)


def _late(self: Alone, size: int) -> None:
    RIGHT_ADVANCE(self, size + 1)


RIGHT_FLAG, RIGHT_GPR, RIGHT_STORE = Cpu.set_flag, Cpu.set_gpr, Accesses.store
RIGHT_ADVANCE = Alone.advance
WRONG: dict[str, tuple[type, str, Callable[..., object], str, set[str]]] = {
    "a flag turned round": (Alone, "set_flag", _wrong_flag, "01d8", {"CF"}),
    "32 bits that keep the rest": (Alone, "set_gpr", _half, "89d8", {"rax"}),
    "another register": (Alone, "set_gpr", _swapped, "4889d8", {"rax", "rcx"}),
    "half of a push": (
        *(Alone, "store"),
        lambda self, linear, value: _stored_low(self.accesses, linear, value),
        *(
            "50",
            {f"{what}write 1, of {n} bytes" for what in ("", "the address of ") for n in (4, 8)},
        ),
    ),
    "a store beside": (
        *(Alone, "store"),
        lambda self, linear, value: _stored_beside(self.accesses, linear, value),
        *("8807", {"the address of write 1, of 1 bytes"}),
    ),
    "a load beside": (Alone, "load", _read_beside, "8a07", {"the address of read 1, of 1 bytes"}),
    "a load left out": (
        *(Alone, "load", _not_read, "8a07"),
        {"the address of read 1, of 1 bytes", "rax"},
    ),
    "a branch that goes on too late": (Alone, "advance", _late, "7410", {"the next address"}),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_meaning_of_the_first_lifter_shows(
    name: str, monkeypatch: pytest.MonkeyPatch, unforgetting: None
) -> None:
    """A wrong flag, width, register, address or way is told by its name."""
    del unforgetting
    owner, attribute, wrong, code, names = WRONG[name]
    assert isinstance(of(code), Agreed)
    forget()
    monkeypatch.setattr(owner, attribute, wrong, raising=False)
    assert set() < differing(code) <= names


def test_wrong_thunk_shows(monkeypatch: pytest.MonkeyPatch, unforgetting: None) -> None:
    """Flags made by the wrong helper, as of the other width of code, are told."""
    del unforgetting
    helpers = {True: "x86g_calculate_eflags_all", False: "amd64g_calculate_rflags_all"}
    monkeypatch.setattr(lifted, "HELPERS", helpers)
    found = of("4829d8")
    assert not isinstance(found, Agreed)


class _Hesitant(Solver):
    """Gives up at the first question; ``asked`` counts them."""

    asked = 0

    def ask(self, purpose: str, facts: Iterable[Fact], *goals: Bool) -> Answer:
        """Give up, the first time."""
        self.asked += 1
        return GaveUp("it is tired") if self.asked == 1 else super().ask(purpose, facts, *goals)


def test_a_disagreement_is_told_though_the_solver_gave_up_on_another_way(
    monkeypatch: pytest.MonkeyPatch, unforgetting: None
) -> None:
    """Each pair of ways is asked about; that they agree is not said where one is unknown."""
    del unforgetting
    solver = _Hesitant(10.0)
    monkeypatch.setattr(comparing, "_solver", lambda: solver)
    assert isinstance(of("0f44c1"), NotCompared)
    forget()
    monkeypatch.setattr(Alone, "set_gpr", _swapped)
    solver = _Hesitant(10.0)
    assert isinstance(of("0f44c1"), Disagreed)


# What is told


def test_disagreement_tells_both_meanings(
    monkeypatch: pytest.MonkeyPatch, unforgetting: None
) -> None:
    """The sentence has the instruction, both values and a start; both meanings are listed."""
    del unforgetting
    monkeypatch.setattr(Alone, "set_flag", _wrong_flag)
    found = of("01d8")
    assert isinstance(found, Disagreed)
    assert "two lifters disagree on `addl %ebx, %eax` (bytes 01 d8): CF is 0x" in found.sentence
    assert re.search(r"from rax = 0x[0-9a-f]+, rbx = 0x[0-9a-f]+$", found.sentence)
    assert any("Add32" in each for each in found.vex)
    assert any("CF = carry(EAX, EBX)" in each for each in found.pcode)


def test_comparison_counts_forms_once() -> None:
    """A form agrees where all its instructions do; what does not is told apart."""
    refused = of("480f1f00")
    found = comparison((of("01d8"), of("01c8"), of("d1e8"), of("0f1f00"), refused))
    assert found.forms == ("ADD r/m, r", "SHR r/m, 1")
    assert found.compared == 4
    assert [(form, each.value) for form, each in found.apart] == [("SHR r/m, 1", "OF")]
    assert isinstance(refused, NotCompared)
    assert found.uncompared == (refused,)
    assert "(bytes 48 0f 1f 00): P-code has no meaning" in refused.sentence


def test_no_register_is_left_out() -> None:
    """All sixteen registers are compared in 64-bit code, eight in 32-bit code."""
    for mode, count in ((Mode.LONG_64, 16), (Mode.PROTECTED_32, 8)):
        instruction = decode(b"\x90", mode)
        assert instruction is not None
        (outcome,) = pcode_outcomes(instruction, Place(comparing.BASE, 0))
        names = {each.name.lower() for each in Gpr} | {f"e{each.name[1:].lower()}" for each in Gpr}
        assert len(names & set(outcome.values)) == count
