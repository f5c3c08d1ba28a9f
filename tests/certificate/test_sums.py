"""Sums keep their value in normal form, and two ways to write one are one vector."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.certificate.scripts import asking
from tests.certificate.tables import Table, chosen
from verifier.certificate.arithmetic import constant
from verifier.certificate.circuit import FALSE, TRUE
from verifier.certificate.formula import translate
from verifier.certificate.sums import MOST_TERMS, Sums

if TYPE_CHECKING:
    import random

ROWS = 20


def test_random_sums_have_their_value(rng: random.Random) -> None:
    """However sums, factors, parts and joins are nested, each vector has the value it must have.

    All that is made is kept and drawn again, so that forms meet the vectors of other forms.
    """
    for width in (1, 2, 3, 5, 8, 16):
        circuit = Sums(1_000_000)
        numbers = {
            tuple(circuit.input() for _ in range(width)): [
                rng.getrandbits(width) for _ in range(ROWS)
            ]
            for _ in range(3)
        }
        made = [*numbers.items(), *((constant(n, width), [n] * ROWS) for n in range(2))]
        truths = []
        for _ in range(80):
            (a, x), (b, y) = rng.choices(made, k=2)
            factor = rng.choice([1, -1, 2, rng.getrandbits(width)])
            by, mask = rng.randint(1, width), (1 << width) - 1
            match rng.choice(["combine", "scale", "lowest", "join", "same"]):
                case "combine":
                    right = [(p + factor * q) & mask for p, q in zip(x, y, strict=True)]
                    made.append((circuit.combine(a, b, factor), right))
                case "scale":
                    made.append((circuit.scale(a, factor), [factor * p & mask for p in x]))
                case "lowest":
                    part = circuit.lowest(a, by) + (FALSE,) * (width - by)
                    made.append((part, [p & ((1 << by) - 1) for p in x]))
                case "join":
                    joined = a[:by] + b[: width - by]
                    right = [
                        (p & (1 << by) - 1 | q << by) & mask for p, q in zip(x, y, strict=True)
                    ]
                    made.append((joined, right))
                case _:
                    truths.append((circuit.same(a, b), [p == q for p, q in zip(x, y, strict=True)]))
        table = Table(circuit, dict(chosen(numbers)), ROWS)
        for bits, right in made:
            assert [table.number(bits, row) for row in range(ROWS)] == right
        for truth, equal in truths:
            assert [bool(table[truth] >> row & 1) for row in range(ROWS)] == equal


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("(bvadd (bvadd x y) #x07)", "(bvadd y (bvadd #x03 x) #x04)"),
        ("(bvsub (bvadd x y) (bvadd z y))", "(bvadd x (bvneg z))"),
        ("(bvmul #x14 (bvadd x #x01))", "(bvadd #x14 (bvmul x #x14))"),
        ("(bvadd x (bvshl x #x02))", "(bvmul #x05 x)"),
        ("(bvmul x y)", "(bvmul y x)"),
        ("(bvsub (bvsub x #x10) x)", "#xf0"),
        ("(bvshl x #x08)", "#x00"),
        (
            "((_ zero_extend 4) ((_ extract 3 0) (bvadd x y #x13)))",
            "(concat #x0 (bvadd ((_ extract 3 0) y) #x3 ((_ extract 3 0) x)))",
        ),
    ],
)
def test_one_sum_is_one_vector(first: str, second: str) -> None:
    """What is equal by the rules of sums is found equal without any search."""
    script = asking(f"(= {first} {second})", x=8, y=8, z=8)
    assert translate(script, 10_000).holds == TRUE
    assert translate(script.replace("(=", "(distinct"), 10_000).holds == FALSE


def test_equality_leaves_out_what_both_sides_have() -> None:
    """What is added on both sides does not count, and constants meet on one."""
    script = asking(
        "(= (= (bvadd x #x05 y) (bvadd #x07 x)) (= y #x02))",
        "(= (= (bvmul #x03 x) (bvadd #x02 x)) (= (bvadd x x) #x02))",
        x=8,
        y=8,
    )
    assert translate(script, 10_000).holds == TRUE


def test_long_sums_are_right_too(rng: random.Random) -> None:
    """A sum of more vectors than a form may have is still their sum, though without a form."""
    circuit = Sums(100_000)
    inputs = [circuit.input() for _ in range(MOST_TERMS + 2)]
    total = constant(0, 6)
    for each in inputs[: MOST_TERMS - 4]:
        total = circuit.combine(total, (each, *[FALSE] * 5), 1)
    known = circuit.form(total)
    assert len(known.terms) == MOST_TERMS - 4
    for each in inputs[MOST_TERMS - 4 :]:
        total = circuit.combine(total, (each, *[FALSE] * 5), 3)
    assert len(circuit.form(total).terms) < MOST_TERMS
    rows = [[rng.getrandbits(1) for _ in inputs] for _ in range(ROWS)]
    columns: dict[tuple[int, ...], list[int]] = {
        (each,): [row[place] for row in rows] for place, each in enumerate(inputs)
    }
    table = Table(circuit, dict(chosen(columns)), ROWS)
    for row, bits in enumerate(rows):
        right = sum(bits[: MOST_TERMS - 4]) + 3 * sum(bits[MOST_TERMS - 4 :])
        assert table.number(total, row) == right % 64
