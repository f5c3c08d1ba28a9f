"""A kernel is judged by the specs that come with the verifier, once it is said what it has."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.loading.boot import make_bzimage
from verifier.cli import gate as gate_module
from verifier.cli import prove as prove_module
from verifier.cli.find import SPECS
from verifier.cli.kernel import divide
from verifier.errors import BadInput
from verifier.loading import ImageDescription, Kind, load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.cli.conftest import Ran
    from tests.conftest import Needs
    from verifier.cli.choose import Wish
    from verifier.cli.work import Outcome

SMALL = Path(__file__).parents[1] / "inspection" / "kernel.S"
KERNEL_SPEC = '[image]\nbzimage = "vmlinuz"\n'


class Asked:
    """Stands in for the work: remembers what was asked, and proves nothing."""

    def __init__(self) -> None:
        """Nothing was asked."""
        self.specs: tuple[Path, ...] = ()
        self.image: Path | None = None

    def __call__(self, specs: tuple[Path, ...], wish: Wish, *_: object) -> Iterator[Outcome]:
        """Give no outcome."""
        self.specs, self.image = specs, wish.image
        return iter(())


@pytest.fixture
def asked(here: Path, monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Give the stand-in, beside a kernel, one without a trampoline, and a spec of kernels."""
    stand_in = Asked()
    for module in (prove_module, gate_module):
        monkeypatch.setattr(module, "judge_all", stand_in)
    small = load(ImageDescription(Kind.SOURCE, SMALL))
    start, end = (small.symbols[name] for name in ("payload", "payload_end"))
    kernel = make_bzimage(small.data, payload_offset=start, payload_length=end - start)
    (here / "vmlinuz-9").write_bytes(kernel)
    (here / "plain").write_bytes(make_bzimage(bytes(0x400)))
    (here / "specs/mine").mkdir(parents=True)
    (here / "specs/mine/spec.toml").write_text(KERNEL_SPEC)
    return stand_in


def test_a_kernel_is_judged_by_the_specs_that_come_along(
    asked: Asked, run: Callable[..., Ran]
) -> None:
    """Named alone, it gets each, the quickest first, after a paragraph on what was found."""
    told = run("prove", "vmlinuz-9")
    assert asked.image == Path("vmlinuz-9")
    assert asked.specs[0] == SPECS / "trampoline"
    assert sorted(asked.specs) == sorted(file.parent for file in SPECS.glob("*/spec.toml"))
    assert told.out.startswith("vmlinuz-9: a bzImage")
    words = " ".join(told.out.split())
    symbols = load(ImageDescription(Kind.SOURCE, SMALL)).symbols
    assert f"trampoline: +{symbols['trampoline']:#x} to +" in words
    for name in ("site_copy", "site_patch", "site_call", "efi_copy", "efi_patch", "efi_call"):
        assert f"at +{symbols[name]:#x}" in words
    assert words.endswith("how: verifier inspect vmlinuz-9")


def test_a_spec_may_be_given_a_kernel(asked: Asked, run: Callable[..., Ran]) -> None:
    """With ``--image`` the specs named are judged on it, and JSON comes without the paragraph."""
    told = run("prove", "specs/mine", "--image", "vmlinuz-9", "--json", "-")
    assert (asked.specs, asked.image) == ((Path("specs/mine"),), Path("vmlinuz-9"))
    assert told.out.startswith("{")


def test_a_kernel_without_a_trampoline_is_nothing_to_prove(
    asked: Asked, run: Callable[..., Ran]
) -> None:
    """That is one sentence and bad input, not success."""
    told = run("prove", "plain")
    assert (told.code, told.out, asked.image) == (2, "", None)
    assert "no paging-mode trampoline" in told.err
    assert told.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["raw"], "is no kernel as it ships"),
        (["vmlinuz-9", "plain"], "'plain' is a second image"),
        (["vmlinuz-9", "--image", "plain"], "'plain' is a second image"),
        (["--image", "none"], "none: the image does not exist"),
    ],
)
def test_a_wrong_image_is_a_sentence(
    arguments: list[str],
    sentence: str,
    asked: Asked,
    run: Callable[..., Ran],
) -> None:
    """What is no kernel, or one too many, or not there, is one sentence and exit code 2."""
    Path("raw").write_bytes(bytes(64))
    told = run("prove", *arguments)
    assert (told.code, asked.specs) == (2, ())
    assert sentence in told.err
    assert told.err.count("\n") == 1


