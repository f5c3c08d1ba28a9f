"""On kernels as Debian ships them, inspection finds what was found by hand."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from tests.inspection.test_small import WANTED
from tests.kernels import SERIES, extra, shipped
from verifier.inspection import Direction, Inspection, inspect
from verifier.inspection.finding import Kind
from verifier.loading.binary import Binary, open_binary
from verifier.loading.bzimage import LoadFlags

if TYPE_CHECKING:
    from pathlib import Path

BY_HAND = {
    "6.1.0-56-amd64": {
        "trampoline": 0x7CF9E0,
        "site_function": 0x7C5880,
        "site_copy": 0x7C59C5,
        "site_patch": 0x7C59C8,
        "site_call": 0x7C5A08,
        "site_continuation": 0x7C5A0A,
        "page_variable": 0x7D7388,
        "efi_copy": 0x7CCBDE,
        "efi_patch": 0x7CCC1C,
        "efi_call": 0x7CCCE9,
        "efi_continuation": 0x7CCCEF,
        "efi_function_pointer": 0x7FB8B0,
    },
    "6.1.0-56-cloud-amd64": {
        "trampoline": 0xD79B40,
        "site_function": 0xD6F9E0,
        "site_copy": 0xD6FB25,
        "site_patch": 0xD6FB28,
        "site_call": 0xD6FB68,
        "site_continuation": 0xD6FB6A,
        "page_variable": 0xD81388,
        "efi_copy": 0xD76D3E,
        "efi_patch": 0xD76D7C,
        "efi_call": 0xD76E49,
        "efi_continuation": 0xD76E4F,
        "efi_function_pointer": 0xDA58B0,
    },
    "6.12.117+deb12-amd64": {
        "trampoline": 0xB759E0,
        "site_function": 0xB69800,
        "site_copy": 0xB69960,
        "site_patch": 0xB69963,
        "site_call": 0xB699A3,
        "site_continuation": 0xB699A5,
        "page_variable": 0xB80388,
        "efi_copy": 0xB723C7,
        "efi_patch": 0xB72405,
        "efi_call": 0xB724CF,
        "efi_continuation": 0xB724D5,
        "efi_function_pointer": 0xBC5048,
    },
    "6.12.117+deb12-cloud-amd64": {
        "trampoline": 0xB0D160,
        "site_function": 0xB00F80,
        "site_copy": 0xB010E0,
        "site_patch": 0xB010E3,
        "site_call": 0xB01123,
        "site_continuation": 0xB01125,
        "page_variable": 0xB17388,
        "efi_copy": 0xB09B47,
        "efi_patch": 0xB09B85,
        "efi_call": 0xB09C4F,
        "efi_continuation": 0xB09C55,
        "efi_function_pointer": 0xB5C048,
    },
}
"""Offsets found in a disassembler, by release; a release rebuilt under its name has others."""
BUILDS = {
    "6.1.0-56-amd64": "6.1.192-2",
    "6.1.0-56-cloud-amd64": "6.1.192-2",
    "6.12.117+deb12-amd64": "6.12.117-1~deb12u1",
    "6.12.117+deb12-cloud-amd64": "6.12.117-1~deb12u1",
}
SHAPE = {
    "trampoline_far_return": 0x1B,
    "trampoline_return_part": 0x1D,
    "trampoline_first_pop": 0x24,
    "trampoline_ret": 0x2E,
    "trampoline_32": 0x2F,
    "trampoline_cr3_load": 0x39,
    "trampoline_far_jump": 0x5F,
    "trampoline_immediate": 0x60,
    "trampoline_offset_word": 0x66,
    "trampoline_end": 0x66,
}
"""Where the parts of the trampoline are in it, the same in every kernel since 6.6 and 6.1.82."""


@dataclass(frozen=True)
class Looked:
    """A kernel with what was found in it."""

    path: Path
    binary: Binary
    found: Inspection

    @property
    def release(self) -> str:
        """Give the release that the header names."""
        return self.binary.image.producer.split()[1]


@pytest.fixture(scope="module", params=[*SERIES, *extra()], ids=str)
def looked(request: pytest.FixtureRequest) -> Looked:
    """Give each kernel, fetched where it is named by its series."""
    path = shipped(request.param).path if request.param in SERIES else request.param
    binary = open_binary(path)
    return Looked(path, binary, inspect(binary))


def test_all_that_specs_use_is_found(looked: Looked) -> None:
    """Trampoline, both call sites and their functions are found, each with a sentence."""
    assert looked.found.labels.keys() == WANTED
    assert all(each.how for each in looked.found.findings)


def test_offsets_are_those_found_by_hand(looked: Looked) -> None:
    """Where the kernel is one that was looked at, each offset is the one that was read there."""
    if BUILDS.get(looked.release, "no build") in looked.binary.image.producer:
        labels = looked.found.labels
        by_hand = BY_HAND[looked.release]
        assert {name: labels[name] for name in by_hand} == by_hand


def test_the_shape_is_today_s(looked: Looked) -> None:
    """Each part is where it is in every such kernel, and the sites hang together."""
    labels = looked.found.labels
    assert {name: labels[name] - labels["trampoline"] for name in SHAPE} == SHAPE
    assert labels["site_copy"] + 3 == labels["site_patch"]
    assert labels["site_call"] + 2 == labels["site_continuation"]
    assert labels["efi_call"] + 6 == labels["efi_continuation"]
    assert labels["site_function"] < labels["site_copy"] < labels["site_call"]
    assert labels["efi_setup_function"] < labels["efi_copy"] < labels["efi_switch_function"]
    assert labels["efi_switch_function"] < labels["efi_call"]
    assert labels["page_variable"] % 8 == labels["efi_function_pointer"] % 8 == 0


def test_every_mode_switch_is_found(looked: Looked) -> None:
    """Two lead to 32-bit code, the EFI stub's and the trampoline's, and three back."""
    ways = [each.direction for each in looked.found.switches]
    assert (ways.count(Direction.TO_32), ways.count(Direction.TO_64)) == (2, 3)
    payload = looked.binary.header
    assert payload is not None
    assert not [each for each in looked.found.switches if each.offset in payload.payload]


def test_the_gdt_is_the_decompressor_s(looked: Looked) -> None:
    """The 64-bit entry loads a GDT whose selector 8 is 32-bit code and 0x10 64-bit code."""
    gdt = looked.found.gdt
    assert gdt is not None
    assert gdt.kind(0x8) is Kind.CODE_32
    assert gdt.kind(0x10) is Kind.CODE_64
    assert gdt.kind(0x18) is Kind.DATA


def test_the_header_is_that_of_a_relocatable_64_bit_kernel(looked: Looked) -> None:
    """Boot protocol 2.15, a 64-bit entry, loadable above 4G, 5 levels; the release is told."""
    header, pe = looked.binary.header, looked.binary.pe
    assert header is not None
    assert pe is not None
    assert header["version"] == 0x20F
    wanted = LoadFlags.KERNEL_64 | LoadFlags.CAN_BE_LOADED_ABOVE_4G | LoadFlags.LEVELS_5
    assert wanted in header.flags
    assert re.match(r"\d+\.\d+\.\d+", looked.release)
    assert pe.subsystem == "EFI application"
    place = pe.file_offset(pe.entry)
    assert place is not None
    assert looked.binary.offset(place) not in (None, 0x200)


def test_a_kernel_with_its_selector_patched_has_no_trampoline(looked: Looked) -> None:
    """With the far return's selector made that of 64-bit code, nothing is found."""
    image, start = looked.binary.image, looked.found.labels["trampoline"]
    push = image.data.index(b"\x6a\x08", start)
    assert push < looked.found.labels["trampoline_far_return"]
    assert not look_again(looked, push + 1, b"\x10").has_trampoline


def test_a_trampoline_in_the_payload_is_not_reported(looked: Looked) -> None:
    """The trampoline's own bytes, put into the payload, change nothing that is found."""
    start, end = (looked.found.labels[name] for name in ("trampoline", "trampoline_end"))
    copied = looked.binary.image.data[start : end + 2]
    header = looked.binary.header
    assert header is not None
    assert look_again(looked, header.payload.start + 0x1000, copied) == looked.found


def look_again(looked: Looked, offset: int, raw: bytes) -> Inspection:
    """Inspect a kernel with other bytes at an offset of its image."""
    image = looked.binary.image.patched(offset, raw)
    return inspect(replace(looked.binary, image=image))
