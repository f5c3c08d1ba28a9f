"""How many starts Bochs replays in a second, its process kept alive."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.benchmarks.processes import VERIFIER, run
from verifier.replay.engine import Engine
from verifier.replay.replayer import Replayer
from verifier.reporting.saved import read_saved

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = 3.0


def test_replays_per_second(root: Path, tmp_path: Path) -> None:
    """A counterexample of la57-rfc, whole switch included, is replayed over and over."""
    command = ["prove", "specs/la57-rfc", "--model", "zeroing", "--claim", "rsi-preserved"]
    run(root, VERIFIER, [*command, "--cex", str(tmp_path)])
    [file] = tmp_path.glob("*.json")
    shown = read_saved(file).counterexample
    with Replayer((Engine.BOCHS,)) as replayer:
        began = time.perf_counter()
        replayer.replay(shown.start, shown.steps, Engine.BOCHS)
        cold = time.perf_counter() - began
        count, began = 0, time.perf_counter()
        while time.perf_counter() - began < SECONDS:
            seen = replayer.replay(shown.start, shown.steps, Engine.BOCHS)
            assert len(seen.steps) == shown.steps
            count += 1
        each = (time.perf_counter() - began) / count
    print(  # noqa: T201 - a benchmark prints
        f"\nBochs: {1 / each:.0f} replays of {shown.steps} instructions a second, "
        f"{1000 * each:.2f} ms each; the first took {1000 * cold:.0f} ms"
    )
