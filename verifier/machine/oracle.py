"""What the machine asks about values it does not know, and how it stops when it must.

The machine's own code is written as a straight line. Where a value is symbolic it asks an
oracle; who answers decides what is executed: one concrete run, or every path.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from claripy.ast.bool import Bool
    from claripy.ast.bv import BV

    from verifier.machine.registers import Vector


class About(Enum):
    """What a question is about, in the words in which a proof tells it."""

    INSTRUCTION = "a condition of the instruction"
    ACCESS = "which memory an access reaches"
    TRANSLATION = "the translation of an address"
    CODE = "the bytes of an instruction"
    LOOP = "the invariant of a loop"
    BOUND = "the bound on the rounds of a loop"
    CALL = "the return of a call"
    CONTRACT = "what a contract requires of a call"
    CLAIM = "a word of a claim"


class Oracle(Protocol):
    """Answers about values under the conditions of the path that is being executed."""

    def decide(self, condition: Bool, about: About = About.INSTRUCTION, /) -> bool:
        """Say which way ``condition`` goes; where it may go both ways, both are executed."""
        ...

    def holds(self, condition: Bool, about: About = About.INSTRUCTION, /) -> bool:
        """Say whether ``condition`` is true for every value that this path allows."""
        ...

    def likely(self, condition: Bool) -> bool:
        """Say whether ``condition`` is true for one value or other that this path allows.

        A guess that costs nothing and decides nothing but what is asked first.
        """
        ...

    def value(self, expression: BV, about: About = About.INSTRUCTION, /) -> int | None:
        """Give the only value that this path allows ``expression``, or None."""
        ...

    def fresh(self, name: str, width: int) -> BV:
        """Give a value of ``width`` bits that nothing determines; the same name, the same value."""
        ...


class Fault(Exception):
    """An exception that the processor raises; ``error`` is its error code where it has one."""

    def __init__(self, vector: Vector, error: int | None, why: str) -> None:
        """Keep the cause in the words of the manual's exception list."""
        super().__init__(f"{vector.mnemonic}: {why}")
        self.vector = vector
        self.error = error
        self.why = why


class Unmodelled(Exception):
    """What happens next is not described by this model; ``around`` are values that decide it.

    Nothing is known of such a path, so it never supports a proof. The prover tries concrete
    starts that differ in ``around``.
    """

    def __init__(self, reason: str, around: tuple[BV, ...] = ()) -> None:
        """Keep the reason, which the verdict UNKNOWN repeats."""
        super().__init__(reason)
        self.reason = reason
        self.around = around
