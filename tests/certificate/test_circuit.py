"""A circuit's gates mean what they are called, however much of them is folded away."""

from __future__ import annotations

from itertools import product

import pytest

from tests.certificate.tables import Table, every
from verifier.certificate.circuit import (
    ASKED_PER_NODE,
    FALSE,
    TRUE,
    Circuit,
    Kind,
    TooManyGates,
)


def literals(circuit: Circuit) -> tuple[list[int], list[int]]:
    """Give three inputs, and literals over them of each kind, each of both signs."""
    a, b, c = inputs = [circuit.input() for _ in range(3)]
    gates = [circuit.both(a, b), circuit.differ(b, c), circuit.choose(a, b, c)]
    return inputs, [sign ^ each for each in (FALSE, *inputs, *gates) for sign in (0, 1)]


def test_gates_of_two_operands() -> None:
    """And, or and xor are right for all operands: constants, equal, opposite, nested ones."""
    circuit = Circuit(1000)
    inputs, some = literals(circuit)
    made = {
        (a, b): (circuit.both(a, b), circuit.either(a, b), circuit.differ(a, b))
        for a, b in product(some, repeat=2)
    }
    table = Table(circuit, every(inputs), 8)
    for (a, b), (both, either, differ) in made.items():
        assert table[both] == table[a] & table[b]
        assert table[either] == table[a] | table[b]
        assert table[differ] == table[a] ^ table[b]


def test_choice_of_any_operands() -> None:
    """A choice is right for all conditions and branches, folded or not."""
    circuit = Circuit(10_000)
    inputs, some = literals(circuit)
    made = {each: circuit.choose(*each) for each in product(some, repeat=3)}
    table = Table(circuit, every(inputs), 8)
    for (c, yes, no), choice in made.items():
        assert table[choice] == (table[c] & table[yes]) | (table[c ^ 1] & table[no])


def test_conjunction() -> None:
    """The conjunction of none is true, of some it is true where all are."""
    circuit = Circuit(100)
    a, b, c = inputs = [circuit.input() for _ in range(3)]
    assert circuit.all(()) == TRUE
    found = circuit.all((a, b ^ 1, c))
    assert Table(circuit, every(inputs), 8)[found] == 1 << 0b101


def test_equal_gates_are_one() -> None:
    """The same operands in another order, or negated, make no new gate."""
    circuit = Circuit(100)
    a, b = circuit.input(), circuit.input()
    first = circuit.both(a, b), circuit.differ(a, b), circuit.choose(a, b, TRUE)
    count = len(circuit.nodes)
    assert circuit.both(b, a) == first[0]
    assert circuit.differ(b ^ 1, a) == first[1] ^ 1
    assert circuit.choose(a ^ 1, TRUE, b) == first[2]
    assert len(circuit.nodes) == count


def test_operands_come_before_their_gate() -> None:
    """Each operand has a smaller number than its gate, which is what ends every walk."""
    circuit = Circuit(1000)
    literals(circuit)
    assert {node.kind for node in circuit.nodes} == set(Kind)
    for number, node in enumerate(circuit.nodes):
        assert all(operand >> 1 < number for operand in node.operands)


def test_size_is_limited() -> None:
    """What is larger than allowed is refused, whether it grows by inputs or by gates."""
    circuit = Circuit(3)
    a, b = circuit.input(), circuit.input()
    circuit.both(a, b)
    with pytest.raises(TooManyGates):
        circuit.differ(a, b)
    with pytest.raises(TooManyGates):
        circuit.input()


def test_work_is_limited_where_nothing_grows() -> None:
    """Gates that fold away are counted too, so that no input keeps a reader busy for days."""
    circuit = Circuit(3)
    for _ in range(3 * ASKED_PER_NODE):
        circuit.both(TRUE, TRUE)
    with pytest.raises(TooManyGates):
        circuit.both(TRUE, TRUE)
    assert len(circuit.nodes) == 1
