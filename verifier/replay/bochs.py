"""The Bochs engine as the main process sees it: one worker process with one CPU model."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING

from verifier.replay.engine import Engine, NotRepresentable, ReplayFailed
from verifier.replay.message import LENGTH_BYTES, pack, unpack_reply
from verifier.replay.representable import require_for_bochs
from verifier.replay.translation import observation, request

if TYPE_CHECKING:
    from verifier.machine.concrete import Observation, Start

PACKAGE_ROOT = Path(__file__).resolve().parents[2]
READ_BYTES = 1 << 16
LAST_WORDS = 500
"""How many bytes of a dead worker's standard error its failure quotes."""


class BochsWorker:
    """A worker process, started when made and kept until ``close``."""

    def __init__(self, *, has_la57: bool) -> None:
        """Start the process and return at once: it gets ready while others work."""
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close
        path = [str(PACKAGE_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        self._process = subprocess.Popen(  # noqa: S603 - our own module in our own interpreter
            [sys.executable, "-m", "verifier.replay.worker", "la57" if has_la57 else "no-la57"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path)},
            bufsize=0,
        )
        if self._process.stdin is None or self._process.stdout is None:
            raise AssertionError
        self._requests = self._process.stdin.fileno()
        self._replies = self._process.stdout.fileno()
        os.set_blocking(self._requests, False)

    @property
    def pid(self) -> int:
        """Give the process number, for tests that end it."""
        return self._process.pid

    def run(self, start: Start, steps: int, seconds: float) -> Observation:
        """Replay in the worker; after ReplayFailed the worker is of no more use."""
        require_for_bochs(start)
        deadline = time.monotonic() + seconds
        self._send(pack(request(start, steps, seconds)), deadline)
        length = int.from_bytes(self._receive(LENGTH_BYTES, deadline), "little")
        reply = unpack_reply(self._receive(length, deadline))
        if "not_representable" in reply:
            raise NotRepresentable(Engine.BOCHS, reply["not_representable"])
        if "failed" in reply:
            raise ReplayFailed(Engine.BOCHS, reply["failed"])
        return observation(Engine.BOCHS, reply)

    def close(self) -> None:
        """End the process, whatever it is doing: it holds nothing worth keeping."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._stderr):
            if stream:
                stream.close()

    def _send(self, data: bytes, deadline: float) -> None:
        unsent = memoryview(data)
        while unsent:
            self._wait([], [self._requests], deadline)
            try:
                unsent = unsent[os.write(self._requests, unsent) :]
            except BrokenPipeError:
                raise self._died() from None

    def _receive(self, size: int, deadline: float) -> bytes:
        received = b""
        while len(received) < size:
            self._wait([self._replies], [], deadline)
            part = os.read(self._replies, min(READ_BYTES, size - len(received)))
            if not part:
                raise self._died()
            received += part
        return received

    @staticmethod
    def _wait(readable: list[int], writable: list[int], deadline: float) -> None:
        left = max(0.0, deadline - time.monotonic())
        if not any(select.select(readable, writable, [], left)):
            raise ReplayFailed(Engine.BOCHS, "no answer in time")

    def _died(self) -> ReplayFailed:
        status = self._process.wait()
        self._stderr.seek(0)
        words = self._stderr.read()[-LAST_WORDS:].decode(errors="replace").strip()
        return ReplayFailed(Engine.BOCHS, f"the worker ended with status {status}: {words}")
