"""Questions to the user's own git."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

SECONDS = 30


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
