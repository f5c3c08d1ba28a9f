"""What became of a mutant, and of all mutants of a target."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from verifier.machine.models import ModelName
    from verifier.mutation.mutant import Mutant
    from verifier.proving.result import Result
    from verifier.specification.spec import Spec
    from verifier.specification.survivor import Survivor
    from verifier.specification.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Killed:
    """A promised claim is not proved of it, so that the run's exit code is not 0.

    ``replayed`` says whether another CPU confirmed a refutation.
    """

    claim: str
    model: ModelName
    verdict: Verdict
    reason: str
    replayed: bool


@dataclass(frozen=True, slots=True)
class Equivalent:
    """Every promised claim is proved, and the end states are those of the original."""

    samples: int


@dataclass(frozen=True, slots=True)
class Unreachable:
    """Every promised claim is proved, and no path fetches or reads a changed byte."""

    samples: int


@dataclass(frozen=True, slots=True)
class Surviving:
    """Every promised claim is proved, and the effect may differ in the parts named.

    ``why`` is what the spec says of it, None where it says nothing.
    """

    differs: tuple[str, ...]
    why: Survivor | None
    samples: int


Fate = Killed | Equivalent | Unreachable | Surviving


@dataclass(frozen=True, slots=True, eq=False)
class Ended:
    """A mutant with its fate."""

    mutant: Mutant
    fate: Fate


@dataclass(frozen=True, slots=True, eq=False)
class Strength:
    """What came of the mutants of one target.

    ``total`` counts the mutants there are, of which ``ended`` were judged, ``resumed`` of them
    by an earlier run. ``stale`` are explanations of the spec that no mutant needs; they are
    known only where all were judged.
    """

    spec: Spec
    models: tuple[ModelName, ...]
    baseline: tuple[Result, ...]
    total: int
    ended: tuple[Ended, ...]
    stale: tuple[str, ...]
    seed: int | None
    seconds: float
    resumed: int = 0

    @property
    def unexplained(self) -> tuple[Ended, ...]:
        """Give the survivors of which the spec says nothing."""
        return tuple(
            each
            for each in self.ended
            if isinstance(each.fate, Surviving) and each.fate.why is None
        )

    @property
    def per_second(self) -> float:
        """Give how many mutants this run judged in a second."""
        return (len(self.ended) - self.resumed) / self.seconds if self.seconds else 0.0

    def killers(self) -> Mapping[tuple[str, str], int]:
        """Count the killed by claim and verdict, the most first."""
        counts = Counter(
            (each.fate.claim, each.fate.verdict.value)
            for each in self.ended
            if isinstance(each.fate, Killed)
        )
        return dict(counts.most_common())

    def count(self, kind: type[Fate]) -> int:
        """Count the mutants of one fate."""
        return sum(isinstance(each.fate, kind) for each in self.ended)
