"""Every operator of QF_BV computes what SMT-LIB says, for all values of small widths and more."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest

from tests.certificate.tables import Table, chosen, every
from verifier.certificate import operators
from verifier.certificate.arithmetic import constant
from verifier.certificate.operators import apply, apply_indexed
from verifier.certificate.sums import Sums
from verifier.errors import BadInput

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    Meaning = Callable[[int, int, int], int]


def signed(value: int, width: int) -> int:
    """Give the number that a two's complement pattern stands for."""
    return value - (value >> (width - 1) << width)


def quotient(a: int, b: int) -> int:
    """Give the quotient rounded towards zero."""
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def signed_quotient(a: int, b: int, width: int) -> int:
    """Give ``bvsdiv``, which by zero is 1 or -1."""
    x, y = signed(a, width), signed(b, width)
    return quotient(x, y) if y else (1 if x < 0 else -1)


def signed_remainder(a: int, b: int, width: int) -> int:
    """Give ``bvsrem``."""
    x, y = signed(a, width), signed(b, width)
    return x - y * quotient(x, y) if y else x


def signed_modulo(a: int, b: int, width: int) -> int:
    """Give ``bvsmod``, whose sign is Python's."""
    x, y = signed(a, width), signed(b, width)
    return x % y if y else x


def rotate(a: int, by: int, width: int) -> int:
    """Give ``a`` rotated to the left."""
    return a << by % width | a >> (width - by % width)


OF_TWO: dict[str, Meaning] = {
    "bvadd": lambda a, b, _: a + b,
    "bvsub": lambda a, b, _: a - b,
    "bvmul": lambda a, b, _: a * b,
    "bvand": lambda a, b, _: a & b,
    "bvor": lambda a, b, _: a | b,
    "bvxor": lambda a, b, _: a ^ b,
    "bvnand": lambda a, b, _: ~(a & b),
    "bvnor": lambda a, b, _: ~(a | b),
    "bvxnor": lambda a, b, _: ~(a ^ b),
    "bvudiv": lambda a, b, _: a // b if b else -1,
    "bvurem": lambda a, b, _: a % b if b else a,
    "bvsdiv": signed_quotient,
    "bvsrem": signed_remainder,
    "bvsmod": signed_modulo,
    "bvshl": lambda a, b, width: a << min(b, width),
    "bvlshr": lambda a, b, width: a >> min(b, width),
    "bvashr": lambda a, b, width: signed(a, width) >> min(b, width),
    "ext_rotate_left": rotate,
    "ext_rotate_right": lambda a, b, width: rotate(a, -b, width),
}
TO_ONE_BIT: dict[str, Meaning] = {"bvcomp": lambda a, b, _: int(a == b)}
TO_TRUTH: dict[str, Meaning] = {
    "bvult": lambda a, b, _: a < b,
    "bvule": lambda a, b, _: a <= b,
    "bvugt": lambda a, b, _: a > b,
    "bvuge": lambda a, b, _: a >= b,
    "bvslt": lambda a, b, width: signed(a, width) < signed(b, width),
    "bvsle": lambda a, b, width: signed(a, width) <= signed(b, width),
    "bvsgt": lambda a, b, width: signed(a, width) > signed(b, width),
    "bvsge": lambda a, b, width: signed(a, width) >= signed(b, width),
    "=": lambda a, b, _: a == b,
    "distinct": lambda a, b, _: a != b,
}
BINARY = {**OF_TWO, **TO_ONE_BIT, **TO_TRUTH}
UNARY: dict[str, Callable[[int], int]] = {"bvnot": lambda a: ~a, "bvneg": lambda a: -a}
TRUTHS: dict[str, Meaning] = {
    "and": lambda a, b, _: a & b,
    "or": lambda a, b, _: a | b,
    "xor": lambda a, b, _: a ^ b,
    "=>": lambda a, b, _: a <= b,
    "=": lambda a, b, _: a == b,
    "distinct": lambda a, b, _: a != b,
}


def wanted(name: str, a: int, b: int, width: int) -> int:
    """Give what an operator of two vectors must give."""
    kept = width if name in OF_TWO else 1
    return BINARY[name](a, b, width) & ((1 << kept) - 1)


