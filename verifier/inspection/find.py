"""The whole inspection, top to bottom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verifier.inspection.code import Code
from verifier.inspection.finding import Finding, Inspection
from verifier.inspection.gdt import find_gdt
from verifier.inspection.sites import Sites
from verifier.inspection.switches import find_switches
from verifier.inspection.trampoline import find_trampolines

if TYPE_CHECKING:
    from verifier.loading import Image


def look(data: bytes, ranges: tuple[range, ...], entry: int | None) -> Inspection:
    """Inspect bytes, of which ``ranges`` may be code; the 64-bit ``entry`` loads the GDT."""
    code = Code(data, ranges)
    gdt = find_gdt(code, entry) if entry is not None else None
    switches = find_switches(code, gdt)
    trampolines, missing = find_trampolines(code, switches)
    found: tuple[Finding, ...] = ()
    if trampolines:
        sites, more = Sites(code, trampolines[0]).find()
        found = (*trampolines[0].findings, *sites)
        missing = (*missing, *more)
    return Inspection(gdt, switches, found, missing)


def code_of(image: Image) -> tuple[range, ...]:
    """Give where an image may have code: all of it but a bzImage's payload."""
    start = image.constants.get("PAYLOAD_OFFSET")
    length = image.constants.get("PAYLOAD_LENGTH")
    if start is None or length is None:
        return (range(len(image.data)),)
    return (range(start), range(start + length, len(image.data)))


def inspect_image(image: Image) -> Inspection:
    """Inspect an image; a bzImage's 64-bit entry loads the GDT."""
    return look(image.data, code_of(image), image.symbols.get("entry64"))


def find_labels(image: Image) -> dict[str, int]:
    """Give the labels that inspection adds to a bzImage's own symbols."""
    return inspect_image(image).labels
