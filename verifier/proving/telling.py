"""A candidate in the reader's words: the path with its source lines, the values that differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from verifier.execution.path import Faulted, Reached
from verifier.machine.concrete import FaultSeen
from verifier.machine.events import Access, AccessBy
from verifier.machine.paging import Intent
from verifier.machine.registers import ControlRegister, Gpr
from verifier.machine.words import known
from verifier.proving.result import Counterexample, Difference, End, TraceLine

if TYPE_CHECKING:
    from claripy.ast.bv import BV

    from verifier.execution.path import Step
    from verifier.loading.image import Image
    from verifier.proving.candidate import Candidate
    from verifier.proving.rehearsal import Rehearsal

Name = TypeVar("Name")
TOLD_CONTROLS = (
    ControlRegister.CR0,
    ControlRegister.CR3,
    ControlRegister.CR4,
    ControlRegister.EFER,
)


@dataclass(frozen=True, slots=True)
class Copy:
    """``size`` bytes of the image, from ``offset``, that the code copied to ``address``."""

    address: int
    size: int
    offset: int


def counterexample(candidate: Candidate, load: int | None) -> Counterexample:
    """Tell a candidate; no engine has said a word yet."""
    rehearsal = candidate.rehearsal
    differences = [Difference(*value) for value in candidate.broken.values]
    differences += _registers(rehearsal, {difference.name for difference in differences})
    return Counterexample(
        start=candidate.start,
        inputs=candidate.inputs,
        trace=tuple(trace(rehearsal)),
        differences=tuple(differences),
        reason=candidate.broken.sentence,
        steps=rehearsal.completed,
        load=load,
        end=_end(rehearsal),
        sampled=candidate.sampled,
    )


def _end(rehearsal: Rehearsal) -> End:
    ending = rehearsal.path.ending
    rip = known(ending.state.rip) or 0
    if isinstance(ending, Faulted):
        return End(rip, FaultSeen(ending.vector, ending.error, rip))
    return End(
        rip,
        gprs=_numbers(dict(zip(Gpr, ending.state.gprs, strict=True))),
        controls=_numbers({name: ending.state.controls[name] for name in TOLD_CONTROLS}),
    )


def _numbers(values: Mapping[Name, BV]) -> dict[Name, int]:
    numbers = {name: known(value) for name, value in values.items()}
    return {name: number for name, number in numbers.items() if number is not None}


def _registers(rehearsal: Rehearsal, told: set[str]) -> Iterator[Difference]:
    ending = rehearsal.path.ending
    if not isinstance(ending, Reached):
        return
    for register in Gpr:
        name = register.name.lower()
        now, before = known(ending.state.gprs[register]), rehearsal.start.gprs[register]
        if now is not None and now != before and name not in told:
            yield Difference(name, now, before, compared=False)


def trace(rehearsal: Rehearsal) -> Iterator[TraceLine]:
    """Give each executed instruction with where it came from."""
    image = rehearsal.evaluator.image
    base = known(rehearsal.evaluator.base) or 0
    copies = list(_copies(rehearsal, base, len(image.data)))
    for step in rehearsal.path.steps:
        yield _line(step, rehearsal, copies, base)


def _line(step: Step, rehearsal: Rehearsal, copies: list[Copy], base: int) -> TraceLine:
    image = rehearsal.evaluator.image
    address = known(step.before.rip) or 0
    offset = _image_offset(address, copies, base, image)
    line = image.line_at(offset) if offset is not None else None
    return TraceLine(
        number=step.number,
        address=address,
        place=rehearsal.place_of(address),
        mode=step.before.mode.value,
        raw=step.instruction.raw,
        text=step.instruction.text,
        origin=image.symbol_at(offset) if offset is not None else "",
        source=f"{line.file}:{line.line}" if line is not None else "",
        source_text=line.text if line is not None else "",
    )


def _image_offset(address: int, copies: list[Copy], base: int, image: Image) -> int | None:
    if 0 <= address - base < len(image.data):
        return address - base
    for copy in reversed(copies):
        if 0 <= address - copy.address < copy.size:
            return copy.offset + address - copy.address
    return None


def _copies(rehearsal: Rehearsal, base: int, size: int) -> Iterator[Copy]:
    """Give what string moves copied out of the image."""
    read: dict[int, Access] = {}
    for occurrence in rehearsal.path.occurrences:
        event = occurrence.event
        if not isinstance(event, Access) or event.by is AccessBy.PROCESSOR:
            continue
        if not occurrence.step.form.startswith("MOVS "):
            continue
        if event.intent is Intent.READ:
            read[occurrence.step.number] = event
        elif occurrence.step.number in read:
            origin = (known(read[occurrence.step.number].physical) or 0) - base
            if 0 <= origin < size:
                yield Copy(known(event.physical) or 0, event.size, origin)
