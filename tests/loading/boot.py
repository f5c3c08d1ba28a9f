"""A bzImage and a PE file made of given code, so that tests have them without a download."""

from __future__ import annotations

import struct

from verifier.loading.bzimage import FIELDS

SETUP_SECTORS = 3
SETUP_SIZE = (SETUP_SECTORS + 1) * 512
RELEASE = b"6.99.0-test (someone@somewhere) #1"
RELEASE_AT = 0x400
WIDTHS = {1: "<B", 2: "<H", 4: "<I", 8: "<Q"}


def make_bzimage(code: bytes, **changed: int) -> bytes:
    """Give a bzImage with this protected-mode part; ``changed`` sets header fields."""
    code += bytes(-len(code) % 16)
    values = {
        "setup_sects": SETUP_SECTORS,
        "syssize": len(code) // 16,
        "boot_flag": 0xAA55,
        "jump": 0xEB,
        "jump_distance": 0x6A,
        "header": int.from_bytes(b"HdrS", "little"),
        "version": 0x20F,
        "kernel_version": RELEASE_AT - 0x200,
        "loadflags": 1,
        "code32_start": 0x100000,
        "kernel_alignment": 0x200000,
        "relocatable_kernel": 1,
        "min_alignment": 21,
        "xloadflags": 0x7F,
        "cmdline_size": 2047,
        "payload_offset": 0x210,
        "payload_length": len(code) - 0x220,
        "pref_address": 0x1000000,
        "init_size": 0x2000000,
        "handover_offset": 0,
        "kernel_info_offset": 0,
    }
    setup = bytearray(SETUP_SIZE)
    setup[RELEASE_AT : RELEASE_AT + len(RELEASE)] = RELEASE
    assert set(values) >= set(changed)
    values |= changed
    for field in FIELDS:
        struct.pack_into(WIDTHS[field.width], setup, field.offset, values[field.name])
    return bytes(setup) + code


def make_pe(code: bytes, *, machine: int = 0x8664, relocated: tuple[int, ...] = ()) -> bytes:
    """Give an EFI program with ``code`` at 0x1000, and the places that hold its addresses."""
    code += bytes(-len(code) % 16)
    data = bytearray(0x200)
    data[:2] = b"MZ"
    struct.pack_into("<I", data, 0x3C, 0x40)
    struct.pack_into("<4sHHIIIHH", data, 0x40, b"PE\0\0", machine, 2, 0, 0, 0, 240, 0x22)
    optional = 0x40 + 24
    struct.pack_into("<H", data, optional, 0x20B)
    struct.pack_into("<I", data, optional + 16, 0x1002)
    struct.pack_into("<Q", data, optional + 24, 0x140000000)
    struct.pack_into("<II", data, optional + 56, 0x4000, len(data))
    struct.pack_into("<H", data, optional + 68, 10)
    struct.pack_into("<I", data, optional + 108, 16)
    table = struct.pack("<II", 0x1000, 8 + 2 * len(relocated))
    table += b"".join(struct.pack("<H", 10 << 12 | each) for each in relocated)
    struct.pack_into("<II", data, optional + 112 + 5 * 8, 0x3000, len(table))
    sections = ((b".text", 0x1000, code, 0x6000_0020), (b".reloc", 0x3000, table, 0x4200_0040))
    place = len(data)
    for number, (name, address, held, flags) in enumerate(sections):
        at = optional + 240 + 40 * number
        fields = (name, len(held), address, len(held), place, 0, 0, 0, 0, flags)
        struct.pack_into("<8sIIIIIIHHI", data, at, *fields)
        place += len(held)
    return bytes(data) + code + table
