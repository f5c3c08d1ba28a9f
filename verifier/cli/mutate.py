"""``mutate``: whether the claims of a spec see small changes of its target's bytes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from verifier.cli.find import find_specs
from verifier.cli.screen import Progress, Screen
from verifier.errors import BadInput
from verifier.machine.models import ModelName
from verifier.replay.engine import Engine
from verifier.replay.replayer import Replayer
from verifier.reporting.files import write_whole
from verifier.reporting.status import Status

STDOUT = Path("-")


@dataclass(frozen=True, slots=True)
class Order:
    """A ``mutate`` command; ``sample`` is how many mutants to draw, ``seconds`` how long."""

    spec: Path
    models: tuple[str, ...] = ()
    seed: int | None = None
    sample: int | None = None
    seconds: float | None = None
    replay: bool = False
    starts: int = 1
    image: Path | None = None
    json: Path | None = None


def mutate(order: Order) -> Status:
    """Judge the mutants of one spec; 0 where none survives unexplained."""
    spec, *others = find_specs([order.spec])
    if others:
        raise BadInput(f"'{order.spec}' holds {len(others) + 1} specs; name one", order.spec)
    report = order.json
    if report is not None and report != STDOUT and not report.absolute().parent.is_dir():
        raise BadInput(f"there is no folder '{report.parent}' to write the report to")
    screen = Screen()
    progress = Progress(screen)
    progress(f"{spec}: reading")
    with progress.shown(), Replayer((Engine.BOCHS,)) as replayer:
        replayer.warm_up()
        # These import what proves, which the start of the replayer need not wait for.
        from verifier.mutation.judge import Wish, strength  # noqa: PLC0415 - see above
        from verifier.proving.target import Choice, read_target  # noqa: PLC0415 - see above

        target = read_target(spec, image=order.image)
        wish = Wish(
            choice=Choice(models=tuple(ModelName(name) for name in order.models)),
            seed=order.seed,
            limit=order.sample,
            seconds=order.seconds,
            replay=order.replay,
            samples=order.starts,
        )
        found = strength(target, wish, replayer, progress)
    from verifier.mutation.document import dumped  # noqa: PLC0415 - likewise
    from verifier.mutation.text import closing, strength_lines  # noqa: PLC0415 - likewise

    status = Status.REFUTED if found.unexplained or found.stale else Status.PROVED
    if report == STDOUT:
        screen.out.file.write(dumped(found, target.image, status))
        return status
    screen.show([*strength_lines(found, target.image), closing(found)])
    if report is not None:
        write_whole(report, dumped(found, target.image, status))
    return status
