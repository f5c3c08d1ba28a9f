"""Why a claim is proved: what was to show, and where each value comes from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from verifier.execution.path import Reached
from verifier.machine.registers import Gpr
from verifier.proving.result import Explanation, Origin
from verifier.proving.shown import shown
from verifier.specification import expression as e
from verifier.specification.vocabulary import When

if TYPE_CHECKING:
    from verifier.execution.path import Path
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
    if one.occurrence is not None or not isinstance(ending, Reached):
        return
    pending = [
        node.gpr
        for node in e.walk(claim.holds.node)
        if isinstance(node, e.Register) and node.when is When.NOW
    ]
    names_rip = any(isinstance(node, e.InstructionPointer) for node in e.walk(claim.holds.node))
    if names_rip and one.path.steps:
        yield from _of_target(one.path, words, pending)
    for register in dict.fromkeys(pending):
        yield from _of_register(one.path, register, words)


def _of_target(path: Path, words: Evaluator, pending: list[Gpr]) -> Iterator[Origin]:
    last = path.steps[-1]
    ending = path.ending
    if isinstance(ending, Reached):
        value = shown(ending.state.rip)
        yield Origin("rip", value, *_where(path, len(path.steps) - 1, words))
    text = last.instruction.text
    pending.extend(register for register in Gpr if f"%{register.name.lower()}" in text)


def _of_register(path: Path, register: Gpr, words: Evaluator) -> Iterator[Origin]:
    """Give every change of a register, the last one last."""
    states = [step.before for step in path.steps]
    ending = path.ending
    if isinstance(ending, Reached):
        states.append(ending.state)
    name = register.name.lower()
    changed = False
    for number in range(len(path.steps)):
        before, after = states[number].gprs[register], states[number + 1].gprs[register]
        if before is not after:
            changed = True
            yield Origin(name, shown(after), *_where(path, number, words))
    if not changed:
        yield Origin(name, shown(states[0].gprs[register]), "entry", "never written", "")


def _where(path: Path, number: int, words: Evaluator) -> tuple[str, str, str]:
    step = path.steps[number]
    offset = step.place.offset
    if step.place.region.name == "image" and isinstance(offset, int):
        line = words.image.line_at(offset)
        source = f"{line.file}:{line.line}" if line is not None else ""
        return str(step.place), step.instruction.text, source
    return str(step.place), step.instruction.text, ""
