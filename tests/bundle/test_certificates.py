"""What a bundle rests on has certificates, and recheck rejects those that are none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from verifier.bundle.kinds import Answer
from verifier.bundle.read import read_bundle
from verifier.bundle.recheck import Checked, Standing
from verifier.bundle.second import put_to_acl2
from verifier.certificate.certify import Certificate, Satisfiable, certify
from verifier.certificate.checking import accepts, clauses_of
from verifier.certificate.lrat import Refused, check

if TYPE_CHECKING:
    from pathlib import Path

    from verifier.bundle.part import Obligation
    from verifier.certificate.acl2 import Claim


@pytest.fixture(scope="module")
def obligations(made: Path) -> list[Obligation]:
    """Give the obligations of the bundle with the certificates that their scripts have."""
    found = []
    for part in read_bundle(made).parts:
        for each in part.obligations:
            made_one = certify(each.text)
            proof = made_one.lrat if isinstance(made_one, Certificate) else None
            assert isinstance(made_one, Certificate | Satisfiable)
            assert (proof is None) == (each.expected is Answer.SAT), each.name
            found.append(replace(each, certificate=proof))
    return found


def test_each_excluded_question_has_a_certificate(obligations: list[Obligation]) -> None:
    """All that is unsatisfiable in a bundle of loops, forks and joins has one that is accepted."""
    proved = [each for each in obligations if each.certificate is not None]
    assert len(proved) > 20
    assert all(accepts(each.text, each.certificate or "") for each in proved)


def test_no_certificate_excludes_what_has_a_solution(obligations: list[Obligation]) -> None:
    """What must be satisfiable is refuted by none of the bundle's proofs."""
    proofs = [each.certificate for each in obligations if each.certificate is not None]
    satisfiable = [each for each in obligations if each.expected is Answer.SAT]
    assert satisfiable
    for each in satisfiable:
        clauses = clauses_of(each.text)
        for proof in proofs:
            with pytest.raises(Refused):
                check(clauses, proof)


def test_acl2_rejects_what_it_does_not_verify(
    obligations: list[Obligation], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A certificate that ACL2 does not verify is rejected; it is asked of no other."""
    proved = [each for each in obligations if each.certificate is not None][:2]
    checked = [Checked(each, (), certified=True) for each in proved]
    checked.append(Checked(proved[0], (), certified=None))
    asked: list[Claim] = []

    def reply(claims: list[Claim]) -> list[bool]:
        asked.extend(claims)
        return [True, False]

    monkeypatch.setattr("verifier.bundle.second.available", lambda: True)
    monkeypatch.setattr("verifier.bundle.second.verified", reply)
    found, said = put_to_acl2(checked)
    assert said == ""
    assert [each.acl2 for each in found] == [True, False, None]
    assert [each.certified for each in found] == [True, True, None]
    assert found[1].standing is Standing.REJECTED
    assert all(claim.dimacs.startswith("p cnf ") for claim in asked)


def test_without_acl2_its_packages_are_named(
    obligations: list[Obligation], monkeypatch: pytest.MonkeyPatch
) -> None:
    """That ACL2 is missing is said, and changes nothing."""
    monkeypatch.setattr("verifier.bundle.second.available", lambda: False)
    (first, *_) = [each for each in obligations if each.certificate is not None]
    checked = [Checked(first, (), certified=True)]
    told = "it is not installed (Debian: acl2 acl2-books)"
    assert put_to_acl2(checked) == (checked, told)
