"""Verdicts, counterexamples, states and paths as HTML tables in a notebook, nothing external."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Protocol

import claripy

from verifier.execution.path import (
    Faulted,
    OutOfFuel,
    OutOfModel,
    Path,
    Reached,
    Stopped,
    Subsumed,
)
from verifier.machine.registers import ControlRegister, Cr0, Cr4, Efer, Gpr, Segment
from verifier.machine.state import State
from verifier.machine.words import bit, known
from verifier.proving.result import Counterexample, Report, Result
from verifier.proving.shown import shown
from verifier.reporting.families import families, of_the_start
from verifier.reporting.lifters import agreed_sentence, remarks
from verifier.reporting.loops import CUT_HEAD, cut_cells, cuts_of
from verifier.reporting.markup import (
    Markup,
    code,
    escaped,
    folded,
    paragraph,
    table,
    title,
    verdict_markup,
)
from verifier.reporting.trace import where
from verifier.reporting.wording import boundary_sentence, elapsed, gap_ids, holds_where, number
from verifier.specification.expression import Input

if TYPE_CHECKING:
    from enum import IntEnum

    from claripy.ast.bv import BV

    from verifier.execution.path import Ending
    from verifier.loading.image import Image
    from verifier.machine.concrete import Observation
    from verifier.proving.result import InputValue, ReplayWord
    from verifier.specification.spec import Spec


class TextFormatter(Protocol):
    """What IPython offers to register a display with."""

    def for_type(self, typ: type, func: Callable[[Any], str]) -> object:
        """Display values of a type by a function."""


def register_notebook_formatters(formatter: TextFormatter | None = None) -> None:
    """Have a notebook show our types as tables; does nothing outside of one."""
    target = formatter or _of_notebook()
    if target is None:
        return
    displays: dict[type, Callable[[Any], str]] = {
        Report: report_html,
        Result: result_html,
        Counterexample: counterexample_html,
        State: state_html,
        Path: path_html,
    }
    for kind, display in displays.items():
        target.for_type(kind, display)


def _of_notebook() -> TextFormatter | None:
    try:
        from IPython.core.getipython import get_ipython  # noqa: PLC0415 - only notebooks have it
    except ImportError:
        return None
    shell = get_ipython()
    if shell is None or shell.display_formatter is None:
        return None
    found: TextFormatter = shell.display_formatter.formatters["text/html"]
    return found


def report_html(report: Report) -> str:
    """Give a table of all verdicts."""
    has_load = isinstance(report.spec.base.node, Input)
    rows = [
        (
            verdict_markup(each.verdict),
            each.claim,
            each.model.value,
            holds_where(each, has_load=has_load),
            elapsed(each.seconds),
        )
        for each in report.results
    ]
    head = ("verdict", "claim", "model", "where", "time")
    dropped = f" without {', '.join(report.dropped)}" if report.dropped else ""
    named = title(report.spec.name, f"{report.spec.description.title}{dropped}")
    bytes_line = f"{len(report.image.data)} bytes, sha256 {report.image.digest}"
    cuts = table([cut_cells(each) for each in cuts_of(report.results)], CUT_HEAD)
    left = gap_ids([gap.value for gap in report.gaps])
    told = [agreed_sentence(report.comparison), *remarks(report.comparison)]
    told += [f"What SOUNDNESS.md leaves between this and the metal: {left}"] if left else []
    lifters = "".join(paragraph(each) for each in told)
    return named + table(rows, head) + cuts + paragraph(bytes_line) + lifters


def result_html(result: Result) -> str:
    """Give one verdict with all that belongs to it."""
    told = [title(result.claim, f"under {result.model.value}", verdict_markup(result.verdict))]
    cause = result.counterexample
    if result.reason and not (cause and cause.reason == result.reason):
        told.append(paragraph(result.reason))
    if result.boundary is not None:
        told.append(paragraph(boundary_sentence(result.boundary)))
    if result.assumptions:
        told.append(paragraph(f"rests on {', '.join(result.assumptions)}"))
    told.append(table([cut_cells(each) for each in result.cuts], CUT_HEAD))
    if result.explanation is not None:
        why = result.explanation
        told.append(table([(each,) for each in why.obligations], ("to show",)))
        origins = [
            (each.name, each.value, each.place, each.text, each.source) for each in why.origins
        ]
        told.append(table(origins, ("value", "becomes", "at", "by", "source")))
    if result.counterexample is not None:
        told.append(counterexample_html(result.counterexample))
    return "".join(told)


_RESTS = ("do not matter", "as usual, or as the processor that replays it has them")


def counterexample_html(given: Counterexample) -> str:
    """Give the start, what differs, the engines' words and the whole path."""
    load = given.inputs[:1] if given.load is not None else ()
    known = [each for each in given.inputs if of_the_start(each.name)]
    matter = [each for each in known if each.matters or each in load]
    telling = [each for each in matter if each.value and not each.name.startswith("cpu.")]
    rest = [each for each in matter if each not in telling]
    others = [each.name for each in known if each not in matter]
    differ = [
        (each.name, number(each.actual), number(each.expected), "" if each.compared else "at entry")
        for each in given.differences
    ]
    words = [(each.engine, each.judge.value, each.sentence) for each in given.replays]
    steps = [
        (str(each.number), number(each.address), where(each), each.mode, each.text, each.source)
        for each in given.trace
    ]
    return "".join(
        (
            paragraph(given.reason),
            table(_inputs(telling), INPUT_HEAD),
            folded("inputs that are 0, and the processor", table(_inputs(rest), INPUT_HEAD)),
            paragraph(f"{_RESTS[given.sampled]}: {families(others)}") if others else "",
            table(differ, ("", "is", "should be", "")),
            table(words, ("engine", "", "")),
            folded(f"path, {len(steps)} instructions", table(steps, STEP_HEAD)),
        )
    )


