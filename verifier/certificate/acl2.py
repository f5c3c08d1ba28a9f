"""ACL2's LRAT checker, which is itself proved correct: a second opinion where it is installed.

It is the book ``projects/sat/lrat/stobj-based`` that Debian's ``acl2-books`` brings certified:
its ``main-theorem-stobj-based`` says that what it accepts is unsatisfiable.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

PROGRAM = "acl2"
PACKAGES = "acl2 acl2-books"
BOOK = (
    '(include-book "projects/sat/lrat/stobj-based/run" :dir :system'
    " :uncertified-okp nil :skip-proofs-okp nil :defaxioms-okp nil :ttags nil)"
)
_VERIFIED = re.compile(r"^s VERIFIED (\d+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Claim:
    """A formula in DIMACS and the LRAT proof that it has no solution, both as text."""

    dimacs: str
    lrat: str


class Acl2Failed(Exception):
    """ACL2 did not run to its end, or is not there."""


def available() -> bool:
    """Say whether ACL2 is on the path."""
    return shutil.which(PROGRAM) is not None


def verified(claims: list[Claim], seconds: float = 600) -> list[bool]:
    """Say of each claim whether ACL2 verified it; raise Acl2Failed where it is silent.

    One process judges all: it takes a second to start. Its exit code is the same whatever it
    finds, so that a claim counts as verified by its line ``s VERIFIED`` alone.
    """
    program = shutil.which(PROGRAM)
    if program is None:
        raise Acl2Failed(f"{PROGRAM} is not installed (Debian: apt install {PACKAGES})")
    with tempfile.TemporaryDirectory() as folder:
        for number, claim in enumerate(claims):
            Path(folder, f"{number}.cnf").write_text(claim.dimacs)
            Path(folder, f"{number}.lrat").write_text(claim.lrat)
        orders = [BOOK, *map(_order, range(len(claims))), "(good-bye)"]
        try:
            done = subprocess.run(  # noqa: S603 - the orders are made here
                [program],
                cwd=folder,
                input="\n".join(orders),
                capture_output=True,
                text=True,
                timeout=seconds,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as failed:
            raise Acl2Failed(f"{PROGRAM} gave no answer: {failed}") from failed
    said = {int(number) for number in _VERIFIED.findall(done.stdout)}
    return [number in said for number in range(len(claims))]


def _order(number: int) -> str:
    """Give the form that judges one claim as the book's own ``lrat-check`` does, and goes on."""
    said = '(if (and (null erp) (eq val t)) "s VERIFIED" "s FAILED")'
    return (
        f'(mv-let (erp val state) (lrat::verify-lrat-proof "{number}.cnf" "{number}.lrat")'
        f" (pprogn (princ$ {said} *standard-co* state)"
        f' (princ$ " {number}" *standard-co* state)'
        " (newline *standard-co* state) (value :invisible)))"
    )
