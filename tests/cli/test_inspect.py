"""``verifier inspect`` tells what is in a file, for people and for programs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.loading.boot import make_bzimage
from verifier.loading import Image, ImageDescription, Kind, load

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Ran

SOURCE = Path(__file__).parents[1] / "inspection" / "kernel.S"
NOT_NEEDED = ("angr", "claripy", "z3", "pyvex", "pypcode", "bochscpu")


@pytest.fixture
def small() -> Image:
    """Give the small kernel of the inspection tests."""
    return load(ImageDescription(Kind.SOURCE, SOURCE))


@pytest.fixture
def vmlinuz(small: Image, here: Path) -> Path:
    """Give the small kernel as a bzImage."""
    start, end = (small.symbols[name] for name in ("payload", "payload_end"))
    path = here / "vmlinuz"
    path.write_bytes(make_bzimage(small.data, payload_offset=start, payload_length=end - start))
    return path


def test_all_parts_are_told(run: Callable[..., Ran], vmlinuz: Path, small: Image) -> None:
    """Header, GDT, switches, trampoline and both sites are printed, with offsets and reasons."""
    told = run("inspect", str(vmlinuz))
    assert (told.code, told.err) == (0, "")
    symbols = small.symbols
    for words in (
        "vmlinuz: a bzImage",
        f"A paging-mode trampoline at +{symbols['trampoline']:#x}",
        "boot protocol 2.15",
        f"GDT at +{symbols['gdt']:#x}",
        "mode switches  3 far transfers",
        "  64-bit code\n    trampoline:",
        "  32-bit code\n    trampoline_32:",
        f"site_call              +{symbols['site_call']:#x}  file {symbols['site_call'] + 2048:#x}",
        "callq *%rdx",
        "the first addition of a 32-bit register to memory behind the copy",
        "efi_function_pointer",
    ):
        assert words in told.out
    assert "fake" not in told.out
    assert max(len(row) for row in told.out.splitlines()) <= 110


def test_json_has_the_same_for_programs(
    run: Callable[..., Ran], vmlinuz: Path, small: Image
) -> None:
    """With ``--json -`` the findings are numbers, bytes and sentences, and nothing else comes."""
    told = json.loads(run("inspect", str(vmlinuz), "--json", "-").out)
    assert (told["schema"], told["version"], told["kind"]) == ("verifier-inspection", 1, "bzimage")
    found = {each["name"]: each for each in told["findings"]}
    call = found["site_call"]
    assert (call["offset"], call["bytes"], call["text"]) == (
        small.symbols["site_call"],
        "ffd2",
        "callq *%rdx",
    )
    assert call["file_offset"] == call["offset"] + 2048
    assert call["mode"] == "64-bit mode"
    assert [part["bits"] for part in told["trampoline"]] == [64, 32]
    assert told["header"]["init_size"]["value"] == told["constants"]["INIT_SIZE"]
    assert len(told["gdt"]["descriptors"]) == 6
    assert [each["direction"] for each in told["switches"]] == ["32 to 64", "64 to 32", "32 to 64"]


def test_json_goes_into_a_file_beside_the_text(run: Callable[..., Ran], vmlinuz: Path) -> None:
    """With a file's name, the text is printed and the JSON written."""
    told = run("inspect", str(vmlinuz), "--json", "found.json")
    assert "GDT at" in told.out
    assert json.loads(Path("found.json").read_text())["file"] == "vmlinuz"
    assert run("inspect", str(vmlinuz), "--json", "no/folder.json").code == 2


def test_a_file_without_a_trampoline_is_no_failure(run: Callable[..., Ran], here: Path) -> None:
    """It is said that there is none, and the exit code is 0."""
    (here / "boot.bin").write_bytes(b"\x90\xf4" * 100)
    told = run("inspect", "boot.bin")
    assert told.code == 0
    assert "It has no paging-mode trampoline" in told.out
    found = json.loads(run("inspect", "boot.bin", "--json", "-").out)
    assert (found["trampoline"], found["findings"], found["switches"]) == (None, [], [])


@pytest.mark.parametrize("name", ["cut", "none", "packed"])
def test_bad_input_is_one_sentence(name: str, run: Callable[..., Ran], vmlinuz: Path) -> None:
    """A truncated, missing or packed file is one sentence with the file's name, exit code 2."""
    whole = vmlinuz.read_bytes()
    if name != "none":
        Path(name).write_bytes(whole[:0x300] if name == "cut" else b"\x1f\x8b" + whole)
    told = run("inspect", name)
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith(f"{name}: the ")
    assert told.err.count("\n") == 1


def test_names_in_a_file_steer_no_terminal(run: Callable[..., Ran], vmlinuz: Path) -> None:
    """Terminal codes in a header's text are not passed on."""
    data = vmlinuz.read_bytes()
    vmlinuz.write_bytes(data.replace(b"someone@somewhere", b"\x1b[31m\x07\x9b\n@somewher"))
    told = run("inspect", str(vmlinuz))
    assert told.code == 0
    assert "\x1b" not in told.out
    assert "\x07" not in told.out


def test_it_starts_without_what_proves(vmlinuz: Path, root: Path) -> None:
    """No solver, lifter or engine is imported."""
    script = (
        "import sys; from verifier.cli import main\n"
        f"code = main(['inspect', {str(vmlinuz)!r}])\n"
        f"loaded = [name for name in {NOT_NEEDED} if name in sys.modules]\n"
        "sys.exit(code or len(loaded))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, check=False, capture_output=True
    )
    assert done.returncode == 0, done.stderr
