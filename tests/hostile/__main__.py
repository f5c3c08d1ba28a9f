"""Fuzz what we parse ourselves: ``python -m tests.hostile --seconds 600 --seed 1``.

Coverage leads the search. What broke a reader is left in a folder, which is printed. Exit
status: 0 when every input was read or refused in a sentence, else 1.
"""

from __future__ import annotations

import argparse
import random
import secrets
import sys
import tempfile
import time
from pathlib import Path

from tests.hostile.formats import FORMATS
from tests.hostile.guided import Search, Tally
from verifier.bundle.layout import digest


def fuzz(seed: str, seconds: float, folder: Path, only: str = "") -> Tally:
    """Give each format its share of the time, and as a whole say what happened."""
    chosen = [each for each in FORMATS if only in each.name]
    tally = Tally()
    for form in chosen:
        search = Search(form, folder, random.Random(f"{seed} {form.name}"), tally)  # noqa: S311 - test data
        until = time.monotonic() + seconds / len(chosen)
        while time.monotonic() < until:
            search.step()
    return tally


def main() -> int:
    """Fuzz, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", default="", help="repeat the choices of an earlier run")
    parser.add_argument("--only", default="", help="formats whose name contains this")
    options = parser.parse_args()
    seed = options.seed or str(secrets.randbits(32))
    print(f"seed: {seed}", flush=True)  # noqa: T201 - its purpose
    with tempfile.TemporaryDirectory(prefix="hostile-") as folder:
        tally = fuzz(seed, options.seconds, Path(folder), options.only)
    for name, runs in tally.runs.items():
        print(  # noqa: T201 - its purpose
            f"{name:15} {runs:8} inputs {tally.read[name]:8} read {tally.edges[name]:6} edges"
            f"  slowest {tally.slowest[name]:.2f} s"
        )
    if tally.broken:
        kept = Path(tempfile.mkdtemp(prefix="hostile-found-"))
        for words, data in tally.broken.items():
            path = kept / digest(data)[:12]
            path.write_bytes(data)
            print(f"BROKEN {words}: {path}")  # noqa: T201 - its purpose
    return int(bool(tally.broken))


if __name__ == "__main__":
    sys.exit(main())
