"""The whole inspection, top to bottom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verifier.errors import BadInput
from verifier.inspection.code import Code
from verifier.inspection.finding import Inspection
from verifier.inspection.gdt import find_gdt
from verifier.inspection.sites import Sites
from verifier.inspection.startup import find_startup
from verifier.inspection.switches import find_switches
from verifier.inspection.trampoline import find_trampolines
from verifier.loading.binary import code_of

if TYPE_CHECKING:
    from verifier.loading import Image
    from verifier.loading.binary import Binary


def look(data: bytes, ranges: tuple[range, ...], entry: int | None) -> Inspection:
    """Inspect bytes, of which ``ranges`` may be code; the 64-bit ``entry`` loads the GDT.

    Of several trampolines that one is told which most is done with.
    """
    code = Code(data, ranges)
    gdt = find_gdt(code, entry) if entry is not None else None
    switches = find_switches(code, gdt)
    trampolines, missing = find_trampolines(code, switches)
    searched = [(each, *Sites(code, each).find()) for each in trampolines]
    if not searched:
        return Inspection(gdt, switches, (), missing)
    chosen = max(searched, key=lambda each: len(each[1]))
    trampoline, sites, more = chosen
    further = [
        f"the trampoline at +{each.start:#x} is a further one"
        for each in trampolines
        if each is not trampoline
    ]
    function = next((each.offset for each in sites if each.name == "site_function"), None)
    startup = () if entry is None or function is None else find_startup(code, entry, function)
    findings = (*trampoline.findings, *sites, *startup)
    return Inspection(gdt, switches, findings, (*missing, *further, *more))


def inspect(binary: Binary) -> Inspection:
    """Inspect a file that was opened."""
    try:
        return look(binary.image.data, binary.code, binary.entry)
    except BadInput as error:
        raise BadInput(error.message, binary.path) from None


def find_labels(image: Image) -> dict[str, int]:
    """Give the labels that inspection adds to those of a bzImage's header."""
    return look(image.data, code_of(image), image.symbols.get("entry64")).labels
