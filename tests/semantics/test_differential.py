"""Every row and every form does what Bochs does, in every mode in which it exists.

The cases are generated from the tables, so an entry without a comparison is an entry whose
test fails. A failure prints the instruction and what differs; the printed seed repeats it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.semantics.allowed import is_allowed, is_excepted
from tests.semantics.cases import random_case
from tests.semantics.compare import compare, run_ours
from tests.semantics.encoding import Entry, modes_of, name_of
from tests.semantics.scenes import SCENES, SHAPES, form_of
from verifier.execution.path import Faulted
from verifier.machine.registers import Mode, Vector
from verifier.semantics.forms import FORMS
from verifier.semantics.rows import Row
from verifier.semantics.table import SYSTEM_ROWS

if TYPE_CHECKING:
    import random

    from verifier.replay import Replayer

ENTRIES: tuple[Entry, ...] = (*SYSTEM_ROWS, *FORMS)
COMPARED = {True: 10, False: 2}
"""Comparisons that an entry must have in each mode, by whether it is a row written by hand."""
CASES_FOR_EACH = 12
"""Cases that may be needed for one comparison."""
CASES_FOR_FAULT = 4000


def combinations() -> list[object]:
    """Give each entry in each of its modes."""
    return [
        pytest.param(entry, mode, id=f"{name_of(entry)} {mode.name}")
        for entry in ENTRIES
        for mode in modes_of(entry)
    ]


@pytest.mark.parametrize(("entry", "mode"), combinations())
def test_agrees_with_bochs(
    entry: Entry, mode: Mode, rng: random.Random, replayer: Replayer
) -> None:
    """Registers, flags, hidden parts, memory, mode and faults are those of Bochs."""
    wanted = COMPARED[isinstance(entry, Row)]
    compared = 0
    for _ in range(wanted * CASES_FOR_EACH):
        case = random_case(rng, entry, mode)
        outcome = compare(case, replayer)
        assert not outcome.unmodelled or is_allowed(outcome.unmodelled), case
        if outcome.differences and is_excepted(case.name, outcome.differences):
            continue
        assert not outcome.differences, f"{case}\n" + "\n".join(outcome.differences)
        compared += outcome.differences is not None
        if compared == wanted:
            return
    pytest.fail(f"only {compared} of {wanted} comparisons")


FAULTS = {
    "MOV CRn, r": (Vector.GP, Vector.UD),
    "MOV r, CRn": (Vector.UD,),
    "WRMSR": (Vector.GP,),
    "RET far": (Vector.GP, Vector.NP, Vector.SS, Vector.PF),
    "RET far imm16": (Vector.GP, Vector.NP, Vector.SS, Vector.PF),
    "JMP ptr16:32": (Vector.GP, Vector.NP, Vector.PF),
    "CALL ptr16:32": (Vector.GP, Vector.NP, Vector.SS, Vector.PF),
    "JMP m16:32": (Vector.GP, Vector.NP, Vector.PF),
    "CALL m16:32": (Vector.GP, Vector.NP, Vector.SS, Vector.PF),
    "SGDT m": (Vector.GP, Vector.SS, Vector.PF),
    "LGDT m": (Vector.GP, Vector.SS, Vector.PF),
    "MOV Sreg, r/m16": (Vector.GP, Vector.NP, Vector.SS, Vector.UD, Vector.PF),
    "MOV r/m, Sreg": (Vector.GP, Vector.PF),
    "MOVS m, m": (Vector.GP, Vector.PF),
    "STOS m8": (Vector.GP, Vector.PF),
    "PUSHF": (Vector.SS, Vector.PF),
    "POPF": (Vector.SS, Vector.PF),
    "UD2": (Vector.UD,),
    "ADD r/m, r": (Vector.GP, Vector.SS, Vector.PF),
    "MOV r, r/m": (Vector.GP, Vector.SS, Vector.PF),
    "CMOVE r, r/m": (Vector.GP, Vector.SS, Vector.PF),
    "JMP r/m": (Vector.GP, Vector.PF),
    "CALL rel32": (Vector.SS, Vector.PF),
    "CALL m64": (Vector.GP, Vector.SS, Vector.PF),
    "RET": (Vector.GP, Vector.SS, Vector.PF),
}
"""Faults that must be among the comparisons, by the manual's form."""


@pytest.mark.parametrize(
    ("form", "vector"), [(form, vector) for form, vectors in FAULTS.items() for vector in vectors]
)
def test_fault_agrees_with_bochs(
    form: str, vector: Vector, rng: random.Random, replayer: Replayer
) -> None:
    """Each kind of fault of an instruction is raised where Bochs raises it."""
    entry = next(each for each in ENTRIES if name_of(each).startswith(f"{form} ["))
    for _ in range(CASES_FOR_FAULT):
        case = random_case(rng, entry, rng.choice(modes_of(entry)))
        ending = run_ours(case).ending
        if not isinstance(ending, Faulted) or ending.vector is not vector:
            continue
        outcome = compare(case, replayer)
        if outcome.differences is not None and not is_excepted(case.name, outcome.differences):
            assert not outcome.differences, f"{case}\n" + "\n".join(outcome.differences)
            return
    pytest.fail(f"no case raises {vector.mnemonic}")


def test_entries_are_distinct() -> None:
    """No two entries have the same form and opcode line, so that none shadows another's test."""
    names = [name_of(entry) for entry in ENTRIES]
    assert len(set(names)) == len(names)
    assert all(modes_of(entry) for entry in ENTRIES)


def test_scenes_belong_to_entries() -> None:
    """Every scene and every shape is of a form of the tables."""
    forms = {form_of(entry) for entry in ENTRIES}
    assert set(SCENES) <= forms
    assert set(SHAPES) <= forms
    assert set(FAULTS) <= forms
