"""What became of a claim under one processor model, ready to be told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from verifier.agreement.found import Comparison

if TYPE_CHECKING:
    from verifier.execution.oracle import Cut
    from verifier.execution.path import Path
    from verifier.loading.image import Image
    from verifier.machine.concrete import FaultSeen, Start
    from verifier.machine.models import ModelName
    from verifier.machine.registers import ControlRegister, Gpr
    from verifier.proving.gaps import Gap
    from verifier.proving.session import Session
    from verifier.proving.unreached import Unreached
    from verifier.specification.spec import Claim, Spec
    from verifier.specification.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Boundary:
    """The loads at which some start breaks a claim.

    ``first`` is the smallest, ``last`` the largest of them, ``lowest`` and ``highest`` the
    smallest and largest that the assumptions allow. ``unbroken`` says that every allowed
    load from first to last fails for some start; ``proved_below`` that none below first does.
    """

    first: int
    last: int
    lowest: int
    highest: int
    unbroken: bool
    proved_below: bool

    @property
    def every_load(self) -> bool:
        """Say whether the claim fails at every allowed load."""
        return self.unbroken and (self.first, self.last) == (self.lowest, self.highest)


@dataclass(frozen=True, slots=True)
class InputValue:
    """One input of a counterexample; ``matters`` is False where any allowed value fails too.

    ``width`` is in bits.
    """

    name: str
    value: int
    width: int
    matters: bool


@dataclass(frozen=True, slots=True)
class TraceLine:
    """One executed instruction of a counterexample.

    ``place`` names where it lies (``low+0xc28``), ``origin`` the image's bytes it was copied
    from or is, by label, empty where unknown; ``source`` is ``file:line``.
    """

    number: int
    address: int
    place: str
    mode: str
    raw: bytes
    text: str
    origin: str
    source: str
    source_text: str


@dataclass(frozen=True, slots=True)
class Difference:
    """A value that a claim compares: what it is and what it should be.

    Where ``compared`` is False the claim says nothing of it: it is a register that the path
    changed, and ``expected`` is what it held at the entry.
    """

    name: str
    actual: int
    expected: int
    compared: bool = True


class Judge(Enum):
    """What an engine's replay said of a counterexample."""

    CONFIRMED = "confirms"
    CONTRADICTED = "contradicts"
    NOT_REPRESENTABLE = "cannot represent it"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ReplayWord:
    """The word of one engine, with its version and one sentence."""

    engine: str
    version: str
    judge: Judge
    sentence: str


def beyond_qemu(departure: str, *, faults: bool, asks_cpuid: bool) -> str | None:
    """Say why a ``departure`` of QEMU's from a run shows nothing, None where it does.

    QEMU runs through faults that processors raise, and answers CPUID as a processor of its own.
    """
    if faults:
        return f"does not check this: {departure}"
    if asks_cpuid:
        return f"its processor answers CPUID in another way: {departure}"
    return None


@dataclass(frozen=True, slots=True)
class End:
    """What an engine must see where a counterexample ends.

    ``rip`` is the linear address of the next instruction, or of the one that faults with
    ``fault``. ``gprs``, ``controls`` and ``written`` (a physical address's last byte) need not
    be complete: they hold what the verdict rests on, and nothing that is undefined.
    """

    rip: int
    fault: FaultSeen | None = None
    gprs: Mapping[Gpr, int] = field(default_factory=dict)
    controls: Mapping[ControlRegister, int] = field(default_factory=dict)
    written: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Counterexample:
    """A concrete start that breaks a claim.

    ``steps`` is how many instructions to replay; ``reason`` one sentence: the fault, or the
    wrong value against the expected one. ``end`` is what a saved file is replayed against. A start
    that was ``sampled`` was found by trial: those inputs matter that are not as usual.
    """

    start: Start
    inputs: tuple[InputValue, ...]
    trace: tuple[TraceLine, ...]
    differences: tuple[Difference, ...]
    reason: str
    steps: int
    load: int | None
    replays: tuple[ReplayWord, ...] = ()
    end: End | None = None
    sampled: bool = False


@dataclass(frozen=True, slots=True)
class Origin:
    """One link of where a value comes from: which instruction gave ``name`` its ``value``."""

    name: str
    value: str
    place: str
    text: str
    source: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a claim is proved: what was to show in readable form, and where values come from."""

    obligations: tuple[str, ...]
    origins: tuple[Origin, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """The verdict on one claim under one processor model, with what it rests on.

    ``assumptions`` are the ids that were needed. ``reason`` is one sentence for every verdict
    but PROVED. ``obligations`` counts what was shown; ``cuts`` are the loops that were cut at
    their head on the way. ``idle`` are premises of a proved claim that are true nowhere.
    """

    target: str
    claim: str
    model: ModelName
    verdict: Verdict
    assumptions: tuple[str, ...] = ()
    reason: str = ""
    obligations: int = 0
    paths: int = 0
    instructions: int = 0
    seconds: float = 0.0
    boundary: Boundary | None = None
    counterexample: Counterexample | None = None
    explanation: Explanation | None = None
    contradicted: bool = False
    cuts: tuple[Cut, ...] = ()
    idle: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """All results on one target.

    ``dropped`` are the assumptions left out on request; ``unneeded`` those that no proof here
    needed; ``samples`` how many concrete starts of the proved target were replayed and agreed;
    ``unreached`` is code behind a branch that no start reaches; ``comparison`` is of the two
    lifters' meanings; ``gaps`` are what lies between proved and true here. ``sessions`` are
    kept where the proofs are to be written down.
    """

    spec: Spec
    image: Image
    results: tuple[Result, ...]
    dropped: tuple[str, ...] = ()
    unneeded: tuple[str, ...] = ()
    samples: int = 0
    seconds: float = 0.0
    solver_questions: int = 0
    solver_seconds: float = 0.0
    unreached: tuple[Unreached, ...] = ()
    paths: Mapping[ModelName, tuple[Path, ...]] = field(default_factory=dict)
    comparison: Comparison = field(default_factory=Comparison)
    gaps: tuple[Gap, ...] = ()
    sessions: tuple[Session, ...] = ()


def claim_of(spec: Spec, name: str) -> Claim:
    """Give a claim of the spec by its id."""
    return next(claim for claim in spec.claims if claim.id == name)
