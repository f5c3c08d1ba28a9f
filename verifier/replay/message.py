"""What passes between this process and a worker: plain values, marshalled, length first.

Both ends are the same interpreter running the same files, so the compact format that
needs no import is enough. A worker imports this module; it must stay light.
"""

from __future__ import annotations

import marshal
from typing import BinaryIO, NotRequired, TypedDict, cast

LENGTH_BYTES = 4
"""The size of the little-endian length before each message."""


TRAPS_BY_INSTRUCTION = frozenset((1, 3, 4))
"""The vectors of ``icebp``, ``int3`` and ``into``: an ``int n`` is no exception."""


class SegmentMessage(TypedDict):
    """A segment register; ``attributes`` are laid out as in a descriptor's bytes 5 and 6."""

    selector: int
    base: int
    limit: int
    attributes: int
    present: bool


class RunRequest(TypedDict):
    """A start and how far to run it.

    ``gprs`` are in encoding order; ``segments`` too; ``controls`` are CR0, CR2, CR3, CR4
    and EFER. An override is the instruction's number, the register's number or -1 for
    RFLAGS, the mask and the value.
    """

    steps: int
    seconds: int
    gprs: list[int]
    rip: int
    rflags: int
    controls: list[int]
    segments: list[SegmentMessage]
    gdtr: tuple[int, int]
    idtr: tuple[int, int]
    memory: list[tuple[int, bytes]]
    overrides: list[tuple[int, int, int, int]]


class RunReply(TypedDict):
    """What was seen, or why nothing was: ``not_representable`` and ``failed`` stand alone.

    A step is its linear address, 64-bit or not, EFER.LMA or not, and its changed controls
    by their index. A fault is vector, error code or 0, and linear address.
    """

    not_representable: NotRequired[str]
    failed: NotRequired[str]
    steps: NotRequired[list[tuple[int, bool, bool, dict[int, int]]]]
    halted: NotRequired[bool]
    fault: NotRequired[tuple[int, int, int] | None]
    gprs: NotRequired[list[int]]
    rip: NotRequired[int]
    rflags: NotRequired[int]
    controls: NotRequired[list[int]]
    segments: NotRequired[list[SegmentMessage]]
    gdtr: NotRequired[tuple[int, int]]
    written: NotRequired[list[tuple[int, bytes]]]


def pack(message: RunRequest | RunReply) -> bytes:
    """Give the bytes of one message, its length first."""
    body = marshal.dumps(cast("dict[str, None]", message))
    return len(body).to_bytes(LENGTH_BYTES, "little") + body


def unpack_reply(body: bytes) -> RunReply:
    """Read a worker's answer."""
    return cast("RunReply", marshal.loads(body))  # noqa: S302 - a private pipe, our own child


def receive_request(stream: BinaryIO) -> RunRequest | None:
    """Read the next request, or None when the other end has closed the pipe."""
    length = stream.read(LENGTH_BYTES)
    if len(length) < LENGTH_BYTES:
        return None
    body = stream.read(int.from_bytes(length, "little"))
    return cast("RunRequest", marshal.loads(body))  # noqa: S302 - a private pipe, our own parent
