"""Code behind a branch that no start reaches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from verifier.execution.path import OutOfFuel, OutOfModel
from verifier.semantics.instruction import LONGEST, decode

if TYPE_CHECKING:
    from verifier.execution.path import Path, Step
    from verifier.machine.memory import Place

SHORT_CONDITIONS = range(0x70, 0x80)
LOOPS = range(0xE0, 0xE4)
NEAR_CONDITIONS = range(0x80, 0x90)
DISTANCE_BYTES = 4


@dataclass(frozen=True, slots=True)
class Unreached:
    """An instruction, named by its place and text, that a branch never leads to."""

    place: str
    text: str
    branch: str
    branch_text: str

    @property
    def sentence(self) -> str:
        """Tell it."""
        return (
            f"no start reaches {self.place} (`{self.text}`): "
            f"`{self.branch_text}` at {self.branch} always goes the other way"
        )


def unreached(explored: Iterable[Sequence[Path]]) -> tuple[Unreached, ...]:
    """Give what no path of any exploration reaches, nothing where one did not end in the model."""
    paths = [path for each in explored for path in each]
    if any(isinstance(path.ending, (OutOfModel, OutOfFuel)) for path in paths):
        return ()
    steps = {id(step): step for path in paths for step in path.steps}.values()
    reached = {(step.place.region.name, step.place.offset) for step in steps}
    found = (
        _told(step, place)
        for step in steps
        for place in _ways(step)
        if (place.region.name, place.offset) not in reached
    )
    return tuple(dict.fromkeys(found))


def _ways(step: Step) -> Iterator[Place]:
    """Give both places that a conditional branch may lead to."""
    raw, opcode, at = step.instruction.raw, step.instruction.opcode, step.place.offset
    near = len(opcode) > 1 and opcode[1] in NEAR_CONDITIONS
    short = len(opcode) == 1 and (opcode[0] in SHORT_CONDITIONS or opcode[0] in LOOPS)
    if not isinstance(at, int) or not (near or short):
        return
    distance = int.from_bytes(raw[-DISTANCE_BYTES if near else -1 :], "little", signed=True)
    for offset in (at + len(raw), at + len(raw) + distance):
        yield replace(step.place, offset=offset)


def _told(step: Step, place: Place) -> Unreached:
    memory = step.before.memory
    code = bytearray()
    for ahead in range(LONGEST):
        offset = place.offset + ahead if isinstance(place.offset, int) else ahead
        cell = memory.cell(place.region, offset)
        if not isinstance(cell, int):
            break
        code.append(cell)
    instruction = decode(bytes(code), step.instruction.mode)
    text = "bytes that are open" if instruction is None else instruction.text
    mnemonic = step.instruction.text.split()[0]
    return Unreached(str(place), text, str(step.place), mnemonic)
