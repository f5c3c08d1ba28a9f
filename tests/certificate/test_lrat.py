"""The checker accepts proofs, and nothing that is none."""

from __future__ import annotations

from itertools import permutations, product
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.certificate import lrat
from verifier.certificate.lrat import Clause, Refused, check

if TYPE_CHECKING:
    import random

ALL_OF_TWO: list[Clause] = [(1, 2), (-1, 2), (1, -2), (-1, -2)]
PROOF = "5 2 0 1 2 0\n6 0 5 3 4 0\n"


def solvable(clauses: list[Clause]) -> bool:
    """Say whether any assignment satisfies all clauses, by trying each."""
    most = max((abs(x) for clause in clauses for x in clause), default=0)
    return any(
        all(any(values[abs(x) - 1] == (x > 0) for x in clause) for clause in clauses)
        for values in product((False, True), repeat=most)
    )


def test_a_proof_is_accepted() -> None:
    """Two steps refute the four clauses over two variables."""
    check(ALL_OF_TWO, PROOF)


def test_names_may_leave_gaps_and_literals_repeat() -> None:
    """A step may have any new name, and a clause the same literal twice."""
    check([(1, 1, 2), (-1, 2), (1, -2), (-1, -2)], "50 2 2 0 1 2 0\n9 0 50 3 4 0\n")


def test_a_hint_may_be_satisfied_already() -> None:
    """A clause that leaves a literal which is true already changes nothing."""
    check(ALL_OF_TWO, "5 2 0 1 2 0\n6 0 5 5 3 4 0\n")


@pytest.mark.parametrize(
    ("proof", "said"),
    [
        ("", "ends without the empty clause"),
        ("5 2 0 1 2 0\n", "ends without the empty clause"),
        ("5 2 0 1 2 0\n6 0 5 3 0\n", "line 2: the hints end in no contradiction"),
        ("5 2 0 1 2 0\n6 0 3 4 0\n", "line 2: clause 3 leaves 2 literals"),
        ("5 2 0 1 2 0\n6 0 4 5 3 0\n", "line 2: clause 4 leaves 2 literals"),
        ("5 -2 0 1 2 0\n6 0 5 3 4 0\n", "line 1: clause 1 leaves 2 literals"),
        ("5 2 0 1 2 0\n6 0 7 3 4 0\n", "line 2: there is no clause 7 yet"),
        ("5 2 0 1 5 0\n6 0 5 3 4 0\n", "line 1: there is no clause 5 yet"),
        ("5 2 0 1 -2 0\n6 0 5 3 4 0\n", "line 1: there is no clause -2 yet"),
        ("4 2 0 1 2 0\n6 0 5 3 4 0\n", "line 1: the name 4 is taken"),
        ("5 2 0 1 2 0\n5 0 5 3 4 0\n", "line 2: the name 5 is taken"),
        ("5 3 0 0\n6 0 5 3 4 0\n", "line 1: the hints end in no contradiction"),
        ("5 0 0\n", "line 1: the hints end in no contradiction"),
        ("5 2 0 1 2\n6 0 5 3 4 0\n", "line 1: no step"),
        ("5 2 0\n6 0 5 3 4 0\n", "line 1: no step"),
        ("0 1 2 0\n", "line 1: no step"),
        ("5 2 0 1 0 2 0\n6 0 5 3 4 0\n", "line 1: no step"),
        ("5 d 1 0\n", "line 1: no step"),
        ("\n", "line 1: no step"),
        ("5 2 0 1 2 x0\n", "line 1: no step"),
        ("9" * 5000 + " 0 1 0\n", "line 1: no step"),
        ("s UNSATISFIABLE\n", "line 1: no step"),
    ],
)
def test_what_proves_nothing_is_refused(proof: str, said: str) -> None:
    """Each way to be wrong is refused with its line and reason."""
    with pytest.raises(Refused, match=said):
        check(ALL_OF_TWO, proof)


def test_a_proof_of_other_clauses_is_refused() -> None:
    """With any one clause left out, or any one literal flipped, the proof is none."""
    for place in range(4):
        with pytest.raises(Refused):
            check(ALL_OF_TWO[:place] + ALL_OF_TWO[place + 1 :], PROOF)
        for literal in range(2):
            flipped = [list(clause) for clause in ALL_OF_TWO]
            flipped[place][literal] *= -1
            with pytest.raises(Refused):
                check([tuple(clause) for clause in flipped], PROOF)


@pytest.mark.parametrize("order", list(permutations((1, 2, 3))))
def test_each_literal_of_a_step_counts(order: tuple[int, ...]) -> None:
    """A clause that was derived is kept whole: it is refuted by excluding all its literals."""
    a, b, c = order
    step = f"10 {a} {b} {c} 0 1 2 0\n11 0 3 4 5 10 0\n"
    clauses: list[Clause] = [(1, 2, 3, 4), (1, 2, 3, -4), (-a,), (-b,), (-c,)]
    check(clauses, step)
    for place in (2, 3, 4):
        left = [*clauses]
        left[place] = clauses[2 + (place - 1) % 3]
        assert solvable(left)
        with pytest.raises(Refused, match="line 2: the hints end in no contradiction"):
            check(left, step)


def test_no_random_steps_refute_what_has_a_solution(rng: random.Random) -> None:
    """Random clauses and steps, most of them nearly right: none that is accepted has a solution."""
    accepted = 0
    for _ in range(3000):
        count = rng.randint(2, 9)
        clauses = [
            tuple(rng.choice((-1, 1)) * rng.randint(1, 3) for _ in range(rng.randint(1, 2)))
            for _ in range(count)
        ]
        steps = []
        for name in range(count + 1, count + 4):
            literals = [rng.choice((-1, 1)) * rng.randint(1, 3) for _ in range(rng.randint(0, 1))]
            hints = [rng.randint(1, name) for _ in range(rng.randint(1, 5))]
            steps.append(" ".join(map(str, [name, *literals, 0, *hints, 0])))
        try:
            check(clauses, "\n".join(steps))
        except Refused:
            continue
        accepted += 1
        assert not solvable(clauses)
    assert accepted


def test_work_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proof that looks at more literals than allowed is refused before it does."""
    check(ALL_OF_TWO, PROOF)
    monkeypatch.setattr(lrat, "MOST_VISITS", 9)
    with pytest.raises(Refused, match="line 2: the proof looks at more than 9 literals"):
        check(ALL_OF_TWO, PROOF)


@given(st.text(alphabet="0123456789- \nd²x", max_size=40))
def test_any_text_is_refused(text: str) -> None:
    """Whatever stands in a proof of clauses that have a solution, it is refused."""
    with pytest.raises(Refused):
        check([(1, 2), (-1, 2)], text)
