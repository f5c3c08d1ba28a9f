"""Which specs a command is about, and what a shell may complete."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from verifier.errors import BadInput, nearest

FILE_NAME = "spec.toml"
HOME = "specs"
SPECS = Path(__file__).parent / "kernels"
"""The specs of kernels that ship; in a checkout, links to those under ``specs``."""
KERNELS = ("vmlinuz*", "bzImage*")
"""What kernels are called in the folders that people keep them in."""
MOST_KERNELS = 3
"""Kernels that a sentence names."""


def find_specs(given: Iterable[Path]) -> tuple[Path, ...]:
    """Give the specs that arguments name, or all of the current folder; BadInput for none.

    A spec of kernels that comes along has its name, too, where nothing else is called so.
    """
    named = [spec for path in given for spec in _named(path)]
    if not named:
        named = known_specs()
    if not named:
        raise BadInput(f"there is no {FILE_NAME} here nor in a folder under '{HOME}'; name a spec")
    return tuple(dict.fromkeys(named))


def known_specs() -> list[Path]:
    """Give the specs under ``specs``, or else those of the current folder."""
    home = Path(HOME)
    return _below(home) if home.is_dir() else [*_own(Path()), *_inside(Path())]


def _named(path: Path) -> list[Path]:
    if path.is_file():
        _require_spec(path)
        return [path]
    if not path.is_dir() and path.exists():
        raise BadInput("is no regular file", path)
    if not path.is_dir() and path.is_absolute():
        raise BadInput("there is no such file or folder", path)
    if not path.is_dir():
        own = _inside(SPECS)
        if path.name == str(path) and SPECS / path in own:
            return [SPECS / path]
        known, along = [str(spec) for spec in known_specs()], [shown(spec) for spec in own]
        if get_close_matches(str(path), along):
            known += along
        raise BadInput(f"there is no spec '{path}'; {nearest(str(path), known)}")
    return _in_folder(path)


def _in_folder(path: Path) -> list[Path]:
    """Give the specs of a folder; where that is a bundle or has kernels instead, it is told."""
    from verifier.bundle.layout import INDEX, SUMS  # noqa: PLC0415 - completion has no need

    if all((path / name).is_file() for name in (INDEX, SUMS)):
        raise BadInput("is a proof bundle: verifier recheck reads it", path)
    found = _own(path) or _below(path)
    if found:
        return found
    told = f"there is no {FILE_NAME} in '{path}' nor in a folder of it"
    kernels = sorted(each for name in KERNELS for each in path.glob(name) if each.is_file())
    if kernels:
        named = " or ".join(f"'{each}'" for each in kernels[:MOST_KERNELS])
        told += f"; to prove a kernel, name its file: {named}"
    raise BadInput(told)


def _require_spec(file: Path) -> None:
    """Refuse a file that is no spec and is not called like one; TOML's own errors mislead there."""
    if file.suffix == ".toml" or not {"image", "mistake"}.isdisjoint(document_of(file)):
        return
    what = "is no spec" if file.stat().st_size else "is empty"
    wanted = f"a {FILE_NAME}, a folder that has one, or a kernel as it ships (a bzImage)"
    raise BadInput(f"{what}: expected {wanted}", file)


def shown(spec: Path | str) -> str:
    """Give a text that may name specs which come along, by the names that users know."""
    return str(spec).replace(f"{SPECS}{os.sep}", "")


def target_of(spec: Path) -> str:
    """Give the name that reports give a spec, or a mistake."""
    file = (spec / FILE_NAME if spec.is_dir() else spec).absolute()
    if file.name == FILE_NAME:
        return file.resolve().parent.name
    mistaken = "mistake" in document_of(file)
    return f"{target_of(file.parent.parent)}.{file.stem}" if mistaken else file.stem


def _own(folder: Path) -> list[Path]:
    return [folder] if (folder / FILE_NAME).is_file() else []


def _inside(folder: Path) -> list[Path]:
    return sorted(file.parent for file in folder.glob(f"*/{FILE_NAME}"))


def _below(folder: Path) -> list[Path]:
    """Give the specs of a folder, and of the folders of specs in it."""
    return sorted([*_inside(folder), *(file.parent for file in folder.glob(f"*/*/{FILE_NAME}"))])


def present(specs: Iterable[Path], complain: Callable[[str], None]) -> tuple[Path, ...]:
    """Leave out specs of kernels that are not at hand, with a sentence for each."""
    found = []
    for spec in specs:
        if _lacks_kernel(spec):
            complain(f"{spec} is left out: its kernel is not here; verifier prove IMAGE takes one")
        else:
            found.append(spec)
    return tuple(found)


def _lacks_kernel(spec: Path) -> bool:
    name = image_of(spec, "bzimage")
    folder = spec if spec.is_dir() else spec.parent
    return name is not None and not (folder / name).exists()


def image_of(spec: Path, *kinds: str) -> str | None:
    """Give the file that a spec names as its image, of any kind or of those named; None without."""
    from verifier.specification.spec import ImageKind  # noqa: PLC0415 - completion has no need

    image = document_of(spec).get("image")
    for kind in kinds or [each.value for each in ImageKind]:
        name = image.get(kind) if isinstance(image, dict) else None
        if isinstance(name, str):
            return name
    return None


def complete_spec(incomplete: str) -> list[str]:
    """Complete a spec's folder."""
    return [name for spec in known_specs() if (name := str(spec)).startswith(incomplete)]


def complete_ids(specs: Iterable[Path], table: str, incomplete: str) -> list[str]:
    """Complete the id of a claim or of an assumption, from the files as they are."""
    chosen = [*specs] or known_specs()
    found = sorted({name for spec in chosen for name in ids_of(spec, table)})
    return [name for name in found if name.startswith(incomplete)]


def ids_of(spec: Path, *tables: str) -> Iterator[str]:
    """Give the ids of claims, assumptions or contracts, from the file as it is."""
    document = document_of(spec)
    for name in tables:
        found = document.get(name, [])
        for each in found if isinstance(found, list) else []:
            given = each.get("id") if isinstance(each, dict) else None
            if isinstance(given, str):
                yield given


def document_of(spec: Path) -> dict[str, Any]:
    """Give what a spec's file holds, nothing where it cannot be read."""
    from verifier.specification.document import (  # noqa: PLC0415 - completion alone needs it
        read_document,
    )

    file = spec / FILE_NAME if spec.is_dir() else spec
    try:
        return dict(read_document(file).values)
    except BadInput:
        return {}
