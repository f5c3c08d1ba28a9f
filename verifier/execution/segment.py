"""The stretches that an exploration consists of, for those who check that it is complete.

Inside a segment trails only fork. Where trails are joined, and at a loop's head, another one
begins; the trails that lead there end, and say so.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from claripy.ast.bv import BV

    from verifier.machine.state import State
    from verifier.solver import Fact


class Root(Enum):
    """Where a segment begins."""

    START = "the starts"
    JOINED = "trails that meet"
    HEAD = "the head of a loop"
    SWEPT = "rounds that are taken at once"


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """A stretch of the exploration: where it begins, in which state, and what is known there.

    ``place`` is that of the loop whose head it is; the first ``known`` facts are older than
    the loop. Of what the head leaves open and is no register, flag or byte, ``entered`` says
    what it is when the loop is entered, ``repeated`` after one more round: pairs of a symbol
    and its value.
    """

    root: Root
    state: State
    facts: tuple[Fact, ...]
    place: str = ""
    known: int = 0
    entered: tuple[tuple[BV, BV], ...] = ()
    repeated: tuple[tuple[BV, BV], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A trail that came to a loop which is cut there, and goes on where ``head`` begins.

    That is the loop's first head, or what follows on rounds that were taken at once.
    """

    facts: tuple[Fact, ...]
    state: State
    segment: Segment | None
    head: Segment
