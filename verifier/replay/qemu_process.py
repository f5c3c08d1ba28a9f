"""A QEMU process: one CPU and 2^40 bytes of memory in a file shared with it, nothing else."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from typing import IO

from verifier.replay.engine import QEMU_PROGRAM, Engine, ReplayFailed
from verifier.replay.gdb_stub import GdbStub

MEMORY_BITS = 40
MEMORY_BYTES = 1 << MEMORY_BITS
"""The file is sparse: only what is written takes room."""

PAGE_BYTES = 4096
LAST_WORDS = 500
GUARD = '"$@" & read -r _; kill -9 $!; wait $!'
"""A shell that ends QEMU when the pipe it reads is closed, also by our own sudden death."""


class QemuProcess:
    """A halted machine, its memory, its log of exceptions and its debugger stub."""

    def __init__(self, *, has_la57: bool) -> None:
        """Start the process; ``stub.greet`` waits until it is up."""
        program = shutil.which(QEMU_PROGRAM)
        if program is None:
            raise ReplayFailed(Engine.QEMU, f"{QEMU_PROGRAM} is not installed")
        self._memory = os.memfd_create("guest-memory")
        os.ftruncate(self._memory, MEMORY_BYTES)
        self._log = os.memfd_create("exceptions")
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close
        self._socket, theirs = socket.socketpair()
        memory = f"size={MEMORY_BYTES},mem-path=/proc/self/fd/{self._memory},share=on"
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - a fixed program, no input of anyone
                [
                    *("/bin/sh", "-c", GUARD, "sh", program),
                    *("-M", "none,memory-backend=memory", "-m", f"{MEMORY_BYTES >> 20}M"),
                    *("-object", f"memory-backend-file,id=memory,{memory}"),
                    *(
                        "-cpu",
                        f"max,apic-id=0,-apic,la57={'on' if has_la57 else 'off'}",
                        "-accel",
                        "tcg,thread=single",
                    ),
                    *("-nodefaults", "-display", "none", "-S", "-no-reboot", "-no-shutdown"),
                    *("-chardev", f"socket,id=debugger,fd={theirs.fileno()}"),
                    *("-gdb", "chardev:debugger"),
                    *("-d", "int", "-D", f"/proc/self/fd/{self._log}"),
                ],
                pass_fds=(self._memory, self._log, theirs.fileno()),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=self._stderr,
            )
        self.stub = GdbStub(self._socket)
        self.greeted = False
        self._log_seen = 0

    def greet(self, deadline: float) -> None:
        """Begin the conversation, once; each exchange must end by ``deadline``."""
        self.stub.deadline = deadline
        if not self.greeted:
            self.stub.greet()
            self.greeted = True

    def new_log(self) -> str:
        """Give what was logged since the last call."""
        size = os.fstat(self._log).st_size
        text = os.pread(self._log, size - self._log_seen, self._log_seen)
        self._log_seen = size
        return text.decode(errors="replace")

    def clear(self) -> None:
        """Make all memory read 0 again; QEMU must be told of code that was there."""
        os.ftruncate(self._memory, 0)
        os.ftruncate(self._memory, MEMORY_BYTES)

    def read(self, address: int, size: int) -> bytes:
        """Give bytes at a physical address; beyond the memory they read 0."""
        found = os.pread(self._memory, size, address) if address < MEMORY_BYTES else b""
        return found + bytes(size - len(found))

    def write(self, address: int, data: bytes) -> None:
        """Put bytes at a physical address, behind QEMU's back."""
        os.pwrite(self._memory, data, address)

    def touched(self) -> dict[int, bytes]:
        """Give every page that anyone has written or read, by its physical address."""
        position = 0
        pages: dict[int, bytes] = {}
        while True:
            try:
                start = os.lseek(self._memory, position, os.SEEK_DATA)
            except OSError:
                return pages
            position = os.lseek(self._memory, start, os.SEEK_HOLE)
            data = os.pread(self._memory, position - start, start)
            for offset in range(0, len(data), PAGE_BYTES):
                pages[start + offset] = data[offset : offset + PAGE_BYTES]

    def failure(self, reason: str) -> ReplayFailed:
        """Give the exception for a process that hung or died, with its last words."""
        self._stderr.seek(0)
        words = self._stderr.read()[-LAST_WORDS:].decode(errors="replace").strip()
        return ReplayFailed(Engine.QEMU, f"{reason}: {words}" if words else reason)

    def close(self) -> None:
        """End the process, whatever it is doing."""
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait()
        self._socket.close()
        self._stderr.close()
        os.close(self._memory)
        os.close(self._log)


def deadline_after(seconds: float) -> float:
    """Give the moment that many seconds from now, on the clock the stub watches."""
    return time.monotonic() + seconds
