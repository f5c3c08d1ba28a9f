"""``mutate``: whether the claims of a spec see small changes of its target's bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from verifier.cli.find import document_of, find_specs
from verifier.cli.screen import Progress, Screen
from verifier.errors import BadInput
from verifier.machine.models import ModelName
from verifier.replay.engine import Engine
from verifier.replay.replayer import Replayer
from verifier.reporting.files import write_whole
from verifier.reporting.status import Status

if TYPE_CHECKING:
    from rich.text import Text

    from verifier.proving.target import Choice

STDOUT = Path("-")

Say = Callable[[str], None]
Told = tuple[Status, "list[Text]", str]
"""An exit code, the lines of a report, and the same as the text of a JSON file."""


@dataclass(frozen=True, slots=True)
class Order:
    """A ``mutate`` command; ``sample`` is how many mutants to draw, ``seconds`` how long.

    ``resume`` is a file of fates to go on from and to add to. ``assumptions`` turns these into
    their opposites in the place of changing bytes.
    """

    spec: Path
    models: tuple[str, ...] = ()
    seed: int | None = None
    sample: int | None = None
    seconds: float | None = None
    replay: bool = False
    starts: int = 1
    image: Path | None = None
    json: Path | None = None
    resume: Path | None = None
    assumptions: bool = False


def mutate(order: Order) -> Status:
    """Judge the mutants of one spec; 0 where none survives unexplained."""
    spec, *others = find_specs([order.spec])
    if others:
        raise BadInput(f"'{order.spec}' holds {len(others) + 1} specs; name one", order.spec)
    if "mistake" in document_of(spec):
        raise BadInput("is a mistake, whose bytes are changed already; name its spec", spec)
    report = order.json
    for file, what in ((report, "the report"), (order.resume, "the fates")):
        if file is not None and file != STDOUT and not file.absolute().parent.is_dir():
            raise BadInput(f"there is no folder '{file.parent}' to write {what} to")
    if order.resume is not None and order.assumptions:
        raise BadInput("'--resume' is of mutants, and '--assumptions' makes none")
    screen = Screen()
    progress = Progress(screen)
    progress(f"{spec}: reading")
    with progress.shown(), Replayer((Engine.BOCHS,)) as replayer:
        replayer.warm_up()
        judge = _negated if order.assumptions else _mutants
        status, lines, text = judge(order, spec, replayer, progress)
    if report == STDOUT:
        screen.out.file.write(text)
        return status
    screen.show(lines)
    if report is not None:
        write_whole(report, text)
    return status


def _mutants(order: Order, spec: Path, replayer: Replayer, say: Say) -> Told:
    # These import what proves, which the start of the replayer need not wait for.
    from verifier.cli.versions import tools  # noqa: PLC0415 - see above
    from verifier.mutation.document import dumped  # noqa: PLC0415 - likewise
    from verifier.mutation.judge import Wish, strength  # noqa: PLC0415 - likewise
    from verifier.mutation.kept import Keep  # noqa: PLC0415 - likewise
    from verifier.mutation.text import closing, strength_lines  # noqa: PLC0415 - likewise
    from verifier.proving.target import read_target  # noqa: PLC0415 - likewise

    target = read_target(spec, image=order.image)
    wish = Wish(
        choice=_choice(order),
        seed=order.seed,
        limit=order.sample,
        seconds=order.seconds,
        replay=order.replay,
        samples=order.starts,
        keep=None if order.resume is None else Keep(order.resume, tools()),
    )
    found = strength(target, wish, replayer, say)
    status = Status.REFUTED if found.unexplained or found.stale else Status.PROVED
    lines = [*strength_lines(found, target.image), closing(found)]
    return status, lines, dumped(found, target.image, status)


def _negated(order: Order, spec: Path, replayer: Replayer, say: Say) -> Told:
    from verifier.mutation.assumptions import negated  # noqa: PLC0415 - as above
    from verifier.mutation.document import negated_dumped  # noqa: PLC0415 - likewise
    from verifier.mutation.text import negated_line  # noqa: PLC0415 - likewise
    from verifier.proving.target import read_target  # noqa: PLC0415 - likewise

    target = read_target(spec, image=order.image)
    found = tuple(negated(target, _choice(order), replayer, say))
    lines = [told for each in found for told in negated_line(each)]
    return Status.PROVED, lines, negated_dumped(target.spec.name, found)


def _choice(order: Order) -> Choice:
    from verifier.proving.target import Choice  # noqa: PLC0415 - as above

    return Choice(models=tuple(ModelName(name) for name in order.models), promised=True)
