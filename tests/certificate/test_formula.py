"""A script means what z3 takes it for; what is no script of the subset is told with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import z3
from hypothesis import given
from hypothesis import strategies as st

from tests.certificate.scripts import APART, COMMUTES, Random, asking
from tests.certificate.tables import Table, chosen
from verifier.certificate import operators
from verifier.certificate.circuit import FALSE, TRUE, TooManyGates
from verifier.certificate.formula import translate
from verifier.errors import BadInput

if TYPE_CHECKING:
    import random

MOST = 1_000_000
WIDTH = 6
DRAWN = 150
DEEP = 5000


def holds(script: str) -> int:
    """Give the literal of all assertions."""
    return translate(script, MOST).holds


def test_random_terms_mean_what_z3_computes(rng: random.Random) -> None:
    """Random terms with every operator have the value that z3 gives them, at random inputs."""
    draw = Random(rng, WIDTH)
    for _ in range(DRAWN):
        script = asking(draw.truth(3), x=WIDTH, y=WIDTH, p=0)
        formula = translate(script, MOST)
        x, y, p = (formula.symbols[name] for name in "xyp")
        assert isinstance(x, tuple)
        assert isinstance(y, tuple)
        assert isinstance(p, int)
        numbers = {v: [rng.getrandbits(len(v)) for _ in range(4)] for v in (x, y, (p,))}
        table = Table(formula.circuit, dict(chosen(numbers)), 4)
        (term,) = z3.parse_smt2_string(script)
        for row in range(4):
            values = [
                (z3.BitVec("x", WIDTH), z3.BitVecVal(numbers[x][row], WIDTH)),
                (z3.BitVec("y", WIDTH), z3.BitVecVal(numbers[y][row], WIDTH)),
                (z3.Bool("p"), z3.BoolVal(bool(numbers[(p,)][row]))),
            ]
            right = z3.is_true(z3.simplify(z3.substitute(term, values)))
            assert bool(table[formula.holds] >> row & 1) == right, script
    assert draw.drawn > set(operators.NAMES) | set(operators.INDEXED) - {"extract"}


@pytest.mark.parametrize("name", sorted(operators.BINARY | operators.ASSOCIATIVE))
def test_wide_constants_mean_what_z3_computes(name: str, rng: random.Random) -> None:
    """Each operator agrees with z3 on constants of up to 70 bits."""
    for _ in range(4):
        width = rng.randint(1, 70)
        a, b = rng.getrandbits(width), rng.getrandbits(rng.randint(1, width))
        wide = 1 if name == "bvcomp" else width
        made = asking(f"(= r ({name} (_ bv{a} {width}) (_ bv{b} {width})))", r=wide)
        solver = z3.Solver()
        solver.add(z3.parse_smt2_string(made))
        assert solver.check() == z3.sat
        right = solver.model()[z3.BitVec("r", wide)]
        assert holds(made.replace("(= r", f"(= (_ bv{right} {right.size()})")) == TRUE
        assert holds(made.replace("(= r", f"(distinct (_ bv{right} {right.size()})")) == FALSE


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("#b00001111", "#x0F"),
        ("(_ bv15 8)", "#x0f"),
        ("(let ((a #x01)) (let ((a #x02) (b a)) (concat a b)))", "#x0201"),
        ("(let ((|a b| #x01)) |a b|)", "#x01"),
        ("|x|", "x"),
        ("t", "(bvadd x #x01)"),
        ("(let ((true_ #x01)) true_)", "#x01"),
    ],
)
def test_ways_to_write_the_same(first: str, second: str) -> None:
    """Constants of each base, shadowed names, quoted ones and definitions are understood."""
    script = asking(f"(= {first} {second})", x=8).replace(
        "(assert", "(define-fun t () (_ BitVec 8) (bvadd x #x01))\n(assert"
    )
    assert holds(script) == TRUE


def test_name_of_a_let_is_free_again() -> None:
    """A name is known only inside its let; outside it is what it was, or nothing."""
    inner = "(let ((y #x01)) y)"
    assert holds(asking(f"(= x (ite (= {inner} #x01) x y))", x=8, y=8)) == TRUE
    with pytest.raises(BadInput, match="'y' is not declared"):
        holds(asking(f"(= x (ite (= {inner} #x01) x y))", x=8))


def test_nesting_is_as_deep_as_it_likes() -> None:
    """Thousands of nested terms or lets are read; Python's stack does not limit them."""
    sums = "(bvnot " * DEEP + "x" + ")" * DEEP
    lets = "".join(f"(let ((a{i} (bvnot a{i - 1}))) " for i in range(1, DEEP + 1))
    script = asking(f"(= x {sums})", f"(= x (let ((a0 x)) {lets}a{DEEP}{')' * DEEP}))", x=8)
    assert holds(script) == TRUE


