"""Contracts of callees: what stands for code that is not executed, and what it may not hide."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.soundness.build import Small, verdicts, write
from verifier.errors import BadInput
from verifier.proving.target import read_target, without
from verifier.reporting.spec_text import spec_lines
from verifier.reporting.summary import summarise
from verifier.specification.verdict import Verdict
from verifier.verify import Options, verify_target

if TYPE_CHECKING:
    from pathlib import Path

    from verifier.replay.replayer import Replayer

LEAVE = "\nleave: jmp out\nout: hlt"
CALL = f"callq *%rsi{LEAVE}"
CALLEE = """\
[regions.callee]
base = "callee_at"
size = 256
rights = "rx"
"""
APART = (
    "rsi == callee_at and callee_at >= 0x1000 and callee_at < 1 << 39",
    "disjoint(image, stack, tables, callee)",
)


def contract(more: str = "", abi: str = "sysv", name: str = "callee") -> str:
    """Give a contract of the callee."""
    head = f'[[contract]]\nid = "{name}"\ntext = "It is so."\nentry = "callee_at"\n'
    return f'{head}abi = "{abi}"\nstack = 8\n{more}\n'


def small(code: str, claims: tuple[str, ...], of: str) -> Small:
    """Give a spec of code that calls what ``callee_at`` says, by a contract."""
    return Small(code, claims, APART, CALLEE, ("callee_at",), more=of)


def test_a_callee_changes_what_its_abi_lets_it(tmp_path: Path, replayer: Replayer) -> None:
    """Registers that it keeps are proved kept, those that it may change are refuted in a replay."""
    claims = ("rbx == entry.rbx and rsp == entry.rsp", "rdi == entry.rdi", "rax == entry.rax")
    kept, changed, result = verdicts(tmp_path, small(CALL, claims, contract()), replayer)
    assert kept.verdict is Verdict.PROVED
    assert "callee" in kept.assumptions
    assert (changed.verdict, result.verdict) == (Verdict.REFUTED, Verdict.REFUTED)
    by_efi = small(
        f"subq $32, %rsp\ncallq *%rsi\naddq $32, %rsp{LEAVE}", claims, contract(abi="efi")
    )
    kept, unchanged, result = verdicts(tmp_path, by_efi, replayer)
    assert (kept.verdict, unchanged.verdict) == (Verdict.PROVED, Verdict.PROVED)
    assert result.verdict is Verdict.REFUTED


WRITES = 'writes = [{ at = "rdi", size = 8 }]'
STORED = f"leaq -48(%rsp), %rdi\ncallq *%rsi\nmovq -48(%rsp), %rdx{LEAVE}"


def test_what_a_callee_writes_is_what_it_ensures(tmp_path: Path, replayer: Replayer) -> None:
    """Without a word about it, what it leaves in memory is anything."""
    ensures = f'{WRITES}\nensures = "mem64(entry.rdi) == entry.rbx + 7 and rax == 0"'
    claims = ("rdx == entry.rbx + 7", "rax == 0")
    for result in verdicts(tmp_path, small(STORED, claims, contract(ensures)), replayer):
        assert result.verdict is Verdict.PROVED
        assert "callee" in result.assumptions
    for result in verdicts(tmp_path, small(STORED, claims, contract(WRITES)), replayer):
        assert result.verdict is Verdict.REFUTED


def test_a_frame_sees_what_a_callee_writes(tmp_path: Path, replayer: Replayer) -> None:
    """Its stores are events: one in the image breaks a frame of the stack."""
    frame = 'event = "write"\nholds = "within(physical, size, stack)"\n'
    (result,) = verdicts(tmp_path, small(STORED, (frame,), contract(WRITES)), replayer)
    assert result.verdict is Verdict.PROVED
    elsewhere = contract('writes = [{ at = "load", size = 8 }]')
    (result,) = verdicts(tmp_path, small(STORED, (frame,), elsewhere), replayer)
    assert result.verdict is not Verdict.PROVED
    deep = contract().replace("stack = 8", "stack = 128")
    (result,) = verdicts(tmp_path, small(CALL, (frame,), deep), replayer)
    assert result.verdict is not Verdict.PROVED


def test_a_callee_s_stack_is_unknown_after_it(tmp_path: Path, replayer: Replayer) -> None:
    """What was stored just below the stack pointer may be gone, what lies deeper is not."""
    code = f"movq $5, -16(%rsp)\nmovq $5, -24(%rsp)\ncallq *%rsi\nmovq -{{}}(%rsp), %rdx{LEAVE}"
    for below, proved in ((16, False), (24, True)):
        one = small(code.format(below), ("rdx == 5",), contract())
        (result,) = verdicts(tmp_path, one, replayer)
        assert (result.verdict is Verdict.PROVED) is proved


def test_home_space_belongs_to_the_callee(tmp_path: Path, replayer: Replayer) -> None:
    """By the firmware's calling convention the 32 bytes above the return address are its own."""
    code = f"subq $32, %rsp\nmovq $5, 24(%rsp)\ncallq *%rsi\nmovq 24(%rsp), %rdx{LEAVE}"
    for abi, proved in (("sysv", True), ("efi", False)):
        (result,) = verdicts(tmp_path, small(code, ("rdx == 5",), contract(abi=abi)), replayer)
        assert (result.verdict is Verdict.PROVED) is proved


