"""Relocations are applied as the linker does, and what depends on the address is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.loading.build import run
from verifier.errors import BadInput
from verifier.loading import Image, Relocation, load_source_text


def assemble(text: str, link_address: int = 0) -> Image:
    """Assemble a text for a link address."""
    return load_source_text(text, "try.S", link_address=link_address)


def test_relative_relocations_are_free_of_the_link_address() -> None:
    """A jump between sections has the same bytes wherever the image is linked."""
    text = '.globl a\n.text\na: jmp b\n.section .head,"ax"\nb: jmp a\n call a - 3\n'
    low, high = assemble(text), assemble(text, 0x1234_5678_9000)
    assert low.data == high.data == bytes.fromhex("e900000000 e9f6ffffff e8eeffffff")
    assert low.relocations == ()


def test_absolute_relocations_hold_the_link_address() -> None:
    """An absolute address is the link address plus symbol plus addend, and is recorded."""
    text = "a: nop\n.quad b - 8, a + 3\n.long b\nmov $b, %rax\nmovl $b, %eax\nb: hlt\n"
    image = assemble(text, 0x10_0000)
    b = image.symbols["b"]
    assert image.relocations == (
        Relocation(1, 8, signed=False, target_offset=b - 8),
        Relocation(9, 8, signed=False, target_offset=3),
        Relocation(17, 4, signed=False, target_offset=b),
        Relocation(24, 4, signed=True, target_offset=b),
        Relocation(29, 4, signed=False, target_offset=b),
    )
    for place in image.relocations:
        field = image.data[place.offset : place.offset + place.width]
        assert int.from_bytes(field, "little") == 0x10_0000 + place.target_offset


def test_negative_targets() -> None:
    """An addend may reach below the image; the field is then cut to its width."""
    image = assemble("a: .quad a - 16\n")
    assert int.from_bytes(image.data, "little", signed=True) == -16
    assert image.relocations[0].target_offset == -16


@pytest.mark.parametrize(
    ("text", "link_address", "fits"),
    [
        ("a: nop\n.long a\n", 0xFFFF_FFFE, True),
        ("a: nop\n.long a\n", 0x1_0000_0000, False),
        ("a: nop\nmov $a, %rax\n", 0x7FFF_FFFF, True),
        ("a: nop\nmov $a, %rax\n", 0x8000_0000, False),
        ("a: nop\nmov $a, %rax\n", 0xFFFF_FFFF_8000_0000, False),
        ("a: nop\n.word a\n", 0xFFFF, True),
        ("a: nop\n.word a\n", 0x1_0000, False),
        ("a: nop\n.long a - 1\n", 0, False),
        ("nop\njmp 0x1000\n", 0x4000_0000, True),
        ("nop\njmp 0x1000\n", 0x9000_0000, False),
    ],
)
def test_overflow_is_told_at_its_line(text: str, link_address: int, fits: bool) -> None:
    """A value that the field cannot hold is bad input at line 2, at exactly the field's end."""
    if fits:
        assemble(text, link_address)
        return
    with pytest.raises(BadInput, match="does not fit") as caught:
        assemble(text, link_address)
    assert (caught.value.where, caught.value.line) == ("try.S", 2)


def test_a_jump_to_a_fixed_address_is_noted() -> None:
    """A relative jump to an absolute address is right at the link address only."""
    (note,) = assemble("jmp 0x7c00\n", 0x1000).notes
    assert "only when loaded at the link address 0x1000" in note


def test_the_table_is_done_without_as_the_linker_does(tmp_path: Path) -> None:
    """Loads, calls and jumps through the global offset table are those of ``ld -pie``."""
    forms = ("mov {}(%rip), %rdx", "mov {}(%rip), %r9", "call *{}(%rip)", "jmp *{}(%rip)")
    body = "\n".join(form.format(f"{name}@GOTPCREL") for form in forms for name in "ab")
    text = f".globl a, b\na: nop\n{body}\nb: hlt\n"
    (tmp_path / "try.s").write_text(text)
    run("as", "--64", "-o", tmp_path / "try.o", tmp_path / "try.s")
    options = ("-pie", "--no-dynamic-linker", "-Ttext=0x1000", "-e", "0")
    run("ld", *options, "-o", tmp_path / "try", tmp_path / "try.o")
    run("objcopy", "-O", "binary", "-j", ".text", tmp_path / "try", tmp_path / "try.bin")
    image = assemble(text, 0x1000)
    assert image.data == (tmp_path / "try.bin").read_bytes()
    assert image.relocations == ()


def test_what_needs_a_global_offset_table_is_told() -> None:
    """An instruction that a linker cannot make do without the table is bad input, at its line."""
    with pytest.raises(BadInput, match="needs a global offset table") as caught:
        assemble("a: nop\n.globl a\naddq a@GOTPCREL(%rip), %rax\n")
    assert caught.value.line == 3


def test_a_weak_symbol_that_nobody_defines_is_zero() -> None:
    """As a linker has it, an undefined weak symbol is address 0; any other is refused."""
    assert assemble(".weak gone\n.quad gone + 5\n").data == (5).to_bytes(8, "little")
    with pytest.raises(BadInput, match="symbol 'gone' is not defined"):
        assemble(".quad gone\n")


FRAGMENTS = (
    "jmp {}", "call {}", "lea {}{:+d}(%rip), %rax", ".quad {}{:+d}", ".long {}{:+d}",
    "mov ${}{:+d}, %rcx", "movabs ${}{:+d}, %rcx", ".long {}{:+d} - .", ".quad {}{:+d} - .",
    ".code32\nmov ${}{:+d}, %eax\n.code64",
)  # fmt: skip
STATEMENTS = st.tuples(
    st.sampled_from(FRAGMENTS), st.sampled_from(("a", "b", "c")), st.integers(-64, 64)
)


@settings(max_examples=25, deadline=None, derandomize=True, database=None)
@given(st.lists(STATEMENTS, min_size=1, max_size=6), st.sampled_from((0x1000, 0x40_0000)))
def test_the_linker_agrees(
    tmp_path_factory: pytest.TempPathFactory,
    statements: list[tuple[str, str, int]],
    link_address: int,
) -> None:
    """For sources of one section the bytes are those of ``ld -Ttext=`` (fixed seed)."""
    body = "\n".join(form.format(label, addend) for form, label, addend in statements)
    text = f".globl a, b, c\na: nop\n{body}\nb: nop\n{body}\nc: hlt\n"
    folder = tmp_path_factory.mktemp("linked")
    (folder / "try.s").write_text(text)
    run("as", "--64", "-o", folder / "try.o", folder / "try.s")
    run("ld", f"-Ttext={link_address:#x}", "-e", "0", "-o", folder / "try", folder / "try.o")
    run("objcopy", "-O", "binary", "-j", ".text", folder / "try", folder / "try.bin")
    assert assemble(text, link_address).data == Path(folder / "try.bin").read_bytes()
