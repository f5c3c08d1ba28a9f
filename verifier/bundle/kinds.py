"""The kinds of obligations in a bundle, and what a solver must answer to each."""

from __future__ import annotations

from enum import Enum

LOGIC = "QF_BV"
STATUS = "(set-info :status "
WAY_OUT = "; not so: "
"""What stands above each of the conditions of which a cover denies that one holds."""
NOT_CASE = "; not case "
"""Stands above the denial of each case, of which the obligation denies that one holds."""
CHECK = "(check-sat)"


class Kind(Enum):
    """What an obligation is for, by the name that the bundle gives it."""

    START = "start"
    EXCLUDED = "case-excluded"
    CASES = "cases"
    COVER = "cover"
    JOIN = "join"
    ENTRY = "loop-entered"
    ROUND = "loop-round"
    INSTRUCTION = "instruction"
    ACCESS = "access"
    TRANSLATION = "translation"
    CODE = "code"
    LOOP = "loop-invariant"
    BOUND = "loop-bound"
    CALL = "call"
    CONTRACT = "contract"
    MET = "met"
    CLAIM = "claim"

    @property
    def words(self) -> str:
        """Say in words what obligations of this kind show."""
        return _WORDS[self]

    @property
    def expected(self) -> Answer:
        """Give what a solver must answer."""
        return Answer.SAT if self in {Kind.START, Kind.MET} else Answer.UNSAT


class Answer(Enum):
    """What a solver may answer, as SMT-LIB spells it."""

    SAT = "sat"
    UNSAT = "unsat"
    UNKNOWN = "unknown"


_WORDS = {
    Kind.START: "the assumptions allow a start",
    Kind.EXCLUDED: "no start is in a case",
    Kind.CASES: "the cases cover every start",
    Kind.COVER: "the paths cover every start",
    Kind.JOIN: "what is joined has the values of each way",
    Kind.ENTRY: "a loop is entered in a state of its head",
    Kind.ROUND: "a round leads to a state of the head again",
    Kind.INSTRUCTION: "an instruction does one thing only",
    Kind.ACCESS: "an access reaches one place",
    Kind.TRANSLATION: "an address is translated in one way",
    Kind.CODE: "the bytes of an instruction are known",
    Kind.LOOP: "an invariant of a loop holds",
    Kind.BOUND: "the rounds of a loop are bounded",
    Kind.CALL: "a call comes back",
    Kind.CONTRACT: "a call is as a contract requires",
    Kind.MET: "a claim speaks of something",
    Kind.CLAIM: "a claim holds",
}
