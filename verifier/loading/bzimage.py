"""A Linux kernel as it ships: a bzImage, by the x86 boot protocol.

Its base is the protected-mode part, what follows the boot sector and the setup code: the
decompressor, linked at 0, with the compressed kernel as its payload.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag
from typing import NoReturn

from verifier.errors import BadInput
from verifier.loading.elf import printable
from verifier.loading.image import MAX_IMAGE_BYTES, Image, digest_of
from verifier.loading.pe import is_pe, read_pe

ENTRY_64 = 0x200
"""Offset of the 64-bit entry in the protected-mode part; the 32-bit entry is at 0."""

_SECTOR = 512
_UNIT = 16
_OLDEST = 0x20C
_BOOT_FLAG = 0xAA55
_SHORT_JUMP = 0xEB
_LOADED_HIGH = 1
_DEFAULT_SETUP_SECTORS = 4
_VERSION_TEXT_BYTES = 512
_INFO_MAGIC = b"LToP"


class LoadFlags(IntFlag):
    """The header's xloadflags that are told."""

    KERNEL_64 = 1
    CAN_BE_LOADED_ABOVE_4G = 2
    EFI_HANDOVER_32 = 4
    EFI_HANDOVER_64 = 8
    EFI_KEXEC = 16
    LEVELS_5 = 32
    LEVELS_5_ENABLED = 64


@dataclass(frozen=True, slots=True)
class Field:
    """A header field by the boot protocol's name: offset and width in bytes."""

    name: str
    offset: int
    width: int


FIELDS = (
    Field("setup_sects", 0x1F1, 1),
    Field("syssize", 0x1F4, 4),
    Field("boot_flag", 0x1FE, 2),
    Field("jump", 0x200, 1),
    Field("jump_distance", 0x201, 1),
    Field("header", 0x202, 4),
    Field("version", 0x206, 2),
    Field("kernel_version", 0x20E, 2),
    Field("loadflags", 0x211, 1),
    Field("code32_start", 0x214, 4),
    Field("kernel_alignment", 0x230, 4),
    Field("relocatable_kernel", 0x234, 1),
    Field("min_alignment", 0x235, 1),
    Field("xloadflags", 0x236, 2),
    Field("cmdline_size", 0x238, 4),
    Field("payload_offset", 0x248, 4),
    Field("payload_length", 0x24C, 4),
    Field("pref_address", 0x258, 8),
    Field("init_size", 0x260, 4),
    Field("handover_offset", 0x264, 4),
    Field("kernel_info_offset", 0x268, 4),
)
"""The fields that are read, in the header's order."""

HEADER_END = FIELDS[-1].offset + FIELDS[-1].width
_CONSTANTS = (
    "syssize",
    "kernel_alignment",
    "xloadflags",
    "cmdline_size",
    "payload_offset",
    "payload_length",
    "pref_address",
    "init_size",
    "handover_offset",
)


@dataclass(frozen=True, slots=True)
class Header:
    """What the boot protocol's header says; ``setup_size`` and ``size`` are in bytes.

    ``setup_size`` is where the protected-mode part begins in the file, ``size`` how long it is.
    """

    values: dict[str, int]
    release: str
    setup_size: int
    size: int

    def __getitem__(self, name: str) -> int:
        """Give a field by the boot protocol's name."""
        return self.values[name]

    @property
    def flags(self) -> LoadFlags:
        """Give xloadflags."""
        return LoadFlags(self["xloadflags"])

    @property
    def payload(self) -> range:
        """Give the payload's offsets in the protected-mode part."""
        return range(self["payload_offset"], self["payload_offset"] + self["payload_length"])

    def constants(self) -> dict[str, int]:
        """Give what a spec may use by name: ``INIT_SIZE``, ``PAYLOAD_OFFSET`` and their like."""
        named = {name.upper(): self[name] for name in _CONSTANTS}
        return {**named, "SETUP_SIZE": self.setup_size}


def is_bzimage(data: bytes) -> bool:
    """Say whether a file claims to be one, whether or not it is whole."""
    return data[0x202:0x206] == b"HdrS"


def read_header(data: bytes, where: str) -> Header:
    """Read and check the header; BadInput names the field that cannot be."""
    return _Reader(data, where).header()


def load_bzimage(data: bytes, name: str, where: str) -> Image:
    """Give the protected-mode part, payload included; the header's sizes are constants."""
    header = read_header(data, where)
    code = data[header.setup_size : header.setup_size + header.size]
    entries = {"entry32": 0} | (
        {"entry64": ENTRY_64} if LoadFlags.KERNEL_64 in header.flags else {}
    )
    return Image(
        name,
        code,
        entries | _data_of(data, header, where),
        header.constants(),
        (),
        digest_of(code),
        f"Linux {header.release}" if header.release else "",
    )


