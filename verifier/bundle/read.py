"""Reads a bundle strictly: what is not as it was written is refused in one sentence."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from verifier.bundle.commands import require_harmless
from verifier.bundle.kinds import Answer, Kind
from verifier.bundle.layout import (
    FORMAT,
    INDEX,
    MANIFEST,
    SPEC,
    SUM_LINE,
    SUMS,
    VERSION,
    digest,
    files_in,
)
from verifier.bundle.part import Bundle, Case, ClaimRow, Obligation, Part, PathRow, SegmentRow
from verifier.errors import BadInput
from verifier.files import read_regular
from verifier.reporting.fields import LONGEST, Fields

LARGEST = 256 << 20
"""Bytes in one file."""
MOST_BYTES = 4 << 30
"""Bytes in all files."""
ENTRY = "entry"


def read_bundle(folder: Path) -> Bundle:
    """Read all of a bundle; BadInput says what is wrong with it."""
    if not folder.is_dir():
        what = "is no folder" if folder.exists() else "there is no such folder"
        raise BadInput(what, folder)
    files, seal = _sealed(folder)
    index = _fields(folder / INDEX, files.pop(INDEX, None))
    if index.values.get("format") != FORMAT:
        raise BadInput(f"is no index of a bundle: its 'format' is not '{FORMAT}'", folder / INDEX)
    if index.count("version") != VERSION:
        found = index.count("version")
        raise BadInput(f"has version {found}; this verifier reads version {VERSION}", index.file)
    names = _texts(index, "parts")
    parts = tuple(_part(folder, name, files) for name in names)
    if files:
        raise BadInput(f"'{min(files)}' belongs to no part of the bundle", folder)
    return Bundle(seal, index.text("verifier"), _words(index, "tools"), parts)


def _sealed(folder: Path) -> tuple[dict[str, bytes], str]:
    """Give each listed file's bytes, and the seal; nothing may differ or be beside them."""
    try:
        for name in (SUMS, INDEX):
            (folder / name).lstat()
        found = files_in(folder)
        listed = _bytes(found.pop(SUMS, folder / SUMS))
        if sum(path.stat().st_size for path in found.values()) > MOST_BYTES:
            raise BadInput(f"has more than {MOST_BYTES} bytes in its files", folder)
        files = {name: _bytes(path) for name, path in found.items()}
    except FileNotFoundError as error:
        lost = Path(error.filename).name
        raise BadInput(f"is no proof bundle: it has no {lost}", folder) from None
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror or error}".lower(), folder) from None
    wanted = _listed(listed, folder / SUMS)
    for name in sorted({*wanted, *files}):
        if name not in files:
            raise BadInput(f"'{name}' is listed and missing", folder / SUMS)
        if name not in wanted:
            raise BadInput("is not listed among the files of the bundle", folder / name)
        if digest(files[name]) != wanted[name]:
            raise BadInput("is not as it was written: its digest differs", folder / name)
    return files, digest(listed)


def _bytes(path: Path) -> bytes:
    return read_regular(path, LARGEST)


def _listed(data: bytes, where: Path) -> dict[str, str]:
    text = data.decode("ascii", errors="replace")
    if not text.endswith("\n"):
        raise BadInput("does not end in a whole line", where)
    found: dict[str, str] = {}
    for number, line in enumerate(text[:-1].split("\n"), 1):
        match = SUM_LINE.fullmatch(line)
        if match is None or match[2] in found:
            raise BadInput("is no digest with the name of another file", where, number)
        found[match[2]] = match[1]
    return found


def _fields(path: Path, data: bytes | None) -> Fields:
    if data is None:
        raise BadInput("is missing", path)
    if len(data) > LONGEST:
        raise BadInput(f"is longer than {LONGEST} bytes", path)
    try:
        values = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        raise BadInput("is not JSON that can be read", path) from None
    if type(values) is not dict:
        raise BadInput("is no JSON object", path)
    return Fields(path, "", values)


def _part(folder: Path, name: str, files: dict[str, bytes]) -> Part:
    where = folder / name
    fields = _fields(where / MANIFEST, files.pop(f"{name}/{MANIFEST}", None))
    spec = files.pop(f"{name}/{SPEC}", None)
    if spec is None or digest(spec) != fields.text("spec_sha256"):
        raise BadInput("is not the spec that the manifest names", where / SPEC)
    rows = enumerate(fields.each("obligations"))
    obligations = tuple(_obligation(each, number, where, files) for number, each in rows)
    return Part(
        name=name,
        target=fields.text("target"),
        model=fields.text("model"),
        image=fields.inner("image").text("sha256"),
        assumptions=_words(fields, "assumptions"),
        dropped=_texts(fields, "dropped"),
        cases=tuple(
            Case(each.count("obligation"), _index(each, "segment")) for each in fields.each("cases")
        ),
        cases_cover=_index(fields, "cases_cover"),
        segments=tuple(_segment(each) for each in fields.each("segments")),
        paths=(
            *(_path(each) for each in fields.each("paths")),
            *(_entry(each) for each in fields.each("entries")),
        ),
        explored=_numbers(fields, "explored"),
        claims=tuple(_claim(each) for each in fields.each("claims")),
        obligations=obligations,
    )


