"""What z3 refutes gets a certificate that is accepted for that script, and for no weaker one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import z3

from tests.certificate.scripts import APART, COMMUTES, UNSATISFIABLE, Random, asking, weakened
from verifier.certificate import cadical, lrat
from verifier.certificate.certify import (
    Certificate,
    Limits,
    Satisfiable,
    TooLarge,
    certify,
    proof_for,
)
from verifier.certificate.checking import accepts, check, clauses_of, dimacs_of
from verifier.certificate.cnf import dimacs
from verifier.certificate.lrat import Refused
from verifier.errors import BadInput, Bug

if TYPE_CHECKING:
    import random

ALWAYS_FALSE = asking("(distinct x (bvnot (bvnot x)))", x=8)
ALWAYS_TRUE = asking("(= x (bvnot (bvnot x)))", x=8)


def proof_of(script: str) -> str:
    """Give the certificate's proof, which there must be."""
    found = certify(script)
    assert isinstance(found, Certificate), found
    return found.lrat


@pytest.mark.parametrize("script", [*UNSATISFIABLE, ALWAYS_FALSE], ids=["sums", "apart", "folded"])
def test_unsatisfiable_script_has_a_certificate(script: str) -> None:
    """The proof is accepted, has the size that is told, and is the same each time."""
    found = certify(script)
    assert isinstance(found, Certificate)
    check(script, found.lrat)
    assert found.clauses == len(clauses_of(script))
    assert found.steps == len(found.lrat.splitlines())
    assert certify(script) == found


def test_satisfiable_script_has_values() -> None:
    """A script that has a solution gets one, of which its symbols have the widths."""
    found = certify(asking("(= (bvmul x x) #x31)", "(bvult x #x10)", "p", x=8, p=0, unused=3))
    assert found == Satisfiable({"x": 7, "p": 1, "unused": 0})
    assert certify(ALWAYS_TRUE) == Satisfiable({"x": 0})


def test_random_scripts_are_judged_as_z3_does(rng: random.Random) -> None:
    """A random script gets a certificate where z3 says unsat, else values that z3 confirms."""
    draw = Random(rng, 3)
    seen = {True: 0, False: 0}
    for _ in range(40):
        script = asking(*(draw.truth(3) for _ in range(3)), x=3, y=3, p=0)
        solver = z3.Solver()
        solver.add(z3.parse_smt2_string(script))
        found = certify(script)
        seen[isinstance(found, Certificate)] += 1
        if isinstance(found, Satisfiable):
            x, y = z3.BitVecs("x y", 3)
            values = found.values
            solver.add(x == values["x"], y == values["y"], z3.Bool("p") == bool(values["p"]))
            assert solver.check() == z3.sat, script
        else:
            assert isinstance(found, Certificate)
            assert solver.check() == z3.unsat, script
    assert min(seen.values()) > 0


def test_weakened_script_is_refused() -> None:
    """Without any one of its assertions a script is not proved by the old proof."""
    proof = proof_of(APART)
    assert len(weakened(APART)) == 3
    for weaker in weakened(APART):
        assert isinstance(certify(weaker), Satisfiable)
        with pytest.raises(Refused):
            check(weaker, proof)


def test_changed_script_is_refused() -> None:
    """A bound moved by one, a relation turned or a symbol exchanged needs another proof."""
    proof = proof_of(APART)
    for old, new in (
        ("#x0010)", "#x0008)"),
        ("#xfff8", "#xff00"),
        ("bvult", "bvugt"),
        ("bvsub load (bvadd rsp #xfff0)", "bvsub (bvadd rsp #xfff0) load"),
    ):
        changed = APART.replace(old, new)
        assert isinstance(certify(changed), Satisfiable)
        with pytest.raises(Refused):
            check(changed, proof)