@pytest.mark.parametrize("arguments", [["boot file"], ["specs/mine", "--image", "boot file"]])
@pytest.mark.parametrize(
    ("start", "what"),
    [
        (b"\x1f\x8b", "is compressed by gzip, as an initial RAM disk is"),
        (b"070701", "is a cpio archive, as an initial RAM disk is"),
        (b"\x28\xb5\x2f\xfd", "is compressed by zstd, as an initial RAM disk is"),
        (b"\x7fELF", "is an ELF file, as vmlinux is"),
    ],
)
def test_another_file_of_a_kernel_is_told_as_such(
    start: bytes, what: str, arguments: list[str], asked: Asked, run: Callable[..., Ran]
) -> None:
    """What lies beside a kernel is no image to unpack: its kind is told, and what is wanted."""
    Path("boot file").write_bytes(start + bytes(100))
    told = run("prove", *arguments)
    assert (told.code, told.out, asked.specs) == (2, "", ())
    assert run("show", "specs/mine", "--image", "boot file").err == told.err
    wanted = (
        "expected a kernel as it ships, a bzImage: vmlinuz, or arch/x86/boot/bzImage of a build"
    )
    assert told.err == f"boot file: {what}: {wanted}\n"


def test_without_its_kernel_a_spec_is_left_out(asked: Asked, run: Callable[..., Ran]) -> None:
    """A run over all specs says which it leaves out; a run that has none left is no success."""
    told = run("prove")
    assert (told.code, asked.specs) == (4, ())
    assert told.err.startswith("specs/mine is left out")
    Path("specs/mine/vmlinuz").write_bytes(Path("vmlinuz-9").read_bytes())
    run("prove")
    assert asked.specs == (Path("specs/mine"),)


def test_the_gate_leaves_it_out_too(
    asked: Asked, here: Path, run: Callable[..., Ran], needs: Needs
) -> None:
    """A commit is not held up by a kernel that is not there, but told of it."""
    for command in (["init", "-q"], ["add", "specs"]):
        subprocess.run([needs("git"), *command], cwd=here, check=True)
    told = run("gate")
    assert (told.code, asked.specs) == (4, ())
    assert "mine is left out" in told.err


@pytest.mark.usefixtures("asked")
def test_text_is_a_spec_and_bytes_are_an_image() -> None:
    """A file is taken for an image by what it holds, whatever it is called."""
    Path("vmlinuz.toml").write_bytes(Path("vmlinuz-9").read_bytes())
    mine = Path("specs/mine/spec.toml")
    assert divide((Path("vmlinuz.toml"), mine), None) == ((mine,), Path("vmlinuz.toml"))
    with pytest.raises(BadInput, match="there is no spec 'nowhere'"):
        divide((Path("nowhere"),), None)


def test_a_claim_chooses_among_the_specs(asked: Asked, run: Callable[..., Ran]) -> None:
    """A kernel's claim is judged where a spec has it, and one that none has is told once."""
    told = run("prove", "vmlinuz-9", "--claim", "restored-rsp")
    assert asked.specs == (SPECS / "trampoline", SPECS / "efi-switch")
    assert told.err.startswith("left out: ")
    assert str(SPECS) not in told.err
    told = run("prove", "vmlinuz-9", "--claim", "restored-rps")
    assert (told.code, told.out) == (2, "")
    assert told.err == "no spec has the claim 'restored-rps'; did you mean 'restored-rsp'?\n"


def test_specs_that_come_along_have_names(asked: Asked, run: Callable[..., Ran]) -> None:
    """Neither their command line nor their errors need the path of the package."""
    run("prove", "trampoline", "vmlinuz-9")
    assert asked.specs == (SPECS / "trampoline",)
    told = run("show", "trampoline")
    assert told.code == 2
    assert re.match(r"trampoline/spec.toml:\d+: there is no kernel", told.err)
    assert "did you mean 'trampoline'?" in run("prove", "trampolin").err


def test_a_spec_with_an_image_of_its_own_takes_no_kernel(
    asked: Asked, run: Callable[..., Ran]
) -> None:
    """The error is told alone, before anything of the kernel."""
    Path("specs/mine/spec.toml").write_text('[image]\nsource = "code.S"\n')
    told = run("prove", "specs/mine", "--image", "vmlinuz-9")
    assert (told.code, told.out, asked.specs) == (2, "", ())
    assert told.err.startswith("specs/mine: the spec is not of a kernel")


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize(("text", "what"), [("", "is empty"), ("[readme]", "is no spec")])
def test_a_file_that_is_neither_is_told(text: str, what: str, run: Callable[..., Ran]) -> None:
    """An empty file, and a text that is no spec, are not told of as broken TOML."""
    Path("vmlinuz-empty").write_text(text)
    told = run("prove", "vmlinuz-empty")
    assert told.code == 2
    assert told.err.startswith(f"vmlinuz-empty: {what}: expected a spec.toml, a folder that has")
