"""Look for runs that no path contains: ``python -m tests.execution.soak --seconds 600``."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.execution.containment import Tally, Trial
from tests.execution.programs import Writer
from tests.execution.trampolines import Trampolines
from verifier.replay import Engine, Replayer


def main() -> int:
    """Print the seed of each program whose run escaped, and how many runs were contained."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", default="0")
    parser.add_argument("--first", type=int, default=0, help="number of the first program")
    parser.add_argument("--runs", type=int, default=6, help="runs of each program")
    options = parser.parse_args()
    tally, began, number, escaped = Tally(), time.monotonic(), options.first, 0
    with Replayer([Engine.BOCHS]) as replayer:
        while time.monotonic() - began < options.seconds:
            name = f"{options.seed} {number}"
            source = random.Random(name)  # noqa: S311 - test data
            writer = (Writer, Trampolines)[number % 2](source)
            with tempfile.TemporaryDirectory() as folder:
                Trial(Path(folder), replayer, tally).of(writer.program(), source, options.runs)
            for each in tally.escaped:
                print(f"seed '{name}': {each.why}\n{each.gprs}\n{each.code}\n")  # noqa: T201 - its purpose
            escaped += len(tally.escaped)
            tally.escaped.clear()
            number += 1
    told = ", ".join(f"{count} {word}" for word, count in tally.runs.most_common())
    print(f"{tally.programs} programs, {tally.cut} with loops cut: {told}")  # noqa: T201 - its purpose
    return int(bool(escaped))


if __name__ == "__main__":
    sys.exit(main())
