"""``show``: a spec in full, and its bytes in the modes in which its paths execute them."""

from __future__ import annotations

from pathlib import Path

from verifier.cli.find import find_specs
from verifier.cli.screen import Progress, Screen
from verifier.errors import BadInput
from verifier.machine.models import ModelName
from verifier.proving.named import open_target
from verifier.reporting.listing import listing_lines
from verifier.reporting.spec_text import spec_lines
from verifier.reporting.status import Status
from verifier.reporting.wording import FAINT, line


def show(path: Path, model: str, image: Path | None, *, paths: bool = True) -> Status:
    """Print one spec; ``image`` is the kernel that a spec of kernels is about.

    Without ``paths`` none is followed, and the bytes are left out, which are listed by them.
    """
    spec, *others = find_specs([path])
    if others:
        raise BadInput(f"'{path}' holds {len(others) + 1} specs; name one", path)
    screen = Screen()
    target = open_target(spec, image=image)
    screen.show(spec_lines(target.spec, target.image))
    if not paths:
        return Status.PROVED
    progress = Progress(screen)
    progress(f"{target.spec.name}: following every path under {model}")
    with progress.shown():
        # These import what proves, which reading a spec need not wait for.
        from verifier.proving.session import Session  # noqa: PLC0415 - see above
        from verifier.replay.judging import bench  # noqa: PLC0415 - see above

        session = Session(target, ModelName(model), bench())
    width = screen.layout(everything=True).width
    screen.show([line(), line((f"bytes, as executed under {model}", FAINT))])
    screen.show(listing_lines(target.image, session.paths, width))
    if not session.paths:
        screen.complain(f"no start satisfies the assumptions: {', '.join(session.contradiction)}")
    return Status.PROVED
