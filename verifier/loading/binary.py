"""A file of unknown kind: recognised by its first bytes, loaded, with where it may have code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from verifier.errors import BadInput
from verifier.loading.bzimage import Header, is_bzimage, read_header
from verifier.loading.elf import Elf, FileType, SectionType
from verifier.loading.linking import lay_out
from verifier.loading.load import ImageDescription, Kind, load, read_file
from verifier.loading.pe import Pe, is_pe, read_pe

if TYPE_CHECKING:
    from pathlib import Path

    from verifier.loading.image import Image

_FOREIGN = {
    b"\x1f\x8b": "is compressed by gzip: unpack it first",
    b"\xfd7zXZ": "is compressed by xz: unpack it first",
    b"\x28\xb5\x2f\xfd": "is compressed by zstd: unpack it first",
    b"BZh": "is compressed by bzip2: unpack it first",
    b"PK\x03\x04": "is a zip archive: unpack it first",
    b"!<arch>\n": "is an archive, as packages and libraries are: unpack it first",
    b"\xca\xfe\xba\xbe": "is a Mach-O or Java file, neither of which is read here",
    b"\xcf\xfa\xed\xfe": "is a Mach-O file, which is not read here",
}
_EXECUTABLE = 0x4


@dataclass(frozen=True, slots=True)
class Extent:
    """``size`` bytes of the image at ``offset`` that stand at ``place`` in the file."""

    offset: int
    place: int
    size: int


@dataclass(frozen=True, slots=True)
class Binary:
    """A loaded file: ``code`` is where its image may have code, ``entry`` a 64-bit one.

    ``header`` is that of a bzImage, ``pe`` the view of it or of any PE file that firmware has.
    """

    kind: Kind
    path: Path
    image: Image
    code: tuple[range, ...]
    entry: int | None
    extents: tuple[Extent, ...]
    header: Header | None = None
    pe: Pe | None = None

    def place(self, offset: int) -> int | None:
        """Give where in the file the image's byte at ``offset`` stands, None where nowhere."""
        for each in self.extents:
            if 0 <= offset - each.offset < each.size:
                return offset - each.offset + each.place
        return None

    def offset(self, place: int) -> int | None:
        """Give where in the image the file's byte at ``place`` lies, None where nowhere."""
        for each in self.extents:
            if 0 <= place - each.place < each.size:
                return place - each.place + each.offset
        return None


def open_binary(path: Path) -> Binary:
    """Recognise a file and load it; BadInput says in one sentence what is wrong with it.

    What is no bzImage, ELF or PE file, and nothing known to be foreign, is taken as raw code.
    """
    data = read_file(path)
    for magic, reason in _FOREIGN.items():
        if data.startswith(magic):
            message = f"the file {reason}"
            raise BadInput(message, path)
    if is_bzimage(data):
        return _open_bzimage(path, data)
    if data[:4] == b"\x7fELF":
        return _open_elf(path, data)
    return _open_pe(path, data) if is_pe(data) else _open_flat(path)


def code_of(image: Image) -> tuple[range, ...]:
    """Give where a bzImage's image may have code: all of it but the payload."""
    constants = image.constants
    start = constants["PAYLOAD_OFFSET"]
    return (range(start), range(start + constants["PAYLOAD_LENGTH"], len(image.data)))


def _open_bzimage(path: Path, data: bytes) -> Binary:
    image = load(ImageDescription(Kind.BZIMAGE, path))
    header = read_header(data, str(path))
    extents = (Extent(0, header.setup_size, len(image.data)),)
    pe = read_pe(data, str(path)) if is_pe(data) else None
    entry = image.symbols.get("entry64")
    return Binary(Kind.BZIMAGE, path, image, code_of(image), entry, extents, header, pe)


def _open_elf(path: Path, data: bytes) -> Binary:
    image = load(ImageDescription(Kind.ELF, path))
    elf = Elf(data, str(path))
    if elf.type is FileType.REL:
        starts = dict(lay_out(elf, ()).starts)
        entry = None
    else:
        base = image.link_address
        starts = {
            each.index: each.address - base
            for each in elf.sections
            if each.allocated and each.address >= base
        }
        entry = image.symbols.get("startup_64", elf.entry - base if elf.is_64 else None)
    filled = [
        (each, starts[each.index])
        for each in elf.sections
        if each.index in starts and each.type != SectionType.NOBITS
    ]
    extents = tuple(Extent(start, each.offset, each.size) for each, start in filled)
    size = len(image.data)
    code = tuple(
        range(start, min(start + each.size, size))
        for each, start in filled
        if each.flags & _EXECUTABLE and start < size
    )
    if not filled and elf.type is not FileType.REL:
        extents = tuple(
            Extent(each.address - image.link_address, each.offset, each.file_size)
            for each in elf.segments
        )
        code = tuple(range(each.offset, each.offset + each.size) for each in extents)
    return Binary(Kind.ELF, path, image, code, entry, extents)


def _open_pe(path: Path, data: bytes) -> Binary:
    image = load(ImageDescription(Kind.PE, path))
    pe = read_pe(data, str(path))
    sections = [(each, min(each.memory_size, each.file_size)) for each in pe.sections]
    extents = (
        *(Extent(each.address, each.offset, size) for each, size in sections),
        Extent(0, 0, pe.headers_size),
    )
    code = tuple(
        range(each.address, each.address + size) for each, size in sections if each.executable
    )
    entry = pe.entry if pe.bits == 64 else None
    return Binary(Kind.PE, path, image, code, entry, extents, pe=pe)


def _open_flat(path: Path) -> Binary:
    image = load(ImageDescription(Kind.FLAT, path))
    whole = len(image.data)
    return Binary(Kind.FLAT, path, image, (range(whole),), None, (Extent(0, 0, whole),))