def vector(value: operators.Value) -> tuple[int, ...]:
    """Give a truth as a vector of one bit."""
    return (value,) if isinstance(value, int) else value


def test_each_operator_has_a_meaning_here() -> None:
    """No operator is without a reference below, so that a new one is not forgotten."""
    others = {"not", "ite", "concat"}
    assert set(operators.NAMES) == set(BINARY) | set(UNARY) | set(TRUTHS) | others


@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize("name", sorted(BINARY))
def test_all_values_of_small_widths(name: str, width: int) -> None:
    """As a circuit over inputs, an operator of two vectors is right for all their values."""
    circuit = Sums(10_000)
    inputs = [circuit.input() for _ in range(2 * width)]
    a, b = tuple(inputs[:width]), tuple(inputs[width:])
    result = vector(apply(circuit, name, [a, b]))
    table = Table(circuit, every(inputs), 1 << 2 * width)
    for y, x in product(range(1 << width), repeat=2):
        assert table.number(result, y << width | x) == wanted(name, x, y, width), (x, y)


@pytest.mark.parametrize("name", sorted(BINARY))
def test_random_values_of_wide_vectors(name: str, rng: random.Random) -> None:
    """It is right at random and extreme values of odd and of full widths."""
    for width in (5, 7, 16):
        edges = [0, 1, 2, width, (1 << width) - 1, 1 << (width - 1), (1 << width - 1) - 1]
        pairs = [*product(edges, repeat=2)]
        pairs += [(rng.getrandbits(width), rng.getrandbits(rng.randint(1, width))) for _ in edges]
        circuit = Sums(1_000_000)
        a, b = (tuple(circuit.input() for _ in range(width)) for _ in "ab")
        result = vector(apply(circuit, name, [a, b]))
        values = {a: [x for x, _ in pairs], b: [y for _, y in pairs]}
        table = Table(circuit, dict(chosen(values)), len(pairs))
        for row, (x, y) in enumerate(pairs):
            assert table.number(result, row) == wanted(name, x, y, width), (width, x, y)


@pytest.mark.parametrize("name", sorted(BINARY))
def test_constants_fold_to_the_same(name: str, rng: random.Random) -> None:
    """With one operand constant it computes the same, with both no gate is left."""
    for width in (1, 3, 8, 20):
        for _ in range(3):
            x, y = rng.getrandbits(width), rng.getrandbits(rng.randint(1, width))
            circuit = Sums(1_000_000)
            folded = apply(circuit, name, [constant(x, width), constant(y, width)])
            assert len(circuit.nodes) == 1
            right = wanted(name, x, y, width)
            assert Table(circuit, {}, 1).number(vector(folded), 0) == right
            for place in (0, 1):
                circuit = Sums(1_000_000)
                given = tuple(circuit.input() for _ in range(width))
                operands: list[operators.Value] = [constant(x, width), constant(y, width)]
                operands[place] = given
                result = vector(apply(circuit, name, operands))
                table = Table(circuit, dict(chosen({given: [(x, y)[place]]})), 1)
                assert table.number(result, 0) == right


@pytest.mark.parametrize("name", sorted(UNARY))
def test_operators_of_one_vector(name: str) -> None:
    """Complement and negation are right for all values of four bits."""
    circuit = Sums(1000)
    inputs = [circuit.input() for _ in range(4)]
    result = vector(apply(circuit, name, [tuple(inputs)]))
    table = Table(circuit, every(inputs), 16)
    assert [table.number(result, x) for x in range(16)] == [UNARY[name](x) & 15 for x in range(16)]


@pytest.mark.parametrize("name", sorted(TRUTHS))
def test_operators_of_truths(name: str) -> None:
    """The connectives are right for all truths."""
    circuit = Sums(100)
    a, b = inputs = [circuit.input(), circuit.input()]
    table_of = apply(circuit, name, [a, b])
    assert isinstance(table_of, int)
    column = Table(circuit, every(inputs), 4)[table_of]
    assert column == sum(
        int(TRUTHS[name](x, y, 1)) << (y << 1 | x) for x, y in product((0, 1), repeat=2)
    )


