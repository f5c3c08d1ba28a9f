"""A spec is read into records."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.specification.build import SPEC, read_text, write_spec
from verifier.machine.models import ModelName
from verifier.machine.registers import ControlRegister, Mode, Segment
from verifier.specification.events import Event
from verifier.specification.expression import Input, Label, Number
from verifier.specification.read import read_description
from verifier.specification.render import render
from verifier.specification.spec import (
    Content,
    EveryLoad,
    ExitAfter,
    ExitAt,
    ExitLeaves,
    Expectation,
    ImageKind,
    Limits,
    Rights,
    SegmentState,
)
from verifier.specification.verdict import Verdict

RETAINING, ZEROING = ModelName.RETAINING, ModelName.ZEROING


def test_a_spec_is_read_whole(tmp_path: Path) -> None:
    """Each key of a spec is found in the record, under the name of the spec's folder."""
    spec = read_text(tmp_path)
    assert spec.name == tmp_path.name
    assert spec.description.title == "A switch"
    assert spec.description.image.kind is ImageKind.SOURCE
    assert spec.description.image.file == tmp_path / "code.S"
    assert spec.base.node == Input("load")
    assert list(spec.inputs) == ["load", "end"]
    assert (spec.entry.at.node, spec.entry.mode) == (Label("start"), Mode.LONG_64)
    assert spec.entry.segments[Segment.SS] is SegmentState.UNKNOWN
    assert isinstance(spec.exit, ExitAt)
    image, low, tables = spec.regions
    assert (image.content, image.base.node, image.size) == (Content.IMAGE, Input("load"), 0x80)
    assert image.rights == Rights.READ | Rights.WRITE | Rights.EXECUTE
    assert (low.base.node, low.size) == (Number(0x7000), 0x1000)
    assert low.rights == Rights.READ | Rights.WRITE
    assert render(tables.base.node) == "entry.cr3"
    assert spec.paging is not None
    assert render(spec.paging.tables.root.node) == "entry.cr3"
    assert spec.paging.tables.region == "tables"
    assert spec.models == (RETAINING, ZEROING)
    assert spec.limits == replace(Limits(), instructions=100)


def test_statements_are_read_whole(tmp_path: Path) -> None:
    """Assumptions, claims and what is expected of them are found with their lines."""
    spec = read_text(tmp_path)
    [assumption] = spec.assumptions
    assert assumption.line == SPEC[: SPEC.index("[[assume]]")].count("\n") + 1
    rsi, cr3 = spec.claims
    assert rsi.event is None
    assert rsi.promises == (RETAINING,)
    assert rsi.expect == {
        RETAINING: Expectation(Verdict.PROVED),
        ZEROING: Expectation(Verdict.REFUTED, "rsi", 2**32),
    }
    assert (cr3.event, cr3.register) == (Event.CONTROL_WRITE, ControlRegister.CR3)
    assert cr3.promises == (RETAINING, ZEROING)
    assert cr3.when is not None
    assert render(cr3.when.node) == "mode != LONG_64"
    [without] = spec.without
    assert (without.drop, without.model) == ("load-range", RETAINING)
    assert without.expect == {"rsi-preserved": Expectation(Verdict.REFUTED)}


def test_a_claim_promises_what_it_expects_proved(tmp_path: Path) -> None:
    """Without ``promises``, a model is promised unless another verdict is recorded for it."""
    for written, promised in (("", (RETAINING,)), ("promises = []", ())):
        spec = read_text(tmp_path, SPEC.replace('promises = ["retaining"]', written))
        assert spec.claims[0].promises == promised
        assert spec.claims[1].promises == (RETAINING, ZEROING)


def test_a_folder_names_its_spec(tmp_path: Path) -> None:
    """A folder stands for its ``spec.toml``; a file of another name names the target."""
    path = write_spec(tmp_path)
    assert read_description(tmp_path) == read_description(path)
    other = tmp_path / "boot.toml"
    other.write_text(SPEC)
    assert read_description(other).name == "boot"


