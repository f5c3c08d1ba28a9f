"""In a notebook our types show as tables, without markup of anyone else's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

from tests.reporting import build
from verifier.execution.concrete import state_of
from verifier.execution.oracle import Knowledge
from verifier.execution.path import Faulted, OutOfModel, Path, Reached, Stopped
from verifier.machine.models import MODELS, ModelName
from verifier.machine.registers import Vector
from verifier.machine.state import Features
from verifier.machine.words import constant
from verifier.proving.result import Counterexample, Result
from verifier.reporting.html import ending_text, register_notebook_formatters

if TYPE_CHECKING:
    import pathlib

    from verifier.machine.state import State

EXTERNAL = ("http:", "https:", "src=", "href=", "<script", "url(")


class Balance(HTMLParser):
    """Checks that what opens also closes."""

    def __init__(self) -> None:
        """Nothing is open yet."""
        super().__init__()
        self.open: list[str] = []
        self.tables = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open a tag."""
        del attrs
        self.open.append(tag)
        self.tables += tag == "table"

    def handle_endtag(self, tag: str) -> None:
        """Close the last one."""
        assert self.open.pop() == tag


class Formatter:
    """What IPython's formatter does, as far as we use it."""

    def __init__(self) -> None:
        """Know no type yet."""
        self.displays: dict[type, Callable[[Any], str]] = {}

    def for_type(self, typ: type, func: Callable[[Any], str]) -> None:
        """Remember a display."""
        self.displays[typ] = func


def state() -> State:
    """Give a state of numbers."""
    features = Features(constant(1 << 40), constant(0xFF), constant(0xD01))
    return state_of(build.start(), MODELS[ModelName.RETAINING], features)


def path() -> Path:
    """Give a path without steps."""
    return Path((), (), Reached(state()), Knowledge((), (), {}, frozenset()))


def test_every_type_is_displayed(tmp_path: pathlib.Path) -> None:
    """Each type we register gives whole HTML with a table, and asks for nothing from outside."""
    formatter = Formatter()
    register_notebook_formatters(formatter)
    samples: list[object] = [
        build.report(tmp_path, build.proved("rsi-preserved"), build.refuted(), build.undecided()),
        build.refuted(),
        build.proved(),
        build.counterexample(),
        state(),
        path(),
    ]
    assert {type(each) for each in samples} == set(formatter.displays)
    for each in samples:
        html = formatter.displays[type(each)](each)
        balance = Balance()
        balance.feed(html)
        assert balance.open == []
        assert balance.tables or isinstance(each, Path)
        assert not any(word in html for word in EXTERNAL)


def test_names_are_escaped() -> None:
    """Text from a spec cannot become markup."""
    formatter = Formatter()
    register_notebook_formatters(formatter)
    evil = "<script>alert(1)</script>"
    result = replace(build.undecided(), reason=evil, claim=evil)
    assert "<script" not in formatter.displays[Result](result)
    counterexample = replace(build.counterexample(), reason=evil)
    assert "<script" not in formatter.displays[Counterexample](counterexample)


def test_outside_of_a_notebook_nothing_happens() -> None:
    """Registering without IPython running is no error."""
    register_notebook_formatters()


def test_ipython_displays_a_result() -> None:
    """IPython itself calls the display that was registered."""
    from IPython.core.formatters import HTMLFormatter  # noqa: PLC0415 - slow, this test's alone

    formatter = HTMLFormatter()
    register_notebook_formatters(formatter)
    assert "REFUTED" in formatter(build.refuted())


def test_each_ending_is_said() -> None:
    """A path's heading says how it ended."""
    at = state()
    assert ending_text(Reached(at)) == "reaches the exit, to 0x100000"
    assert ending_text(Faulted(at, Vector.GP, 0, "limit")) == "faults with #GP(0x0): limit"
    assert ending_text(Stopped(at)) == "halts"
    assert "not followed" in ending_text(OutOfModel(at, "ud2"))