def test_more_than_two_operands() -> None:
    """Sums fold from the left, implications from the right, equality chains, distinct is pairs."""
    circuit = Sums(10_000)
    inputs = [circuit.input() for _ in range(6)]
    a, b, c = (tuple(inputs[i : i + 2]) for i in (0, 2, 4))
    p, q, r = inputs[:3]
    found = {
        name: vector(apply(circuit, name, [a, b, c]))
        for name in ("bvadd", "=", "distinct", "concat")
    }
    implied = apply(circuit, "=>", [p, q, r])
    table = Table(circuit, every(inputs), 64)
    for row in range(64):
        x, y, z = (row >> place & 3 for place in (0, 2, 4))
        assert table.number(found["bvadd"], row) == (x + y + z) % 4
        assert table.number(found["="], row) == (x == y == z)
        assert table.number(found["distinct"], row) == (len({x, y, z}) == 3)
        assert table.number(found["concat"], row) == x << 4 | y << 2 | z
        assert table.number(vector(implied), row) == (row & 7 != 3)


def test_operators_with_indices(rng: random.Random) -> None:
    """Parts, extensions, rotations and repetitions move bits to where SMT-LIB says."""
    for _ in range(50):
        width = rng.randint(1, 9)
        x, by = rng.getrandbits(width), rng.randint(0, 20)
        low = rng.randrange(width)
        high = rng.randrange(low, width)
        right = {
            "extract": ([high, low], x >> low & ((1 << high - low + 1) - 1), high - low + 1),
            "zero_extend": ([by], x, width + by),
            "sign_extend": ([by], signed(x, width), width + by),
            "rotate_left": ([by], rotate(x, by, width), width),
            "rotate_right": ([by], rotate(x, -by, width), width),
            "repeat": ([by + 1], int(f"{x:0{width}b}" * (by + 1), 2), width * (by + 1)),
        }
        assert set(right) == set(operators.INDEXED)
        for name, (indices, number, wide) in right.items():
            found = apply_indexed(Sums(1000), name, indices, [constant(x, width)])
            assert found == constant(number, wide), (name, indices)


@pytest.mark.parametrize(
    ("name", "widths"),
    [
        ("bvadd", [4]),
        ("bvadd", [4, 5]),
        ("bvadd", [4, 0]),
        ("bvsub", [4, 4, 4]),
        ("bvnot", [4, 4]),
        ("bvult", [4]),
        ("and", [0, 4]),
        ("and", []),
        ("not", [0, 0]),
        ("=", [4, 0]),
        ("=", [0, 4]),
        ("=", [4]),
        ("distinct", [0]),
        ("ite", [4, 4, 4]),
        ("ite", [0, 4, 5]),
        ("ite", [0, 4, 0]),
        ("ite", [0, 0]),
        ("=>", [0]),
        ("concat", [4]),
        ("concat", [4, 0]),
        ("concat", [1024, 1]),
        ("bvad", [4, 4]),
    ],
)
def test_operands_of_wrong_sorts_are_told(name: str, widths: list[int]) -> None:
    """An operator refuses a wrong number of operands, and operands of wrong sorts; 0 is Bool."""
    circuit = Sums(10_000)
    given = [tuple(circuit.input() for _ in range(width)) or circuit.input() for width in widths]
    with pytest.raises(BadInput):
        apply(circuit, name, [*given])


@pytest.mark.parametrize(
    ("name", "indices"),
    [
        ("extract", [4, 0]),
        ("extract", [0, 1]),
        ("extract", [1]),
        ("zero_extend", []),
        ("zero_extend", [10**9]),
        ("sign_extend", [1024]),
        ("repeat", [0]),
        ("repeat", [10**9]),
        ("rotate", [1]),
    ],
)
def test_indices_that_do_not_fit_are_told(name: str, indices: list[int]) -> None:
    """Indices beyond the vector or beyond all sense are refused, before anything grows."""
    with pytest.raises(BadInput):
        apply_indexed(Sums(1000), name, indices, [constant(5, 4)])
