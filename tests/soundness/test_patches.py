"""Patched code and memory that a spec speaks of at the entry: what is executed, what is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.soundness.build import Small, verdicts, write
from verifier.errors import BadInput
from verifier.proving.target import altered_target, read_target
from verifier.specification.expression import Number
from verifier.specification.verdict import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from verifier.replay.replayer import Replayer

FAR_JUMP = """\
jump:	.byte 0xea
offset:	.long 0
selector: .word 8
	.fill 8, 1, 0xf4
target:	xorl %eax, %eax
leave:	jmp out
out:	hlt
"""
GDT = """\
[regions.gdt]
base = "gdtr.base"
size = 16
[[regions.gdt.patch]]
at = "gdtr.base + 8"
size = 8
value = 0x00cf9b000000ffff
"""
WITH_GDT = (
    "gdtr.base < 1 << 31 and gdtr.limit >= 15 and disjoint(gdt, image, stack)",
    "cr0.PG == 0 and cr0.PE == 1",
)


def patch(at: str, size: int, value: str) -> str:
    """Give a patch of the image."""
    return f'[[regions.image.patch]]\nat = "{at}"\nsize = {size}\nvalue = "{value}"\n'


def far_jump(patches: str, *more: str, inputs: tuple[str, ...] = ()) -> Small:
    """Give a far jump in protected mode with patches of the image."""
    return Small(
        FAR_JUMP, ("rip == out",), (*WITH_GDT, *more), patches + GDT, inputs=inputs, long=False
    )


def test_a_patched_far_jump_is_followed_at_every_load(tmp_path: Path, replayer: Replayer) -> None:
    """The offset is an expression, and the jump goes where it says for each value of it."""
    (result,) = verdicts(tmp_path, far_jump(patch("offset", 4, "target")), replayer)
    assert result.verdict is Verdict.PROVED


def test_a_far_jump_patched_by_a_wrong_amount_is_refuted(
    tmp_path: Path, replayer: Replayer
) -> None:
    """A start is laid out with the patched bytes, and Bochs goes where they say."""
    (result,) = verdicts(tmp_path, far_jump(patch("offset", 4, "target - 1")), replayer)
    assert result.verdict is Verdict.REFUTED
    assert "hlt" in result.reason or "halts" in result.reason


def test_a_far_jump_to_anywhere_is_not_proved(tmp_path: Path, replayer: Replayer) -> None:
    """An offset that the start leaves open may go wrong."""
    small = far_jump(patch("offset", 4, "anywhere"), inputs=("anywhere",))
    (result,) = verdicts(tmp_path, small, replayer)
    assert result.verdict is not Verdict.PROVED


@pytest.mark.parametrize(
    ("at", "size", "value"),
    [
        ("selector", 1, "anything"),
        ("jump", 1, "anything"),
        ("jump", 5, "anything"),
    ],
)
def test_only_the_offset_of_a_far_jump_may_be_open(
    tmp_path: Path, replayer: Replayer, at: str, size: int, value: str
) -> None:
    """Open selectors and opcodes never support a proof."""
    small = far_jump(patch(at, size, value), inputs=("anything",))
    (result,) = verdicts(tmp_path, small, replayer)
    assert result.verdict is not Verdict.PROVED


def test_bytes_that_have_one_value_are_code(tmp_path: Path, replayer: Replayer) -> None:
    """A selector that an assumption fixes is executed, though it is an expression."""
    small = far_jump(
        patch("offset", 4, "target") + patch("selector", 2, "given"),
        "given == 8",
        inputs=("given",),
    )
    (result,) = verdicts(tmp_path, small, replayer)
    assert result.verdict is Verdict.PROVED


@pytest.mark.parametrize(
    "code",
    [
        "movl $0x11223344, %eax",
        "addl $0x11223344, %eax",
        "movl 0x11223344(%rax), %eax",
        "jmp . + 0x11223344",
    ],
)
def test_an_open_immediate_of_a_lifted_form_is_unknown(
    tmp_path: Path, replayer: Replayer, code: str
) -> None:
    """What a lifter decodes has no expressions in it."""
    end = "last: jmp leave\nleave: jmp out\nout: hlt"
    small = Small(
        f"{code}\n{end}",
        ("rcx == entry.rcx",),
        regions=patch("last - 4", 4, "open_value"),
        inputs=("open_value",),
    )
    (result,) = verdicts(tmp_path, small, replayer)
    assert result.verdict is not Verdict.PROVED


LOAD = "movq -8(%rsp), %rax\nleave: jmp out\nout: hlt"


def test_an_assumption_may_speak_of_memory(tmp_path: Path, replayer: Replayer) -> None:
    """What it says is what the code reads, and the proof names it."""
    given = ("mem64(rsp - 8) == 7",)
    (result,) = verdicts(tmp_path, Small(LOAD, ("rax == 7",), given), replayer)
    assert result.verdict is Verdict.PROVED
    assert "given-0" in result.assumptions


def test_a_counterexample_keeps_what_is_assumed_of_memory(
    tmp_path: Path, replayer: Replayer
) -> None:
    """The start holds the assumed bytes, those that the claim does not speak of, too."""
    given = ("mem32(rsp - 16) == 0x11223344 and entry.mem8(rsp - 8) == 9",)
    (result,) = verdicts(tmp_path, Small(LOAD, ("rax == 7",), given), replayer)
    assert result.verdict is Verdict.REFUTED
    assert result.counterexample is not None
    start = result.counterexample.start
    stack = start.gprs[next(each for each in start.gprs if each.name == "RSP")]
    held = {at + i: byte for at, data in start.memory.items() for i, byte in enumerate(data)}
    assert [held[stack - 16 + i] for i in range(4)] == [0x44, 0x33, 0x22, 0x11]
    assert held[stack - 8] == 9


@pytest.mark.parametrize(
    ("holds", "message"),
    [
        ("mem64(rax) == 0", "'rax' must lie in a region, 8 bytes at a constant offset"),
        ("mem64(rsp - 4) == 0", "'rsp - 4' must lie in a region, 8 bytes at a constant offset"),
        ("mem8(rsp) == 0", "'rsp' must lie in a region, 1 bytes at a constant offset"),
        ("mem8(load - 1) == 0", "'load - 1' must lie in a region, 1 bytes at a constant offset"),
        ("translate(rsp - 8) == 0", "'translate' looks into memory, which a claim alone may do"),
    ],
)
def test_an_assumption_must_say_which_memory(tmp_path: Path, holds: str, message: str) -> None:
    """An address that no region fixes is refused in one sentence."""
    with pytest.raises(BadInput) as caught:
        read_target(write(tmp_path, Small(LOAD, ("rax == 7",), (holds,))))
    assert caught.value.message.endswith(message)


@pytest.mark.parametrize(
    ("patches", "message"),
    [
        (patch("rsp", 4, "0"), "'at' must lie in region 'image', 4 bytes at a constant offset"),
        (patch("out", 8, "0"), "'at' must lie in region 'image', 8 bytes at a constant offset"),
        (patch("load", 9, "0"), "'size' is 0x9; it must lie from 0x1 to 0x8"),
        (
            patch("leave", 2, "0") + patch("leave + 1", 1, "0"),
            "already says what byte 0x6 holds",
        ),
        (patch("leave", 1, "mem8(rsp)"), "looks into memory, which a claim or an assumption"),
        (patch("leave", 1, "0") + 'what = "x"\n', "unknown key 'what'"),
        (patch("leave", 2, "0x12345"), "'0x12345' does not fit in 2 bytes"),
        (patch("leave", 1, "-129"), "'-129' does not fit in 1 bytes"),
    ],
)
def test_a_patch_must_say_which_bytes(tmp_path: Path, patches: str, message: str) -> None:
    """A patch beside its region, over another, of too many bytes or too few is refused."""
    with pytest.raises(BadInput) as caught:
        read_target(write(tmp_path, Small(LOAD, ("rax == 7",), regions=patches)))
    assert message in caught.value.message


COPIED = (
    "movq 1(%rsi), %rax\nleave: jmp out\nout: hlt\nheld: .quad 0x8877665544332211, 0x99\nheld_end:"
)
ELSEWHERE = '[regions.other]\nbase = "rsi"\nsize = 64\n[[regions.other.patch]]\nat = "rsi"\n'
OTHER_LOW = ("rsi >= 0x1000 and rsi < 1 << 39", "disjoint(image, stack, tables, other)")


def test_a_patch_may_copy_bytes_of_the_image(tmp_path: Path, replayer: Replayer) -> None:
    """They are what the image has there, and no more of them than named."""
    regions = f'{ELSEWHERE}copies = ["held", "held + 9"]\n'
    claims = ("rax == 0x9988776655443322", "mem8(rsi + 9) == 0", "rax == 0")
    copied = Small(COPIED, claims, OTHER_LOW, regions)
    inside, beyond, wrong = verdicts(tmp_path, copied, replayer)
    assert inside.verdict is Verdict.PROVED
    assert (beyond.verdict, wrong.verdict) == (Verdict.REFUTED, Verdict.REFUTED)


def test_copied_bytes_are_those_of_the_altered_image(tmp_path: Path) -> None:
    """Where the image's bytes are changed, a patch that copies them holds the new ones."""
    regions = f'{ELSEWHERE}copies = ["held", "held_end"]\n'
    target = read_target(write(tmp_path, Small(COPIED, ("true",), OTHER_LOW, regions)))
    held = target.image.symbols["held"]
    altered = altered_target(target, target.image.patched(held + 8, b"\x77"))
    (before,), (after,) = (
        [each.patches for each in one.spec.regions if each.name == "other"]
        for one in (target, altered)
    )
    assert [each.value.node for each in before] == [Number(0x8877665544332211), Number(0x99)]
    assert [each.value.node for each in after] == [Number(0x8877665544332211), Number(0x77)]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ('copies = ["held", "held"]', "two addresses in the image"),
        ('copies = ["held", "held_end + 1"]', "two addresses in the image"),
        ('copies = ["held", "rsi"]', "two addresses in the image"),
        ('copies = ["held", "held_end"]\nsize = 16', "leave out 'size'"),
        ('copies = ["held", "held_end"]\nvalue = 1', "exactly one of 'value', 'copies'"),
        ('copies = ["entry", "held_end"]\nat2 = 1', "unknown key"),
    ],
)
def test_mistakes_in_copies_are_told(tmp_path: Path, lines: str, told: str) -> None:
    """They name where bytes begin and end, and nothing else says how many there are."""
    spec = Small(COPIED, ("true",), OTHER_LOW, f"{ELSEWHERE}{lines}\n")
    with pytest.raises(BadInput, match=told):
        read_target(write(tmp_path, spec))
