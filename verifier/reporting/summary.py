"""A report in plain values: it passes between processes, and every form of output is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

from verifier.agreement.found import Comparison
from verifier.machine.words import WORD
from verifier.proving.result import InputValue
from verifier.specification.expression import Input

GUARANTEED = "what processors guarantee"
"""What a verdict rests on besides a spec's assumptions."""

if TYPE_CHECKING:
    from verifier.machine.models import ModelName
    from verifier.proving.result import Report, Result
    from verifier.specification.spec import Expectation, Spec


@dataclass(frozen=True, slots=True)
class ClaimSummary:
    """A claim as it was written, and the models it promises and expects verdicts of."""

    text: str
    holds: str
    promises: tuple[ModelName, ...]
    expect: Mapping[ModelName, Expectation]


@dataclass(frozen=True, slots=True)
class Work:
    """What the verdicts cost; ``paths`` and ``instructions`` are sums over the models."""

    paths: int
    instructions: int
    questions: int
    solver_seconds: float
    seconds: float
    samples: int


@dataclass(frozen=True, slots=True)
class Summary:
    """All that is told of one target.

    ``assumptions`` maps ids to their text, ``unreached`` has a sentence for each branch that
    always goes one way. ``digest`` is the SHA-256 of the ``size`` bytes
    that were proved, ``source`` the file they come from, ``producer`` the tool that made them.
    ``load_name`` is the input that the image's address is, empty where it is fixed; it is the
    first input of every counterexample. ``comparison`` is of the two lifters' meanings,
    ``gaps`` are ids of SOUNDNESS.md: what lies between proved and true here. ``limits`` are those
    of the run by the keys that specs give them, ``proved_by`` the names of the specs that are to
    prove contracts, by their ids.
    """

    target: str
    title: str
    spec: str
    source: str
    digest: str
    size: int
    producer: str
    notes: tuple[str, ...]
    load_name: str
    assumptions: Mapping[str, str]
    claims: Mapping[str, ClaimSummary]
    results: tuple[Result, ...]
    dropped: tuple[str, ...]
    unneeded: tuple[str, ...]
    work: Work
    saved: Mapping[tuple[str, ModelName], str] = field(default_factory=dict)
    comparison: Comparison = field(default_factory=Comparison)
    gaps: tuple[str, ...] = ()
    limits: Mapping[str, int] = field(default_factory=dict)
    proved_by: Mapping[str, str] = field(default_factory=dict)
    unreached: tuple[str, ...] = ()

    def promised(self, result: Result) -> bool:
        """Say whether the spec promises this claim under this model."""
        return result.model in self.claims[result.claim].promises

    @property
    def has_load(self) -> bool:
        """Say whether the image moves."""
        return bool(self.load_name)

    @property
    def needed(self) -> tuple[str, ...]:
        """Give the assumptions that some verdict rests on, in the order of the spec."""
        used = {name for result in self.results for name in result.assumptions}
        known = [name for name in self.assumptions if name in used]
        return (*known, *sorted(used - set(known)))

    @property
    def granted(self) -> dict[str, str]:
        """Give the text of each assumption, and of what else some verdict rests on."""
        others = dict.fromkeys(set(self.needed) - set(self.assumptions), GUARANTEED)
        return {**self.assumptions, **dict(sorted(others.items()))}


def summarise(report: Report) -> Summary:
    """Give the plain values of a report."""
    spec, image = report.spec, report.image
    name = spec.base.node.name if isinstance(spec.base.node, Input) else ""
    return Summary(
        target=spec.name,
        title=spec.description.title,
        spec=str(spec.description.path),
        source=image.name,
        digest=image.digest,
        size=len(image.data),
        producer=image.producer,
        notes=image.notes,
        load_name=name,
        assumptions=spec.granted,
        claims=_claims(spec),
        results=tuple(_load_first(each, name) for each in report.results),
        dropped=report.dropped,
        unneeded=report.unneeded,
        work=_work(report),
        comparison=report.comparison,
        gaps=tuple(gap.value for gap in report.gaps),
        limits=asdict(spec.limits),
        proved_by={each.id: each.proved_by for each in spec.contracts if each.proved_by},
        unreached=tuple(each.sentence for each in report.unreached),
    )


def _load_first(result: Result, name: str) -> Result:
    """Make the load address the first input of a counterexample, added where it is missing."""
    shown = result.counterexample
    if shown is None or shown.load is None:
        return result
    anywhere = result.boundary is not None and result.boundary.every_load
    missing = InputValue(name, shown.load, WORD, matters=not anywhere)
    load = next((each for each in shown.inputs if each.name == name), missing)
    others = (each for each in shown.inputs if each.name != name)
    return replace(result, counterexample=replace(shown, inputs=(load, *others)))


def _claims(spec: Spec) -> dict[str, ClaimSummary]:
    return {
        claim.id: ClaimSummary(claim.text, claim.holds.text, claim.promises, dict(claim.expect))
        for claim in spec.claims
    }


def _work(report: Report) -> Work:
    explored = [path for paths in report.paths.values() for path in paths]
    return Work(
        paths=len(explored),
        instructions=sum(len(path.steps) for path in explored),
        questions=report.solver_questions,
        solver_seconds=report.solver_seconds,
        seconds=report.seconds,
        samples=report.samples,
    )
