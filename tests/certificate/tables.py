"""Truth tables of circuits: every gate's value at many assignments at once, one bit each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verifier.certificate.circuit import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from verifier.certificate.circuit import Circuit, Literal


class Table:
    """The value of each literal of a circuit at ``rows`` assignments to its inputs."""

    def __init__(self, circuit: Circuit, inputs: Mapping[Literal, int], rows: int) -> None:
        """Take each input's values: bit ``i`` is its value at assignment ``i``."""
        self._all = (1 << rows) - 1
        self._values: list[int] = []
        for number, node in enumerate(circuit.nodes):
            known = [self[operand] for operand in node.operands]
            match node.kind, known:
                case Kind.CONSTANT, []:
                    self._values.append(0)
                case Kind.INPUT, []:
                    self._values.append(inputs[2 * number])
                case Kind.AND, [a, b]:
                    self._values.append(a & b)
                case Kind.XOR, [a, b]:
                    self._values.append(a ^ b)
                case Kind.CHOICE, [c, a, b]:
                    self._values.append((c & a) | (~c & b & self._all))
                case other:
                    raise AssertionError(other)

    def __getitem__(self, literal: Literal) -> int:
        """Give the column of a literal."""
        return self._values[literal >> 1] ^ (self._all if literal & 1 else 0)

    def number(self, bits: tuple[Literal, ...], row: int) -> int:
        """Give the number that a vector is at one assignment."""
        return sum((self[bit] >> row & 1) << place for place, bit in enumerate(bits))


def every(inputs: list[Literal]) -> Mapping[Literal, int]:
    """Give all assignments to some inputs: at row ``i`` input ``k`` is bit ``k`` of ``i``."""
    rows = range(1 << len(inputs))
    return {
        literal: sum((row >> place & 1) << row for row in rows)
        for place, literal in enumerate(inputs)
    }


def chosen(inputs: Mapping[tuple[Literal, ...], list[int]]) -> Iterator[tuple[Literal, int]]:
    """Give the columns of vectors whose numbers at each assignment are listed."""
    for bits, numbers in inputs.items():
        for place, bit in enumerate(bits):
            yield bit, sum((number >> place & 1) << row for row, number in enumerate(numbers))
