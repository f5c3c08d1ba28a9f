"""Inspection finds without labels what the source of a small kernel labels, and only that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verifier.inspection import Direction, Inspection, look
from verifier.inspection.finding import Kind
from verifier.machine.registers import Mode

if TYPE_CHECKING:
    import random

    from verifier.loading import Image

ENTRY = 0x200
NOP = b"\x90"
WANTED = {
    *("trampoline", "trampoline_end", "trampoline_far_return", "trampoline_return_part"),
    *("trampoline_32", "trampoline_cr3_load", "trampoline_far_jump", "trampoline_immediate"),
    *("trampoline_offset_word", "trampoline_first_pop", "trampoline_ret", "site_function"),
    *("site_ret", "efi_switch_ret", "site_caller", "image_end", "stack_end", "final_table"),
    *("site_copy", "site_patch", "site_call", "site_continuation", "page_variable"),
    *("save_area", "find_option"),
    *("efi_setup_function", "efi_copy", "efi_patch", "efi_switch_function", "efi_call"),
    *("efi_continuation", "efi_function_pointer", "efi_switch_early_ret", "efi_setup_ret"),
    *("efi_allocate", "efi_protect", "efi_system_table", "efi_no5lvl", "efi_print"),
    *("efi_memory_attributes", "efi_dxe_services", "efi_print_ret"),
    *("efi_first_message", "efi_second_message", "efi_range_message"),
}
"""Every label that specs of a bzImage may use."""


def inspected(image: Image, *, payload: bool = False, entry: int | None = ENTRY) -> Inspection:
    """Inspect the small kernel, its payload left out unless it is to be searched too."""
    end = len(image.data)
    kept = (range(image.symbols["payload"]), range(image.symbols["payload_end"], end))
    return look(image.data, (range(end),) if payload else kept, entry)


def changed(image: Image, label: str, distance: int, raw: bytes) -> Inspection:
    """Inspect the small kernel with other bytes at a label."""
    return inspected(image.patched(image.symbols[label] + distance, raw))


def test_every_label_is_found(small: Image) -> None:
    """All labels that specs use are found, each where the source has it."""
    labels = inspected(small).labels
    immediate = small.symbols["trampoline_far_jump"] + 1
    source = {**small.symbols, "trampoline_immediate": immediate}
    assert labels.keys() == WANTED
    assert labels == {name: source[name] for name in labels}


def test_each_finding_says_how(small: Image) -> None:
    """Each finding has a sentence on how it was derived, and its size inside the image."""
    for each in inspected(small).findings:
        assert each.how
        assert 0 <= each.offset <= len(small.data)
    whole = inspected(small).find("trampoline")
    assert whole is not None
    assert whole.size == small.symbols["trampoline_end"] - small.symbols["trampoline"]
    assert inspected(small).missing == ()


def test_the_gdt_is_the_one_that_the_entry_loads(small: Image) -> None:
    """The table's place is computed as the code computes it, and its descriptors decoded."""
    gdt = inspected(small).gdt
    assert gdt is not None
    assert gdt.offset == small.symbols["gdt"]
    assert gdt.limit == 0x2F
    assert [each.kind for each in gdt.descriptors] == [
        *(Kind.NULL, Kind.CODE_32, Kind.CODE_64, Kind.DATA, Kind.SYSTEM, Kind.UPPER)
    ]
    code = gdt.descriptors[1]
    assert (code.base, code.limit, code.dpl, code.present) == (0, 0xFFFF_FFFF, 0, True)


@pytest.mark.parametrize("entry", [ENTRY, None])
def test_switches_are_found_both_ways(small: Image, entry: int | None) -> None:
    """Three transfers change the mode, with a GDT or without; the 64-bit far return is none."""
    found = [
        (each.direction, each.transfer, each.mode)
        for each in inspected(small, entry=entry).switches
    ]
    symbols = small.symbols
    assert found == [
        (Direction.TO_64, symbols["low_return"], Mode.PROTECTED_32),
        (Direction.TO_32, symbols["trampoline_far_return"], Mode.LONG_64),
        (Direction.TO_64, symbols["trampoline_far_jump"], Mode.PROTECTED_32),
    ]


def test_what_is_in_the_payload_is_not_reported(small: Image) -> None:
    """A trampoline in the payload, and references from there, are seen only if it is searched."""
    start, end = small.symbols["payload"], small.symbols["payload_end"]
    found = inspected(small)
    assert not [each for each in found.switches if start <= each.offset < end]
    assert "fake" not in str(found)
    fake = small.symbols["fake"]
    everywhere = inspected(small, payload=True)
    assert any(each.target == small.symbols["fake_32"] for each in everywhere.switches)
    assert f"the trampoline at +{fake:#x} is a further one" in everywhere.missing


