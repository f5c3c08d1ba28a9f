"""An object file's sections laid out one after the other, with its relocations applied."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from verifier.errors import BadInput, nearest
from verifier.loading.elf import (
    ABSOLUTE,
    COMMON,
    UNDEFINED,
    Elf,
    Entry,
    Section,
    SectionType,
    Symbol,
    SymbolType,
)
from verifier.loading.image import MAX_IMAGE_BYTES, Line, Relocation
from verifier.loading.relocations import (
    FORMS,
    NO_EFFECT,
    THROUGH_GOT,
    Form,
    Range,
    without_table,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_NOT_LABELS = (SymbolType.SECTION, SymbolType.FILE, SymbolType.TLS)

_NOWHERE = 0x8000_0000


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each placed section begins, by its index, and how long the whole is."""

    starts: Mapping[int, int]
    size: int


@dataclass(frozen=True, slots=True)
class Names:
    """Labels by offset from the base, absolute symbols by value, names defined twice."""

    symbols: Mapping[str, int]
    constants: Mapping[str, int]
    ambiguous: tuple[str, ...]

    def notes(self) -> tuple[str, ...]:
        """Tell which names cannot be used, since they name two places."""
        return tuple(
            f"'{name}' is defined more than once and names nothing" for name in self.ambiguous
        )


