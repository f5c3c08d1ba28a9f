"""Questions to the user's own git."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from verifier.errors import BadInput

SECONDS = 30
LONG = 600
"""Seconds that git may take to write files out."""


def ask_git(folder: Path, *arguments: str) -> bytes | None:
    """Give git's answer about a folder; None without git, or where it knows nothing of it."""
    program = shutil.which("git")
    if program is None:
        return None
    asked = subprocess.run(  # noqa: S603 - fixed arguments, no shell
        [program, "-C", str(folder), *arguments],
        capture_output=True,
        check=False,
        timeout=SECONDS,
    )
    return asked.stdout if asked.returncode == 0 else None


def have_git(
    folder: Path,
    *arguments: str,
    told: bytes = b"",
    environment: Mapping[str, str] | None = None,
) -> bytes:
    """Have git do something, with ``told`` on its standard input; BadInput where it does not."""
    program = shutil.which("git")
    if program is None:
        raise BadInput("git is not installed (Debian: apt install git)")
    try:
        done = subprocess.run(  # noqa: S603 - no shell
            [program, "-C", str(folder), *arguments],
            input=told,
            capture_output=True,
            check=False,
            timeout=LONG,
            env={**os.environ, **(environment or {})},
        )
    except subprocess.TimeoutExpired:
        raise BadInput(f"git {arguments[0]} took longer than {LONG} s") from None
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines() or [
            "it does not say why"
        ]
        raise BadInput(f"git {arguments[0]} failed: {said[0]}")
    return done.stdout


def names(listed: bytes) -> list[str]:
    """Give the names of a list of git's that ends each with a zero byte, each once."""
    found = (name.decode("utf-8", "surrogateescape") for name in listed.split(b"\0") if name)
    return sorted(dict.fromkeys(found))
