"""Specs are judged one by one or in processes of their own, to the same end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.specification.build import SPEC
from verifier.cli import PIPE_CLOSED, main
from verifier.cli import work as work_module
from verifier.cli.choose import Wish
from verifier.cli.work import judge_all

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Ran

BROKEN = SPEC.replace("rsi == entry.rsi", "rsx == entry.rsi")


def make(name: str, text: str) -> Path:
    """Make a spec with its source."""
    folder = Path("specs", name)
    folder.mkdir(parents=True)
    (folder / "spec.toml").write_text(text)
    (folder / "code.S").write_text("start:\njump: jmp start\n")
    return folder


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("jobs", [1, 2])
def test_bad_specs_are_outcomes(jobs: int) -> None:
    """Whether in this process or in others, each bad spec is told with its place, in order."""
    specs = (make("a", BROKEN), make("b", "title = 3"))
    outcomes = list(judge_all(specs, Wish(), jobs, lambda _: None))
    assert [each.spec for each in outcomes] == list(specs)
    first, second = (each.bad for each in outcomes)
    assert first is not None
    assert second is not None
    assert first.where == specs[0] / "spec.toml"
    assert first.line is not None
    assert "rsx" in first.message
    assert str(second).startswith("specs/b/spec.toml:1:")


@pytest.mark.usefixtures("here")
def test_processes_say_what_they_are_at() -> None:
    """Of several specs it is told how many are done, and of each other one what is going on."""
    specs = (make("a", BROKEN), make("b", BROKEN), make("c", BROKEN))
    said: list[str] = []
    assert len(list(judge_all(specs, Wish(), 2, said.append))) == 3
    assert said[0].startswith("0 of 3 specs done")
    assert any("specs/a: reading" in each for each in said)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["prove", "nowhere"], "there is no spec 'nowhere'"),
        (["prove", "specs/a"], "rsx"),
        (["show", "specs/a"], "rsx"),
        (["show", "nowhere"], "there is no spec 'nowhere'"),
        (["replay", "none.json"], "none.json: there is no such file"),
    ],
)
def test_bad_input_is_a_sentence(
    arguments: list[str], sentence: str, run: Callable[..., Ran]
) -> None:
    """On every command the user's mistake is one line on standard error and exit code 2."""
    make("a", BROKEN)
    told = run(*arguments)
    assert told.code == 2
    assert sentence in told.err
    assert told.err.count("\n") == 1
    assert told.out == ""


@pytest.mark.usefixtures("here")
def test_unexpected_error_of_one_spec_is_a_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever goes wrong in the work becomes an outcome with details for a maintainer."""

    def fail(*_: object) -> list[object]:
        raise RuntimeError("a solver went away")

    monkeypatch.setattr(work_module, "_reports", fail)
    (outcome,) = judge_all((Path("x"),), Wish(), 1, lambda _: None)
    assert outcome.bug is not None
    assert outcome.bug[0] == "x: a solver went away"
    assert "RuntimeError" in outcome.bug[1]
    assert "angr: 9" in outcome.bug[1]


@pytest.mark.usefixtures("here")
def test_unexpected_error_of_a_command_is_a_bug(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No command ends in a traceback."""

    def fail(_: object) -> int:
        raise RuntimeError("a disk went away")

    monkeypatch.setattr("verifier.cli.prove.prove", fail)
    assert main(["prove"]) == 5
    told = capsys.readouterr().err
    assert told.startswith("a bug of the verifier: a disk went away")
    assert "Traceback" in Path("counterexamples/bug-command.txt").read_text()


@pytest.mark.usefixtures("here")
def test_interrupt_and_closed_pipe_are_quiet(
    monkeypatch: pytest.MonkeyPatch, run: Callable[..., Ran]
) -> None:
    """Ctrl-C exits 130 without a word."""

    def interrupted(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("verifier.cli.prove.prove", interrupted)
    assert run("prove").code == 130


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("arguments", [["--version"], ["show", "specs/a", "--no-paths"]])
def test_closed_pipe_is_quiet(arguments: list[str]) -> None:
    """A reader that has read enough, as ``head``, is no error to talk about, and no refutation."""
    make("a", SPEC)
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "verifier", *arguments],
            stdout=write,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": ":".join(sys.path), "PYTHONUNBUFFERED": "1"},
            check=False,
        )
    finally:
        os.close(write)
    assert done.stderr == b""
    assert done.returncode == PIPE_CLOSED


@pytest.mark.usefixtures("here")
def test_interrupt_ends_the_processes() -> None:
    """Ctrl-C during work in several processes ends all of them at once, without tracebacks."""
    for name in ("a", "b"):
        make(name, SPEC)
    with subprocess.Popen(
        [sys.executable, "-m", "verifier", "prove", "--jobs", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
        start_new_session=True,
    ) as process:
        time.sleep(1.5)
        os.killpg(process.pid, signal.SIGINT)
        _, told = process.communicate(timeout=20)
    assert b"Traceback" not in told
    assert process.returncode == 130


CONFINED = """
import multiprocessing, os, time
from concurrent.futures import ProcessPoolExecutor
from verifier.bundle.solvers import confine
with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), confine) as pool:
    pool.submit(os.getpid).result()
    time.sleep(600)
"""


def descendants(pid: int) -> dict[int, str]:
    """Give the command line of each process below one, by its number."""
    found: dict[int, str] = {}
    # Any of them may end while it is looked at.
    with suppress(FileNotFoundError, ProcessLookupError):
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in map(int, children.read_text().split()):
                found[child] = Path(f"/proc/{child}/cmdline").read_text().replace("\0", " ")
                found |= descendants(child)
    return found


def lives(pid: int) -> bool:
    """Say whether a process runs: one that has ended may still await its parent's look."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def awaited(truth: Callable[[], object], what: str) -> None:
    """Wait until something is true, which it is soon or never."""
    last = time.monotonic() + 60
    while not truth():
        assert time.monotonic() < last, what
        time.sleep(0.05)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("arguments", "worker"),
    [
        (["-m", "verifier", "prove", "--jobs", "2"], "verifier.replay.worker"),
        (["-c", CONFINED], "spawn_main"),
    ],
)
@pytest.mark.parametrize("blow", [signal.SIGTERM, signal.SIGKILL])
def test_processes_end_with_the_main_one(
    arguments: list[str], worker: str, blow: signal.Signals
) -> None:
    """Whoever ends the main process alone, of ``prove`` or of ``recheck``, leaves none behind."""
    for name in ("a", "b"):
        make(name, SPEC)
    with subprocess.Popen(
        [sys.executable, *arguments],
        stdout=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
    ) as process:
        pids: dict[int, str] = {}
        try:
            awaited(
                lambda: any(worker in told for told in descendants(process.pid).values()),
                f"no {worker} was started",
            )
            pids = descendants(process.pid)
            assert sum("spawn_main" in told for told in pids.values()) > 0
            process.send_signal(blow)
            assert process.wait(60) == -blow
            awaited(lambda: not any(map(lives, pids)), f"some of {pids} are left")
        finally:
            for pid in (process.pid, *pids):
                if lives(pid):
                    os.kill(pid, signal.SIGKILL)
