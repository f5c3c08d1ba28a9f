"""Starts for replay tests: identity maps of 1 GiB pages, a flat GDT, code as hex or source."""

from __future__ import annotations

import struct
import subprocess
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from verifier.machine.concrete import SegmentValue, Start, TableRegister
from verifier.machine.registers import ControlRegister, Gpr, Segment

if TYPE_CHECKING:
    from collections.abc import Mapping

CODE = 0x10_0000
STACK = 0x9_0000
PML4, PDPT, PML5, GDT = 0x1_0000, 0x1_1000, 0x1_4000, 0x1_8000
DIRECTORIES = 2
"""Each maps 512 GiB: together all that Bochs can address."""

CODE_32, CODE_64, DATA, SMALL_CODE_32 = 0x08, 0x10, 0x18, 0x20
GDT_ENTRIES = (
    0,
    0x00CF_9A00_0000_FFFF,
    0x00AF_9A00_0000_FFFF,
    0x00CF_9200_0000_FFFF,
    0x0040_9A00_0000_FFFF,
)
"""Null, 32-bit code, 64-bit code, data, and 32-bit code of 64 KiB."""

CR0_PAGED, CR0_UNPAGED = 0x8000_0011, 0x11
CR4_PAE, CR4_LA57 = 1 << 5, 1 << 12
EFER_LONG = 0x500


def segment(selector: int, kind: int, *, long: bool = False) -> SegmentValue:
    """Give a flat segment register of privilege level 0."""
    return SegmentValue(
        selector=selector,
        base=0,
        limit=0xFFFF_FFFF,
        type=kind,
        s=True,
        dpl=0,
        present=True,
        long=long,
        default_big=not long,
        granular=True,
    )


def quads(*values: int) -> bytes:
    """Give little-endian 64-bit words."""
    return struct.pack(f"<{len(values)}Q", *values)


def tables() -> dict[int, bytes]:
    """Give an identity map of the first TiB, and above it a five-level root."""
    return {
        PML4: quads(*(PDPT + 0x1000 * index + 3 for index in range(DIRECTORIES))),
        PDPT: quads(*((index << 30) + 0x83 for index in range(512 * DIRECTORIES))),
        PML5: quads(PML4 + 3),
        GDT: quads(*GDT_ENTRIES),
    }


def long_mode(
    code: str | bytes,
    *,
    at: int = CODE,
    memory: Mapping[int, bytes] | None = None,
    gprs: Mapping[Gpr, int] | None = None,
) -> Start:
    """Give a start in 64-bit mode with paging, at ``code``: bytes, or hex digits."""
    raw = code if isinstance(code, bytes) else bytes.fromhex(code)
    return Start(
        gprs=dict.fromkeys(Gpr, 0) | {Gpr.RSP: STACK} | dict(gprs or {}),
        rip=at,
        rflags=2,
        controls={
            ControlRegister.CR0: CR0_PAGED,
            ControlRegister.CR2: 0,
            ControlRegister.CR3: PML4,
            ControlRegister.CR4: CR4_PAE,
            ControlRegister.EFER: EFER_LONG,
        },
        segments=dict.fromkeys(Segment, segment(DATA, 0x3))
        | {Segment.CS: segment(CODE_64, 0xB, long=True)},
        gdtr=TableRegister(GDT, 8 * len(GDT_ENTRIES) - 1),
        idtr=TableRegister(0, 0),
        memory=tables() | {at: raw} | dict(memory or {}),
    )


def compatibility_mode(
    code: str | bytes,
    *,
    memory: Mapping[int, bytes] | None = None,
    gprs: Mapping[Gpr, int] | None = None,
) -> Start:
    """Give a start in compatibility mode."""
    start = long_mode(code, memory=memory, gprs=gprs)
    cs = {Segment.CS: segment(CODE_32, 0xB)}
    return replace(start, segments=dict(start.segments) | cs)


def protected_mode(
    code: str | bytes,
    *,
    memory: Mapping[int, bytes] | None = None,
    gprs: Mapping[Gpr, int] | None = None,
) -> Start:
    """Give a start in flat 32-bit protected mode without paging."""
    start = compatibility_mode(code, memory=memory, gprs=gprs)
    return with_controls(
        start,
        {ControlRegister.CR0: CR0_UNPAGED, ControlRegister.CR4: 0, ControlRegister.EFER: 0},
    )


def with_controls(start: Start, controls: Mapping[ControlRegister, int]) -> Start:
    """Give a start with other control registers."""
    return replace(start, controls=dict(start.controls) | dict(controls))


def assemble(source: str, at: int = CODE) -> bytes:
    """Give the bytes of assembler source linked at an address."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "code.s").write_text(source)
        subprocess.run(["as", "--64", "-o", "code.o", "code.s"], cwd=folder, check=True)
        subprocess.run(
            ["ld", f"-Ttext={at:#x}", "--oformat=binary", "-e", "0", "-o", "code", "code.o"],
            cwd=folder,
            check=True,
        )
        return (folder / "code").read_bytes()
