"""Look for runs that no path contains: ``python -m tests.execution.soak --seconds 600``."""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from pathlib import Path

from tests.execution.containment import Tally, tried


def main() -> None:
    """Print the seed of each program whose run escaped, and how many runs were contained."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", default="0")
    parser.add_argument("--first", type=int, default=0, help="number of the first program")
    parser.add_argument("--runs", type=int, default=6, help="runs of each program")
    options = parser.parse_args()
    tally, began, number = Tally(), time.monotonic(), options.first
    while time.monotonic() - began < options.seconds:
        name = f"{options.seed} {number}"
        with tempfile.TemporaryDirectory() as folder:
            tried(Path(folder), random.Random(name), options.runs, tally)  # noqa: S311 - test data
        for escaped in tally.escaped:
            print(f"seed '{name}': {escaped.why}\n{escaped.gprs}\n{escaped.code}\n")  # noqa: T201 - its purpose
        tally.escaped.clear()
        number += 1
    told = ", ".join(f"{count} {word}" for word, count in tally.runs.most_common())
    print(f"{tally.programs} programs, {tally.cut} with loops cut: {told}")  # noqa: T201 - its purpose


if __name__ == "__main__":
    main()
