"""What is proved: a spec with its image, read from files or with a mistake put in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from verifier.errors import BadInput, nearest
from verifier.inspection import find_labels
from verifier.loading import ImageDescription, Kind, load, load_source_text
from verifier.specification.expression import Arithmetic, Number
from verifier.specification.read import read_description, read_spec
from verifier.specification.scope import Symbols
from verifier.specification.setting import LARGEST_PATCH
from verifier.specification.spec import Content, ImageKind, Patch, Term
from verifier.specification.vocabulary import Operator

if TYPE_CHECKING:
    from pathlib import Path

    from verifier.loading import Image
    from verifier.machine.models import ModelName
    from verifier.specification.mistake import Mistake
    from verifier.specification.spec import Claim, ImageSource, Region, Spec


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """A spec with its image, and the ids of the assumptions left out."""

    spec: Spec
    image: Image
    dropped: tuple[str, ...] = ()


def read_target(path: Path, without: Sequence[str] = (), image: Path | None = None) -> Target:
    """Read a spec, by its folder or file, and the image it names, or ``image`` in its stead."""
    return _with_spec(path, read_image(_image_source(path, image)), without)


def _image_source(path: Path, image: Path | None) -> ImageSource:
    description = read_description(path)
    source = description.image
    kernel = source.kind is ImageKind.BZIMAGE
    if image is not None:
        if not kernel:
            message = "the spec is not of a kernel, so its image is no other than the one it names"
            raise BadInput(message, description.path, source.line)
        return replace(source, file=image)
    if kernel and not source.file.exists():
        message = f"there is no kernel '{source.file.name}' beside the spec: name one with --image"
        raise BadInput(message, description.path, source.line)
    return source


def read_image(source: ImageSource) -> Image:
    """Load an image; a bzImage has the labels that inspection finds, unless the spec sets them."""
    return _part(_whole(source), source)


def _whole(source: ImageSource) -> Image:
    image = load(_description(source))
    if source.kind is not ImageKind.BZIMAGE:
        return image
    return replace(image, symbols={**find_labels(image), **image.symbols})


def _part(image: Image, source: ImageSource) -> Image:
    if not source.part:
        return image
    for name in source.part:
        if name not in image.symbols:
            message = f"'{name}' was not found in it; {nearest(name, image.symbols)}"
            raise BadInput(message, source.file)
    start, end = (image.symbols[name] for name in source.part)
    if start >= end:
        message = f"the part from '{source.part[0]}' to '{source.part[1]}' is empty"
        raise BadInput(message, source.file)
    return image.part(start, end)


def mistaken_target(
    path: Path, mistake: Mistake, image: Path | None = None, without: Sequence[str] = ()
) -> Target:
    """Read a spec whose source, or whose image's bytes, have the edits of ``mistake``.

    The labels are those of the image as it was.
    """
    source = _image_source(path, image)
    if mistake.of_bytes or source.kind is not ImageKind.SOURCE:
        return _with_spec(path, _part(mistake.patch(_whole(source)), source), without)
    text = mistake.apply(source.file.read_text(encoding="utf-8"))
    folder = source.file.parent
    whole = load_source_text(text, str(source.file), folder, source.link_address)
    return _with_spec(path, _part(whole, source), without)


def altered_target(target: Target, image: Image) -> Target:
    """Give the target with other bytes in its image, whose labels stay where they were."""
    regions = tuple(
        replace(each, patches=tuple(_anew(patch, image) for patch in each.patches))
        for each in target.spec.regions
    )
    return replace(target, spec=replace(target.spec, regions=regions), image=image)


def _with_spec(path: Path, image: Image, without: Sequence[str]) -> Target:
    spec = read_spec(path, Symbols(image.symbols, image.constants, len(image.data)))
    if spec.description.image.relocated:
        spec = _relocated(spec, image)
    spec = _copied(spec, image)
    ids = tuple(spec.granted)
    for name in without:
        if name not in ids:
            message = f"there is no assumption '{name}' to drop; {nearest(name, ids)}"
            raise BadInput(message, spec.description.path)
    return Target(spec, image, tuple(without))


def _copied(spec: Spec, image: Image) -> Spec:
    """Have patches that copy bytes of the image hold them, a word at a time."""
    regions = []
    for each in spec.regions:
        patches = [part for patch in each.patches for part in _parts(patch, image)]
        regions.append(replace(each, patches=tuple(patches)))
    return replace(spec, regions=tuple(regions))


def _parts(patch: Patch, image: Image) -> Iterator[Patch]:
    if patch.copied is None:
        yield patch
        return
    for ahead in range(0, patch.size, LARGEST_PATCH):
        size, start = min(LARGEST_PATCH, patch.size - ahead), patch.copied + ahead
        at = Term(
            f"{patch.at.text} + {ahead:#x}",
            Arithmetic(Operator.ADD, patch.at.node, Number(ahead)),
            patch.at.line,
        )
        held = _held(image, start, size)
        value = Term(f"the image's bytes at {patch.value.text} + {ahead:#x}", held, patch.at.line)
        yield Patch(at, patch.offset + ahead, size, value, start)


def _anew(patch: Patch, image: Image) -> Patch:
    """Have a patch of one word, where it is a copy, hold what the image has there."""
    if patch.copied is None:
        return patch
    held = _held(image, patch.copied, patch.size)
    return replace(patch, value=replace(patch.value, node=held))


def _held(image: Image, start: int, size: int) -> Number:
    return Number(int.from_bytes(image.data[start : start + size], "little"))


def _relocated(spec: Spec, image: Image) -> Spec:
    """Have each absolute address of the image hold what a loader writes there, from its base."""
    regions = (
        replace(each, patches=(*_written(spec, image, each), *each.patches))
        if each.content is Content.IMAGE
        else each
        for each in spec.regions
    )
    return replace(spec, regions=tuple(regions))


def _written(spec: Spec, image: Image, region: Region) -> Iterator[Patch]:
    """Give what a loader writes; where a patch of the spec's own is, that counts instead."""
    own = {each.offset + byte for each in region.patches for byte in range(each.size)}
    for place in image.relocations:
        if own.isdisjoint(range(place.offset, place.offset + place.width)):
            at = _from_base(spec.base, place.offset)
            value = _from_base(spec.base, place.target_offset)
            yield Patch(at, place.offset, place.width, value)


