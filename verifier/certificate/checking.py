"""The judge of certificates: does this proof show that this script has no solution.

The clauses that a proof speaks of are made anew from the script each time, and never read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from verifier.certificate import lrat
from verifier.certificate.circuit import TooManyGates
from verifier.certificate.cnf import clauses, dimacs
from verifier.certificate.formula import translate
from verifier.certificate.lrat import Refused

if TYPE_CHECKING:
    from verifier.certificate.lrat import Clause

MOST_GATES = 1_000_000


def check(script: str, proof: str, most_gates: int = MOST_GATES) -> None:
    """Return if ``proof`` shows that the assertions of ``script`` exclude each other.

    Raise Refused if it does not, BadInput with line and column where the script is no SMT-LIB 2
    of the subset that ``formula`` reads.
    """
    lrat.check(clauses_of(script, most_gates), proof)


def accepts(script: str, proof: str) -> bool:
    """Say whether ``check`` does; a script that cannot be read is still a BadInput."""
    return why_refused(script, proof) is None


def why_refused(script: str, proof: str) -> str | None:
    """Give why ``check`` refuses a proof, None where it does not."""
    try:
        check(script, proof)
    except Refused as refused:
        return str(refused) or "it is none"
    return None


def clauses_of(script: str, most_gates: int = MOST_GATES) -> list[Clause]:
    """Give the clauses that certificates of ``script`` speak of."""
    try:
        formula = translate(script, most_gates)
    except TooManyGates:
        raise Refused(f"the circuit has more than {most_gates} gates") from None
    return clauses(formula.circuit, formula.holds)


def dimacs_of(script: str, most_gates: int = MOST_GATES) -> str:
    """Give them as the text that other checkers read beside the proof."""
    return dimacs(clauses_of(script, most_gates))
