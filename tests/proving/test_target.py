"""A spec over a bzImage has the labels that inspection finds, and may be given the kernel."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.loading.boot import make_bzimage
from verifier.errors import BadInput
from verifier.loading import ImageDescription, Kind, load
from verifier.proving.target import read_target

KERNEL = Path(__file__).parents[1] / "inspection" / "kernel.S"
SPEC = """\
title = "a kernel as it ships"

[image]
bzimage = "vmlinuz"
base = "load"

[inputs]
load = "where the image is"

[entry]
at = "load + entry32"
mode = "PROTECTED_32"

[exit]
at = "load + trampoline_far_return"

[regions.image]
holds = "image"
rights = "rwx"

[[assume]]
id = "low"
text = "below 4G"
holds = "load + INIT_SIZE <= 2**32"

[[claim]]
id = "where"
text = "the trampoline is where inspection finds it"
at = "exit"
holds = "rip == load + trampoline_far_return and PAYLOAD_LENGTH > 0"
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """Give a spec whose kernel is not beside it."""
    path = tmp_path / "spec.toml"
    path.write_text(SPEC)
    return path


@pytest.fixture
def vmlinuz(tmp_path: Path) -> Path:
    """Give a small kernel as a bzImage."""
    small = load(ImageDescription(Kind.SOURCE, KERNEL))
    start, end = (small.symbols[name] for name in ("payload", "payload_end"))
    path = tmp_path / "elsewhere"
    path.write_bytes(make_bzimage(small.data, payload_offset=start, payload_length=end - start))
    return path


def test_the_labels_are_those_of_inspection(spec: Path, vmlinuz: Path) -> None:
    """A spec names what inspection found, and the header's sizes; the kernel is given later."""
    target = read_target(spec, image=vmlinuz)
    small = load(ImageDescription(Kind.SOURCE, KERNEL)).symbols
    assert target.image.name == "elsewhere"
    for name in ("trampoline", "site_call", "efi_function_pointer", "find_option"):
        assert target.image.symbols[name] == small[name]
    assert target.spec.regions[0].size == len(target.image.data)


def test_a_spec_may_set_a_label_itself(spec: Path, vmlinuz: Path) -> None:
    """A label of the spec's own hides the one that inspection found."""
    text = SPEC.replace('base = "load"\n', 'base = "load"\nsymbols = { site_call = 0x10 }\n', 1)
    spec.write_text(text)
    assert read_target(spec, image=vmlinuz).image.symbols["site_call"] == 0x10


def test_without_a_kernel_the_spec_is_told_to_lack_it(spec: Path) -> None:
    """A kernel that is neither beside the spec nor given is missing input."""
    with pytest.raises(BadInput, match="there is no kernel 'vmlinuz' beside the spec"):
        read_target(spec)


def test_a_kernel_without_a_trampoline_lacks_the_label(spec: Path, tmp_path: Path) -> None:
    """A spec that names what the kernel does not have is bad input, at its line."""
    path = tmp_path / "elsewhere"
    path.write_bytes(make_bzimage(bytes(0x400)))
    with pytest.raises(BadInput, match="trampoline_far_return") as caught:
        read_target(spec, image=path)
    assert caught.value.where == spec
