"""From a description of an image to the image: source, ELF, bzImage, PE or flat binary."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from verifier.errors import BadInput
from verifier.loading import assembler
from verifier.loading.bzimage import load_bzimage
from verifier.loading.dwarf import LineRange, line_table
from verifier.loading.elf import Elf, FileType
from verifier.loading.image import MAX_IMAGE_BYTES, Image, Line, digest_of
from verifier.loading.linking import Linker, check_size, collect_names, lay_out, symbol_table
from verifier.loading.listing import PlacedSection, read_listing
from verifier.loading.pe import load_pe
from verifier.loading.program import load_program, producer

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAX_FILE_BYTES = 8 * MAX_IMAGE_BYTES


class Kind(Enum):
    """What a file is; the value is the word for it in a spec."""

    SOURCE = "source"
    ELF = "elf"
    FLAT = "flat"
    BZIMAGE = "bzimage"
    PE = "pe"


@dataclass(frozen=True, slots=True)
class ImageDescription:
    """Which bytes to prove, and how to read them.

    ``link_address`` is where the image's base was linked (``ld -Ttext=``): source and
    objects get it in their absolute addresses; ``origin`` is the same of a flat binary.
    ``sections`` (of an object) or ``segment`` (of a program, by number) restrict an ELF file.
    ``symbols`` adds labels or replaces them; a value is an address as linked, so an offset
    where the link address is 0. ``folder`` is what a source may include files from, its own
    when None.
    """

    kind: Kind
    path: Path
    link_address: int = 0
    origin: int = 0
    sections: tuple[str, ...] = ()
    segment: int | None = None
    symbols: Mapping[str, int] = field(default_factory=dict)
    folder: Path | None = None


def load(description: ImageDescription) -> Image:
    """Read an image; BadInput says what is wrong with the file, at its line where it has one."""
    path = description.path
    _check_options(description)
    data = read_file(path)
    match description.kind:
        case Kind.SOURCE:
            text = _decode(data, path)
            folder = description.folder or path.parent
            source = assembler.Source(text, str(path), folder)
            image = _load_source(source, description.link_address)
        case Kind.ELF:
            image = _load_elf(Elf(data, str(path)), description)
        case Kind.FLAT:
            check_size(len(data), str(path))
            image = Image(
                path.name, data, {}, {}, (), digest_of(data), "", link_address=description.origin
            )
        case Kind.BZIMAGE:
            image = load_bzimage(data, path.name, str(path))
        case Kind.PE:
            image = load_pe(data, path.name, str(path))
    return _with_symbols(image, description.symbols, path)


def load_source_text(
    text: str, name: str, folder: Path | None = None, link_address: int = 0
) -> Image:
    """Assemble a text that is in no file, such as a source with one edit.

    ``name`` stands for it in errors and lines. It may include files of ``folder``; None
    forbids includes.
    """
    return _load_source(assembler.Source(text, name, folder), link_address)


def _load_source(source: assembler.Source, link_address: int) -> Image:
    made = assembler.assemble(source)
    elf = Elf(made.object, source.name)
    layout = lay_out(elf, ())
    sections = {
        elf.sections[index].name: PlacedSection(start, elf.contents(elf.sections[index]))
        for index, start in layout.starts.items()
    }
    lines = read_listing(made.listing, sections, _source_texts(source, made.included))
    image = _link(Linker(elf, layout, link_address), Path(source.name).name, lines)
    return replace(image, producer=made.version, notes=(*made.warnings, *image.notes))


def _source_texts(source: assembler.Source, included: tuple[Path, ...]) -> dict[str, str]:
    texts = {source.name: source.text}
    for path in included:
        name = path.relative_to(source.folder.resolve()) if source.folder else path
        texts[str((source.folder or Path()) / name)] = path.read_text("utf-8", "replace")
    return texts


def _load_elf(elf: Elf, description: ImageDescription) -> Image:
    name = description.path.name
    folder = description.folder or description.path.parent
    if elf.type is not FileType.REL:
        if description.sections or description.link_address:
            message = "sections and a link address are for objects, and this file is linked already"
            raise BadInput(message, elf.where)
        return load_program(elf, name, description.segment, folder)
    if description.segment is not None:
        message = "an object has no segments: name its sections instead"
        raise BadInput(message, elf.where)
    layout = lay_out(elf, description.sections)
    linker = Linker(elf, layout, description.link_address)
    lines, notes = line_table(elf, linker.debug_contents, LineRange(0, layout.size, folder))
    image = _link(linker, name, lines)
    return replace(image, producer=producer(elf), notes=(*notes, *image.notes))


def _link(linker: Linker, name: str, lines: tuple[Line, ...]) -> Image:
    linked = linker.link(lines)
    names = collect_names(symbol_table(linker.elf), linker.offset_of, linker.layout.size)
    data = bytes(linked.data)
    return Image(
        name,
        data,
        names.symbols,
        names.constants,
        lines,
        digest_of(data),
        "",
        link_address=linker.link_address,
        relocations=tuple(linked.relocations),
        notes=(*linked.notes, *names.notes()),
    )


def _with_symbols(image: Image, symbols: Mapping[str, int], path: Path) -> Image:
    added = {}
    for name, address in symbols.items():
        offset = address - image.link_address
        if not 0 <= offset <= len(image.data):
            message = (
                f"symbol '{name}' at {address:#x} lies outside the image,"
                f" which was linked at {image.link_address:#x} and has {len(image.data):#x} bytes"
            )
            raise BadInput(message, path)
        added[name] = offset
    return replace(image, symbols={**image.symbols, **added}) if added else image


def _check_options(description: ImageDescription) -> None:
    """Refuse an option that the kind of image does not have, rather than ignore it."""
    unused = {
        Kind.SOURCE: ("origin", "sections", "segment"),
        Kind.ELF: ("origin",),
        Kind.FLAT: ("link_address", "sections", "segment"),
        Kind.BZIMAGE: ("origin", "link_address", "sections", "segment"),
        Kind.PE: ("origin", "link_address", "sections", "segment"),
    }
    for option in unused[description.kind]:
        if getattr(description, option) not in (0, (), None):
            message = f"an image of kind '{description.kind.value}' has no '{option}'"
            raise BadInput(message, description.path)


def read_file(path: Path) -> bytes:
    """Read a file of boot code; BadInput where it cannot be or is too large."""
    try:
        if not path.is_file():
            kind = "is a directory" if path.is_dir() else "is no regular file"
            message = f"the image {kind if path.exists() else 'does not exist'}"
            raise BadInput(message, path)
        if path.stat().st_size > _MAX_FILE_BYTES:
            message = f"the file has {path.stat().st_size:#x} bytes, too many for boot code"
            raise BadInput(message, path)
        return path.read_bytes()
    except (OSError, ValueError) as error:
        message = f"the image cannot be read: {getattr(error, 'strerror', None) or error}"
        raise BadInput(message, path) from error


def _decode(data: bytes, path: Path) -> str:
    if not data:
        message = "the source is empty"
        raise BadInput(message, path)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"the source is not UTF-8 text: byte {data[error.start]:#04x}"
        raise BadInput(message, path, line) from error
