"""Kernels on the command line: which file is one, the specs that come for it, what it has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from verifier.cli.find import SPECS, find_specs, image_of
from verifier.errors import BadInput
from verifier.reporting.wording import STRONG, line, paragraph

if TYPE_CHECKING:
    from rich.text import Text

    from verifier.inspection import Inspection
    from verifier.loading.binary import Binary

_HEAD = 1024
"""Bytes from a file's beginning, of which text has none that is 0."""

QUICK_FIRST = (
    "trampoline",
    "kernel-option",
    "efi-switch",
    "efi-setup",
    "efi-print",
    "kernel-site",
)
"""The specs that come along, those that take seconds first, so that verdicts show soon."""

_NAMES = {"site": "the decompressor", "efi": "the EFI stub"}
_DEEDS = {"copy": "copies it", "patch": "patches it", "call": "calls the copy"}


def divide(given: tuple[Path, ...], image: Path | None) -> tuple[tuple[Path, ...], Path | None]:
    """Give the specs to judge and the kernel to judge them on, None where no one named any.

    A kernel without a spec is judged by all that come with the verifier, the quick ones first.
    """
    images = [path for path in given if _is_binary(path)]
    named = tuple(path for path in given if path not in images)
    if image is not None:
        images.append(image)
    if not images:
        return find_specs(named), None
    if len(images) > 1:
        raise BadInput(f"'{images[1]}' is a second image; one is proved at a time")
    specs = find_specs(named or [SPECS / name for name in QUICK_FIRST])
    _require_kernels(specs)
    return specs, images[0]


def _require_kernels(specs: tuple[Path, ...]) -> None:
    """Refuse an image for specs that have one of their own, before anything is said of it."""
    for spec in specs:
        if image_of(spec) is not None and image_of(spec, "bzimage") is None:
            message = "the spec is not of a kernel, so its image is no other than the one it names"
            raise BadInput(message, spec)


def _is_binary(path: Path) -> bool:
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return b"\0" in file.read(_HEAD)
    except OSError:
        return False


def kernel_lines(path: Path) -> list[Text]:
    """Say where the trampoline of a kernel is, and who calls it; BadInput where it has none."""
    # They decode instructions, which a run without a kernel need not wait for.
    from verifier.inspection import inspect  # noqa: PLC0415 - see above
    from verifier.loading import Kind  # noqa: PLC0415 - see above
    from verifier.loading.binary import open_binary  # noqa: PLC0415 - see above

    binary = open_binary(path)
    if binary.kind is not Kind.BZIMAGE:
        raise BadInput("the image is no kernel as it ships, no bzImage", path)
    found = inspect(binary)
    if not found.has_trampoline:
        message = "there is nothing to prove: the kernel has no paging-mode trampoline in the form"
        raise BadInput(f"{message} that is known; verifier inspect shows what it has", path)
    return _told(binary, found)


def _told(binary: Binary, found: Inspection) -> list[Text]:
    sentences = [*_sentences(found), "Offsets (+) are from the protected-mode part."]
    how = f"All of it was found without symbols; how: verifier inspect {quote(str(binary.path))}"
    return [
        line((binary.path.name, STRONG), ": a bzImage"),
        *paragraph(binary.image.producer, "  "),
        *paragraph(" ".join(sentences), "  "),
        line("  ", how),
        line(),
    ]


def _sentences(found: Inspection) -> Iterator[str]:
    labels = found.labels
    start = labels["trampoline"]
    yield f"Its paging-mode trampoline: +{start:#x} to +{labels['trampoline_end']:#x}."
    for site, name in _NAMES.items():
        deeds = [
            f"{says} at +{labels[place]:#x}"
            for deed, says in _DEEDS.items()
            if (place := f"{site}_{deed}") in labels
        ]
        if not deeds:
            yield f"Where {name} calls it was not found."
            continue
        *first, last = deeds
        yield f"{name[0].upper()}{name[1:]} {', '.join(first)}{' and ' if first else ''}{last}."
