"""Every notebook runs from its first cell to its last, and shows what is stored in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.notebooks.run import FOLDER, executed, read, stable
from verifier.errors import BadInput
from verifier.loading import ImageDescription, Kind, load
from verifier.notebook import Opened, inspect, open_spec
from verifier.proving.result import Judge
from verifier.specification.verdict import Verdict

NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


@pytest.fixture(scope="module")
def rfc(root: Path) -> Opened:
    """Give the first target, opened once."""
    return open_spec(root / "specs/la57-rfc")


def test_there_are_notebooks() -> None:
    """The notebook that ``make notebook`` opens is among those run here."""
    assert "first_proof.ipynb" in [path.name for path in NOTEBOOKS]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_outputs_are_what_cells_give(
    path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No cell fails, each displays as a table or prints, and the stored outputs are up to date."""
    monkeypatch.setenv("PYTHONPATH", str(root))
    stored, now = stable(read(path)), stable(executed(path))
    assert all(outputs for outputs in now)
    assert stored == now, "python -m tests.notebooks.run stores the outputs anew"


def test_notebooks_have_no_paths_of_a_machine(root: Path) -> None:
    """What is stored names files by their place in the checkout."""
    assert not [path.name for path in NOTEBOOKS if str(root) in path.read_text()]


def test_a_state_is_found_by_number_and_by_place(rfc: Opened) -> None:
    """Step 0 and the image's first byte are the same state; a wrong place names the nearest."""
    assert rfc.state(0) is rfc.state("image")
    with pytest.raises(BadInput, match="image\\+0x4b"):
        rfc.state("image+0x4")


def test_an_image_can_be_inspected(root: Path, tmp_path: Path) -> None:
    """What is in an image shows as in the command line, with its labels at hand."""
    source = ImageDescription(Kind.SOURCE, root / "tests/inspection/kernel.S")
    (tmp_path / "boot<i>.bin").write_bytes(load(source).data)
    inspected = inspect(tmp_path / "boot<i>.bin")
    assert inspected.found.labels["trampoline"] > 0
    html = inspected._repr_html_()
    assert html.startswith("<pre")
    assert "boot&lt;i&gt;.bin" in html
    assert "trampoline_far_return" in html


def test_a_proof_has_nothing_to_replay(rfc: Opened) -> None:
    """To replay a proof is the user's mistake."""
    proved = rfc.prove("rsi-preserved")
    assert proved.verdict is Verdict.PROVED
    with pytest.raises(BadInput, match="no counterexample"):
        rfc.replay(proved)


def test_a_refutation_is_confirmed_again(rfc: Opened) -> None:
    """The engine that confirmed a counterexample does so again, step by step."""
    again = rfc.replay(rfc.prove("rsi-preserved", "zeroing"))
    assert again.word.judge is Judge.CONFIRMED
    assert again.seen is not None
    assert len(again.seen.steps) == again.shown.steps


@pytest.mark.parametrize(
    ("claim", "model", "dropped"),
    [
        ("rsi-preserve", "retaining", ()),
        ("no-fault", "keeping", ()),
        ("no-fault", "zeroing", ("x",)),
    ],
)
def test_wrong_names_are_the_users(
    rfc: Opened, claim: str, model: str, dropped: tuple[str, ...]
) -> None:
    """A claim, a model or an assumption that does not exist is told in one sentence."""
    with pytest.raises(BadInput, match="there is no"):
        rfc.prove(claim, model, without=dropped)
