"""What an inspection found, as text."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

from rich.console import Console

from verifier.inspection.finding import Kind as DescriptorKind
from verifier.loading import Kind
from verifier.machine.registers import Mode
from verifier.reporting.inspection import (
    Code,
    code_rows,
    groups,
    header_rows,
    instruction,
    stretches,
)
from verifier.reporting.wording import FAINT, STRONG, counted, line, paragraph

if TYPE_CHECKING:
    from rich.text import Text

    from verifier.inspection.finding import Descriptor, Finding, Inspection, Switch
    from verifier.loading.binary import Binary
    from verifier.loading.pe import Pe

WIDTH = 100
_TITLES = {
    Kind.BZIMAGE: "a bzImage",
    Kind.ELF: "an ELF file",
    Kind.PE: "a PE file",
    Kind.FLAT: "raw bytes",
}
_MODES = {Mode.LONG_64: "64-bit code", Mode.PROTECTED_32: "32-bit code"}
_RAW = 30
"""Columns of an instruction's bytes."""
_GREEN, _CYAN, _YELLOW = "green", "cyan", "yellow"


def inspection_lines(binary: Binary, found: Inspection) -> list[Text]:
    """Give the whole report, a heading for each part."""
    report = _Report(binary, found)
    parts = (
        report.title(),
        report.header(),
        report.firmware(),
        report.gdt(),
        report.switches(),
        report.trampoline(),
        *report.sites(),
        report.missing(),
    )
    told: list[Text] = []
    for part in parts:
        if part:
            told += [line(), *part] if told else part
    return told


def inspection_html(binary: Binary, found: Inspection) -> str:
    """Give the same as HTML, for a notebook."""
    console = Console(file=StringIO(), record=True, width=2 * WIDTH, color_system="standard")
    for each in inspection_lines(binary, found):
        console.print(each, soft_wrap=True, highlight=False)
    return console.export_html(
        inline_styles=True, code_format='<pre style="line-height:normal">{code}</pre>'
    )


