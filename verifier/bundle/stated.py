"""An obligation as formulas, before it is written to a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import claripy

from verifier.execution.oracle import CONTRACT_MARK, FACT_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable

    from claripy.ast.bool import Bool

    from verifier.bundle.kinds import Kind
    from verifier.bundle.smtlib import Condition
    from verifier.execution.path import Step
    from verifier.loading.image import Image
    from verifier.solver import Fact


@dataclass(frozen=True, slots=True)
class Where:
    """The instruction that an obligation comes from; empty where it comes from none.

    ``source`` is ``file:line`` where the image has it.
    """

    step: int = -1
    place: str = ""
    text: str = ""
    source: str = ""

    def __str__(self) -> str:
        """Give ``step 12, image+0x3d `leaq ...` (file:65)``."""
        told = f"step {self.step}, {self.place}" if self.place else ""
        told += f" `{self.text}`" if self.text else ""
        return told + (f" ({self.source})" if self.source else "")


NOWHERE = Where()


@dataclass(frozen=True, slots=True, eq=False)
class Stated:
    """Conditions that must be satisfiable together, or must not, as ``kind`` says.

    Each stands with a comment. ``claim`` is its id where a claim asks; ``assumptions`` are the
    ids of those among the conditions.
    """

    kind: Kind
    states: str
    asserted: tuple[tuple[str, Condition], ...]
    where: Where = NOWHERE
    claim: str = ""
    assumptions: tuple[str, ...] = ()


def given(facts: Iterable[Fact]) -> tuple[tuple[str, Condition], ...]:
    """Give facts as conditions with their comments."""
    return tuple((_told(fact.label), fact.condition) for fact in facts)


def used(facts: Iterable[Fact]) -> tuple[str, ...]:
    """Give the ids of the assumptions and contracts among facts, each once."""
    labels = dict.fromkeys(fact.label for fact in facts)
    ids = [label for label in labels if not label.startswith(FACT_PREFIX)]
    ids += [label.partition(CONTRACT_MARK)[2] for label in labels if CONTRACT_MARK in label]
    return tuple(dict.fromkeys(ids))


def _told(label: str) -> str:
    if not label.startswith(FACT_PREFIX):
        return f"assumption {label}"
    number, _, contract = label.removeprefix(FACT_PREFIX).partition(CONTRACT_MARK)
    if contract:
        return f"condition {number} of the path: what the contract {contract} ensures"
    return f"condition {number} of the path"


def all_of(conditions: Iterable[Bool]) -> Bool:
    """Give the conjunction."""
    return claripy.And(claripy.true(), *conditions)


def where(step: Step | None, image: Image) -> Where:
    """Name a step."""
    if step is None:
        return NOWHERE
    place, line = step.place, None
    if place.region.content is not None and isinstance(place.offset, int):
        line = image.line_at(place.offset)
    # Where the file lies is of one machine, and the bundle is for others.
    source = "" if line is None else f"{Path(line.file).name}:{line.line}"
    return Where(step.number, str(place), step.instruction.text, source)
