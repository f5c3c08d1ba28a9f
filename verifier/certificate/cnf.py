"""A circuit as clauses, each gate by those that define it (Tseitin), and its one output as true.

A clause is a tuple of literals: the number of a variable from 1, negative if negated. Variables
are the nodes that the output depends on, in the circuit's order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from verifier.certificate.circuit import FALSE, TRUE, Kind

if TYPE_CHECKING:
    from verifier.certificate.circuit import Circuit, Literal
    from verifier.certificate.lrat import Clause


def variables(circuit: Circuit, output: Literal) -> dict[int, int]:
    """Give the variable of each node that the output depends on."""
    needed = {output >> 1}
    for number in range(output >> 1, 0, -1):
        if number in needed:
            needed.update(operand >> 1 for operand in circuit.nodes[number].operands)
    return {number: variable for variable, number in enumerate(sorted(needed), 1)}


def clauses(circuit: Circuit, output: Literal) -> list[Clause]:
    """Give the clauses; each has two or three literals but the last, which is the output.

    A circuit that is constantly true has none, one that is constantly false a contradiction.
    """
    if output in {FALSE, TRUE}:
        return [] if output == TRUE else [(1,), (-1,)]
    variable = variables(circuit, output)

    def named(literal: Literal) -> int:
        return -variable[literal >> 1] if literal & 1 else variable[literal >> 1]

    found: list[Clause] = []
    for number, gate in variable.items():
        node = circuit.nodes[number]
        found += _definition(gate, node.kind, [named(operand) for operand in node.operands])
    return [*found, (named(output),)]


def _definition(gate: int, kind: Kind, operands: list[int]) -> list[Clause]:
    """Give the clauses that hold exactly where ``gate`` is what its kind makes of the operands."""
    match kind, operands:
        case Kind.AND, [a, b]:
            return [(-gate, a), (-gate, b), (gate, -a, -b)]
        case Kind.XOR, [a, b]:
            return [(-gate, a, b), (-gate, -a, -b), (gate, -a, b), (gate, a, -b)]
        case Kind.CHOICE, [c, a, b]:
            return [(-gate, -c, a), (gate, -c, -a), (-gate, c, b), (gate, c, -b)]
        case _:
            return []


def dimacs(found: list[Clause]) -> str:
    """Give the clauses as other programs read them."""
    most = max((abs(literal) for clause in found for literal in clause), default=0)
    lines = [f"p cnf {most} {len(found)}", *(" ".join(map(str, (*c, 0))) for c in found)]
    return "\n".join(lines) + "\n"