@dataclass(slots=True)
class Linked:
    """The linked bytes; ``notes`` tells what holds only at the link address."""

    data: bytearray
    relocations: list[Relocation] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def lay_out(elf: Elf, wanted: Sequence[str]) -> Layout:
    """Place the ``wanted`` sections, or all allocated ones but notes, in the file's order."""
    names = [section.name for section in elf.sections if section.allocated]
    for name in wanted:
        if name not in names:
            message = f"no section '{name}' takes memory: {nearest(name, names)}"
            raise BadInput(message, elf.where)
    starts: dict[int, int] = {}
    end = 0
    for section in elf.sections:
        by_default = section.type != SectionType.NOTE and section.size > 0
        if not section.allocated or not (section.name in wanted if wanted else by_default):
            continue
        alignment = max(section.alignment, 1)
        if alignment & (alignment - 1):
            message = f"the file is corrupt: {section.name} is aligned to {alignment:#x}"
            raise BadInput(message, elf.where)
        starts[section.index] = -(-end // alignment) * alignment
        end = starts[section.index] + section.size
        if end > MAX_IMAGE_BYTES:
            break
    check_size(end, elf.where)
    return Layout(starts, end)


def check_size(size: int, where: str) -> None:
    """Refuse an image that is empty or too large to be boot code."""
    if size == 0:
        message = "the image has no bytes"
        raise BadInput(message, where)
    if size > MAX_IMAGE_BYTES:
        message = f"the image has {size:#x} bytes, and the most is {MAX_IMAGE_BYTES:#x}"
        raise BadInput(message, where)


def symbol_table(elf: Elf) -> tuple[Symbol, ...]:
    """Give all symbols of the file, the dynamic ones last."""
    tables = sorted(
        (s for s in elf.sections if s.type in (SectionType.SYMTAB, SectionType.DYNSYM)),
        key=lambda section: section.type,
    )
    return tuple(symbol for table in tables for symbol in elf.symbols(table))


def collect_names(
    symbols: Sequence[Symbol], offset_of: Callable[[Symbol], int | None], size: int
) -> Names:
    """Sort symbols into labels inside the image and constants.

    A global symbol hides a local one; a name that two local symbols give different
    offsets is ambiguous and names nothing.
    """
    labels: dict[str, int] = {}
    constants: dict[str, int] = {}
    ambiguous: set[str] = set()
    for symbol in sorted(symbols, key=lambda symbol: symbol.is_local):
        if (
            symbol.type in _NOT_LABELS
            or not symbol.name
            or "\N{REPLACEMENT CHARACTER}" in symbol.name
        ):
            continue
        table, value = labels, offset_of(symbol)
        if symbol.section == ABSOLUTE:
            table, value = constants, symbol.value
        if value is None or (table is labels and not 0 <= value <= size):
            continue
        if table.setdefault(symbol.name, value) != value and symbol.is_local:
            ambiguous.add(symbol.name)
    shared = set(labels) & set(constants)
    global_names = {symbol.name for symbol in symbols if not symbol.is_local}
    ambiguous = (ambiguous | shared) - global_names
    for name in ambiguous:
        labels.pop(name, None)
        constants.pop(name, None)
    return Names(labels, constants, tuple(sorted(ambiguous)))


class Linker:
    """Apply the relocations of one object as ``ld -Ttext=link_address`` would."""

    def __init__(self, elf: Elf, layout: Layout, link_address: int) -> None:
        """Take the object, where its sections go, and the address of the image's base."""
        self.elf = elf
        self.layout = layout
        self.link_address = link_address
        self.lines: tuple[Line, ...] = ()

    def link(self, lines: tuple[Line, ...]) -> Linked:
        """Give the image's bytes; BadInput names the source line of what cannot be linked."""
        self.lines = lines
        linked = Linked(bytearray(self.layout.size))
        for index, start in self.layout.starts.items():
            section = self.elf.sections[index]
            linked.data[start : start + section.size] = self.elf.contents(section)
        for table in self._tables(self.layout.starts):
            symbols = self.elf.symbols(self._linked_section(table))
            start = self.layout.starts[table.info]
            for entry in self.elf.relocations(table):
                self._apply(linked, start, entry, symbols)
        return linked

    def debug_contents(self, section: Section) -> bytes:
        """Give a debug section as if the image were linked at 0; raises BadInput likewise."""
        data = bytearray(self.elf.contents(section))
        for table in self._tables({section.index: 0}):
            symbols = self.elf.symbols(self._linked_section(table))
            for entry in self.elf.relocations(table):
                form = self._form(entry, 0)
                if form is not None and entry.symbol < len(symbols):
                    symbol = symbols[entry.symbol]
                    target = self._debug_base(symbol) + symbol.value
                    place = slice(entry.offset, entry.offset + form.width)
                    addend = self._addend(entry, bytes(data[place]))
                    data[place] = form.encode(target + addend) or data[place]
        return bytes(data)

    def offset_of(self, symbol: Symbol) -> int | None:
        """Give a symbol's offset from the base, None when it is not of a placed section."""
        start = self.layout.starts.get(symbol.section)
        return None if start is None else start + symbol.value

    def _debug_base(self, symbol: Symbol) -> int:
        """Give a section's base; one that is left out gets addresses outside every image."""
        index = symbol.section
        if index in self.layout.starts:
            return self.layout.starts[index]
        sections = self.elf.sections
        return _NOWHERE if index < len(sections) and sections[index].allocated else 0

    def _tables(self, placed: Mapping[int, int]) -> list[Section]:
        kinds = (SectionType.REL, SectionType.RELA)
        return [s for s in self.elf.sections if s.type in kinds and s.info in placed]

    def _linked_section(self, table: Section) -> Section:
        sections = self.elf.sections
        if table.link >= len(sections) or sections[table.link].type != SectionType.SYMTAB:
            message = f"the file is corrupt: {table.name} names no symbol table"
            raise BadInput(message, self.elf.where)
        return sections[table.link]

    def _form(self, entry: Entry, place: int) -> Form | None:
        if entry.type == NO_EFFECT:
            return None
        forms = FORMS[self.elf.bits]
        if entry.type not in forms:
            known = ", ".join(f"{form.name} ({number})" for number, form in forms.items())
            raise self._error(place, f"relocation type {entry.type} is not known; known: {known}")
        return forms[entry.type]

    @staticmethod
    def _addend(entry: Entry, field_bytes: bytes) -> int:
        if entry.addend is not None:
            return entry.addend
        return int.from_bytes(field_bytes, "little", signed=True)

    def _apply(self, linked: Linked, start: int, entry: Entry, symbols: Sequence[Symbol]) -> None:
        place = start + entry.offset
        form = self._form(entry, place)
        if form is None:
            return
        if place + form.width > len(linked.data) or entry.symbol >= len(symbols):
            message = f"the file is corrupt: a relocation at {place:#x} points outside its table"
            raise BadInput(message, self.elf.where)
        symbol = symbols[entry.symbol]
        offset = self._offset(symbol, symbols, place)
        if entry.type in THROUGH_GOT and self.elf.is_64:
            place = self._relax(linked, place)
        field_bytes = slice(place, place + form.width)
        addend = self._addend(entry, bytes(linked.data[field_bytes]))
        target = (symbol.value if offset is None else self.link_address + offset) + addend
        value = target - self.link_address - place if form.relative else target
        encoded = form.encode(value)
        if encoded is None:
            message = (
                f"{self._title(symbol)}{addend:+#x} does not fit:"
                f" {form.name} cannot hold {value:#x} ({form.range.value}, {form.width} bytes)"
            )
            raise self._error(place, message)
        linked.data[field_bytes] = encoded
        if offset is None and form.relative:
            linked.notes.append(
                f"the {form.width} bytes at +{place:#x} are the distance to an absolute address:"
                f" they reach it only when loaded at the link address {self.link_address:#x}"
            )
        elif offset is not None and not form.relative:
            signed = form.range is Range.SIGNED
            linked.relocations.append(Relocation(place, form.width, signed, offset + addend))

    def _relax(self, linked: Linked, place: int) -> int:
        """Rewrite the instruction whose field is at ``place``; give where the field is then."""
        around = slice(place - 2, place + 4)
        relaxed = without_table(bytes(linked.data[around])) if place >= 2 else None
        if relaxed is None:
            message = "the instruction needs a global offset table, which boot code has none of"
            raise self._error(place, message)
        linked.data[around], start = relaxed
        return place - 2 + start

    def _offset(self, symbol: Symbol, symbols: Sequence[Symbol], place: int) -> int | None:
        """Give a symbol's offset from the image's base, None for an absolute one."""
        missing = symbol.section == UNDEFINED and symbol.is_weak
        if symbol.section == ABSOLUTE or symbol is symbols[0] or missing:
            return None
        offset = self.offset_of(symbol)
        if offset is not None:
            return offset
        title = self._title(symbol)
        if symbol.section == UNDEFINED:
            defined = [s.name for s in symbols if s.section != UNDEFINED and s.name.isprintable()]
            hint = nearest(symbol.name, [name for name in defined if name])
            raise self._error(place, f"symbol '{title}' is not defined: {hint}")
        if symbol.section == COMMON:
            raise self._error(place, f"symbol '{title}' has no place: define it in .bss")
        raise self._error(place, f"'{title}' lies in a section that is not part of the image")

    def _title(self, symbol: Symbol) -> str:
        if symbol.name or symbol.type != SymbolType.SECTION:
            return symbol.name or "*ABS*"
        sections = self.elf.sections
        return sections[symbol.section].name if symbol.section < len(sections) else "?"

    def _error(self, place: int, message: str) -> BadInput:
        for line in self.lines:
            if line.offset <= place < line.offset + line.length:
                return BadInput(message, line.file, line.line)
        return BadInput(f"at +{place:#x}: {message}", self.elf.where)