class _Report:
    """The parts of the report on one file; a part may be empty."""

    def __init__(self, binary: Binary, found: Inspection) -> None:
        self.binary = binary
        self.found = found
        self.data = binary.image.data
        self.names: dict[int, str] = {}
        for each in found.findings:
            self.names.setdefault(each.offset, each.name)
        for name, offset in binary.image.symbols.items():
            self.names.setdefault(offset, name)

    def title(self) -> list[Text]:
        image, header = self.binary.image, self.binary.header
        base = "from its protected-mode part, the bzImage's image" if header else "of its image"
        told = [line((self.binary.path.name, STRONG), f": {_TITLES[self.binary.kind]}")]
        if image.producer:
            told += paragraph(image.producer, "  ", WIDTH)
        told += paragraph(self._short(), "  ", WIDTH)
        told.append(line((f"  offsets (+) are {base}, {len(self.data):#x} bytes long", FAINT)))
        told.append(line((f"  its sha256 is {image.digest}", FAINT)))
        return [*told, *(each for note in image.notes for each in paragraph(note, "  ", WIDTH))]

    def _short(self) -> str:
        """Give what most readers came for."""
        places = self.found.labels
        if "trampoline" not in places:
            return "It has no paging-mode trampoline in the form that is known."
        calls = {"site_call": "the decompressor", "efi_call": "the EFI stub"}
        called = [f"{who} at +{places[name]:#x}" for name, who in calls.items() if name in places]
        by = " and by ".join(called) or "nothing that was found"
        return f"A paging-mode trampoline at +{places['trampoline']:#x}, called in a copy by {by}."

    def header(self) -> list[Text]:
        if self.binary.header is None:
            return []
        told = [_heading("header", "field, place in the file, value")]
        for row in header_rows(self.binary.header):
            start = f"  {row.name:19} {row.offset:#05x}  {row.value:<#11x}  "
            says = paragraph(row.says, "", WIDTH - len(start)) or [line()]
            margin = " " * len(start)
            told += [
                line(margin if number else start, (each.plain, FAINT))
                for number, each in enumerate(says)
            ]
        return told

    def firmware(self) -> list[Text]:
        pe = self.binary.pe
        if pe is None:
            return []
        place = pe.file_offset(pe.entry)
        offset = self.binary.offset(place) if place is not None else None
        at = f"+{offset:#x}" if offset is not None else f"{pe.entry:#x}"
        told = [
            _heading("PE view", f"{pe.bits}-bit {pe.subsystem}"),
            line("  entry ", (at, _GREEN), self._never(pe)),
        ]
        for each in pe.sections:
            kind = "code" if each.executable else "data"
            told.append(
                line(
                    f"  {each.name:8} {kind}  in memory {each.address:#x},"
                    f" {each.memory_size:#x} bytes; in the file {each.offset:#x},"
                    f" {each.file_size:#x} bytes"
                )
            )
        return told

    def _never(self, pe: Pe) -> tuple[str, str]:
        if self.binary.header is None or pe.entry == self.binary.entry:
            return "", ""
        return ", where a UEFI boot begins: it never runs the 64-bit entry", FAINT

    def gdt(self) -> list[Text]:
        gdt = self.found.gdt
        if gdt is None:
            return []
        told = [
            _heading(f"GDT at +{gdt.offset:#x}", f"{self._file(gdt.offset)}, the 64-bit entry's")
        ]
        told += [_descriptor(each) for each in gdt.descriptors]
        return [*told, *_because(gdt.how)]

    def switches(self) -> list[Text]:
        switches = self.found.switches
        told = [_heading("mode switches", counted(len(switches), "far transfer"))]
        for each in switches:
            told.append(
                line(
                    "  ",
                    (each.direction.value, _YELLOW),
                    f" at +{each.transfer:#x}",
                    (f"  {self._file(each.transfer)}", FAINT),
                    self._to(each),
                )
            )
            rows = code_rows(self.data, each.offset, each.offset + each.size, each.mode)
            told += [self._code(row) for row in rows]
            told += _because(each.how)
        return told if switches else [*told, line("  none was found")]

    def _to(self, switch: Switch) -> tuple[str, str]:
        if switch.target is None:
            return "", ""
        name = self.names.get(switch.target)
        return f"  to +{switch.target:#x}" + (f" ({name})" if name else ""), ""

    def trampoline(self) -> list[Text]:
        whole = self.found.find("trampoline")
        if whole is None:
            return []
        end = whole.offset + whole.size
        about = f"to +{end:#x}, {whole.size:#x} bytes; {self._file(whole.offset)}"
        told = [_heading(f"trampoline at +{whole.offset:#x}", about)]
        for start, stop, mode in stretches(self.found):
            told.append(line("  ", (_MODES[mode], FAINT)))
            for row in code_rows(self.data, start, stop, mode):
                name = self.names.get(row.offset)
                told += [line("    ", (f"{name}:", _CYAN))] if name else []
                told.append(self._code(row))
        return told

    def sites(self) -> list[list[Text]]:
        return [
            [_heading(*title), *(each for part in parts for each in self._finding(part))]
            for title, parts in groups(self.found)
        ]

    def _finding(self, finding: Finding) -> list[Text]:
        offset = finding.offset
        told = [
            line(
                "  ",
                (f"{finding.name:23}", _CYAN),
                f"+{offset:#x}",
                (f"  {self._file(offset)}", FAINT),
            )
        ]
        listed = finding.name.startswith("trampoline")
        row = instruction(self.data, offset, finding.mode) if finding.mode and not listed else None
        raw = self.data[offset : offset + finding.size]
        if row is not None:
            told.append(self._code(row))
        elif finding.mode is None and 0 < len(raw) <= 8:
            value = int.from_bytes(raw, "little")
            told.append(line(f"      {raw.hex(' ').ljust(_RAW)}  {value:#x}"))
        return [*told, *_because(finding.how)]

    def missing(self) -> list[Text]:
        if not self.found.missing:
            return []
        told = [_heading("passed over, or not found", "")]
        for each in self.found.missing:
            told += paragraph(each, "  ", WIDTH)
        return told

    def _code(self, row: Code) -> Text:
        refers = ""
        if row.refers is not None:
            name = self.names.get(row.refers)
            refers = f"  +{row.refers:#x}" + (f" ({name})" if name else "")
        start = f"      +{row.offset:#x}  {row.raw.hex(' ').ljust(_RAW)}  "
        source = self.binary.image.line_at(row.offset)
        where = f"  {source.file.rpartition('/')[2]}:{source.line}" if source else ""
        return line(start, (row.text, STRONG), (refers, FAINT), (where, FAINT))

    def _file(self, offset: int) -> str:
        place = self.binary.place(offset)
        return "not in the file" if place is None else f"file {place:#x}"


def _heading(title: str, about: str) -> Text:
    return line((title, STRONG), (f"  {about}" if about else "", FAINT))


def _descriptor(each: Descriptor) -> Text:
    start = f"  {each.selector:#04x}  {each.raw:016x}  "
    if each.kind in {DescriptorKind.NULL, DescriptorKind.UPPER}:
        return line(start, each.kind.value)
    rest = f"base {each.base:#x}, limit {each.limit:#x}, ring {each.dpl}"
    absent = "" if each.present else ", not present"
    return line(start, (f"{each.kind.value:11}", _GREEN), f"  {rest}{absent}")


def _because(how: str) -> list[Text]:
    told = paragraph(how, "      ", WIDTH)
    for each in told:
        each.stylize(FAINT)
    return told