def test_equal_scripts_have_equal_circuits() -> None:
    """The same text gives the same nodes, which is what a proof's numbers rely on."""
    once, again = translate(APART, MOST), translate(APART, MOST)
    assert once.circuit.nodes == again.circuit.nodes
    assert once.holds == again.holds


def test_circuit_is_limited() -> None:
    """A script whose circuit is larger than allowed is refused while it grows."""
    with pytest.raises(TooManyGates):
        translate(asking("(= x (bvmul y (bvudiv x y)))", x=64, y=64), 5000)
    with pytest.raises(TooManyGates):
        translate(asking("(= x " + "(bvnot " * 600 + "x" + ")" * 601, x=1000), 10_000)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("", "1:1: the script ends without (check-sat)"),
        ("(assert true", "1:1: this parenthesis is never closed"),
        ("(check-sat))", "1:12: this parenthesis closes nothing"),
        ("(check-sat)\n(assert false)", "2:1: nothing that matters may follow (check-sat)"),
        ("(set-logic QF_ABV)", "1:1: this is no command"),
        ("(push 1)", "1:1: this is no command"),
        ("(declare-fun f ((_ BitVec 1)) Bool)", "1:1: this is no command"),
        ("(define-fun f ((a Bool)) Bool a)", "1:1: this is no command"),
        ("(define-fun f () Bool #b1)", "1:23: the definition is not of the sort it says"),
        ("(declare-const x Int)", "1:18: expected Bool or (_ BitVec width)"),
        ("(declare-const x (_ BitVec 0))", "1:28: a bit-vector has 1 to 1024 bits"),
        ("(declare-const x (_ BitVec 99999999999))", "1:28: a bit-vector has 1 to 1024 bits"),
        ("(declare-const x Bool)(declare-const x Bool)", "1:38: 'x' cannot be given a meaning"),
        ("(declare-const |true| Bool)", "1:16: 'true' cannot be given a meaning"),
        ("(declare-const bvadd Bool)", "1:16: 'bvadd' cannot be given a meaning"),
        ("(declare-const #b1 Bool)", "1:16: '#b1' cannot be given a meaning"),
        ("(assert #x)", "1:9: '#x' is no constant"),
        ("(assert #b12)", "1:9: '#b12' is no constant"),
        ("(assert #b1)", "1:9: an assertion is a truth, not a bit-vector"),
        ("(assert (_ bv256 8))", "1:9: expected (_ bvNUMBER width)"),
        ("(assert (_ bv1 0))", "1:9: expected (_ bvNUMBER width)"),
        ("(assert\n (and true q))", "2:12: 'q' is not declared"),
        ("(assert (bvadd #b1 #b11))", "1:9: 'bvadd' takes operands of one width, not of [1, 2]"),
        ("(assert (forall ((x Bool)) x))", "1:17: expected a term"),
        ("(assert (let () true))", "1:9: a let binds at least one name"),
        ("(assert (let ((a true) (a false)) a))", "1:24: a binding is one new name and one term"),
        ("(assert ())", "1:9: expected a term"),
        ("(assert (true))", "1:9: expected a term"),
        ("(assert ((_ extract 1 x) #b11))", "1:9: '(_ extract ...)' with 1 indices"),
        ("(assert ((_ move 1) #b11))", "1:10: this operator is not known"),
        ("(assert (bvadd #b1 |))", "1:20: '|' begins no word or symbol"),
    ],
)
def test_what_is_no_script_is_told_with_its_place(script: str, said: str) -> None:
    """Each mistake is one sentence with line and column."""
    with pytest.raises(BadInput) as told:
        translate(script, MOST)
    assert said in str(told.value)


@given(st.text(alphabet='()|"; \n_#bx01247adsertlcohkbv.-+é²', max_size=60), st.integers(0, 400))
def test_any_text_is_read_or_told(text: str, place: int) -> None:
    """A script with anything in the middle of it gives a formula or a mistake with its place."""
    for script in (text, COMMUTES[:place] + text + COMMUTES[place:]):
        line: int | None = 1
        try:
            translate(script, MOST)
        except BadInput as told:
            line = told.line
        assert line
