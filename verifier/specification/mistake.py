"""A way to be wrong: a single edit of a target's source or bytes, and what must come of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from verifier.errors import BadInput
from verifier.machine.models import ModelName
from verifier.specification.bytes_edit import BytesEdit, read_bytes_edit
from verifier.specification.document import read_document
from verifier.specification.statements import read_expectation
from verifier.specification.verdict import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from verifier.loading import Image
    from verifier.specification.document import Table
    from verifier.specification.spec import Expectation, Spec


@dataclass(frozen=True, slots=True)
class TextEdit:
    """One text to put in the place of another, which must occur exactly once."""

    find: str
    replace: str
    line: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Broken:
    """The mistake shows: this claim, under this model, gets this verdict."""

    claim: str
    model: ModelName
    expectation: Expectation


@dataclass(frozen=True, slots=True)
class Equivalent:
    """The mistake is equal in effect, and every verdict stays; ``reason`` says why."""

    reason: str


Outcome = Broken | Equivalent
Edit = TextEdit | BytesEdit


@dataclass(frozen=True, slots=True)
class Mistake:
    """One file of a target's ``broken/``."""

    name: str
    path: Path
    text: str
    edits: tuple[Edit, ...]
    outcome: Outcome

    @property
    def of_bytes(self) -> bool:
        """Say whether it edits an image's bytes, not its source."""
        return any(isinstance(edit, BytesEdit) for edit in self.edits)

    def patch(self, image: Image) -> Image:
        """Give the image with every edit of bytes made, in order; BadInput where one is not."""
        for edit in self.edits:
            if not isinstance(edit, BytesEdit):
                message = "the edit is of source, and the image has none"
                raise BadInput(message, self.path, edit.line)
            image = edit.apply(image, self.path)
        return image

    def apply(self, source: str) -> str:
        """Give the source with every edit made, in order; BadInput where one does not fit."""
        for edit in self.edits:
            if isinstance(edit, BytesEdit):
                message = "the edit is of bytes, beside one of source"
                raise BadInput(message, self.path, edit.line)
            count = source.count(edit.find)
            if count != 1:
                times = "does not occur" if count == 0 else f"occurs {count} times"
                message = f"the text to find {times} in the source; it must occur once"
                raise BadInput(message, self.path, edit.line)
            source = source.replace(edit.find, edit.replace)
        return source


def read_mistake(path: Path, spec: Spec | None = None) -> Mistake:
    """Read a mistake; given its spec, check that the claim and the model are the spec's."""
    top = read_document(path)
    top.allow("mistake", "edit", "expect", "equivalent")
    edits = tuple(_read_edit(table) for table in top.tables("edit"))
    if not edits:
        raise top.mistake("the mistake edits nothing; it needs an [[edit]]")
    outcome: Outcome
    if top.exactly_one("expect", "equivalent") == "equivalent":
        outcome = Equivalent(top.text("equivalent"))
    else:
        outcome = _read_outcome(top.table("expect"), spec)
    return Mistake(path.stem, path, top.text("mistake"), edits, outcome)


def _read_edit(table: Table) -> Edit:
    if any(table.has(key) for key in ("at", "within", "bytes")):
        return read_bytes_edit(table)
    table.allow("find", "replace")
    find, replace = table.text("find"), table.value("replace", str)
    if find == replace:
        raise table.mistake("the edit changes nothing", "replace")
    return TextEdit(find, replace, table.line())


def _read_outcome(table: Table, spec: Spec | None) -> Broken:
    expectation = read_expectation(table, "claim", "model", "verdict", "reason", "boundary")
    if expectation.verdict is Verdict.PROVED:
        message = "a mistake that is proved is equal in effect: say why in 'equivalent'"
        raise table.mistake(message, "verdict")
    models = {model.value: model for model in (spec.models if spec else ModelName)}
    claim, model = table.text("claim"), table.choice("model", models)
    if spec is not None:
        claim = table.named(claim, {one.id: one.id for one in spec.claims}, "claim")
    return Broken(claim, model, expectation)
