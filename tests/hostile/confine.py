"""A reader run on hostile input in a process of its own, with bounds on time and memory."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import traceback
from collections.abc import Callable
from pathlib import Path

from verifier.errors import LONGEST, BadInput

Read = Callable[[], object]

PROCESSOR_SECONDS = 20
WAITING_SECONDS = 120
MEMORY = 1 << 30
SENTENCE = LONGEST + 300
"""Characters of an error, with the name of its file."""


def outcome(read: Read) -> str | None:
    """Give the sentence that refuses, None where all was read; whatever else comes up is raised."""
    try:
        read()
    except BadInput as error:
        return _sentence(error)
    return None


def _sentence(error: BadInput) -> str:
    sentence = str(error)
    assert len(sentence) <= SENTENCE, f"{len(sentence)} characters are no sentence"
    assert "\n" not in error.message, sentence
    assert error.message.strip(), "an empty sentence tells nothing"
    return sentence


def confined(read: Read) -> str | None:
    """Do as ``outcome`` in a child whose time and memory are bounded; its failure is ours."""
    here, there = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(here)
        _answer(read, there)
    os.close(there)
    with os.fdopen(here, "rb") as pipe:
        told = pipe.read().decode("utf-8", "backslashreplace")
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        name = signal.Signals(os.WTERMSIG(status)).name
        message = f"stopped by {name}: more than {PROCESSOR_SECONDS} s of the processor, or waiting"
        raise AssertionError(message)
    assert told[:1] in {"r", "b"}, told[1:]
    return told[1:] if told[0] == "b" else None


def _answer(read: Read, pipe: int) -> None:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    most = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    spent = int(sum(resource.getrusage(resource.RUSAGE_SELF)[:2])) + PROCESSOR_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (spent, spent))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(WAITING_SECONDS)
    try:
        sentence = outcome(read)
        told = "r" if sentence is None else f"b{sentence}"
    except BaseException:  # noqa: BLE001 - told to the parent, which fails
        told = f"x{traceback.format_exc(limit=-6)}"
    with contextlib.suppress(OSError):
        os.write(pipe, told.encode("utf-8", "backslashreplace")[:60_000])
    # Nothing of the parent's is to be finished twice.
    os._exit(0)
