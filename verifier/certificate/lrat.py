"""The checker of LRAT proofs: what a certificate rests on, to be read in one sitting.

A formula is a list of clauses, a clause a tuple of literals, a literal a number that is not 0,
negative if negated. A proof is lines ``ID LITERAL... 0 HINT... 0``. Each line adds a clause that
follows from the clauses before it: where all its literals are false, the clauses named by the
hints, one after the other, leave one literal each, which is then true, until one leaves none.
The first clauses are the formula's, with the numbers from 1. The last one is empty.
"""

from __future__ import annotations

from collections.abc import Sequence

Clause = tuple[int, ...]


MOST_VISITS = 200_000_000
"""A proof is refused that looks at more literals than this; that takes about a minute."""


class Refused(Exception):
    """A proof that proves nothing, and why."""


def check(clauses: Sequence[Clause], proof: str) -> None:
    """Return if ``proof`` shows that no assignment satisfies all ``clauses``.

    Raise Refused otherwise.
    """
    known = dict(enumerate(clauses, 1))
    visits = 0
    for number, line in enumerate(proof.splitlines(), 1):
        name, clause, hints = _step(line, number)
        if name in known:
            raise Refused(f"line {number}: the name {name} is taken")
        visits += len(clause) + sum(len(known.get(hint, ())) for hint in hints)
        if visits > MOST_VISITS:
            raise Refused(f"line {number}: the proof looks at more than {MOST_VISITS} literals")
        _follow(known, clause, hints, number)
        if not clause:
            return
        known[name] = clause
    raise Refused("the proof ends without the empty clause")


def _step(line: str, number: int) -> tuple[int, Clause, Clause]:
    """Give the name, the clause and the hints of a line."""
    try:
        words = tuple(int(word) for word in line.split(" "))
        end = words.index(0)
    except ValueError:
        raise Refused(f"line {number}: no step: {line[:40]!r}") from None
    if end < 1 or words[-1] != 0 or end == len(words) - 1 or 0 in words[end + 1 : -1]:
        raise Refused(f"line {number}: no step: {line[:40]!r}")
    return words[0], words[1:end], words[end + 1 : -1]


def _follow(known: dict[int, Clause], clause: Clause, hints: Clause, number: int) -> None:
    """Refuse a clause that the hints do not show to follow."""
    true = {-literal for literal in clause}
    for hint in hints:
        if hint not in known:
            raise Refused(f"line {number}: there is no clause {hint} yet")
        left = {literal for literal in known[hint] if -literal not in true}
        if not left:
            return
        if len(left) > 1:
            raise Refused(f"line {number}: clause {hint} leaves {len(left)} literals")
        true |= left
    raise Refused(f"line {number}: the hints end in no contradiction")
