"""Compare with Bochs for a given time: ``python -m tests.differential --seconds 600``."""

from __future__ import annotations

import argparse
import itertools
import random
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tests.differential.harness import Tally, combinations, run
from tests.differential.judge import Judge
from tests.semantics.encoding import name_of

if TYPE_CHECKING:
    from tests.semantics.encoding import Entry
    from verifier.machine.registers import Mode


def work(seed: str, only: str, until: float) -> Iterator[tuple[random.Random, Entry, Mode]]:
    """Go round all entries and modes until it is time, each piece with a seed of its own."""
    chosen = [each for each in combinations() if only in name_of(each[0])]
    for turn in itertools.count():
        for entry, mode in chosen:
            if time.monotonic() > until:
                return
            name = f"{seed} {name_of(entry)} {mode.name} {turn}"
            yield random.Random(name), entry, mode  # noqa: S311 - test data


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", default="0")
    parser.add_argument("--only", default="", help="entries whose name contains this")
    parser.add_argument("--states", type=int, default=200, help="states of each instance")
    options = parser.parse_args()
    tally, began = Tally(), time.monotonic()
    with Judge() as judge:
        run(work(options.seed, options.only, began + options.seconds), options.states, judge, tally)
    for d in tally.divergences[:50]:
        print(d)
    print(
        tally.states.total(),
        len(tally.divergences),
        time.monotonic() - began,
        tally.instances,
        tally.paths,
    )
    for c in (tally.left, tally.no_judge, tally.excepted):
        for a, b in c.most_common():
            print(b, a)
    return 0


if __name__ == "__main__":
    sys.exit(main())
