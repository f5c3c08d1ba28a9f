"""Work of more than a second shows what it is about, and only where people look."""

from __future__ import annotations

import time
from io import StringIO
from typing import TYPE_CHECKING

from rich.console import Console

from verifier.cli import screen as screen_module
from verifier.cli.screen import Progress, Screen

if TYPE_CHECKING:
    import pytest


def progress(monkeypatch: pytest.MonkeyPatch, *, terminal: bool) -> tuple[Progress, StringIO]:
    """Give a progress that loses patience at once, and what it writes to."""
    for name in ("PATIENCE", "PLAIN_EVERY", "TICK"):
        monkeypatch.setattr(screen_module, name, 0.02)
    stream = StringIO()
    screen = Screen()
    screen.err = Console(file=stream, force_terminal=terminal, width=80)
    return Progress(screen), stream


def test_plain_lines_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere each stage is a line, without terminal codes, and said once."""
    say, stream = progress(monkeypatch, terminal=False)
    with say.shown():
        say("exploring\x1b[2J")
        time.sleep(0.2)
        say("proving")
        time.sleep(0.2)
    assert stream.getvalue() == "exploring\\x1b[2J\nproving\n"


def test_spinner_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal a line is redrawn, and the cursor is there again afterwards."""
    say, stream = progress(monkeypatch, terminal=True)
    with say.shown():
        say("exploring")
        time.sleep(0.3)
    assert "exploring" in stream.getvalue()
    assert stream.getvalue().rstrip().endswith("\x1b[2K")


def test_quick_work_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is done within the patience leaves no trace."""
    say, stream = progress(monkeypatch, terminal=False)
    monkeypatch.setattr(screen_module, "PATIENCE", 5.0)
    with say.shown():
        say("quick")
    assert stream.getvalue() == ""
