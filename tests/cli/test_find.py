"""Specs are found where people put them, and a wrong name is told with the nearest right one."""

from __future__ import annotations

from pathlib import Path

import pytest

from verifier.bundle.layout import INDEX, SUMS
from verifier.cli.find import SPECS, find_specs, present, target_of
from verifier.errors import BadInput
from verifier.proving.named import open_target


def make(*folders: str) -> None:
    """Make specs in folders of the current one."""
    for folder in folders:
        Path(folder).mkdir(parents=True)
        (Path(folder) / "spec.toml").write_text("")


@pytest.mark.usefixtures("here")
def test_all_under_specs_without_arguments() -> None:
    """Without a name, every spec under ``specs`` in order."""
    make("specs/b", "specs/a", "other")
    assert find_specs([]) == (Path("specs/a"), Path("specs/b"))


@pytest.mark.usefixtures("here")
def test_current_folder_without_specs() -> None:
    """Where there is no ``specs``, those of the current folder."""
    make("one")
    assert find_specs([]) == (Path("one"),)


@pytest.mark.usefixtures("here")
def test_folder_file_and_folder_of_folders() -> None:
    """A spec's folder, its file, and a folder of specs are names; twice is once."""
    make("specs/a", "specs/b")
    file = Path("specs/b/spec.toml")
    assert find_specs([Path("specs/a"), Path("specs/a")]) == (Path("specs/a"),)
    assert find_specs([file]) == (file,)
    assert find_specs([Path("specs")]) == (Path("specs/a"), Path("specs/b"))


@pytest.mark.usefixtures("here")
def test_wrong_names_are_told() -> None:
    """A name that is no spec comes with the nearest that is."""
    with pytest.raises(BadInput, match=r"there is no spec.toml here"):
        find_specs([])
    make("specs/la57-rfc", "empty/x")
    with pytest.raises(BadInput, match="did you mean 'specs/la57-rfc'"):
        find_specs([Path("specs/la57-rcf")])
    Path("nothing").mkdir()
    with pytest.raises(BadInput, match=r"there is no spec.toml in 'nothing'"):
        find_specs([Path("nothing")])


@pytest.mark.usefixtures("here")
def test_what_is_no_file_is_not_called_missing() -> None:
    """A device, which is there, is told as what it is."""
    for device in ("/dev/null", "/dev/zero"):
        with pytest.raises(BadInput, match=f"^{device}: is no regular file$"):
            find_specs([Path(device)])
    with pytest.raises(BadInput, match=r"^/dev/none: there is no such file or folder$"):
        find_specs([Path("/dev/none")])


@pytest.mark.usefixtures("here")
def test_a_folder_of_kernels_and_a_bundle_are_told() -> None:
    """The kernels of a folder without specs are named; a bundle, which has specs, has none."""
    Path("boot").mkdir()
    for name in ("vmlinuz-6.1", "vmlinuz-6.12", "initrd.img-6.1"):
        Path("boot", name).touch()
    wanted = r"there is no spec\.toml in 'boot'.*: 'boot/vmlinuz-6\.1' or 'boot/vmlinuz-6\.12'$"
    with pytest.raises(BadInput, match=wanted):
        find_specs([Path("boot")])
    make("bundle/la57-rfc.retaining")
    for name in (INDEX, SUMS):
        Path("bundle", name).touch()
    with pytest.raises(BadInput, match=r"^bundle: is a proof bundle: verifier recheck reads it$"):
        find_specs([Path("bundle")])


KERNEL_SPEC = '[image]\nbzimage = "vmlinuz"\n'


@pytest.mark.usefixtures("here")
def test_specs_of_kernels_lie_one_folder_deeper() -> None:
    """A folder of specs may hold folders of specs, such as those of kernels."""
    make("specs/a", "specs/kernels/b")
    wanted = (Path("specs/a"), Path("specs/kernels/b"))
    assert find_specs([]) == wanted
    assert find_specs([Path("specs")]) == wanted


@pytest.mark.usefixtures("here")
def test_specs_without_their_kernel_are_left_out_aloud() -> None:
    """A spec of a kernel that is not beside it is left out, with a sentence that says so."""
    make("specs/a", "specs/b", "specs/c")
    specs = find_specs([])
    for name in ("b", "c"):
        Path("specs", name, "spec.toml").write_text(KERNEL_SPEC)
    Path("specs/c/vmlinuz").touch()
    told: list[str] = []
    assert present(specs, told.append) == (Path("specs/a"), Path("specs/c"))
    (sentence,) = told
    assert sentence.startswith("specs/b is left out: its kernel is not here")
    assert "verifier prove IMAGE" in sentence


def test_targets_are_named_as_in_reports(root: Path) -> None:
    """After the folder of their spec, a mistake after its file, too."""
    spec = root / "specs/la57-rfc"
    broken = spec / "broken/rsi-not-restored.toml"
    for each in (spec, spec / "spec.toml", broken, SPECS / "trampoline"):
        if each.is_relative_to(spec):
            assert target_of(each) == open_target(each).spec.name
    assert target_of(SPECS / "trampoline") == "trampoline"
    assert target_of(broken) == "la57-rfc.rsi-not-restored"
