"""A spec's TOML to a spec.

It is read twice: once for where the image is, and again when the image's symbols are known.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from verifier.machine.models import ModelName
from verifier.specification.contract import read_contracts
from verifier.specification.document import read_document
from verifier.specification.expression import Input, Number
from verifier.specification.layout import Addresses
from verifier.specification.scope import Scope
from verifier.specification.setting import read_entry, read_exit, read_paging, read_regions
from verifier.specification.spec import Description, ImageKind, ImageSource, Limits, Spec
from verifier.specification.statements import read_assumptions, read_claims, read_without
from verifier.specification.survivor import read_survivors
from verifier.specification.vocabulary import When

if TYPE_CHECKING:
    from pathlib import Path

    from verifier.specification.document import Table
    from verifier.specification.scope import Symbols
    from verifier.specification.spec import Term

FILE_NAME = "spec.toml"
"""What a spec's file is called in the folder of its target."""

KEYS = (
    "title",
    "description",
    "image",
    "inputs",
    "entry",
    "exit",
    "regions",
    "paging",
    "assume",
    "contract",
    "claim",
    "without",
    "survivor",
    "limits",
    "models",
)
"""Keys at the top of a spec."""

PART_LABELS = 2
_HIGHEST = (1 << 64) - 1
_MOST = 1_000_000_000


def spec_file(path: Path) -> Path:
    """Give the file of a spec that is named by its folder or by itself."""
    return path / FILE_NAME if path.is_dir() else path


def read_description(path: Path) -> Description:
    """Read what must be known before the image can be loaded.

    The target is named after the folder of its ``spec.toml``, or after a file of another name.
    """
    file = spec_file(path)
    return _description(read_document(file), file)


def read_spec(path: Path, symbols: Symbols) -> Spec:
    """Read a spec, given the symbols of its image; a mistake in it is a BadInput."""
    file = spec_file(path)
    top = read_document(file)
    description = _description(top, file)
    inputs = _read_inputs(top.table("inputs"), symbols)
    start = Scope(When.ENTRY, symbols, frozenset(inputs))
    base = _read_base(top.table("image"), start)
    regions, start = read_regions(top.table("regions"), start, base)
    models = _read_models(top.table("models"))
    addresses = Addresses(base.node, symbols.labels)
    assumptions = read_assumptions(top, replace(start, addresses=addresses))
    scope = Scope(When.NOW, symbols, start.inputs, start.regions)
    contracts = read_contracts(top, start, scope, assumptions)
    claims = read_claims(top, scope, models)
    entry = read_entry(top.table("entry"), start)
    return Spec(
        description=description,
        base=base,
        inputs=inputs,
        entry=entry,
        exit=read_exit(top.table("exit"), start),
        regions=regions,
        paging=read_paging(top, start, entry.mode),
        assumptions=assumptions,
        claims=claims,
        contracts=contracts,
        without=read_without(top, (*assumptions, *contracts), claims, models),
        models=models,
        scope=scope,
        limits=_read_limits(top.table("limits")),
        survivors=read_survivors(top),
    )


def _description(top: Table, file: Path) -> Description:
    top.allow(*KEYS)
    name = file.resolve().parent.name if file.name == FILE_NAME else file.stem
    title, text = top.text("title"), top.text("description", "")
    return Description(name, file, title, text, _read_image(top.table("image"), file.parent))


def _read_image(table: Table, folder: Path) -> ImageSource:
    """Read ``[image]``; each kind of file has options of its own."""
    kinds = {kind.value: kind for kind in ImageKind}
    table.allow(
        *(*kinds, "base", "link_address", "origin", "part", "relocated", "sections"),
        *("segment", "symbols"),
    )
    kind = kinds[table.exactly_one(*kinds)]
    options = {
        ImageKind.SOURCE: {"link_address", "relocated"},
        ImageKind.ELF: {"link_address", "sections", "segment", "relocated"},
        ImageKind.FLAT: {"origin"},
        ImageKind.BZIMAGE: set[str](),
        ImageKind.PE: {"relocated"},
    }
    for option in ("link_address", "origin", "relocated", "sections", "segment"):
        if table.has(option) and option not in options[kind]:
            message = f"an image by '{kind.value}' takes no '{option}'"
            raise table.mistake(message, option)
    link = "origin" if kind is ImageKind.FLAT else "link_address"
    named = table.table("symbols")
    file = folder / table.text(kind.value)
    if kind is not ImageKind.BZIMAGE and not file.exists():
        message = f"there is no file '{table.text(kind.value)}' beside the spec"
        raise table.mistake(message, kind.value)
    part = table.strings("part") if table.has("part") else ()
    if len(part) not in {0, PART_LABELS}:
        message = "'part' must be two labels: where it begins, and where it ends"
        raise table.mistake(message, "part")
    return ImageSource(
        kind=kind,
        file=file,
        link_address=table.number(link, 0, _HIGHEST) if table.has(link) else 0,
        sections=table.strings("sections") if table.has("sections") else (),
        segment=table.number("segment", 0, _HIGHEST) if table.has("segment") else None,
        symbols={name: named.number(name, 0, _HIGHEST) for name in named.values},
        line=table.line(kind.value),
        relocated=table.flag("relocated"),
        part=part,
    )


def _read_inputs(table: Table, symbols: Symbols) -> dict[str, str]:
    inputs: dict[str, str] = {}
    scope = Scope(When.ENTRY, symbols)
    for name in table.values:
        why = scope.why_not_new(name)
        if why is not None:
            raise table.mistake(f"input {why}", name)
        inputs[name] = table.text(name)
    return inputs


def _read_base(table: Table, scope: Scope) -> Term:
    """Read where the image is; its labels cannot say so, as they move with it."""
    base = table.word("base", scope)
    if not isinstance(base.node, Input | Number):
        message = "'base' must be an input or a constant; an assumption can say what it equals"
        raise table.mistake(message, "base")
    return base


def _read_models(table: Table) -> tuple[ModelName, ...]:
    table.allow("use")
    names = {model.value: model for model in ModelName}
    return table.choices("use", names) if table.has("use") else tuple(ModelName)


def _read_limits(table: Table) -> Limits:
    table.allow("instructions", "paths", "solver_seconds")
    usual = Limits()

    def limit(key: str, default: int) -> int:
        return table.number(key, 1, _MOST) if table.has(key) else default

    return Limits(
        instructions=limit("instructions", usual.instructions),
        paths=limit("paths", usual.paths),
        solver_seconds=limit("solver_seconds", usual.solver_seconds),
    )
