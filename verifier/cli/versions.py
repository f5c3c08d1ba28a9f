"""The versions that a verdict depends on."""

from __future__ import annotations

import functools
import platform
import shutil
import subprocess
from importlib import metadata

from verifier import __version__
from verifier.replay.bochs_models import WITH_LA57, WITHOUT_LA57
from verifier.replay.engine import Engine, engine_version

LIBRARIES = ("angr", "claripy", "pyvex", "pypcode", "z3-solver", "capstone", "pyelftools")
SECONDS = 5


@functools.cache
def tools() -> dict[str, str]:
    """Give each tool's version by its name, ``not installed`` where it is missing."""
    return {
        "verifier": __version__,
        "Python": platform.python_version(),
        **{name: _library(name) for name in LIBRARIES},
        "Bochs": engine_version(Engine.BOCHS).removeprefix("Bochs in "),
        "Bochs CPU": f"{WITH_LA57.name}; without LA57 {WITHOUT_LA57.name}",
        "QEMU": engine_version(Engine.QEMU).removeprefix("QEMU emulator version "),
        "as": _assembler(),
    }


def _library(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _assembler() -> str:
    program = shutil.which("as")
    if program is None:
        return "not installed"
    told = subprocess.run(  # noqa: S603 - the tool that assembles, no input of anyone
        [program, "--version"], capture_output=True, text=True, check=False, timeout=SECONDS
    )
    return told.stdout.partition("\n")[0].removeprefix("GNU assembler ").strip() or "unknown"
