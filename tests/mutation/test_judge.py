"""What becomes of a mutant is killed, equal in effect, unreachable or surviving, each shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.soundness.build import Small, calling, write
from verifier.errors import BadInput
from verifier.machine.models import ModelName
from verifier.mutation.fate import Equivalent, Killed, Surviving, Unreachable
from verifier.mutation.judge import Trial, Wish, strength
from verifier.mutation.mutant import Kind, Mutant
from verifier.proving.target import Choice, read_target
from verifier.specification.verdict import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from verifier.mutation.fate import Fate, Strength
    from verifier.replay.replayer import Replayer

CODE = """
	movl	$4, %eax
	btsl	$2, %eax
	movb	data(%rip), %cl
leave:
	jmp	out
out:
	hlt
data:
	.byte	5
"""
CLAIMS = ("rax == 4", "mode == LONG_64")
FREE_CX = '[[survivor]]\ndiffers = ["rcx"]\nwhy = "Nobody looks at it."\n'


def judged(folder: Path, replayer: Replayer, more: str = "", *, replay: bool = False) -> Strength:
    """Judge every mutant of the small code."""
    path = write(folder, Small(CODE, CLAIMS, more=more))
    wish = Wish(Choice((ModelName.RETAINING,)), replay=replay)
    return strength(read_target(path), wish, replayer, lambda _: None)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, replayer: Replayer) -> Strength:
    """Give what came of the small code without an explanation."""
    return judged(tmp_path_factory.mktemp("small"), replayer)


def fates(found: Strength, original: str, text: str) -> list[Fate]:
    """Give the fates of the mutants that have one instruction for another."""
    return [
        each.fate
        for each in found.ended
        if (each.mutant.original, each.mutant.text) == (original, text)
    ]


def test_every_mutant_is_judged(found: Strength) -> None:
    """Without a limit each mutant has a fate, and the fates are all of them."""
    kinds = (Killed, Equivalent, Unreachable, Surviving)
    assert len(found.ended) == found.total >= 25
    assert sum(found.count(kind) for kind in kinds) == found.total


def test_killed_says_by_which_claim(found: Strength) -> None:
    """A wrong value is seen by the claim on it, under the model that was judged."""
    (fate,) = fates(found, "movl $4, %eax", "movl $5, %eax")
    assert isinstance(fate, Killed)
    assert (fate.claim, fate.model, fate.verdict) == (
        "claim-0",
        ModelName.RETAINING,
        Verdict.REFUTED,
    )
    assert found.killers()["claim-0", "REFUTED"] >= 5


def test_equal_in_effect_is_proved(found: Strength) -> None:
    """Setting a bit that is set is dropped without effect, flags included."""
    (fate,) = fates(found, "btsl $2, %eax", "btsl $0x82, %eax")
    assert isinstance(fate, Equivalent)
    assert fate.samples


def test_fault_is_an_end_like_any_other(tmp_path: Path, replayer: Replayer) -> None:
    """Where the target itself faults, what leads to the same fault from equal states is equal."""
    code = "\tmovl\t$4, %eax\n\tbtsl\t$2, %eax\n\tpushq\t$7\n\tud2\nleave:\tjmp\tout\nout:\thlt\n"
    claim = 'event = "write"\nholds = "size == 8"\n'
    path = write(tmp_path, Small(code, (claim,)))
    wish = Wish(Choice((ModelName.RETAINING,)), samples=0)
    found = strength(read_target(path), wish, replayer, lambda _: None)
    (equal,) = fates(found, "btsl $2, %eax", "btsl $0x82, %eax")
    assert isinstance(equal, Equivalent)
    (other,) = fates(found, "movl $4, %eax", "movl $5, %eax")
    assert isinstance(other, Surviving)
    assert other.differs == ("rax",)
    (elsewhere,) = fates(found, "ud2", "nop")
    assert isinstance(elsewhere, Surviving)
    assert elsewhere.differs == ("ending",)


COPY = """
	leaq	back(%rip), %rbx
	leaq	part(%rip), %rsi
	leaq	-64(%rsp), %rdi
	movl	$(part_end - part), %ecx
	rep movsb
	leaq	-64(%rsp), %rdx
	jmp	*%rdx
part:
	movl	$4, %eax
	btsl	$2, %eax
	jmp	*%rbx
data:
	.byte	5
part_end:
back:
{back}
leave:
	jmp	out
out:
	hlt
other:
	.fill	part_end - part, 1, 0
"""
PUT_BACK = """
	leaq	other(%rip), %rsi
	leaq	-64(%rsp), %rdi
	movl	$(part_end - part), %ecx
	rep movsb