@pytest.mark.parametrize("selector", [0x10, 0x18, 0x20, 0x38, 0])
def test_a_far_return_to_another_selector_is_no_switch(small: Image, selector: int) -> None:
    """Where the far return's selector selects no 32-bit code, nothing is found."""
    push = small.data.index(b"\x6a\x08", small.symbols["trampoline"])
    found = inspected(small.patched(push + 1, bytes([selector])))
    assert not found.has_trampoline
    assert not [each for each in found.switches if each.direction is Direction.TO_32]


def test_the_gdt_decides_what_a_selector_is(small: Image) -> None:
    """With 64-bit code in the descriptor that the far return selects, it is no switch."""
    assert not changed(small, "gdt", 8 + 6, b"\xaf").has_trampoline


MISSHAPEN = {
    "immediate": ("trampoline_far_jump", 1, b"\x0d", "is not the offset of the immediate"),
    "word": ("trampoline_offset_word", 0, b"\x41", "is not the offset of the immediate"),
    "jump": ("trampoline_far_jump", 0, NOP * 7, "runs into no far jump with an immediate"),
    "head": ("trampoline", 0, b"\xc3", "does not run into its far return"),
}


@pytest.mark.parametrize("part", MISSHAPEN)
def test_a_switch_of_another_form_is_no_trampoline(small: Image, part: str) -> None:
    """Where one of the signs is missing, the switch is told and why it is no trampoline."""
    label, distance, raw, words = MISSHAPEN[part]
    found = changed(small, label, distance, raw)
    assert not found.has_trampoline
    assert [each for each in found.switches if each.direction is Direction.TO_32]
    assert any(words in each for each in found.missing), found.missing


def test_a_site_without_its_patch_is_told(small: Image) -> None:
    """A function that copies and does not patch is no site, and a sentence says so."""
    found = changed(small, "site_patch", 0, NOP * 3)
    assert "site_call" not in found.labels
    assert "efi_call" in found.labels
    place = small.symbols["site_reference"]
    assert f"the reference to the trampoline at +{place:#x} leads to no copy and patch" in (
        found.missing
    )


def test_a_copy_of_something_else_is_no_site(small: Image) -> None:
    """A function that copies from behind the trampoline's start is not taken for a site."""
    reference = small.symbols["site_reference"]
    found = inspected(small.patched(reference + 3, bytes([small.data[reference + 3] + 1])))
    assert "site_copy" not in found.labels


def test_a_call_through_another_variable_is_not_the_trampoline_s(small: Image) -> None:
    """The second form needs a call through the variable that the copy's address is kept in."""
    call = small.symbols["efi_call"]
    found = inspected(small.patched(call + 2, bytes([small.data[call + 2] + 8])))
    assert "efi_copy" in found.labels
    assert "efi_call" not in found.labels
    assert "no function keeps the copy's address in a variable that another calls" in found.missing


def test_a_call_without_a_message_prints_nothing(small: Image) -> None:
    """The function that prints is known by a message that begins as the kernel's do."""
    one = changed(small, "efi_first_message", 0, b"4").labels
    assert one["efi_first_message"] == small.symbols["efi_second_message"]
    assert "efi_second_message" not in one
    image = small
    for name in ("efi_first_message", "efi_second_message", "efi_range_message"):
        image = image.patched(image.symbols[name], b"4")
    assert "efi_print" not in inspected(image).labels


def test_a_message_without_an_end_is_none(small: Image) -> None:
    """A message ends with a zero byte; what goes on to the end of the file is none."""
    text = small.symbols["efi_range_message"]
    rest = bytes(each or 1 for each in small.data[text:])
    assert "efi_range_message" not in inspected(small.patched(text, rest)).labels


def test_another_option_finds_no_function(small: Image) -> None:
    """The function that searches options is known by the option's whole name."""
    assert "find_option" not in changed(small, "option", 0, b"yo5lvl").labels


def test_a_gdt_outside_the_image_is_unknown(small: Image) -> None:
    """A pointer that leads out of the file gives no GDT; what the code does decides then."""
    found = changed(small, "gdt64", 2, b"\xff\xff\xff\x7f")
    assert found.gdt is None
    assert found.has_trampoline


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400), st.booleans())
def test_any_bytes_can_be_inspected(data: bytes, known: bool) -> None:
    """No bytes make inspection fail; without the shape nothing is found."""
    tempting = b"\x6a\x08\x48\x8d\x05\x01\0\0\0\x50\x48\xcb" + data + b"\xea\x10\0\0\0\x10\0\x60\0"
    for each in (data, tempting):
        found = look(each, (range(len(each)),), 0 if known else None)
        assert not found.labels.keys() & {"site_call", "efi_call"}


def test_any_damage_can_be_inspected(small: Image, rng: random.Random) -> None:
    """A kernel with some bytes changed is inspected, whatever they are."""
    for _ in range(150):
        image = small
        for _ in range(rng.randint(1, 12)):
            image = image.patched(rng.randrange(len(small.data)), rng.randbytes(1))
        for each in inspected(image).findings:
            assert each.how
