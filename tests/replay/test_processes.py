"""The processes behind a replay: quick to start, light, and never left hanging or behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import ClassVar

import pytest

import verifier.replay
from tests.replay.build import long_mode
from verifier.machine.concrete import EndKind, Observation, Start
from verifier.machine.registers import Gpr
from verifier.replay import Engine, Replayer, ReplayFailed, available, engine_version
from verifier.replay import replayer as replayer_module
from verifier.replay.bochs import BochsWorker
from verifier.replay.qemu import QemuEngine

ENDLESS = long_mode("f3a4", gprs={Gpr.RCX: 1 << 62, Gpr.RSI: 0x20_0000, Gpr.RDI: 0x20_0000})
HALT = long_mode("f4")
HEAVY = ("angr", "claripy", "z3", "dataclasses", "subprocess", "verifier.machine.concrete")
HUNG_SECONDS = 0.5
WARM_UP_SECONDS = 0.2


@pytest.mark.parametrize("engine", list(Engine))
def test_endless_run_is_ended(engine: Engine) -> None:
    """A run without end fails in the time it is given, and the next replay works."""
    with Replayer([engine], seconds=2 * HUNG_SECONDS) as replayer:
        begin = time.monotonic()
        with pytest.raises(ReplayFailed, match="no answer in time") as raised:
            replayer.replay(ENDLESS, 1, engine)
        assert time.monotonic() - begin < 10 * HUNG_SECONDS
        assert raised.value.engine is engine
        assert replayer.replay(HALT, 1, engine).end is EndKind.HALTED


class Patient(BochsWorker):
    """A worker that takes note of how long each run may take."""

    allowed: ClassVar[list[float]] = []

    def run(self, start: Start, steps: int, seconds: float) -> Observation:
        """Take note of the limit, and run one instruction."""
        del steps
        self.allowed.append(seconds)
        return super().run(start, 1, seconds)


def test_a_long_run_may_take_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit grows with the instructions to replay, so that a slow machine hangs no engine."""
    monkeypatch.setattr(replayer_module, "BochsWorker", Patient)
    with Replayer([Engine.BOCHS], seconds=5) as replayer:
        replayer.replay(HALT, 1, Engine.BOCHS)
        replayer.replay(HALT, 20_000, Engine.BOCHS)
    assert Patient.allowed == [pytest.approx(5, abs=0.1), pytest.approx(25)]


def test_dead_worker_is_told() -> None:
    """A worker that died fails its replay with how it ended; the next one is new."""
    with Replayer([Engine.BOCHS]) as replayer:
        replayer.warm_up()
        (worker,) = replayer._workers.values()  # noqa: SLF001 - to end this very process
        assert isinstance(worker, BochsWorker)
        os.kill(worker.pid, 9)
        with pytest.raises(ReplayFailed, match="status -9"):
            replayer.replay(HALT, 1, Engine.BOCHS)
        assert replayer.replay(HALT, 1, Engine.BOCHS).end is EndKind.HALTED


def test_broken_start_is_told() -> None:
    """A value that no register holds fails the replay and quotes the worker's last words."""
    with Replayer([Engine.BOCHS]) as replayer, pytest.raises(ReplayFailed, match="TypeError"):
        replayer.replay(long_mode("f4", gprs={Gpr.RAX: 1 << 64}), 1, Engine.BOCHS)


def test_warm_up_does_not_wait() -> None:
    """Warming up returns before the worker is ready."""
    with Replayer(tuple(Engine)) as replayer:
        begin = time.monotonic()
        replayer.warm_up()
        assert time.monotonic() - begin < WARM_UP_SECONDS
        assert replayer.replay(HALT, 1, Engine.BOCHS).end is EndKind.HALTED


def test_worker_imports_little() -> None:
    """A worker starts without what the main process needs."""
    listing = "import sys, verifier.replay.worker as w; print(*sys.modules); w.os._exit(0)"
    told = subprocess.run(
        [sys.executable, "-c", f"{listing.replace('; w.os', '; sys.stdout.flush(); w.os')}"],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(told.stdout.split())
    assert "verifier.replay.bochs_run" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_nothing_is_left_behind() -> None:
    """When the main process is killed, its engines end too."""
    script = (
        "import os, sys\n"
        "from tests.replay.build import long_mode\n"
        "from verifier.replay import Engine, Replayer\n"
        "replayer = Replayer(tuple(Engine))\n"
        "for engine in Engine:\n"
        "    replayer.replay(long_mode('f4'), 1, engine)\n"
        "path = '/proc/self/task/%d/children' % os.getpid()\n"
        "pids = open(path).read().split()\n"
        "for pid in list(pids):\n"
        "    pids += open(f'/proc/{pid}/task/{pid}/children').read().split()\n"
        "print(*pids, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    pids = told.stdout.split()
    assert len(pids) == 3, told.stderr
    deadline = time.monotonic() + 5
    while any(os.path.exists(f"/proc/{pid}") for pid in pids):  # noqa: PTH110 - many short names
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_versions() -> None:
    """Each engine tells its version in one line."""
    assert set(available()) == set(Engine), "install qemu-system-x86"
    assert engine_version(Engine.BOCHS).startswith("Bochs in bochscpu-python ")
    assert engine_version(Engine.QEMU).startswith("QEMU emulator version ")


def test_public_names() -> None:
    """Every public name loads, and another is an AttributeError."""
    for name in verifier.replay.__all__:
        assert getattr(verifier.replay, name) is not None
    with pytest.raises(AttributeError):
        verifier.replay.nothing  # noqa: B018 - the access is the test


def test_qemu_without_qemu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without QEMU the engine is not offered, and asking for it says so."""
    monkeypatch.setenv("PATH", "")
    assert available() == (Engine.BOCHS,)
    with pytest.raises(ReplayFailed, match="not installed"):
        QemuEngine(has_la57=True)