"""


@pytest.mark.parametrize(("back", "shown"), [("", {"events", "memory"}), (PUT_BACK, {"events"})])
def test_changed_code_may_run_in_a_copy(
    tmp_path: Path, replayer: Replayer, back: str, shown: set[str]
) -> None:
    """A copy of a changed byte is no effect where it is executed, and one where it is not."""
    target = read_target(write(tmp_path, Small(COPY.format(back=back), ("true",))))
    trial = Trial(target, Wish(Choice((ModelName.RETAINING,))), replayer)
    trial.begin()
    image, part = target.image, target.image.symbols["part"]
    (btsl,) = (each for each in trial.mutants() if each.text == "btsl $0x82, %eax")
    data = Mutant(Kind.DATA, image.symbols["data"], b"\x05", b"\x07", None)
    assert btsl.offset == part + 5
    assert isinstance(trial.fate(btsl), Equivalent)
    fate = trial.fate(data)
    assert isinstance(fate, Surviving)
    assert set(fate.differs) == shown


def test_changed_byte_that_is_stored_over_counts(tmp_path: Path, replayer: Replayer) -> None:
    """Where the code stores another value over a changed byte, that is an effect."""
    code = "\tmovb data(%rip), %al\n\tincb %al\n\tmovb %al, data(%rip)\n\tmovl $0, %eax\n"
    code += "leave:\n\tjmp out\nout:\n\thlt\ndata:\n\t.byte 5\n"
    target = read_target(write(tmp_path, Small(code, ("true",))))
    trial = Trial(target, Wish(Choice((ModelName.RETAINING,)), samples=0), replayer)
    trial.begin()
    fate = trial.fate(Mutant(Kind.DATA, target.image.symbols["data"], b"\x05", b"\x04", None))
    assert isinstance(fate, Surviving)
    assert "memory" in fate.differs


def test_unreached_bytes_are_told(tmp_path: Path, replayer: Replayer) -> None:
    """What only a branch that is never taken leads to has mutants that no path reaches."""
    code = "\tclc\n\tjnc\tleave\n\tincl\t%eax\nleave:\tjmp\tout\nout:\thlt\n"
    path = write(tmp_path, Small(code, ("rax == entry.rax",)))
    wish = Wish(Choice((ModelName.RETAINING,)))
    found = strength(read_target(path), wish, replayer, lambda _: None)
    unreached = [each.mutant.original for each in found.ended if isinstance(each.fate, Unreachable)]
    assert set(unreached) == {"incl %eax"}


def test_survivor_names_what_may_differ(found: Strength) -> None:
    """A register that no claim is about lets its mutants survive, and is named."""
    dropped = [
        each.fate
        for each in found.unexplained
        if each.mutant.original.endswith("%cl") and each.mutant.kind is Kind.DROPPED
    ]
    (fate,) = dropped
    assert isinstance(fate, Surviving)
    assert "rcx" in fate.differs


def test_data_that_is_read_is_changed(found: Strength) -> None:
    """The bytes of a datum have mutants, and what they change is known."""
    data = [each.fate for each in found.ended if each.mutant.mode is None]
    assert len(data) == 8
    assert all(isinstance(fate, Surviving) and fate.differs == ("rcx",) for fate in data)


def test_explanation_by_effect(tmp_path: Path, replayer: Replayer) -> None:
    """An effect confined to the registers that the spec frees is explained, another is not."""
    found = judged(tmp_path, replayer, FREE_CX)
    explained = [
        each.fate for each in found.ended if isinstance(each.fate, Surviving) and each.fate.why
    ]
    assert len(explained) >= 8
    assert all(fate.differs == ("rcx",) for fate in explained if isinstance(fate, Surviving))
    assert not found.stale


def test_explanation_that_nothing_needs_is_told(tmp_path: Path, replayer: Replayer) -> None:
    """A survivor that no longer survives is reported with its line."""
    more = (
        '[[survivor]]\nat = "entry"\nbytes = "b8 04"\nbecomes = "b8 05"\nwhy = "It is so."\n'
        '[[survivor]]\ndiffers = ["r15"]\nwhy = "It is so."\n'
    )
    found = judged(tmp_path, replayer, more)
    assert len(found.stale) == 2
    assert all("spec.toml:" in each for each in found.stale)


def test_killed_is_replayed_on_request(tmp_path: Path, replayer: Replayer) -> None:
    """With a replay a kill carries the verdict that ``prove`` gives, confirmed on another CPU."""
    path = write(tmp_path, Small("\tmovl $4, %eax\nleave:\tjmp out\nout:\thlt\n", ("rax == 4",)))
    wish = Wish(Choice((ModelName.RETAINING,)), seed=1, limit=4, replay=True)
    found = strength(read_target(path), wish, replayer, lambda _: None)
    killed = [each.fate for each in found.ended if isinstance(each.fate, Killed)]
    assert killed
    assert all(fate.replayed for fate in killed if fate.verdict is Verdict.REFUTED)
    assert len(found.ended) == 4


def test_original_must_be_proved(tmp_path: Path, replayer: Replayer) -> None:
    """Where a promised claim does not hold of the target itself, nothing can be said."""
    path = write(tmp_path, Small(CODE, ("rax == 5",)))
    with pytest.raises(BadInput, match="claim-0 is REFUTED under retaining of the target as it is"):
        strength(read_target(path), Wish(Choice((ModelName.RETAINING,))), replayer, lambda _: None)


HIDDEN = {
    "what a callee is handed": calling(
        "movl $7, %edx\ncallq *%rsi\nleave: jmp out\nout: hlt", "rbx == entry.rbx"
    ),
    "what rounds taken at once leave": Small(
        "movl $1, %edx\nleaq -64(%rsp), %rdi\nmovl $48, %ecx\n"
        "1: movb $0, (%rdi)\nincq %rdi\nimul $3, %edx, %edx\ndecl %ecx\njnz 1b\n"
        "leave: jmp out\nout: hlt",
        ("rsp == entry.rsp",),
    ),
}


@pytest.mark.parametrize("name", HIDDEN)
def test_what_a_symbol_covers_is_not_equal_for_that(
    tmp_path: Path, replayer: Replayer, name: str
) -> None:
    """A value that differs before a contract, or before rounds taken at once, is not lost there."""
    target = read_target(write(tmp_path, HIDDEN[name]))
    trial = Trial(target, Wish(Choice((ModelName.RETAINING,)), samples=0), replayer)
    trial.begin()
    values = [each for each in trial.mutants() if each.original.startswith("movl $")]
    of_edx = [each for each in values if each.original.endswith("%edx")]
    assert of_edx
    assert not any(isinstance(trial.fate(each), Equivalent) for each in of_edx)
