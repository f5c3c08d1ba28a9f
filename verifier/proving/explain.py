"""Why a claim is proved: what was to show, and where each value comes from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from verifier.execution.path import Reached
from verifier.machine.registers import LEGACY_GPRS, Gpr
from verifier.proving.result import Explanation, Origin
from verifier.proving.shown import shown
from verifier.specification import expression as e
from verifier.specification.vocabulary import When

NAMES = {register.name.lower(): register for register in Gpr} | {
    f"e{register.name.lower()[1:]}": register for register in LEGACY_GPRS
}
"""General registers by their 64-bit names and the legacy 32-bit ones."""
DEEPEST = 4
"""How many writes back a value is followed."""

if TYPE_CHECKING:
    from verifier.execution.path import Path, Step
    from verifier.proving.evaluate import Evaluator
    from verifier.proving.obligation import MustHold
    from verifier.specification.spec import Claim


def explain(claim: Claim, obligations: tuple[MustHold, ...], words: Evaluator) -> Explanation:
    """Tell a proof."""
    told = dict.fromkeys(_obligation(claim, one) for one in obligations)
    origins = [origin for one in obligations for origin in _origins(claim, one, words)]
    return Explanation(tuple(told), tuple(dict.fromkeys(origins)))


def _obligation(claim: Claim, one: MustHold) -> str:
    text = " ".join(claim.holds.text.split())
    if one.occurrence is None:
        where = one.path.steps[-1].place if one.path.steps else "the entry"
        return f"at the exit, {where}: {text}"
    return f"at {one.occurrence.step.place}, `{one.occurrence.step.instruction.text}`: {text}"


def _origins(claim: Claim, one: MustHold, words: Evaluator) -> Iterator[Origin]:
    """Tell where the registers that an exit claim speaks of got their values."""
    ending = one.path.ending
    if one.occurrence is not None or not isinstance(ending, Reached) or not one.path.steps:
        return
    history = _History(one.path, ending, words)
    last = len(one.path.steps)
    for node in e.walk(claim.holds.node):
        match node:
            case e.Register(gpr, When.NOW):
                yield from history.of(gpr, last, DEEPEST)
            case e.InstructionPointer(When.NOW):
                for register in _named(one.path.steps[-1].instruction.text):
                    yield from history.of(register, last - 1, DEEPEST)
                where = history.where(last - 1)
                yield Origin("rip", shown(ending.state.rip), *where)
            case _:
                pass


class _History:
    """The values of registers along one path."""

    def __init__(self, path: Path, ending: Reached, words: Evaluator) -> None:
        self._steps = path.steps
        self._states = [*(step.before for step in path.steps), ending.state]
        self._words = words

    def of(self, register: Gpr, before: int, depth: int) -> Iterator[Origin]:
        """Tell the last write of a register ahead of a step, what it was made of first."""
        name = register.name.lower()
        for number in reversed(range(before)):
            value = self._states[number + 1].gprs[register]
            if value is self._states[number].gprs[register]:
                continue
            for source in _sources(self._steps[number].instruction.text) if depth else ():
                yield from self.of(source, number, depth - 1)
            yield Origin(name, shown(value), *self.where(number))
            return
        if depth == DEEPEST:
            yield Origin(name, shown(self._states[0].gprs[register]), "entry", "never written", "")

    def where(self, number: int) -> tuple[str, str, str]:
        """Give a step's place, text and source line."""
        step = self._steps[number]
        return _where(step, self._words)


def _named(text: str) -> list[Gpr]:
    """Give the general registers that an instruction names, in order."""
    return [NAMES[name] for name in re.findall(r"%([a-z0-9]+)", text) if name in NAMES]


def _sources(text: str) -> list[Gpr]:
    """Give the registers that an instruction reads, as AT&T syntax shows them."""
    operands = text.rpartition(",")[0] if "," in text else ""
    return list(dict.fromkeys(_named(operands)))


def _where(step: Step, words: Evaluator) -> tuple[str, str, str]:
    offset = step.place.offset
    line = None
    if step.place.region.content is not None and isinstance(offset, int):
        line = words.image.line_at(offset)
    source = f"{line.file}:{line.line}" if line is not None else ""
    return str(step.place), step.instruction.text, source