def _from_base(base: Term, offset: int) -> Term:
    node = Arithmetic(Operator.ADD, base.node, Number(offset % (1 << 64)))
    return Term(f"{base.text} + {offset:#x}", node, base.line)


def _description(source: ImageSource) -> ImageDescription:
    flat = source.kind is ImageKind.FLAT
    return ImageDescription(
        kind=Kind(source.kind.value),
        path=source.file,
        link_address=0 if flat else source.link_address,
        origin=source.link_address if flat else 0,
        sections=source.sections,
        segment=source.segment,
        symbols=source.symbols,
        folder=source.file.parent,
    )


@dataclass(frozen=True, slots=True)
class Choice:
    """Which claims to judge under which models.

    Without models, each claim is judged under those it promises; ``every`` is all that the
    spec uses. With ``promised`` a claim that is not promised under a model is judged under none.
    """

    models: tuple[ModelName, ...] = ()
    claims: tuple[str, ...] = ()
    every: bool = False
    promised: bool = False

    def pairs(self, spec: Spec) -> list[tuple[ModelName, tuple[Claim, ...]]]:
        """Give each model to judge with its claims, in the spec's order."""
        named = self._named(spec)
        models = self.models or spec.models
        for model in models:
            if model not in spec.models:
                used = ", ".join(one.value for one in spec.models)
                message = f"the spec does not use the model '{model.value}'; it uses {used}"
                raise BadInput(message, spec.description.path)
        chosen = []
        for model in models:
            whatever = (self.models or self.every) and not self.promised
            claims = tuple(claim for claim in named if whatever or model in claim.promises)
            if claims:
                chosen.append((model, claims))
        return chosen

    def _named(self, spec: Spec) -> tuple[Claim, ...]:
        ids = [claim.id for claim in spec.claims]
        for name in self.claims:
            if name not in ids:
                message = f"there is no claim '{name}'; {nearest(name, ids)}"
                raise BadInput(message, spec.description.path)
        return tuple(claim for claim in spec.claims if not self.claims or claim.id in self.claims)


def without(target: Target, *names: str) -> Target:
    """Give the target with further assumptions left out."""
    return replace(target, dropped=(*target.dropped, *names))