def test_a_contract_that_cannot_be_kept_proves_nothing(tmp_path: Path, replayer: Replayer) -> None:
    """Where no start is left, the path is unknown, and the contract is named."""
    never = contract('ensures = "rax == 0 and rax == 1"')
    (result,) = verdicts(tmp_path, small(CALL, ("true",), never), replayer)
    assert result.verdict is Verdict.UNKNOWN
    assert "the contract callee" in result.reason


@pytest.mark.parametrize(("handed", "proved"), [(7, True), (8, False)])
def test_a_callee_stands_only_where_it_is_called_as_it_requires(
    tmp_path: Path, replayer: Replayer, handed: int, proved: bool
) -> None:
    """A call that is otherwise ends its path, whatever the callee ensures; the report names it."""
    required = contract('requires = "edi == 7"\nensures = "rax == 0"')
    one = small(f"movl ${handed}, %edi\n{CALL}", ("true",), required)
    (result,) = verdicts(tmp_path, one, replayer)
    assert (result.verdict is Verdict.PROVED) is proved
    assert proved or "callee is called otherwise than it requires" in result.reason


def test_what_is_required_must_surely_be_so(tmp_path: Path, replayer: Replayer) -> None:
    """A call that may be as the contract requires is not one that is."""
    one = small(CALL, ("true",), contract('requires = "edi == 7"'))
    (result,) = verdicts(tmp_path, one, replayer)
    assert result.verdict is Verdict.UNKNOWN


def test_a_report_says_whether_a_contract_is_proved(tmp_path: Path) -> None:
    """What a contract takes for granted is told with the spec that proves it, or that none does."""
    granted = []
    for more in ("", 'proved_by = "trampoline"'):
        target = read_target(write(tmp_path, small(CALL, ("true",), contract(more))))
        granted.append(target.spec.granted["callee"])
        told = "\n".join(each.plain for each in spec_lines(target.spec, target.image))
        assert granted[-1] in told
    assert granted == [
        "It is so. (a contract that no run proves)",
        "It is so. (a contract, which the spec trampoline is to prove)",
    ]


@pytest.mark.parametrize("name", ["../other", "a b", "", "x\\n"])
def test_what_proves_a_contract_is_a_folder_beside(tmp_path: Path, name: str) -> None:
    """A name that is none, or leads elsewhere, is refused."""
    path = write(tmp_path, small(CALL, ("true",), contract(f'proved_by = "{name}"')))
    with pytest.raises(BadInput, match=r"proved_by|no name of a folder"):
        read_target(path)


def test_a_summary_names_who_is_to_prove_a_contract(tmp_path: Path, replayer: Replayer) -> None:
    """So a whole run can tell whether that spec was proved in it."""
    one = small(CALL, ("rbx == entry.rbx",), contract('proved_by = "other"'))
    target = read_target(write(tmp_path, one))
    report = verify_target(target, Options(samples=0), replayer, lambda _: None)
    assert summarise(report).proved_by == {"callee": "other"}


def test_what_one_call_ensures_holds_on_its_path_alone(tmp_path: Path, replayer: Replayer) -> None:
    """A promise about an input is nothing where the callee was not called."""
    code = f"testq %rbx, %rbx\nje leave\ncallq *%rsi{LEAVE}"
    one = small(code, ("rdi == rdi and given < 8",), contract('ensures = "given < 8"'))
    both = replace(one, inputs=("callee_at", "given"))
    (result,) = verdicts(tmp_path, both, replayer)
    assert result.verdict is Verdict.REFUTED


def test_without_its_contract_a_callee_is_unknown(tmp_path: Path, replayer: Replayer) -> None:
    """A contract is dropped as an assumption is."""
    target = read_target(write(tmp_path, small(CALL, ("rbx == entry.rbx",), contract())))
    options = Options(samples=0)
    report = verify_target(without(target, "callee"), options, replayer, lambda _: None)
    assert [each.verdict for each in report.results] != [Verdict.PROVED]


def test_a_call_that_may_go_elsewhere_is_no_call_of_the_callee(
    tmp_path: Path, replayer: Replayer
) -> None:
    """The next instruction must surely be the callee's first."""
    elsewhere = small(CALL.replace("rsi", "rdx"), ("rbx == entry.rbx",), contract())
    (result,) = verdicts(tmp_path, elsewhere, replayer)
    assert result.verdict is not Verdict.PROVED


def test_a_direction_flag_that_may_be_set_breaks_the_call(
    tmp_path: Path, replayer: Replayer
) -> None:
    """Callees take for granted that it is clear."""
    (result,) = verdicts(tmp_path, small(f"std\n{CALL}", ("true",), contract()), replayer)
    assert result.verdict is not Verdict.PROVED


def test_a_contract_is_shown_with_the_spec(tmp_path: Path) -> None:
    """What it lets the callee write, and what it ensures, is told where assumptions are."""
    text = contract(f'{WRITES}\nensures = "rax == 0"')
    target = read_target(write(tmp_path, small(CALL, ("true",), text)))
    told = "\n".join(each.plain for each in spec_lines(target.spec, target.image))
    for words in ("callee  It is so.", "writes 8 bytes at rdi", "ensures: rax == 0"):
        assert words in told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (contract(name="apart"), "'apart' is that of line"),
        (contract(abi="pascal"), "abi"),
        (contract('ensure = "true"'), "did you mean 'ensures'"),
        (contract('writes = [{ at = "rdi" }]'), "lacks the key 'size'"),
    ],
)
def test_mistakes_in_contracts_are_told(tmp_path: Path, text: str, told: str) -> None:
    """An id is that of one assumption or contract, and keys are checked."""
    with pytest.raises(BadInput, match=told):
        read_target(write(tmp_path, small(CALL, ("true",), text)))
