"""What to judge of specs, and which of several a command line is about: those that have it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from verifier.cli.find import document_of, ids_of, shown
from verifier.cli.options import Model
from verifier.errors import BadInput, nearest


@dataclass(frozen=True, slots=True)
class Wish:
    """What to judge of each spec; without models, each claim under those it promises.

    ``recorded`` judges all that a spec records, ``[[without]]`` included. ``image`` is the
    kernel to judge them on, None where each spec has its own; ``bundle`` the folder that the
    proofs are written to, None where they are not. With ``several`` a spec need not have all
    that is named. ``solver_seconds`` is for one question to the solver, None for the spec's own.
    """

    models: tuple[str, ...] = ()
    all_models: bool = False
    claims: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    explain: bool = False
    recorded: bool = False
    image: Path | None = None
    bundle: Path | None = None
    several: bool = False
    solver_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of names on the command line: what users call it, and the field that holds it."""

    word: str
    field: str
    of: Callable[[Path], frozenset[str]]

    def own(self, spec: Path, wish: Wish) -> tuple[str, ...]:
        """Give the names of a wish that a spec has."""
        known = self.of(spec)
        return tuple(name for name in getattr(wish, self.field) if name in known)


def _models(spec: Path) -> frozenset[str]:
    models = document_of(spec).get("models")
    used = models.get("use") if isinstance(models, dict) else None
    return frozenset(used if isinstance(used, list) else (each.value for each in Model))


_KINDS = (
    _Kind("claim", "claims", lambda spec: frozenset(ids_of(spec, "claim"))),
    _Kind("assumption", "without", lambda spec: frozenset(ids_of(spec, "assume", "contract"))),
    _Kind("model", "models", _models),
)


def fitting(
    specs: tuple[Path, ...], wish: Wish, complain: Callable[[str], None]
) -> tuple[Path, ...]:
    """Leave out those of several specs that have nothing of what is named, with a sentence.

    BadInput where no spec has a name; one that cannot be read stays, to tell its mistake.
    """
    if len(specs) == 1:
        _require_alone(specs[0], wish)
        return specs
    readable = [spec for spec in specs if document_of(spec)]
    lacking: dict[str, list[Path]] = {}
    for kind in _KINDS:
        names = getattr(wish, kind.field)
        if names and readable:
            _require(kind, names, readable)
        for spec in readable if names else ():
            if not kind.own(spec, wish):
                lacking.setdefault(_lacks(kind, names), []).append(spec)
    without = {spec for found in lacking.values() for spec in found}
    if without and without == set(specs):
        raise BadInput(f"no spec has all that is named: {'; '.join(_told(lacking))}")
    for sentence in _told(lacking):
        complain(f"left out: {sentence}")
    return tuple(spec for spec in specs if spec not in without)


def narrowed(spec: Path, wish: Wish) -> Wish:
    """Give what of a wish for several specs concerns this one: the names that it has."""
    if not wish.several or not document_of(spec):
        return wish
    own = {kind.field: kind.own(spec, wish) for kind in _KINDS}
    return replace(wish, claims=own["claims"], without=own["without"], models=own["models"])


def _require(kind: _Kind, names: Iterable[str], specs: list[Path]) -> None:
    known = frozenset[str]().union(*map(kind.of, specs))
    for name in names:
        if name not in known:
            raise BadInput(f"no spec has the {kind.word} '{name}'; {nearest(name, known)}")


def _require_alone(spec: Path, wish: Wish) -> None:
    """Refuse a claim or an assumption that a spec lacks, before anything is said of a kernel."""
    document = document_of(spec)
    if not document or "mistake" in document:
        return
    for kind in _KINDS[:2]:
        known = kind.of(spec)
        for name in getattr(wish, kind.field):
            if name not in known:
                message = f"there is no {kind.word} '{name}'; {nearest(name, known)}"
                raise BadInput(message, spec)


def _lacks(kind: _Kind, names: tuple[str, ...]) -> str:
    return f"no {kind.word} {' or '.join(repr(name) for name in names)}"


def _told(lacking: dict[str, list[Path]]) -> Iterator[str]:
    for lack, found in lacking.items():
        verb = "has" if len(found) == 1 else "have"
        yield f"{', '.join(map(shown, found))} {verb} {lack}"
