"""The maker of certificates: from the text of an SMT-LIB 2 script to a proof or a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from verifier.certificate import cadical, lrat
from verifier.certificate.checking import MOST_GATES
from verifier.certificate.circuit import TooManyGates
from verifier.certificate.cnf import clauses, variables
from verifier.certificate.formula import translate
from verifier.certificate.lrat import Refused
from verifier.errors import BadInput, Bug

if TYPE_CHECKING:
    from verifier.certificate.formula import Formula


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a certificate may get: gates of the circuit, conflicts of the search."""

    gates: int = MOST_GATES
    conflicts: int = 100_000


@dataclass(frozen=True, slots=True)
class Certificate:
    """An LRAT proof that ``check`` accepts; how many clauses it begins from, and its steps."""

    lrat: str
    clauses: int
    steps: int


@dataclass(frozen=True, slots=True)
class TooLarge:
    """No certificate within the limits, and which one was met."""

    reason: str


@dataclass(frozen=True, slots=True)
class Satisfiable:
    """There is nothing to certify: values of the script's symbols, truths as 0 and 1."""

    values: dict[str, int]


Certified = Certificate | TooLarge | Satisfiable

_LIMITS = Limits()


def certify(script: str, limits: Limits = _LIMITS) -> Certified:
    """Prove that the assertions of ``script`` exclude each other.

    Raise BadInput with line and column where the script is none that is read here.
    """
    try:
        formula = translate(script, limits.gates)
    except TooManyGates:
        return TooLarge(f"the circuit has more than {limits.gates} gates")
    found = clauses(formula.circuit, formula.holds)
    match cadical.search(found, limits.conflicts):
        case None:
            return TooLarge(f"no proof within {limits.conflicts} conflicts")
        case cadical.Model(true):
            return Satisfiable(_values(formula, true))
        case str(proof):
            try:
                lrat.check(found, proof)
            except Refused as refused:
                raise Bug(f"CaDiCaL's proof is wrong: {refused}") from refused
            return Certificate(proof, len(found), proof.count("\n"))


def proof_for(script: str) -> str | None:
    """Give the proof for a script that a solver found unsatisfiable, None where it is too large.

    That there is a solution, or that the script cannot be read, is a Bug: ours or the solver's.
    """
    try:
        found = certify(script)
    except BadInput as told:
        raise Bug(f"a question is not written as it is read: {told}") from told
    match found:
        case Certificate(lrat=proof):
            return proof
        case TooLarge():
            return None
        case Satisfiable(values):
            some = ", ".join(f"{name} = {value:#x}" for name, value in values.items())
            raise Bug(f"a question that a solver called unsatisfiable has a solution: {some}")


def _values(formula: Formula, true: frozenset[int]) -> dict[str, int]:
    """Give the numbers that a model stands for; what it leaves open is 0."""
    variable = variables(formula.circuit, formula.holds)

    def number(bits: tuple[int, ...]) -> int:
        return sum(1 << i for i, bit in enumerate(bits) if variable.get(bit >> 1) in true)

    return {
        name: number((value,) if isinstance(value, int) else value)
        for name, value in formula.symbols.items()
    }
