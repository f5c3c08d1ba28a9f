"""The solvers that a bundle is rechecked with, each fed a script of SMT-LIB as text.

They run in processes of their own, with a limit on memory, so that none takes the others along.
"""

from __future__ import annotations

import resource
import signal
import time
from dataclasses import dataclass
from enum import Enum
from importlib import metadata

from verifier.bundle.kinds import CHECK, STATUS, Answer
from verifier.parent import end_with_parent

MEMORY = 6 << 30
"""Bytes of address space that a process of a solver may have."""
MILLISECONDS = 1000


class SolverName(Enum):
    """A solver, by the name of its package; the value is what users write."""

    BITWUZLA = "bitwuzla"
    CVC5 = "cvc5"
    Z3 = "z3"

    @property
    def version(self) -> str:
        """Give its version, empty where it is not installed."""
        try:
            return metadata.version(_PACKAGES[self])
        except metadata.PackageNotFoundError:
            return ""


_PACKAGES = {
    SolverName.BITWUZLA: "bitwuzla",
    SolverName.CVC5: "cvc5",
    SolverName.Z3: "z3-solver",
}


@dataclass(frozen=True, slots=True)
class Reply:
    """What a solver answered after so many seconds; ``problem`` is why where it is unknown."""

    solver: SolverName
    answer: Answer
    seconds: float
    problem: str = ""


def ask(solver: SolverName, text: str, seconds: float) -> Reply:
    """Put a script to a solver, for at most ``seconds``."""
    started = time.perf_counter()
    # What is expected is not told: cvc5 takes another answer of its own for an error.
    lines = [line for line in text.split("\n") if line != CHECK and not line.startswith(STATUS)]
    problem = ""
    try:
        said = _ASK[solver]("\n".join(lines), int(seconds * MILLISECONDS))
    except Exception as error:  # noqa: BLE001 - each solver has exceptions of its own
        said, problem = Answer.UNKNOWN.value, " ".join(str(error).split()) or type(error).__name__
    took = time.perf_counter() - started
    answer = Answer(said) if said in {each.value for each in Answer} else Answer.UNKNOWN
    if answer is Answer.UNKNOWN and not problem:
        problem = f"no answer within {seconds:g} s"
    return Reply(solver, answer, took, problem)


def confine() -> None:
    """Limit this process, which is for solvers alone; interrupts are the main process's."""
    end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def _bitwuzla(text: str, milliseconds: int) -> str:
    import bitwuzla  # noqa: PLC0415 - only in a process that asks it

    options = bitwuzla.Options()
    options.set(bitwuzla.Option.TIME_LIMIT_PER, milliseconds)
    parser = bitwuzla.Parser(bitwuzla.TermManager(), options)
    parser.parse(text, True, False)  # noqa: FBT003 - parse only, from a text
    return str(parser.bitwuzla().check_sat())


def _cvc5(text: str, milliseconds: int) -> str:
    import cvc5  # noqa: PLC0415 - likewise

    solver = cvc5.Solver(cvc5.TermManager())
    solver.setOption("tlimit-per", str(milliseconds))
    parser = cvc5.InputParser(solver)
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, text, "obligation")
    symbols = parser.getSymbolManager()
    while not (command := parser.nextCommand()).isNull():
        problem = command.invoke(solver, symbols)
        if problem:
            raise ValueError(problem)
    return str(solver.checkSat()).partition(" ")[0]


def _z3(text: str, milliseconds: int) -> str:
    import z3  # noqa: PLC0415 - likewise

    context = z3.Context()
    solver = z3.SolverFor("QF_BV", ctx=context)
    solver.set("timeout", milliseconds)
    solver.from_string(text)
    return str(solver.check())


_ASK = {SolverName.BITWUZLA: _bitwuzla, SolverName.CVC5: _cvc5, SolverName.Z3: _z3}
