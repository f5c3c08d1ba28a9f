"""What an inspection found, in plain values: the text and the JSON are made of the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from verifier.loading.bzimage import FIELDS, Header, LoadFlags
from verifier.machine.registers import Mode
from verifier.semantics.instruction import LONGEST, decode

if TYPE_CHECKING:
    from verifier.inspection.finding import Finding, Inspection


@dataclass(frozen=True, slots=True)
class HeaderRow:
    """A field of the boot protocol's header, and what its value says."""

    name: str
    offset: int
    value: int
    says: str


@dataclass(frozen=True, slots=True)
class Code:
    """One instruction as it stands in the image; ``refers`` is what it addresses by RIP."""

    offset: int
    raw: bytes
    text: str
    refers: int | None


def header_rows(header: Header) -> tuple[HeaderRow, ...]:
    """Give each field that is read, in the header's order."""
    says = _meanings(header)
    return tuple(
        HeaderRow(each.name, each.offset, header[each.name], says.get(each.name, ""))
        for each in FIELDS
    )


def _meanings(header: Header) -> dict[str, str]:
    size, payload, version = header.size, header.payload, header["version"]
    moves = "moves in steps of" if header["relocatable_kernel"] else "stays; alignment"
    return {
        "setup_sects": f"the protected-mode part begins at byte {header.setup_size:#x}",
        "syssize": f"and has {size:#x} bytes",
        "boot_flag": "a boot sector",
        "jump": "a short jump",
        "jump_distance": f"the header ends at byte {0x202 + header['jump_distance']:#x}",
        "header": "'HdrS'",
        "version": f"boot protocol {version >> 8}.{version & 0xFF:02}",
        "kernel_version": f"its text is at byte {0x200 + header['kernel_version']:#x}",
        "loadflags": "loaded at 1M or above" if header["loadflags"] & 1 else "",
        "code32_start": "where a loader that moves nothing jumps to",
        "kernel_alignment": f"the image {moves} {_amount(header['kernel_alignment'])}",
        "relocatable_kernel": "relocatable" if header["relocatable_kernel"] else "not relocatable",
        "min_alignment": f"at least {_amount(1 << header['min_alignment'])}",
        "xloadflags": _flags(header.flags),
        "cmdline_size": "characters of a command line, at most",
        "payload_offset": f"the compressed kernel, +{payload.start:#x} to +{payload.stop:#x},",
        "payload_length": "is left out of every search",
        "pref_address": "where the kernel would like to be",
        "init_size": f"memory that it needs there: {_amount(header['init_size'])}",
        "handover_offset": "the old EFI handover entry",
        "kernel_info_offset": "'LToP'" if header["kernel_info_offset"] else "none",
    }


def _amount(size: int) -> str:
    """Write a number of bytes: ``2 MiB``, ``63.6 MiB``, ``16 bytes``."""
    for unit, name in ((1 << 20, "MiB"), (1 << 10, "KiB")):
        if size >= unit:
            return f"{size / unit:.4g} {name}"
    return f"{size} bytes"


def _flags(flags: LoadFlags) -> str:
    words = {
        LoadFlags.KERNEL_64: "64-bit entry",
        LoadFlags.CAN_BE_LOADED_ABOVE_4G: "loadable above 4G",
        LoadFlags.EFI_HANDOVER_32: "32-bit EFI handover",
        LoadFlags.EFI_HANDOVER_64: "64-bit EFI handover",
        LoadFlags.EFI_KEXEC: "EFI kexec",
        LoadFlags.LEVELS_5: "5-level paging",
        LoadFlags.LEVELS_5_ENABLED: "which it may use",
    }
    return ", ".join(words[each] for each in words if each in flags) or "none"


def code_rows(data: bytes, start: int, end: int, mode: Mode) -> Iterator[Code]:
    """Give the instructions from ``start`` to ``end``, none after what does not decode."""
    while start < end:
        found = decode(data[start : start + LONGEST], mode, start)
        if found is None:
            return
        memory = found.memory
        relative = memory is not None and memory.base == "rip" and not memory.index
        refers = start + found.size + memory.displacement if memory and relative else None
        yield Code(start, found.raw, found.text, refers)
        start += found.size


def instruction(data: bytes, offset: int, mode: Mode) -> Code | None:
    """Give the one instruction at an offset."""
    return next(code_rows(data, offset, offset + 1, mode), None)


def stretches(found: Inspection) -> tuple[tuple[int, int, Mode], ...]:
    """Give the trampoline's parts with the mode that each is executed in, in order."""
    places = found.labels
    start, low, end = (places[name] for name in ("trampoline", "trampoline_32", "trampoline_end"))
    return ((start, low, Mode.LONG_64), (low, end, Mode.PROTECTED_32))


def groups(found: Inspection) -> tuple[tuple[tuple[str, str], tuple[Finding, ...]], ...]:
    """Give the findings by where they belong, under a title and what it means."""
    titles = {
        "trampoline": ("the trampoline's parts", ""),
        "site": ("call site in the decompressor", "one function copies, patches and calls"),
        "efi": ("call site in the EFI stub", "the copy's address is kept for a later call"),
    }
    sorted_out: dict[str, list[Finding]] = {each: [] for each in titles}
    for each in found.findings:
        first = each.name.partition("_")[0]
        sorted_out[first if first in titles else "site"].append(each)
    return tuple((titles[name], tuple(part)) for name, part in sorted_out.items() if part)
