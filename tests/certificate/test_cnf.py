"""The clauses of a circuit hold for exactly the values that its gates have."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest

from tests.certificate.tables import Table, every
from verifier.certificate.circuit import FALSE, TRUE, Circuit
from verifier.certificate.cnf import clauses, dimacs, variables

if TYPE_CHECKING:
    from verifier.certificate.circuit import Literal


def outputs() -> tuple[Circuit, list[Literal], list[Literal]]:
    """Give a circuit over three inputs, them, and outputs of each kind and sign."""
    circuit = Circuit(100)
    a, b, c = inputs = [circuit.input() for _ in range(3)]
    both, differ, choice = circuit.both(a, b ^ 1), circuit.differ(b, c), circuit.choose(a, b, c ^ 1)
    mixed = circuit.choose(differ, both, choice ^ 1)
    return circuit, inputs, [s ^ each for each in (a, both, differ, choice, mixed) for s in (0, 1)]


CIRCUIT, INPUTS, OUTPUTS = outputs()


@pytest.mark.parametrize("output", OUTPUTS)
def test_clauses_have_the_solutions_of_the_circuit(output: Literal) -> None:
    """Each solution is an input that makes the output true, with the gates' values, and back."""
    variable = variables(CIRCUIT, output)
    found = clauses(CIRCUIT, output)
    table = Table(CIRCUIT, every(INPUTS), 8)
    right = {
        tuple(bool(table[2 * number] >> row & 1) for number in variable)
        for row in range(8)
        if table[output] >> row & 1
    }
    solutions = {
        values
        for values in product((False, True), repeat=len(variable))
        if all(any(values[abs(x) - 1] == (x > 0) for x in clause) for clause in found)
    }
    assert solutions == right


def test_constant_outputs() -> None:
    """What is always true has no clauses, what is never true has no solution."""
    assert clauses(CIRCUIT, TRUE) == []
    assert clauses(CIRCUIT, FALSE) == [(1,), (-1,)]


@pytest.mark.parametrize("output", OUTPUTS)
def test_only_the_last_clause_is_a_unit(output: Literal) -> None:
    """All but the last have two literals or more, as CaDiCaL's numbering of clauses needs it."""
    *rest, last = clauses(CIRCUIT, output)
    assert len(last) == 1
    assert all(len(clause) > 1 for clause in rest)


def test_dimacs() -> None:
    """The text has one header, one line a clause, and no comments, which ACL2's reader refuses."""
    assert dimacs([(1, -2), (2,)]) == "p cnf 2 2\n1 -2 0\n2 0\n"
    assert dimacs([]) == "p cnf 0 0\n"
