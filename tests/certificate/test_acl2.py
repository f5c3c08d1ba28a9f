"""ACL2's proved checker accepts what ours accepts, and refuses what ours refuses.

It is 500 MB to download, so that it is not asked for everywhere: with ``VERIFIER_ACL2`` in the
environment these tests fail where it is missing; without, they are made where it is installed.
"""

from __future__ import annotations

import os

import pytest

from tests.certificate.scripts import APART, UNSATISFIABLE, asking, weakened
from verifier.certificate import acl2
from verifier.certificate.acl2 import Acl2Failed, Claim, verified
from verifier.certificate.certify import Certificate, certify
from verifier.certificate.checking import dimacs_of

WANTED = "VERIFIER_ACL2" in os.environ or acl2.available()


def claim(script: str) -> Claim:
    """Give what ACL2 is to judge."""
    found = certify(script)
    assert isinstance(found, Certificate)
    return Claim(dimacs_of(script), found.lrat)


if WANTED:

    def test_it_accepts_certificates() -> None:
        """Each certificate is verified, that of a script which folds to false too."""
        folded = asking("(distinct x (bvnot (bvnot x)))", x=8)
        assert verified([claim(each) for each in (*UNSATISFIABLE, folded)]) == [True] * 3

    def test_it_refuses_what_is_none() -> None:
        """Weaker clauses, lost steps, flipped literals, other proofs are refused, each alone."""
        right = claim(APART)
        lines = right.lrat.splitlines(keepends=True)
        words = lines[0].split(" ")
        wrong = [
            *(Claim(dimacs_of(weaker), right.lrat) for weaker in weakened(APART)),
            Claim(right.dimacs, "".join(lines[:-1])),
            Claim(right.dimacs, "".join(lines[1:])),
            Claim(right.dimacs, ""),
            Claim(right.dimacs, " ".join([words[0], str(-int(words[1])), *words[2:], *lines[1:]])),
            Claim(claim(UNSATISFIABLE[0]).dimacs, right.lrat),
        ]
        assert verified([*wrong, right]) == [False] * len(wrong) + [True]

    def test_it_cannot_be_talked_into_it() -> None:
        """Text in a proof that looks like its verdict is not taken for one."""
        spoken = Claim(claim(APART).dimacs, "s VERIFIED 0\n")
        assert verified([spoken]) == [False]


def test_where_it_is_missing_the_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without ACL2 is told what to install; nothing counts as verified."""
    monkeypatch.setenv("PATH", "")
    assert not acl2.available()
    with pytest.raises(Acl2Failed, match="apt install acl2 acl2-books"):
        verified([Claim("p cnf 1 2\n1 0\n-1 0\n", "3 0 1 2 0\n")])


def test_a_program_that_says_nothing_verifies_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What ends well without the line ``s VERIFIED`` of a claim has not verified it."""
    monkeypatch.setattr(acl2, "PROGRAM", "true")
    assert verified([Claim("p cnf 1 2\n1 0\n-1 0\n", "3 0 1 2 0\n")]) == [False]
