"""The CPU implementations that a replay runs on, and the ways a replay gives no observation."""

from __future__ import annotations

import functools
import shutil
import subprocess
from enum import Enum

QEMU_PROGRAM = "qemu-system-x86_64"
BOCHS_PACKAGE = "bochscpu-python"
VERSION_SECONDS = 5


class Engine(Enum):
    """A CPU implementation; the value is its name on the command line and in reports."""

    BOCHS = "bochs"
    QEMU = "qemu"


class ReplayFailed(Exception):
    """The engine died, hung or broke: nothing is known of the start."""

    def __init__(self, engine: Engine, reason: str) -> None:
        """Keep which engine and why."""
        super().__init__(f"{engine.value}: {reason}")
        self.engine = engine
        self.reason = reason


class NotRepresentable(Exception):
    """The engine cannot hold this start, or is known to be no judge of what it runs into."""

    def __init__(self, engine: Engine, reason: str) -> None:
        """Keep which engine and why."""
        super().__init__(f"{engine.value}: {reason}")
        self.engine = engine
        self.reason = reason


def available() -> tuple[Engine, ...]:
    """Give the engines that can run here, the judge first; Bochs comes with the package."""
    return (Engine.BOCHS, Engine.QEMU) if shutil.which(QEMU_PROGRAM) else (Engine.BOCHS,)


@functools.cache
def engine_version(engine: Engine) -> str:
    """Give one line for ``--version``; ``not installed`` where the engine is missing."""
    match engine:
        case Engine.BOCHS:
            # Takes as long to import as a worker does to start, and only --version needs it.
            from importlib import metadata  # noqa: PLC0415 - workers do without

            try:
                return f"Bochs in {BOCHS_PACKAGE} {metadata.version(BOCHS_PACKAGE)}"
            except metadata.PackageNotFoundError:
                return "not installed"
        case Engine.QEMU:
            program = shutil.which(QEMU_PROGRAM)
            if program is None:
                return "not installed"
            told = subprocess.run(  # noqa: S603 - a fixed program, no input of anyone
                [program, "--version"],
                capture_output=True,
                text=True,
                check=False,
                timeout=VERSION_SECONDS,
            )
            return told.stdout.partition("\n")[0].strip() or "unknown version"