def _inputs(given: Iterable[InputValue]) -> list[tuple[str, str]]:
    return [(each.name, number(each.value)) for each in given]


INPUT_HEAD = ("input", "value")
STEP_HEAD = ("", "address", "place", "mode", "instruction", "source")


def state_html(state: State) -> str:
    """Give a symbolic state: mode, registers, control registers, selectors."""
    registers = [("rip", code(shown(state.rip)))]
    registers += [(each.name.lower(), code(shown(state.gpr(each)))) for each in Gpr]
    controls = [(each.value, _control(state.control(each), each)) for each in ControlRegister]
    selectors = [
        (each.name.lower(), code(shown(state.segments[each].selector))) for each in Segment
    ]
    tables = [("gdtr", code(shown(state.gdtr.base))), ("idtr", code(shown(state.idtr.base)))]
    written = [
        (region, f"{len(cells)} bytes stored") for region, cells in state.memory.cells.items()
    ]
    return "".join(
        (
            title("state", f"{state.mode.value}, {state.model.name.value}"),
            table(registers, ("register", "value")),
            folded("system registers", table([*controls, *tables, *selectors], ("", "value"))),
            table(written, ("memory", "")),
        )
    )


NAMED_BITS: dict[ControlRegister, type[IntEnum]] = {
    ControlRegister.CR0: Cr0,
    ControlRegister.CR4: Cr4,
    ControlRegister.EFER: Efer,
}


def _control(value: BV, register: ControlRegister) -> Markup:
    """Give the bits that are known to be set or clear by name, a number or address as it is."""
    names = NAMED_BITS.get(register)
    if names is None:
        return code(shown(value))
    bits = {each.name: known(claripy.simplify(bit(value, each))) for each in names}
    told = [
        f"{state}: {' '.join(found)}"
        for state, wanted in (("set", 1), ("clear", 0), ("either", None))
        if (found := [name for name, value in bits.items() if value == wanted])
    ]
    return Markup("".join(f"<div>{escaped(each)}</div>" for each in told))


def path_html(path: Path) -> str:
    """Give a path: how it ends, what it was taken under, each step."""
    steps = [
        (
            str(each.number),
            code(shown(each.before.rip)),
            str(each.place),
            each.before.mode.value,
            each.instruction.text,
        )
        for each in path.steps
    ]
    facts = ", ".join(dict.fromkeys(fact.label for fact in path.facts))
    return "".join(
        (
            title("path", f"{len(steps)} instructions; {ending_text(path.ending)}"),
            paragraph(f"taken where: {facts}") if facts else "",
            table(steps, STEP_HEAD[:5]),
        )
    )


def replay_html(shown: Counterexample, word: ReplayWord, seen: Observation | None) -> str:
    """Give an engine's word and, if it ran, each instruction with what it changed."""
    named = title(word.engine, f"{word.judge.value}: {word.sentence}") + paragraph(word.version)
    if seen is None:
        return named
    texts = {step.number: step.text for step in shown.trace if step.number < len(seen.steps)}
    steps = [
        (
            str(at),
            number(step.rip),
            step.mode.value,
            texts.get(at, ""),
            ", ".join(f"{name.value} = {number(value)}" for name, value in step.controls.items()),
        )
        for at, step in enumerate(seen.steps)
    ]
    return named + table(steps, ("", "address", "mode", "instruction", "control registers"))


def spec_html(spec: Spec, image: Image) -> str:
    """Give what a spec assumes and claims."""
    claims = [
        (each.id, each.text, code(each.holds.text), ", ".join(m.value for m in each.promises))
        for each in spec.claims
    ]
    assumptions = [(each.id, each.text, code(each.holds.text)) for each in spec.assumptions]
    for callee in spec.contracts:
        ensured = code(callee.ensures.text if callee.ensures else "")
        assumptions.append((callee.id, callee.granted, ensured))
    count = len(assumptions)
    return "".join(
        (
            title(spec.name, spec.description.title),
            paragraph(spec.description.text),
            table(claims, ("claim", "", "holds", "promised under")),
            folded(f"{count} assumptions", table(assumptions, ("assumption", "", "holds"))),
            paragraph(f"{len(image.data)} bytes, sha256 {image.digest}"),
        )
    )


def ending_text(ending: Ending) -> str:
    """Say how a path ends."""
    match ending:
        case Reached(state):
            return f"reaches the exit, to {shown(state.rip)}"
        case Faulted(_, vector, error, why):
            code = "" if error is None else f"({error:#x})"
            return f"faults with {vector.mnemonic}{code}: {why}"
        case Stopped():
            return "halts"
        case Subsumed():
            return "goes on in other paths, which start from here or from more"
        case OutOfModel(_, reason) | OutOfFuel(_, reason):
            return f"is not followed further: {reason}"
