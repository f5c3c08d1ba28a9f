"""Bytes as memory keeps them: stored values stay whole, so that a load gives them back."""

from __future__ import annotations

from collections.abc import Sequence

from claripy.ast.bv import BV

from verifier.machine.words import bits, concat, constant, known, width_of

BYTE = 8
Cell = int | tuple[BV, int]
"""A byte: a number, or which byte of a stored value, counted from the lowest."""


def cells_of(value: BV) -> list[Cell]:
    """Take a value apart into bytes, the lowest first."""
    number = known(value)
    count = width_of(value) // BYTE
    if number is not None:
        return list(number.to_bytes(count, "little"))
    return [(value, index) for index in range(count)]


def byte_of(cell: Cell) -> BV:
    """Give a byte as an expression 8 bits wide."""
    if isinstance(cell, int):
        return constant(cell, BYTE)
    value, index = cell
    return bits(value, index * BYTE + BYTE - 1, index * BYTE)


def same_cell(one: Cell | None, other: Cell | None) -> bool:
    """Say whether two bytes are one by how they are kept; so are two that are not there."""
    if isinstance(one, tuple) and isinstance(other, tuple):
        return one[0] is other[0] and one[1] == other[1]
    return one is other or (isinstance(one, int) and one == other)


def join(cells: Sequence[Cell]) -> BV:
    """Put bytes together, the lowest first, keeping values that were stored whole."""
    numbers = [cell for cell in cells if isinstance(cell, int)]
    if len(numbers) == len(cells):
        return constant(int.from_bytes(bytes(numbers), "little"), len(cells) * BYTE)
    parts: list[BV] = []
    index = 0
    while index < len(cells):
        taken, part = _run(cells, index)
        parts.append(part)
        index += taken
    return concat(*reversed(parts)) if len(parts) > 1 else parts[0]


def _run(cells: Sequence[Cell], start: int) -> tuple[int, BV]:
    first = cells[start]
    if isinstance(first, int):
        return 1, byte_of(first)
    value, low = first
    length = 1
    while start + length < len(cells):
        following = cells[start + length]
        if isinstance(following, int) or following[0] is not value or following[1] != low + length:
            break
        length += 1
    return length, bits(value, (low + length) * BYTE - 1, low * BYTE)
