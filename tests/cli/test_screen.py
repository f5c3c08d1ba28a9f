"""Work of more than a second shows what it is about, and only where people look."""

from __future__ import annotations

import re
import time
from io import StringIO

import pytest
from rich.console import Console

from verifier.cli import screen as screen_module
from verifier.cli.screen import Progress, Screen


def progress(monkeypatch: pytest.MonkeyPatch, *, terminal: bool) -> tuple[Progress, StringIO]:
    """Give a progress that loses patience at once, and what it writes to."""
    for name in ("PATIENCE", "PLAIN_EVERY", "TICK"):
        monkeypatch.setattr(screen_module, name, 0.02)
    stream = StringIO()
    screen = Screen()
    screen.err = Console(file=stream, force_terminal=terminal, width=80)
    return Progress(screen), stream


def wait_for(text: str, stream: StringIO) -> None:
    """Wait until a text is shown, for 20 seconds at most."""
    for _ in range(1000):
        if text in stream.getvalue():
            return
        time.sleep(0.02)
    pytest.fail(f"'{text}' is not shown: {stream.getvalue()!r}")


def test_plain_lines_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere each stage is a line behind the time, without terminal codes, and said once."""
    say, stream = progress(monkeypatch, terminal=False)
    with say.shown():
        say("exploring\x1b[2J")
        time.sleep(0.2)
        say("proving")
        time.sleep(0.2)
    assert re.fullmatch(r"\d+ s  exploring\\x1b\[2J\n\d+ s  proving\n", stream.getvalue())


def test_time_is_of_the_whole_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes on where one report was shown and the next is waited for."""
    say, stream = progress(monkeypatch, terminal=False)
    now = time.monotonic()
    for message, seconds in (("first", 70), ("second", 3000)):
        say(message)
        monkeypatch.setattr(time, "monotonic", lambda passed=seconds: now + passed)
        with say.shown():
            wait_for(message, stream)
    assert re.fullmatch(r"(69|70) s  first\n(2999|3000) s  second\n", stream.getvalue())


def test_a_narrow_terminal_shows_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time stands before the message, whose end is cut."""
    say, stream = progress(monkeypatch, terminal=True)
    say("; ".join(["0 of 6 specs done", *["efi-setup: exploring"] * 9]))
    with say.shown():
        wait_for("of 6", stream)
    assert re.search(r"\d+ s  0 of 6 specs done", stream.getvalue())


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