def _data_of(data: bytes, header: Header, where: str) -> dict[str, int]:
    """Give where the PE view has the image's data begin: what lies below is never written."""
    if not is_pe(data):
        return {}
    for section in read_pe(data, where).sections:
        if not section.executable and section.address >= header.setup_size:
            return {"data_start": section.address - header.setup_size}
    return {}


class _Reader:
    """The header's fields, each checked as soon as what it depends on is."""

    def __init__(self, data: bytes, where: str) -> None:
        self.data = data
        self.where = where
        self.values: dict[str, int] = {}

    def header(self) -> Header:
        if self.data[0x202:0x206] != b"HdrS":
            self._refuse("is no bzImage: it has no 'HdrS' at byte 0x202")
        if len(self.data) < HEADER_END:
            self._refuse(f"is cut short: its header ends at byte {HEADER_END:#x}")
        self.values = {
            each.name: int.from_bytes(self.data[each.offset : each.offset + each.width], "little")
            for each in FIELDS
        }
        self._check_signs()
        start, size = self._extent()
        self._check_memory(size)
        self._check_inside(start, size)
        return Header(self.values, self._release(start), start, size)

    def _check_signs(self) -> None:
        values = self.values
        self._expect("boot_flag", values["boot_flag"] == _BOOT_FLAG, f"is not {_BOOT_FLAG:#x}")
        version = values["version"]
        self._expect(
            "version",
            version >= _OLDEST,
            "is older than boot protocol 2.12, the first with a 64-bit entry",
        )
        self._expect("jump", values["jump"] == _SHORT_JUMP, "is no short jump")
        end = 0x202 + values["jump_distance"]
        newest = version >= 0x20F
        least = HEADER_END if newest else HEADER_END - 4
        self._expect("jump_distance", end >= least, f"ends the header before byte {least:#x}")
        if not newest:
            values["kernel_info_offset"] = 0
        self._expect(
            "loadflags", bool(values["loadflags"] & _LOADED_HIGH), "says that it is loaded low"
        )

    def _extent(self) -> tuple[int, int]:
        """Give where the protected-mode part begins and its size, the last unit maybe short."""
        sectors = self.values["setup_sects"] or _DEFAULT_SETUP_SECTORS
        start, size = (sectors + 1) * _SECTOR, self.values["syssize"] * _UNIT
        self._expect("syssize", size > ENTRY_64, "leaves no code")
        self._expect("syssize", size <= MAX_IMAGE_BYTES, f"is above {MAX_IMAGE_BYTES:#x} bytes")
        if start + size - _UNIT >= len(self.data):
            self._refuse(
                f"is cut short: by its header it has at least {start + size:#x} bytes,"
                f" and it has {len(self.data):#x}"
            )
        return start, min(size, len(self.data) - start)

    def _check_memory(self, size: int) -> None:
        values = self.values
        alignment = values["kernel_alignment"]
        power = alignment > 0 and not alignment & alignment - 1
        self._expect("kernel_alignment", power, "is no power of two")
        self._expect("min_alignment", values["min_alignment"] < 64, "is no shift of an address")
        self._expect("relocatable_kernel", values["relocatable_kernel"] < 2, "is neither 0 nor 1")
        self._expect(
            "pref_address", not values["pref_address"] % alignment, "is not aligned as it must be"
        )
        self._expect("init_size", values["init_size"] >= size, "is less than the code's size")

    def _check_inside(self, start: int, size: int) -> None:
        values = self.values
        length, offset = values["payload_length"], values["payload_offset"]
        self._expect("payload_length", length > 0, "leaves no kernel to unpack")
        self._expect("payload_offset", offset < size, "is past the end of the code")
        self._expect("payload_length", offset + length <= size, "is past the end of the code")
        self._expect("handover_offset", values["handover_offset"] < size, "is past the end")
        info = values["kernel_info_offset"]
        if info:
            magic = self.data[start + info : start + info + 4]
            self._expect("kernel_info_offset", info < size, "is past the end of the code")
            self._expect("kernel_info_offset", magic == _INFO_MAGIC, "leads to no 'LToP'")

    def _release(self, start: int) -> str:
        """Give the kernel's version text, empty where the header names none."""
        offset = self.values["kernel_version"]
        if not offset:
            return ""
        offset += _SECTOR
        self._expect("kernel_version", offset < start, "lies outside the setup code")
        text = self.data[offset : min(offset + _VERSION_TEXT_BYTES, start)]
        return printable(text.partition(b"\0")[0])

    def _expect(self, name: str, holds: bool, message: str) -> None:  # noqa: FBT001 - as assert has
        if not holds:
            found = self.values[name]
            self._refuse(f"is a corrupt bzImage: its {name}, {found:#x}, {message}")

    def _refuse(self, message: str) -> NoReturn:
        sentence = f"the file {message}"
        raise BadInput(sentence, self.where)
