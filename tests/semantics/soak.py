"""Compare with Bochs for as long as one likes: ``python -m tests.semantics.soak --each 100``."""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter

from tests.semantics import starts
from tests.semantics.allowed import is_excepted
from tests.semantics.cases import random_case
from tests.semantics.compare import compare
from tests.semantics.encoding import Entry, modes_of, name_of
from verifier.replay import Engine, Replayer
from verifier.semantics.forms import FORMS
from verifier.semantics.table import SYSTEM_ROWS


def main() -> None:
    """Print how many cases of each entry were compared, and every difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=20, help="cases of each entry and mode")
    parser.add_argument("--seed", default="0")
    parser.add_argument("--odd", type=float, default=1.0, help="how much more often starts are odd")
    parser.add_argument("--only", default="", help="entries whose name contains this")
    options = parser.parse_args()
    every: tuple[Entry, ...] = (*SYSTEM_ROWS, *FORMS)
    entries = [each for each in every if options.only in name_of(each)]
    starts.oddness = options.odd
    compared: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    began = time.monotonic()
    with Replayer([Engine.BOCHS]) as replayer:
        for entry in entries:
            for mode in modes_of(entry):
                for number in range(options.each):
                    name = f"{options.seed} {name_of(entry)} {mode.name} {number}"
                    case = random_case(random.Random(name), entry, mode)  # noqa: S311 - test data
                    outcome = compare(case, replayer)
                    if outcome.differences is None:
                        reasons[outcome.unmodelled or f"no judge: {outcome.no_judge}"] += 1
                        continue
                    compared[name_of(entry)] += 1
                    if is_excepted(case.name, outcome.differences):
                        continue
                    for difference in outcome.differences:
                        print(f"{name}: {case}: {difference}")  # noqa: T201 - its purpose
    for text, count in [*compared.items(), *reasons.most_common()]:
        print(f"{count:7} {text}")  # noqa: T201 - its purpose
    seconds = time.monotonic() - began
    print(f"{compared.total()} comparisons in {seconds:.0f} s")  # noqa: T201 - its purpose


if __name__ == "__main__":
    main()
