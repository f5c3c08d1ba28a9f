"""What the user sees: reports on standard output, progress and complaints on standard error."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.status import Status
from rich.text import Text

from verifier.errors import printable
from verifier.reporting.trace import Layout
from verifier.reporting.wording import line

PATIENCE = 1.0
"""Seconds of work before any progress is shown."""
TICK = 0.2
"""Seconds between two looks of a spinner."""
PLAIN_EVERY = 5.0
"""Seconds between two lines of progress where there is no terminal."""


class Screen:
    """Two consoles that wrap nothing by themselves."""

    def __init__(self) -> None:
        """Look at what standard output and standard error are now."""
        self.out = Console(highlight=False, soft_wrap=True)
        self.err = Console(stderr=True, highlight=False, soft_wrap=True)

    def layout(self, *, everything: bool) -> Layout:
        """Give how much to show; only a terminal has an edge."""
        return Layout(everything, self.out.width if self.out.is_terminal else None)

    def show(self, lines: Iterable[Text]) -> None:
        """Print lines of a report."""
        for each in lines:
            self.out.print(each)

    def complain(self, sentence: str) -> None:
        """Print one sentence for people, not for the next program of a pipe."""
        self.err.print(line((printable(sentence), "red" if self.err.is_terminal else "")))


class Progress:
    """What is going on: a spinner on a terminal, now and then a plain line elsewhere."""

    def __init__(self, screen: Screen) -> None:
        """Show nothing yet; the time that is shown runs from now."""
        self._console = screen.err
        self._started = time.monotonic()
        self._message = ""
        self._said = ""

    def __call__(self, message: str) -> None:
        """Say what begins now."""
        self._message = printable(message)

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show it while work goes on inside; nothing is left of a spinner afterwards."""
        done = threading.Event()
        watch = self._spin if self._console.is_terminal else self._tell
        thread = threading.Thread(target=watch, args=(done,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _spin(self, done: threading.Event) -> None:
        if done.wait(PATIENCE):
            return
        with Status("", console=self._console) as status:
            while not done.wait(TICK):
                status.update(Text(self._timed()))

    def _tell(self, done: threading.Event) -> None:
        patience = PATIENCE
        while not done.wait(patience):
            if self._message != self._said:
                self._said = self._message
                self._console.print(line(self._timed()))
            patience = PLAIN_EVERY

    def _timed(self) -> str:
        """Give the message behind the time: a narrow terminal cuts the end."""
        return f"{int(time.monotonic() - self._started)} s  {self._message}"
