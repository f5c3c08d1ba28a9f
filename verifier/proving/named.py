"""What a command line names: a spec, or one of its ways to be wrong, to be judged as it is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from verifier.errors import BadInput
from verifier.proving.target import mistaken_target, read_target
from verifier.specification.document import read_document
from verifier.specification.mistake import Broken, read_mistake
from verifier.specification.read import FILE_NAME, spec_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from verifier.proving.target import Target
    from verifier.specification.mistake import Mistake


def open_target(
    path: Path,
    without: Sequence[str] = (),
    image: Path | None = None,
    solver_seconds: int | None = None,
) -> Target:
    """Read a spec with its image, or with the mistake of a file in the folder ``broken`` of it.

    ``solver_seconds`` stands in for the limit of the spec.
    """
    file = spec_file(path)
    mistaken = is_mistake(file)
    target = _mistaken(file, without, image) if mistaken else read_target(path, without, image)
    if solver_seconds is None:
        return target
    limits = replace(target.spec.limits, solver_seconds=solver_seconds)
    return replace(target, spec=replace(target.spec, limits=limits))


def is_mistake(file: Path) -> bool:
    """Say whether a TOML file is of a mistake, not of a spec."""
    return read_document(file).has("mistake")


def _mistaken(file: Path, without: Sequence[str], image: Path | None) -> Target:
    home = file.absolute().parent.parent
    if not (home / FILE_NAME).is_file():
        message = f"a mistake lies in a folder beside its {FILE_NAME}, and there is none"
        raise BadInput(message, file)
    home = file.parent.parent if (file.parent.parent / FILE_NAME).is_file() else home
    target = mistaken_target(home, read_mistake(file), image, without)
    mistake = read_mistake(file, target.spec)
    description = replace(
        target.spec.description,
        name=f"{target.spec.name}.{mistake.name}",
        title=f"{target.spec.description.title}, with a mistake",
    )
    notes = (f"the mistake: {mistake.text}", _recorded(mistake), *target.image.notes)
    return replace(
        target,
        spec=replace(target.spec, description=description),
        image=replace(target.image, notes=notes),
    )


def _recorded(mistake: Mistake) -> str:
    outcome = mistake.outcome
    if not isinstance(outcome, Broken):
        return f"it is recorded as equal in effect: {outcome.reason}"
    wanted = outcome.expectation
    because = f", for '{wanted.reason}'" if wanted.reason else ""
    return (
        f"it is recorded as shown by {outcome.claim}, {wanted.verdict.value} under "
        f"{outcome.model.value}{because}"
    )
