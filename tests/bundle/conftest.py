"""A bundle of a small program with forks, a join and two kinds of loops, made once."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests.soundness.build import Small, write
from verifier.bundle.layout import INDEX, MANIFEST, SUMS, Staging, digest, sealed
from verifier.bundle.write import write_parts
from verifier.certificate.certify import proof_for
from verifier.machine.models import ModelName
from verifier.proving.session import Session, report_of
from verifier.proving.target import read_target
from verifier.replay.judging import bench
from verifier.specification.verdict import Verdict

if TYPE_CHECKING:
    from pathlib import Path

GIVEN = (
    "1 <= rdi < 128",
    "1 << 20 <= rsi < 1 << 30 and 1 << 20 <= rbp < 1 << 30",
    "disjoint(data, buffer, image, stack, tables)",
)
DATA = """\
[regions.data]
base = "rsi"
size = 2560
windows = true
[regions.buffer]
base = "rbp"
size = 64
"""
CODE = """\
	movq %rbp, %r8
	movl $64, %ecx
fill:	movb $0, (%r8)
	incq %r8
	subl $1, %ecx
	jnz fill
	movq %rdi, %rcx
	xorl %eax, %eax
	xorl %edx, %edx
top:	cmpl $7, (%rsi)
	jne 1f
	movl $1, %eax
1:	addq $20, %rsi
	subq $1, %rcx
	jnz top
	pushq %rax
	testb $1, %bl
	jne leave
	addq $1, %rdx
leave:	jmp out
out:	hlt
"""
AT = "address == entry.rsp - 8 or address - rbp < 64"
WRITES = f'event = "write"\nwhen = "rdi == 5"\nholds = "{AT}"\n'
CLAIMS = ("rax <= 1", "rsi == entry.rsi + 20 * rdi", "rdi == entry.rdi", WRITES, "rdx == 2")
TOOLS = {"verifier": "of this test"}
PART = "small.retaining"

Change = Callable[[dict[str, Any]], None]


def certificate(script: str) -> str | None:
    """Give certificates for the obligations of claims, so that some have one and some have none."""
    return proof_for(script) if "a claim holds" in script else None


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the bundle; tests that change it take a copy."""
    folder = tmp_path_factory.mktemp("bundle")
    write(folder / "small", Small(CODE, CLAIMS, GIVEN, DATA))
    verdicts = certified(folder / "small", folder / "made")
    assert [each is Verdict.PROVED for each in verdicts] == [True, True, True, True, False]
    return folder / "made"


def certified(spec: Path, folder: Path) -> list[Verdict]:
    """Write a bundle of all claims of a spec; give their verdicts."""
    target = read_target(spec)
    session = Session(target, ModelName.RETAINING, bench(), certify=True)
    results = [session.judge(claim).result for claim in target.spec.claims]
    with Staging(folder) as here:
        parts = write_parts(here, report_of(target, [session], results), certificate)
        sealed(here, folder, parts, TOOLS)
    return [result.verdict for result in results]


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    """Give a copy of the bundle to change."""
    return shutil.copytree(made, tmp_path / "copy")


def reseal(folder: Path) -> None:
    """Make all digests of a changed bundle right, as someone would who means to deceive."""
    path = folder / PART / MANIFEST
    values = json.loads(path.read_text())
    for each in values["obligations"]:
        each["sha256"] = digest((folder / PART / each["file"]).read_bytes())
    path.write_text(json.dumps(values, indent=1) + "\n")
    relist(folder)


def relist(folder: Path) -> None:
    """Make the list of digests right, whatever the files are."""
    index = json.loads((folder / INDEX).read_text())
    (folder / SUMS).unlink()
    with Staging(folder.with_name("again")) as made:
        shutil.copytree(folder, made, dirs_exist_ok=True)
        sealed(made, folder.with_name("again"), tuple(index["parts"]), TOOLS)
    shutil.rmtree(folder)
    folder.with_name("again").rename(folder)


def altered(folder: Path, change: Change) -> None:
    """Change the manifest and make all digests right again."""
    path = folder / PART / MANIFEST
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values, indent=1) + "\n")
    relist(folder)
