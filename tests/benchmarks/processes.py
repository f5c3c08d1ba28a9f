"""Cold processes, measured: wall time and the peak memory of the process itself."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PEAK = """
import re, sys
peak = re.search(r"VmHWM:\\s*(\\d+) kB", open("/proc/self/status").read())[1]
sys.stderr.write(f"peak {peak}\\n")
"""
"""Added at a program's end. What wait4 tells would count the parent before exec, too."""

BARE_ANGR = f"import angr\n{PEAK}"
VERIFIER = (
    f"import sys\nfrom verifier.cli import main\ncode = main(sys.argv[1:])\n{PEAK}sys.exit(code)"
)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process took: wall seconds, and KiB at its peak without its children."""

    seconds: float
    peak: int
    status: int


def run(root: Path, program: str, arguments: Sequence[str] = ()) -> Cost:
    """Run a program of this interpreter in ``root`` from cold."""
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - began
    peaks = [line for line in done.stderr.splitlines() if line.startswith("peak ")]
    assert peaks, done.stderr
    return Cost(seconds, int(peaks[-1].split()[1]), done.returncode)
