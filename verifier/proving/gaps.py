"""Which gaps between proved and true, by their ids in SOUNDNESS.md, an exploration rests on.

Parts B, C and D. A gap is left out only where nothing that the paths did can meet it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING

from verifier.execution.path import Subsumed
from verifier.machine.events import Access, AccessBy, ControlWrite, ModeChange, Transfer
from verifier.machine.models import ModelName
from verifier.machine.paging import Intent
from verifier.machine.registers import ControlRegister
from verifier.semantics.table import is_row
from verifier.specification.spec import ImageKind

if TYPE_CHECKING:
    from verifier.execution.path import Step
    from verifier.machine.events import Event
    from verifier.proving.result import Result
    from verifier.proving.session import Session


class Gap(Enum):
    """A row of parts B, C and D that a proof can rest on; the value is its id."""

    CACHED_TRANSLATIONS = "B1"
    LOADER_TABLES = "B2"
    ACCESSED_BITS = "B3"
    UPPER_HALVES = "B4"
    STACK_UPPER_HALF = "B5"
    UNDEFINED_FLAGS = "B6"
    NO_HANDLERS = "B8"
    ENTRY_BITS = "B10"
    ENTRY_SEGMENTS = "B11"
    PAGE_RIGHTS = "B16"
    PLAIN_MEMORY = "B17"
    PHYSICAL_WIDTH = "B18"
    CPUID = "B19"
    LEVELS = "B21"
    VENDORS = "B22"
    EXIT_IS_A_TRANSFER = "B23"
    CODE_STORED = "B24"
    PROTECTION_KEYS = "B25"
    LARGE_PAGES = "B26"
    BESIDE = "B27"
    REGION_RIGHTS = "B28"
    CONTRACTS = "B29"
    LIFTER = "C1"
    ROWS = "C2"
    SIMPLIFIER = "C3"
    SOLVER = "C4"
    ASSEMBLER = "C5"
    DECODER = "C6"
    BOCHS = "C7"
    BOCHS_WIDTH = "C8"
    QEMU = "C9"
    GROUND = "C10"
    INSPECTION = "C11"
    ABSTRACTION = "C12"
    INTERRUPTED = "D1"
    FIRMWARE = "D2"
    OTHER_MASTERS = "D3"
    CACHES = "D4"
    ERRATA = "D5"
    HYPERVISOR = "D6"


@dataclass(frozen=True, eq=False)
class _Seen:
    """What the paths of a session did."""

    session: Session

    @cached_property
    def steps(self) -> list[Step]:
        """Give every step, those that paths share once."""
        return [*{id(step): step for path in self.session.paths for step in path.steps}.values()]

    @cached_property
    def events(self) -> list[Event]:
        """Give every event, those that paths share once."""
        found = (each.event for path in self.session.paths for each in path.occurrences)
        return [*{id(event): event for event in found}.values()]

    @property
    def writes_cr3(self) -> bool:
        """Say whether CR3 is loaded."""
        return any(
            isinstance(each, ControlWrite) and each.register is ControlRegister.CR3
            for each in self.events
        )

    @property
    def leaves_64_bit(self) -> bool:
        """Say whether the code comes back to 64-bit mode, or leaves it."""
        return any(isinstance(each, ModeChange) for each in self.events)

    @property
    def in_64_bit(self) -> bool:
        """Say whether 64-bit code is executed, of which each address must be canonical."""
        return any(step.instruction.mode.is_64 for step in self.steps)

    @property
    def marks(self) -> bool:
        """Say whether the processor itself stores to memory."""
        return any(
            isinstance(each, Access)
            and each.by is AccessBy.PROCESSOR
            and each.intent is Intent.WRITE
            for each in self.events
        )

    @property
    def walks(self) -> bool:
        """Say whether tables whose bytes lie in memory are walked."""
        return any(
            isinstance(each, Access)
            and each.by is AccessBy.PROCESSOR
            and each.linear is each.physical
            for each in self.events
        )

    @property
    def runs_what_was_stored(self) -> bool:
        """Say whether an instruction lies where the code had stored."""
        return any(
            isinstance(step.place.offset, int)
            and not step.before.memory.cells.get(step.place.region.name, {})
            .keys()
            .isdisjoint(range(step.place.offset, step.place.offset + step.instruction.size))
            for step in self.steps
        )

    @property
    def generalises(self) -> bool:
        """Say whether trails were joined, loops cut, or windows used."""
        return bool(self.session.context.cuts) or any(
            isinstance(path.ending, Subsumed) or path.ending.state.memory.extents
            for path in self.session.paths
        )

    def has_form(self, beginning: str) -> bool:
        """Say whether an instruction of such a form was executed."""
        return any(step.form.startswith(beginning) for step in self.steps)


QEMU_NAME = "qemu"
"""What QEMU is called in the word of a replay."""
_Rule = Callable[[_Seen], bool]


def _always(_: _Seen) -> bool:
    return True


RULES: dict[Gap, _Rule] = {
    Gap.CACHED_TRANSLATIONS: lambda seen: bool(seen.session.begin.state.tables),
    Gap.LOADER_TABLES: lambda seen: bool(seen.session.begin.state.tables),
    Gap.ACCESSED_BITS: lambda seen: seen.marks or bool(seen.session.begin.state.tables),
    Gap.UPPER_HALVES: lambda seen: seen.leaves_64_bit,
    Gap.STACK_UPPER_HALF: lambda seen: (
        seen.leaves_64_bit and seen.session.model is ModelName.RETAINING
    ),
    Gap.PAGE_RIGHTS: lambda seen: bool(seen.session.begin.state.tables) or seen.walks,
    Gap.CPUID: lambda seen: seen.has_form("CPUID"),
    Gap.LEVELS: lambda seen: seen.in_64_bit or seen.leaves_64_bit or seen.writes_cr3,
    Gap.VENDORS: lambda seen: any(isinstance(each, Transfer) and each.far for each in seen.events),
    Gap.CODE_STORED: lambda seen: seen.runs_what_was_stored,
    Gap.PROTECTION_KEYS: lambda seen: bool(seen.session.begin.state.tables) or seen.walks,
    Gap.LARGE_PAGES: lambda seen: seen.walks,
    Gap.CONTRACTS: lambda seen: bool(seen.session.context.applied),
    Gap.LIFTER: lambda seen: any(not is_row(step.form) for step in seen.steps),
    Gap.ROWS: lambda seen: any(is_row(step.form) for step in seen.steps),
    Gap.ASSEMBLER: lambda seen: bool(seen.session.target.image.producer),
    Gap.INSPECTION: lambda seen: (
        seen.session.target.spec.description.image.kind is ImageKind.BZIMAGE
    ),
    Gap.ABSTRACTION: lambda seen: seen.generalises,
}
"""When a gap bears on what was proved; those without a rule always do."""
OF_REPLAYS = frozenset({Gap.BOCHS, Gap.BOCHS_WIDTH, Gap.QEMU})
"""Those that refutations rest on, and what is said of sampled starts; no proof does."""


def gaps_of(session: Session) -> frozenset[Gap]:
    """Give the gaps that the proofs of a session rest on."""
    seen = _Seen(session)
    return frozenset(gap for gap in {*Gap} - OF_REPLAYS if RULES.get(gap, _always)(seen))


def replay_gaps(results: Iterable[Result]) -> frozenset[Gap]:
    """Give the gaps that refutations rest on."""
    found = set[Gap]()
    for result in results:
        shown = result.counterexample
        for word in () if shown is None else shown.replays:
            found |= {Gap.QEMU} if word.engine == QEMU_NAME else {Gap.BOCHS, Gap.BOCHS_WIDTH}
    return frozenset(found)
