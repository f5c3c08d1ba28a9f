"""Replays on any engine, with the processes behind them kept alive between replays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from verifier.replay.bochs import BochsWorker
from verifier.replay.engine import Engine, ReplayFailed
from verifier.replay.qemu import QemuEngine

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from verifier.machine.concrete import Observation, Start

DEFAULT_SECONDS = 5.0
"""How long a replay of a few instructions may take before its engine counts as hung."""
SLOWEST = 1000
"""Instructions a second of the slowest engine that does not count as hung."""


class Replayer:
    """A context manager; inside, processes start when first needed or at ``warm_up``."""

    def __init__(self, engines: Iterable[Engine], seconds: float = DEFAULT_SECONDS) -> None:
        """Say which engines may be asked; ``seconds`` bounds a short replay."""
        self.engines = tuple(engines)
        self._seconds = seconds
        self._workers: dict[tuple[Engine, bool], BochsWorker | QemuEngine] = {}

    def __enter__(self) -> Self:
        """Start nothing yet."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the processes."""
        self.close()

    def warm_up(self) -> None:
        """Start the process most replays need, and return at once."""
        if Engine.BOCHS in self.engines:
            self._worker(Engine.BOCHS, has_la57=True)

    def replay(self, start: Start, steps: int, engine: Engine) -> Observation:
        """Run ``start`` for at most ``steps`` instructions.

        A ``rep`` counts once; an instruction that faults is not among the steps. Raises
        NotRepresentable where the engine is no judge, and ReplayFailed where it broke.
        """
        worker = self._worker(engine, has_la57=start.has_la57)
        try:
            return worker.run(start, steps, self._seconds + steps / SLOWEST)
        except ReplayFailed:
            self._workers.pop((engine, start.has_la57)).close()
            raise

    def close(self) -> None:
        """End every process; a later replay starts anew."""
        while self._workers:
            self._workers.popitem()[1].close()

    def _worker(self, engine: Engine, *, has_la57: bool) -> BochsWorker | QemuEngine:
        key = (engine, has_la57)
        if key not in self._workers:
            kind = BochsWorker if engine is Engine.BOCHS else QemuEngine
            self._workers[key] = kind(has_la57=has_la57)
        return self._workers[key]
