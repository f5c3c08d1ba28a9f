"""Verdicts, counterexamples, states and paths as HTML tables in a notebook, nothing external."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from html import escape
from typing import TYPE_CHECKING, Any, Protocol

import claripy

from verifier.execution.path import (
    Faulted,
    OutOfFuel,
    OutOfModel,
    Path,
    Reached,
    Stopped,
)
from verifier.machine.registers import ControlRegister, Cr0, Cr4, Efer, Gpr, Segment
from verifier.machine.state import State
from verifier.machine.words import bit, known
from verifier.proving.result import Counterexample, Report, Result
from verifier.proving.shown import shown
from verifier.reporting.families import families
from verifier.reporting.trace import where
from verifier.reporting.wording import boundary_sentence, elapsed, holds_where, number, printable
from verifier.specification.expression import Input
from verifier.specification.verdict import Verdict

if TYPE_CHECKING:
    from enum import IntEnum

    from claripy.ast.bv import BV

    from verifier.execution.path import Ending
    from verifier.loading.image import Image
    from verifier.machine.concrete import Observation
    from verifier.proving.result import InputValue, ReplayWord
    from verifier.specification.spec import Spec

COLOUR = {
    Verdict.PROVED: "#1a7f37",
    Verdict.REFUTED: "#cf222e",
    Verdict.UNKNOWN: "#9a6700",
    Verdict.VACUOUS: "#8250df",
}
CELL = "text-align:left;padding:1px 10px 1px 0"


class _Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Cell = str | _Markup


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
            _verdict(each.verdict),
            each.claim,
            each.model.value,
            holds_where(each, has_load=has_load),
            elapsed(each.seconds),
        )
        for each in report.results
    ]
    head = ("verdict", "claim", "model", "where", "time")
    dropped = f" without {', '.join(report.dropped)}" if report.dropped else ""
    title = _title(report.spec.name, f"{report.spec.description.title}{dropped}")
    bytes_line = f"{len(report.image.data)} bytes, sha256 {report.image.digest}"
    return title + _table(rows, head) + _paragraph(bytes_line)


def result_html(result: Result) -> str:
    """Give one verdict with all that belongs to it."""
    told = [_title(result.claim, f"under {result.model.value}", _verdict(result.verdict))]
    cause = result.counterexample
    if result.reason and not (cause and cause.reason == result.reason):
        told.append(_paragraph(result.reason))
    if result.boundary is not None:
        told.append(_paragraph(boundary_sentence(result.boundary)))
    if result.assumptions:
        told.append(_paragraph(f"rests on {', '.join(result.assumptions)}"))
    if result.explanation is not None:
        why = result.explanation
        told.append(_table([(each,) for each in why.obligations], ("to show",)))
        origins = [
            (each.name, each.value, each.place, each.text, each.source) for each in why.origins
        ]
        told.append(_table(origins, ("value", "becomes", "at", "by", "source")))
    if result.counterexample is not None:
        told.append(counterexample_html(result.counterexample))
    return "".join(told)


def counterexample_html(given: Counterexample) -> str:
    """Give the start, what differs, the engines' words and the whole path."""
    load = given.inputs[:1] if given.load is not None else ()
    matter = [each for each in given.inputs if each.matters or each in load]
    telling = [each for each in matter if each.value and not each.name.startswith("cpu.")]
    rest = [each for each in matter if each not in telling]
    others = [each.name for each in given.inputs if each not in matter]
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
            _paragraph(given.reason),
            _table(_inputs(telling), INPUT_HEAD),
            _folded("inputs that are 0, and the processor", _table(_inputs(rest), INPUT_HEAD)),
            _paragraph(f"do not matter: {families(others)}") if others else "",
            _table(differ, ("", "is", "should be", "")),
            _table(words, ("engine", "", "")),
            _folded(f"path, {len(steps)} instructions", _table(steps, STEP_HEAD)),
        )
    )


def _inputs(given: Iterable[InputValue]) -> list[tuple[str, str]]:
    return [(each.name, number(each.value)) for each in given]


INPUT_HEAD = ("input", "value")
STEP_HEAD = ("", "address", "place", "mode", "instruction", "source")


