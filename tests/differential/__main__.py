"""Compare with other CPUs for a given time: ``python -m tests.differential --seconds 600``.

Exit status: 0 when all agree and nothing was left without a comparison, else 1.
"""

from __future__ import annotations

import argparse
import itertools
import random
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

from tests.differential import harness, numbers
from tests.differential.judge import Judge
from tests.differential.report import lines, missing
from tests.semantics.encoding import name_of
from verifier.replay import Engine, Replayer, available

if TYPE_CHECKING:
    from tests.differential.harness import Work

SHARES = {None: 0.75, Engine.BOCHS: 0.17, Engine.QEMU: 0.08}
"""Of the time: one lift on many states, whole machines on numbers, and the same in QEMU."""

TURNS, FEW = 20, 20
"""How many instances of how many states are drawn at most where none was compared."""


def work(seed: str, only: str, until: float) -> Iterator[Work]:
    """Go round all entries and modes until it is time, each piece with a seed of its own."""
    chosen = [each for each in harness.combinations() if only in name_of(each[0])]
    random.Random(seed).shuffle(chosen)  # noqa: S311 - test data
    for turn in itertools.count():
        for entry, mode in chosen:
            if time.monotonic() > until:
                return
            name = f"{seed} {name_of(entry)} {mode.name} {turn}"
            yield random.Random(name), entry, mode  # noqa: S311 - test data


def fill(seed: str, tally: harness.Tally) -> None:
    """Draw other instances where none that was drawn led to a comparison."""
    with closing(Judge()) as judge:
        for (entry, mode), turn in itertools.product(missing(tally), range(TURNS)):
            if not tally.states[name_of(entry), mode]:
                source = random.Random(f"{seed} {name_of(entry)} {mode.name} {turn}")  # noqa: S311 - test data
                harness.run([(source, entry, mode)], FEW, judge, tally)


def main() -> int:
    """Compare, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", default="", help="repeat the choices of an earlier run")
    parser.add_argument("--only", default="", help="entries whose name contains this")
    parser.add_argument("--states", type=int, default=500, help="states of each instance")
    options = parser.parse_args()
    seed = options.seed or str(secrets.randbits(32))
    print(f"seed: {seed}", flush=True)  # noqa: T201 - its purpose
    tally, began = harness.Tally(), time.monotonic()
    until = began
    for engine, share in SHARES.items():
        until += options.seconds * share
        pieces = work(f"{seed} {engine}" if engine else seed, options.only, until)
        if engine is None:
            with closing(Judge()) as judge:
                harness.run(pieces, options.states, judge, tally)
        elif engine in available():
            with Replayer([engine]) as replayer:
                numbers.run(pieces, replayer, engine, tally)
    if not options.only:
        fill(f"{seed} again", tally)
    for line in lines(tally):
        print(line)  # noqa: T201 - its purpose
    spent = time.monotonic() - began
    rate = tally.states.total() / (options.seconds * SHARES[None])
    print(f"{spent:.0f} s, {rate:.0f} states a second of one lift; seed {seed}")  # noqa: T201 - its purpose
    left = [] if options.only else missing(tally)
    for entry, mode in left:
        print(f"NOT COMPARED {name_of(entry)} in {mode.value}")  # noqa: T201 - its purpose
    return int(bool(tally.divergences or left))


if __name__ == "__main__":
    sys.exit(main())