def test_truncated_proof_is_refused() -> None:
    """Without its last step, its first, or half of it, a proof is none."""
    lines = proof_of(APART).splitlines()
    for kept in (lines[:-1], lines[1:], lines[: len(lines) // 2], lines[len(lines) // 2 :], []):
        with pytest.raises(Refused):
            check(APART, "\n".join(kept))


def test_proof_of_another_script_is_refused() -> None:
    """A proof belongs to its script."""
    with pytest.raises(Refused):
        check(APART, proof_of(COMMUTES))
    with pytest.raises(Refused):
        check(COMMUTES, proof_of(APART))
    with pytest.raises(Refused):
        check(ALWAYS_TRUE, proof_of(ALWAYS_FALSE))


def test_damaged_proof_is_refused_or_proves_the_same(rng: random.Random) -> None:
    """A flipped literal, a hint swapped or lost: accepted only where what is left still proves.

    The script is unsatisfiable, so that no damage can make an accepted proof wrong; that most is
    refused shows that each part of a proof counts.
    """
    lines = proof_of(APART).splitlines()
    clauses = clauses_of(APART)
    refused = 0
    for _ in range(60):
        place = rng.randrange(len(lines))
        words = lines[place].split(" ")
        end = words.index("0")
        match rng.choice(["flip", "swap", "lose"]):
            case "flip" if end > 1:
                flipped = rng.randrange(1, end)
                words[flipped] = str(-int(words[flipped]))
            case "swap":
                first, second = sorted(rng.choices(range(end + 1, len(words) - 1), k=2))
                words[first], words[second] = words[second], words[first]
            case _:
                del words[rng.randrange(end + 1, len(words) - 1)]
        try:
            lrat.check(clauses, "\n".join([*lines[:place], " ".join(words), *lines[place + 1 :]]))
        except Refused:
            refused += 1
    assert refused > 20


def test_no_proof_refutes_a_script_with_a_solution(rng: random.Random) -> None:
    """Proofs of unsatisfiable scripts are refused for every satisfiable one of the same size."""
    satisfiable = weakened(APART)[-1]
    lines = proof_of(APART).splitlines()
    for _ in range(30):
        kept = rng.sample(lines, k=rng.randint(1, len(lines)))
        with pytest.raises(Refused):
            check(satisfiable, "\n".join(kept))


def test_limits_are_told() -> None:
    """What is too large says which limit it met; a check says the same."""
    hard = asking("(distinct (bvmul x (bvmul y z)) (bvmul (bvmul x y) z))", x=8, y=8, z=8)
    assert certify(hard, Limits(gates=100)) == TooLarge("the circuit has more than 100 gates")
    assert certify(hard, Limits(conflicts=10)) == TooLarge("no proof within 10 conflicts")
    with pytest.raises(Refused, match="more than 100 gates"):
        check(hard, "1 0 1 0", 100)


def test_mistakes_in_a_script_are_told() -> None:
    """A script that is none is the user's mistake, for the maker and for the judge."""
    for job in (certify, clauses_of):
        with pytest.raises(BadInput, match="1:9: 'q' is not declared"):
            job("(assert q)")


def test_a_wrong_proof_by_the_solver_is_our_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    """What CaDiCaL logs is checked before it is handed out."""
    monkeypatch.setattr(cadical, "search", lambda *_: "9 0 1 0\n")
    with pytest.raises(Bug, match="CaDiCaL's proof is wrong"):
        certify(APART)


def test_dimacs_is_of_the_same_clauses() -> None:
    """Other checkers get the clauses that the proof's numbers mean."""
    assert dimacs_of(APART) == dimacs(clauses_of(APART))


def test_proofs_for_questions_that_were_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bundle gets the text of the proof, none where it is too large, and judges by it."""
    proof = proof_for(APART)
    assert proof is not None
    assert accepts(APART, proof)
    assert not accepts(COMMUTES, proof)
    monkeypatch.setattr(cadical, "search", lambda *_: None)
    assert proof_for(APART) is None


def test_a_wrong_answer_by_another_solver_is_a_bug() -> None:
    """A solution of what is said to have none is told; so is a question that cannot be read."""
    with pytest.raises(Bug, match="has a solution: x = 0x2a, p = 0x1"):
        proof_for(asking("(= x #x2a)", "p", x=8, p=0))
    with pytest.raises(Bug, match="not written as it is read: 1:9: 'q' is not declared"):
        proof_for("(assert q)")