def _obligation(fields: Fields, number: int, where: Path, files: dict[str, bytes]) -> Obligation:
    name = fields.text("file")
    text = _file(where, name, fields.text("sha256"), files)
    certificate = fields.optional("certificate")
    kind = _member(fields, "kind", {each.value: each for each in Kind})
    expected = _member(fields, "expected", {each.value: each for each in Answer})
    if expected is not kind.expected:
        raise fields.mistake(f"is not what a solver must answer to '{kind.value}'", "expected")
    require_harmless(text, expected.value, where / name)
    place, source = fields.text("place"), fields.text("source")
    told = " ".join(part for part in (place, f"({source})" if source else "") if part)
    return Obligation(
        number=number,
        name=f"{where.name}{os.sep}{name}",
        kind=kind,
        expected=expected,
        states=fields.text("states"),
        origin=told,
        claim=fields.text("claim"),
        assumptions=_texts(fields, "assumptions"),
        text=text,
        certificate=None
        if certificate is None
        else _file(where, certificate.text("file"), certificate.text("sha256"), files),
    )


def _file(where: Path, name: str, wanted: str, files: dict[str, bytes]) -> str:
    data = files.pop(f"{where.name}/{name}", None)
    if data is None:
        raise BadInput("is named by the manifest and missing, or named twice", where / name)
    if digest(data) != wanted:
        raise BadInput("is not the file that the manifest names: its digest differs", where / name)
    try:
        return data.decode("utf-8")
    except ValueError:
        raise BadInput("is no text in UTF-8", where / name) from None


def _segment(fields: Fields) -> SegmentRow:
    return SegmentRow(
        fields.text("root"),
        fields.text("place"),
        fields.count("conditions"),
        _index(fields, "cover"),
    )


def _path(fields: Fields) -> PathRow:
    ending = fields.text("ending")
    if ending == ENTRY:
        raise fields.mistake("is no ending of a path", "ending")
    return PathRow(
        segment=fields.count("segment"),
        ending=ending,
        words=fields.text("words"),
        conditions=fields.count("conditions"),
        into=_index(fields, "into"),
        obligation=_index(fields, "obligation"),
        steps=_texts(fields, "steps"),
    )


def _entry(fields: Fields) -> PathRow:
    return PathRow(
        segment=fields.count("segment"),
        ending=ENTRY,
        words="the way to a loop",
        conditions=fields.count("conditions"),
        into=fields.count("into"),
        obligation=fields.count("obligation"),
    )


def _claim(fields: Fields) -> ClaimRow:
    return ClaimRow(
        claim=fields.text("claim"),
        holds=fields.text("holds"),
        at_the_exit=fields.truth("at_the_exit"),
        verdict=fields.text("verdict"),
        reason=fields.text("reason"),
        met=_index(fields, "met"),
        obligations=tuple(
            (each.count("path"), each.count("obligation")) for each in fields.each("obligations")
        ),
    )


def _member(fields: Fields, key: str, members: Mapping[str, Any]) -> Any:  # noqa: ANN401 - the caller names the enum
    if fields.text(key) not in members:
        raise fields.mistake(f"is none of {', '.join(members)}", key)
    return members[fields.text(key)]


def _index(fields: Fields, key: str) -> int | None:
    if key not in fields.values:
        raise fields.mistake("is missing", key)
    return None if fields.values[key] is None else fields.count(key)


def _texts(fields: Fields, key: str) -> tuple[str, ...]:
    return tuple(_of_kind(fields, key, str))


def _numbers(fields: Fields, key: str) -> tuple[int, ...]:
    return tuple(_of_kind(fields, key, int))


def _of_kind(fields: Fields, key: str, kind: type) -> Iterator[Any]:
    for value in fields.get(key, list):
        if type(value) is not kind:
            raise fields.mistake("holds a value of another type", key)
        yield value


def _words(fields: Fields, key: str) -> dict[str, str]:
    inner = fields.inner(key)
    return {name: inner.text(name) for name in inner.values}