def state_html(state: State) -> str:
    """Give a symbolic state: mode, registers, control registers, selectors."""
    registers = [("rip", _code(shown(state.rip)))]
    registers += [(each.name.lower(), _code(shown(state.gpr(each)))) for each in Gpr]
    controls = [(each.value, _control(state.control(each), each)) for each in ControlRegister]
    selectors = [
        (each.name.lower(), _code(shown(state.segments[each].selector))) for each in Segment
    ]
    tables = [("gdtr", _code(shown(state.gdtr.base))), ("idtr", _code(shown(state.idtr.base)))]
    written = [
        (region, f"{len(cells)} bytes stored") for region, cells in state.memory.cells.items()
    ]
    return "".join(
        (
            _title("state", f"{state.mode.value}, {state.model.name.value}"),
            _table(registers, ("register", "value")),
            _folded("system registers", _table([*controls, *tables, *selectors], ("", "value"))),
            _table(written, ("memory", "")),
        )
    )


NAMED_BITS: dict[ControlRegister, type[IntEnum]] = {
    ControlRegister.CR0: Cr0,
    ControlRegister.CR4: Cr4,
    ControlRegister.EFER: Efer,
}


def _control(value: BV, register: ControlRegister) -> _Markup:
    """Give the bits that are known to be set or clear by name, a number or address as it is."""
    names = NAMED_BITS.get(register)
    if names is None:
        return _code(shown(value))
    bits = {each.name: known(claripy.simplify(bit(value, each))) for each in names}
    told = [
        f"{state}: {' '.join(found)}"
        for state, wanted in (("set", 1), ("clear", 0), ("either", None))
        if (found := [name for name, value in bits.items() if value == wanted])
    ]
    return _Markup("".join(f"<div>{_escaped(each)}</div>" for each in told))


def path_html(path: Path) -> str:
    """Give a path: how it ends, what it was taken under, each step."""
    steps = [
        (
            str(each.number),
            _code(shown(each.before.rip)),
            str(each.place),
            each.before.mode.value,
            each.instruction.text,
        )
        for each in path.steps
    ]
    facts = ", ".join(dict.fromkeys(fact.label for fact in path.facts))
    return "".join(
        (
            _title("path", f"{len(steps)} instructions; {ending_text(path.ending)}"),
            _paragraph(f"taken where: {facts}") if facts else "",
            _table(steps, STEP_HEAD[:5]),
        )
    )


def replay_html(shown: Counterexample, word: ReplayWord, seen: Observation | None) -> str:
    """Give an engine's word and, if it ran, each instruction with what it changed."""
    title = _title(word.engine, f"{word.judge.value}: {word.sentence}") + _paragraph(word.version)
    if seen is None:
        return title
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
    return title + _table(steps, ("", "address", "mode", "instruction", "control registers"))


def spec_html(spec: Spec, image: Image) -> str:
    """Give what a spec assumes and claims."""
    claims = [
        (each.id, each.text, _code(each.holds.text), ", ".join(m.value for m in each.promises))
        for each in spec.claims
    ]
    assumptions = [(each.id, each.text, _code(each.holds.text)) for each in spec.assumptions]
    count = len(assumptions)
    return "".join(
        (
            _title(spec.name, spec.description.title),
            _paragraph(spec.description.text),
            _table(claims, ("claim", "", "holds", "promised under")),
            _folded(f"{count} assumptions", _table(assumptions, ("assumption", "", "holds"))),
            _paragraph(f"{len(image.data)} bytes, sha256 {image.digest}"),
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
        case OutOfModel(_, reason) | OutOfFuel(_, reason):
            return f"is not followed further: {reason}"


def _verdict(verdict: Verdict) -> _Markup:
    return _Markup(f'<b style="color:{COLOUR[verdict]}">{verdict.value}</b>')


def _code(text: str) -> _Markup:
    return _Markup(f"<code>{_escaped(text)}</code>")


def _escaped(cell: Cell) -> str:
    return cell if isinstance(cell, _Markup) else escape(printable(" ".join(cell.split())))


def _title(name: str, more: str, before: str = "") -> str:
    return f"<p>{before} <b>{_escaped(name)}</b> {_escaped(more)}</p>"


def _paragraph(text: str) -> str:
    return f"<p>{_escaped(text)}</p>" if text else ""


def _folded(summary: str, inside: str) -> str:
    return f"<details><summary>{_escaped(summary)}</summary>{inside}</details>" if inside else ""


def _table(rows: Iterable[tuple[Cell, ...]], head: tuple[str, ...]) -> str:
    body = "".join(_row(row, "td") for row in rows)
    return f"<table>{_row(head, 'th')}{body}</table>" if body else ""


def _row(cells: tuple[Cell, ...], tag: str) -> str:
    inside = "".join(f'<{tag} style="{CELL}">{_escaped(cell)}</{tag}>' for cell in cells)
    return f"<tr>{inside}</tr>"