def test_a_claim_may_be_about_all_values(tmp_path: Path) -> None:
    """The names of ``for_all`` are words in ``holds``."""
    text = SPEC.replace(
        'holds = "rsi == entry.rsi"',
        'for_all = ["a"]\nholds = "translate(a) == entry.translate(a)"',
    )
    claim = read_text(tmp_path, text).claims[0]
    assert claim.for_all == ("a",)
    assert render(claim.holds.node) == "translate(a) == entry.translate(a)"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ('at = "jump"', 1),
        ('at = ["jump", "0x7c00", 0x7d00]', 3),
        ('after = "cr4.LA57"', ExitAfter(ControlRegister.CR4, 12)),
        ('leaves = ["image", "low"]', ExitLeaves(("image", "low"))),
    ],
)
def test_an_exit_is_one_of_three(tmp_path: Path, written: str, expected: object) -> None:
    """A path ends at a transfer, after a bit has changed, or out of regions."""
    found = read_text(tmp_path, SPEC.replace('at = "jump"', written)).exit
    assert (len(found.addresses) if isinstance(found, ExitAt) else found) == expected


def test_entry_state_is_read(tmp_path: Path) -> None:
    """Data segments and the GDT may be stated; 32-bit code has no tables of long mode."""
    head, _, rest = SPEC.partition("[paging]")
    text = head + rest[rest.index("[[assume]]") :]
    text = text.replace(
        'mode = "LONG_64"',
        'mode = "PROTECTED_32"\nsegments = { ds = "flat", fs = "null" }\n'
        'gdt = { base = "lvl5", limit = 0x1f }',
    )
    spec = read_text(tmp_path, text)
    assert spec.paging is None
    assert spec.entry.segments[Segment.DS] is SegmentState.FLAT
    assert spec.entry.segments[Segment.FS] is SegmentState.NULL
    assert spec.entry.gdt is not None
    assert (spec.entry.gdt.base.node, spec.entry.gdt.limit) == (Label("lvl5"), 0x1F)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("", ()),
        ('split = "cr4.LA57 == 0"', ("entry.cr4.LA57 == 0",)),
        ('split = ["cr4.LA57 == 0", "rdi < 8"]', ("entry.cr4.LA57 == 0", "entry.rdi < 8")),
    ],
)
def test_starts_are_split_by_truths(
    tmp_path: Path, written: str, expected: tuple[str, ...]
) -> None:
    """One truth or several tell starts apart, in order."""
    spec = read_text(tmp_path, SPEC.replace('at = "start"', f'at = "start"\n{written}'))
    assert tuple(render(split.node) for split in spec.entry.split) == expected


def test_each_kind_of_image_has_its_options(tmp_path: Path) -> None:
    """Source, ELF and flat files carry where they were linked and what restricts them."""
    for written, kind, link in (
        ('elf = "code.S"\nlink_address = 0x10\nsections = [".text"]', ImageKind.ELF, 0x10),
        ('elf = "code.S"\nsegment = 1', ImageKind.ELF, 0),
        ('flat = "code.S"\norigin = 0x7c00\nsymbols = { x = 0x7c04 }', ImageKind.FLAT, 0x7C00),
    ):
        text = SPEC.replace('source = "code.S"', written)
        image = read_description(write_spec(tmp_path, text)).image
        assert (image.kind, image.link_address) == (kind, link)


def test_a_boundary_may_be_every_load(tmp_path: Path) -> None:
    """A failure that the load does not decide has the boundary "every load"."""
    for written, boundary in (('"every load"', EveryLoad.EVERY_LOAD), ("0x1000", 0x1000)):
        spec = read_text(tmp_path, SPEC.replace('"2**32"', written))
        assert spec.claims[0].expect[ZEROING].boundary == boundary


def test_reading_needs_no_solver() -> None:
    """Reading expressions loads neither a solver nor a lifter."""
    code = (
        "import sys, verifier.specification.parse, verifier.specification.render;"
        "sys.exit(bool({'claripy', 'z3', 'angr', 'pyvex'} & set(sys.modules)))"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        check=False,
    )
    assert done.returncode == 0
