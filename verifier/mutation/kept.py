"""Fates kept in a file after each mutant, so that an interrupted run goes on where it was.

They hold for the same bytes, spec, models, wishes, code and tools alone, which the file names.
What the spec says of survivors is none of these: it is looked up anew.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import verifier
from verifier.errors import BadInput
from verifier.files import read_regular
from verifier.machine.models import ModelName
from verifier.mutation.document import ended_document
from verifier.mutation.fate import Ended, Equivalent, Fate, Killed, Surviving, Unreachable
from verifier.reporting.fields import read_fields
from verifier.reporting.files import write_whole
from verifier.specification.document import LONGEST
from verifier.specification.verdict import Verdict

if TYPE_CHECKING:
    from verifier.loading import Image
    from verifier.mutation.mutant import Mutant
    from verifier.proving.target import Target
    from verifier.reporting.fields import Fields

SCHEMA = "verifier-mutants-kept"
VERSION = 1

Name = tuple[int, bytes, bytes]
"""A mutant in a file: its offset, and its bytes before and after."""


@dataclass(frozen=True, slots=True)
class Keep:
    """Where to keep fates, and the versions of the tools that they depend on, by name."""

    file: Path
    tools: Mapping[str, str]


@dataclass(slots=True)
class Kept:
    """The fates in a file, and what they depend on; ``rows`` are as they are written."""

    file: Path
    image: Image
    about: dict[str, str]
    fates: dict[Name, Fate] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)

    def read(self) -> None:
        """Take what the file holds, if there is one; BadInput where it is of anything else."""
        if not self.file.exists():
            write_whole(self.file, self._text())
            return
        fields = read_fields(self.file)
        if (fields.values.get("schema"), fields.values.get("version")) != (SCHEMA, VERSION):
            raise BadInput(f"holds no mutants: its 'schema' is not '{SCHEMA}'", self.file)
        about = fields.inner("about")
        for name, value in self.about.items():
            if about.text(name) != value:
                message = (
                    f"was kept of {name} '{about.text(name)}', and this run is of '{value}': "
                    "name another file, or remove it"
                )
                raise BadInput(message, self.file)
        for each in fields.each("fates"):
            mutant = each.count("offset"), each.raw("bytes"), each.raw("becomes")
            self.fates[mutant] = _fate(each)
            self.rows.append(each.values)

    def get(self, mutant: Mutant) -> Fate | None:
        """Give a mutant's fate, if it is kept; a survivor's reason is not."""
        return self.fates.get((mutant.offset, mutant.before, mutant.after))

    def add(self, ended: Ended) -> None:
        """Keep one more fate."""
        self.rows.append(ended_document(ended, self.image))
        write_whole(self.file, self._text())

    def _text(self) -> str:
        told = {"schema": SCHEMA, "version": VERSION, "about": self.about, "fates": self.rows}
        return json.dumps(told, indent=1) + "\n"


def kept(keep: Keep, target: Target, wishes: Mapping[str, str]) -> Kept:
    """Give what a file holds of a target's mutants; ``wishes`` are how they are judged."""
    about = {
        "target": target.spec.name,
        "image": target.image.digest,
        "spec": _digest_of_spec(target.spec.description.path),
        **wishes,
        "code": _digest_of_code(),
        **keep.tools,
    }
    found = Kept(keep.file, target.image, about)
    found.read()
    return found


def _digest_of_spec(path: Path) -> str:
    """Give a digest of all that a spec says but for its survivors."""
    said = tomllib.loads(read_regular(path, LONGEST).decode("utf-8"))
    said.pop("survivor", None)
    text = json.dumps(said, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _digest_of_code() -> str:
    """Give a digest of the verifier's own source."""
    room = Path(verifier.__file__).parent
    made = hashlib.sha256()
    for path in sorted(room.rglob("*.py")):
        made.update(f"{path.relative_to(room)}\n{path.stat().st_size}\n".encode())
        made.update(path.read_bytes())
    return made.hexdigest()


def _fate(each: Fields) -> Fate:
    match each.text("fate"):
        case "killed":
            return _killed(each)
        case "equivalent":
            return Equivalent(each.count("samples_replayed"))
        case "unreachable":
            return Unreachable(each.count("samples_replayed"))
        case "surviving":
            differs = each.get("differs", list)
            if not all(type(name) is str for name in differs):
                raise each.mistake("is no array of texts", "differs")
            return Surviving(tuple(differs), None, each.count("samples_replayed"))
        case _:
            raise each.mistake("is no fate of a mutant", "fate")


def _killed(each: Fields) -> Killed:
    try:
        model, verdict = ModelName(each.text("model")), Verdict(each.text("verdict"))
    except ValueError:
        raise each.mistake("is of no model or verdict", "fate") from None
    return Killed(each.text("claim"), model, verdict, each.text("reason"), each.truth("replayed"))
