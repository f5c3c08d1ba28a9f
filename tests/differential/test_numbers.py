"""Whole machines on numbers, page tables and odd segments included, in every mode.

The cases are generated from the tables, so an entry without a comparison is an entry whose
test fails. A failure prints the instruction and what differs; the printed seed repeats it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.differential.harness import ENTRIES, Tally, combinations
from tests.differential.numbers import run
from tests.semantics.allowed import is_excepted
from tests.semantics.cases import random_case
from tests.semantics.compare import compare, run_ours
from tests.semantics.encoding import modes_of, name_of
from tests.semantics.scenes import SCENES, SHAPES, form_of
from verifier.execution.path import Faulted
from verifier.machine.registers import Vector
from verifier.replay import Engine
from verifier.semantics.rows import Row

if TYPE_CHECKING:
    import random

    from tests.conftest import Needs
    from tests.semantics.encoding import Entry
    from verifier.machine.registers import Mode
    from verifier.replay import Replayer

COMPARED = {True: 10, False: 2}
"""Comparisons that an entry must have in each mode, by whether it is a row written by hand."""
CASES_FOR_EACH = 12
"""Cases that may be needed for one comparison."""
CASES_FOR_FAULT = 4000
IN_QEMU = 12


@pytest.mark.parametrize(
    ("entry", "mode"),
    [
        pytest.param(entry, mode, id=f"{name_of(entry)} {mode.name}")
        for entry, mode in combinations()
    ],
)
def test_agrees_with_bochs(
    entry: Entry, mode: Mode, rng: random.Random, replayer: Replayer
) -> None:
    """Registers, flags, hidden parts, memory, mode and faults are those of Bochs."""
    tally, wanted = Tally(), COMPARED[isinstance(entry, Row)]
    for _ in range(wanted * CASES_FOR_EACH):
        run([(rng, entry, mode)], replayer, Engine.BOCHS, tally)
        assert not tally.divergences, str(tally.divergences[0])
        if tally.on_numbers[Engine.BOCHS].total() == wanted:
            return
    pytest.fail(f"only {tally.on_numbers[Engine.BOCHS].total()} of {wanted} comparisons")


def test_agrees_with_qemu(rng: random.Random, replayer: Replayer, needs: Needs) -> None:
    """What completes ends in QEMU as here, but for what QEMU is known to get wrong."""
    needs("qemu-system-x86_64")
    tally = Tally()
    while tally.on_numbers[Engine.QEMU].total() < IN_QEMU:
        run([(rng, *rng.choice(combinations()))], replayer, Engine.QEMU, tally)
    assert not tally.divergences, str(tally.divergences[0])


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
