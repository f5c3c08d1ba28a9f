"""What is around the code: regions, how it is entered, the page tables, what ends a path."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from verifier.machine.registers import Mode, Segment
from verifier.specification.expression import Number
from verifier.specification.layout import Addresses
from verifier.specification.scope import CONTROL_BITS, MODES, Extent, Symbols, suggestion
from verifier.specification.spec import (
    Content,
    DescriptorTable,
    Entry,
    ExitAfter,
    ExitAt,
    ExitLeaves,
    Paging,
    Patch,
    Region,
    Rights,
    SegmentState,
    Tables,
    Term,
)

if TYPE_CHECKING:
    from verifier.specification.document import Table
    from verifier.specification.scope import Scope
    from verifier.specification.spec import Exit

_RIGHTS = {
    "r": Rights.READ,
    "rw": Rights.READ | Rights.WRITE,
    "rx": Rights.READ | Rights.EXECUTE,
    "rwx": Rights.READ | Rights.WRITE | Rights.EXECUTE,
}

_DATA_SEGMENTS = {segment.name.lower(): segment for segment in Segment if segment is not Segment.CS}

_TOP = 1 << 64
LARGEST_PATCH = 8
"""Bytes of the largest patch: those of a word."""


def read_regions(table: Table, scope: Scope, base: Term) -> tuple[tuple[Region, ...], Scope]:
    """Read ``[regions]``; give them and the scope in which their names mean something."""
    regions: list[Region] = []
    addresses = Addresses(base.node, scope.symbols.labels)
    for name in table.values:
        region = _read_region(table, name, scope, base)
        for other in regions:
            if addresses.overlap(other, region):
                message = f"region '{name}' overlaps region '{other.name}' of line {other.line}"
                raise table.mistake(message, name)
        extent = Extent(region.base.node, region.size)
        scope = replace(scope, regions={**scope.regions, name: extent})
        patches = _read_patches(table.table(name), scope, region, addresses)
        regions.append(replace(region, patches=patches))
    _check_image(table, regions, addresses, scope.symbols.size)
    return tuple(regions), scope


def _read_region(regions: Table, name: str, scope: Scope, image: Term) -> Region:
    why = replace(scope, symbols=Symbols()).why_not_new(name)
    if why is not None:
        raise regions.mistake(f"region {why}", name)
    table = regions.table(name)
    table.allow("base", "size", "rights", "holds", "patch", "windows", "what")
    contents = {content.value: content for content in Content}
    content = table.choice("holds", contents) if table.has("holds") else Content.UNKNOWN
    of_image = content is Content.IMAGE
    base = table.word("base", scope, image.text if of_image else None)
    size = table.word("size", scope, "sizeof(image)" if of_image else None)
    if not isinstance(size.node, Number) or size.node.value == 0:
        message = "'size' must be a constant above 0; distances between labels are constants"
        raise table.mistake(message, "size")
    if isinstance(base.node, Number) and base.node.value + size.node.value > _TOP:
        raise table.mistake(f"region '{name}' reaches beyond the end of the 64-bit addresses")
    return Region(
        name=name,
        base=base,
        size=size.node.value,
        rights=table.choice("rights", _RIGHTS) if table.has("rights") else _RIGHTS["rw"],
        content=content,
        patches=(),
        windows=table.flag("windows"),
        text=table.text("what", ""),
        line=table.line(),
    )


def _read_patches(
    table: Table, scope: Scope, region: Region, addresses: Addresses
) -> tuple[Patch, ...]:
    patches: list[Patch] = []
    taken: dict[int, int] = {}
    for each in table.tables("patch"):
        each.allow("at", "size", "value", "copies")
        at, (size, value, copied) = each.word("at", scope), _read_held(each, scope, addresses)
        offset = addresses.distance(region.base.node, at.node)
        if offset is None or offset + size > region.size:
            message = f"'at' must lie in region '{region.name}', {size} bytes at a constant offset"
            raise each.mistake(message, "at")
        for byte in range(offset, offset + size):
            if byte in taken:
                message = f"the patch of line {taken[byte]} already says what byte {byte:#x} holds"
                raise each.mistake(message, "at")
            taken[byte] = each.line()
        patches.append(Patch(at, offset, size, value, copied))
    return tuple(patches)


def _read_held(table: Table, scope: Scope, addresses: Addresses) -> tuple[int, Term, int | None]:
    """Read what a patch puts there: its size, a word, and where of the image it is copied from."""
    if table.exactly_one("value", "copies") == "value":
        size, value = table.number("size", 1, LARGEST_PATCH), table.word("value", scope)
        if isinstance(value.node, Number) and not _fits(value.node.value, size):
            raise table.mistake(f"'{value.text}' does not fit in {size} bytes", "value")
        return size, value, None
    if table.has("size"):
        raise table.mistake("'copies' says how many bytes they are; leave out 'size'", "size")
    ends = table.words("copies", scope)
    offsets = [addresses.distance(addresses.base, each.node) for each in ends]
    match offsets:
        case [int(start), int(end)] if start < end <= scope.symbols.size:
            return end - start, ends[0], start
        case _:
            message = "'copies' must be two addresses in the image, where the bytes begin and end"
            raise table.mistake(message, "copies")


def _fits(number: int, size: int) -> bool:
    """Say whether a 64-bit number is one of ``size`` bytes, unsigned or signed."""
    return number < 1 << 8 * size or number >= _TOP - (1 << 8 * size - 1)


def _check_image(table: Table, regions: list[Region], addresses: Addresses, size: int) -> None:
    """Refuse anything but one region that is the image, and what follows it in memory."""
    holders = [region for region in regions if region.content is Content.IMAGE]
    if len(holders) != 1:
        at = holders[1].name if holders else None
        raise table.mistake('exactly one region must have holds = "image"', at)
    [holder] = holders
    if holder.size < size or addresses.distance(addresses.base, holder.base.node) != 0:
        message = f"region '{holder.name}' holds the image, so it must be at the image's base and"
        raise table.mistake(
            f"{message} of its {size:#x} bytes at least; leave out 'base' and 'size'", holder.name
        )


def read_entry(table: Table, scope: Scope) -> Entry:
    """Read ``[entry]``."""
    table.allow("at", "mode", "segments", "gdt", "split")
    segments = table.table("segments")
    segments.allow(*_DATA_SEGMENTS)
    states = {state.value: state for state in SegmentState}
    gdt = table.table("gdt")
    gdt.allow("base", "limit")
    return Entry(
        at=table.word("at", scope),
        mode=table.choice("mode", MODES),
        segments={
            segment: segments.choice(name, states) if segments.has(name) else SegmentState.UNKNOWN
            for name, segment in _DATA_SEGMENTS.items()
        },
        gdt=_read_gdt(gdt, scope) if table.has("gdt") else None,
        split=table.truths("split", scope) if table.has("split") else (),
    )


def _read_gdt(table: Table, scope: Scope) -> DescriptorTable:
    limit = table.number("limit", 0, 0xFFFF) if table.has("limit") else None
    return DescriptorTable(table.word("base", scope), limit)


def read_exit(table: Table, scope: Scope) -> Exit:
    """Read ``[exit]``: the one thing that ends a path."""
    table.allow("at", "after", "leaves")
    match table.exactly_one("at", "after", "leaves"):
        case "at":
            return ExitAt(table.words("at", scope))
        case "after":
            return _read_after(table)
        case _:
            names = {name: name for name in scope.regions}
            return ExitLeaves(
                tuple(table.named(name, names, "leaves") for name in table.strings("leaves")),
            )


def _read_after(table: Table) -> ExitAfter:
    text = table.text("after")
    bits = {
        f"{register.value}.{bit}": (register, position)
        for register, positions in CONTROL_BITS.items()
        for bit, position in positions.items()
    }
    if text not in bits:
        message = f"'{text}' is no bit of a control register; {suggestion(text, bits)}"
        raise table.mistake(message, "after")
    return ExitAfter(*bits[text])


def read_paging(top: Table, scope: Scope, mode: Mode) -> Paging | None:
    """Read ``[paging]``, which code in long mode needs and other code cannot have."""
    table = top.table("paging")
    if mode is Mode.PROTECTED_32:
        if top.has("paging"):
            message = f"[paging] describes tables of long mode, and the entry is in {mode.name}"
            raise top.mistake(message, "paging")
        return None
    if not top.has("paging"):
        raise top.mistake(f"an entry in {mode.name} needs [paging], as paging is on there")
    table.allow("root", "levels", "identity_end", "tables", "other")
    other = table.table("other")
    other.allow("root", "tables")
    return Paging(
        tables=_read_tables(table, scope, "cr3"),
        levels=table.number("levels", 4, 5) if table.has("levels") else None,
        identity_end=table.word("identity_end", scope),
        other=_read_tables(other, scope, None) if table.has("other") else None,
    )


def _read_tables(table: Table, scope: Scope, usual: str | None) -> Tables:
    region = table.choice("tables", {name: name for name in scope.regions})
    return Tables(table.word("root", scope, usual), region)
