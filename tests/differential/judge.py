"""Bochs, run in one process over many states of one instruction.

Processor and memory are the replay's own, and so is what it watches a run by. Between two
states of a batch only what they and the run wrote is put back.
"""

from __future__ import annotations

import marshal
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple, NotRequired, TypedDict, cast

from verifier.machine.ram import Ram
from verifier.replay.bochs_library import SEGMENT_NAMES
from verifier.replay.bochs_machine import Machine
from verifier.replay.bochs_memory import ADDRESS_BITS
from verifier.replay.bochs_run import Run
from verifier.replay.message import LENGTH_BYTES, RunRequest, SegmentMessage
from verifier.replay.page_walk import PAGE_BYTES

if TYPE_CHECKING:
    from tests.differential.vector import Registers

ROOT = Path(__file__).resolve().parents[2]
Deltas = list[tuple[int, bytes]]
"""Bytes by physical address that differ from the batch's memory."""
PARTS, SEGMENTS, RIP, RFLAGS, TABLES = 4, 23, 16, 17, 47
PRESENT = 1 << 7
SEGMENT_ATTRIBUTES = 0xE07F
"""Type, S, DPL, L, D and G; the bit that is free for software is not modelled."""
PATIENCE = 120
"""Seconds that a batch may take before its process counts as hung."""


class Seen(NamedTuple):
    """What one run showed: the registers after it, each store's address and bytes."""

    vector: Registers
    written: list[tuple[int, bytes]]
    fault: tuple[int, int] | None
    halted: bool


class Batch(TypedDict):
    """States of one instruction: the memory they share, each one's registers and bytes."""

    memory: list[tuple[int, bytes]]
    states: list[tuple[Registers, Deltas]]


class Answer(TypedDict):
    """What one state showed, or why nothing."""

    seen: NotRequired[tuple[Registers, list[tuple[int, bytes]], tuple[int, int] | None, bool]]
    reason: NotRequired[str]


class Bench(Machine):
    """A machine that keeps its memory from one start to the next."""

    def __init__(self) -> None:
        """Start the library."""
        super().__init__(has_la57=True)
        self._shared = Ram(0, {})
        self._touched: list[tuple[int, int]] = []
        self._code_pages: set[int] = set()

    def settle(self, memory: list[tuple[int, bytes]], first: RunRequest) -> None:
        """Lay out the memory that the states of a batch share."""
        super().load({**first, "memory": memory})
        self._shared = Ram(1 << ADDRESS_BITS, dict(memory))
        self._touched.clear()
        self._code_pages.clear()

    def load(self, request: RunRequest) -> None:
        """Put back what the last start changed, and lay this one over it."""
        shared, code_changed = self._shared, False
        for address, size in self._touched:
            before = bytes(shared[at] for at in range(address, address + size))
            self.memory.write(address, before)
            code_changed |= address // PAGE_BYTES in self._code_pages
        self._touched = [(address, len(data)) for address, data in request["memory"]]
        for address, data in request["memory"]:
            self.memory.write(address, data)
            code_changed |= address // PAGE_BYTES in self._code_pages
        if code_changed:
            self.library.flush_decoded()
        self._assign(request)

    def ran(self, written: Iterable[tuple[int, int]], code_pages: set[int]) -> None:
        """Remember what a run stored, and where its code was decoded from."""
        self._touched += written
        self._code_pages |= code_pages


def request_of(vector: Registers, deltas: Deltas) -> RunRequest:
    """Give the replay's request for one instruction from a state."""
    tables = vector[TABLES:]
    return {
        "steps": 1,
        "seconds": 1,
        "gprs": vector[:RIP],
        "rip": vector[RIP],
        "rflags": vector[RFLAGS],
        "controls": vector[RFLAGS + 1 : SEGMENTS],
        "segments": [_segment(vector[at : at + PARTS]) for at in range(SEGMENTS, TABLES, PARTS)],
        "gdtr": (tables[0], tables[1]),
        "idtr": (tables[2], tables[3]),
        "memory": deltas,
        "overrides": [],
    }


def _segment(parts: Sequence[int]) -> SegmentMessage:
    selector, base, limit, attributes = parts
    return {
        "selector": selector,
        "base": base,
        "limit": limit,
        "attributes": attributes,
        "present": bool(attributes & PRESENT),
    }


def _observed(machine: Bench, vector: Registers, deltas: Deltas) -> Answer:
    run = Run(machine, request_of(vector, deltas))
    reply = run.answer()
    machine.ran(run.written, run.code_pages)
    if "failed" in reply or "not_representable" in reply:
        return {"reason": reply.get("failed") or reply["not_representable"]}
    state = machine.library.cpu.state
    after = [*reply["gprs"], reply["rip"], reply["rflags"], *reply["controls"]]
    for name in SEGMENT_NAMES:
        value = getattr(state, name)
        low = value.attr & SEGMENT_ATTRIBUTES
        present = value.present and value.attr & PRESENT
        after += [value.selector, value.base, value.limit, low | (PRESENT if present else 0)]
    after += [state.gdtr.base, state.gdtr.limit, state.idtr.base, state.idtr.limit]
    fault = reply["fault"]
    told = None if fault is None else (fault[0], fault[1])
    return {"seen": (after, reply["written"], told, reply["halted"])}


class Judge:
    """One Bochs process, for batches, until ``close``."""

    def __init__(self) -> None:
        """Start the process."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.differential.judge"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()

    def run(self, batch: Batch) -> list[Seen | str]:
        """Give what each state shows after one instruction, or why it shows nothing."""
        self.begin(batch)
        return self.end()

    def begin(self, batch: Batch) -> None:
        """Hand a batch over; the next call must be ``end``."""
        assert self._process.stdin is not None
        _send(self._process.stdin, batch)

    def end(self) -> list[Seen | str]:
        """Give what ``begin`` asked for."""
        assert self._process.stdout is not None
        answers = cast("list[Answer] | None", _receive(self._process.stdout))
        if answers is None:
            raise RuntimeError(f"Bochs ended with status {self._process.wait()}")
        return [Seen(*each["seen"]) if "seen" in each else each["reason"] for each in answers]


def _send(stream: IO[bytes], message: object) -> None:
    body = marshal.dumps(cast("dict[str, None]", message))
    stream.write(len(body).to_bytes(LENGTH_BYTES, "little") + body)
    stream.flush()


def _receive(stream: IO[bytes]) -> object:
    length = stream.read(LENGTH_BYTES)
    if len(length) < LENGTH_BYTES:
        return None
    body = stream.read(int.from_bytes(length, "little"))
    return marshal.loads(body)  # noqa: S302 - a private pipe between our own processes


def main() -> None:
    """Answer batches until the other end closes the pipe."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    machine = Bench()
    while (message := _receive(requests)) is not None:
        batch = cast("Batch", message)
        signal.alarm(PATIENCE)
        machine.settle(batch["memory"], request_of(*batch["states"][0]))
        _send(replies, [_observed(machine, *state) for state in batch["states"]])
        signal.alarm(0)
    # The library's own teardown crashes after a session has run.
    os._exit(0)


if __name__ == "__main__":
    main()
