"""``gate``: whether a repository's specs still hold, for the moment before a commit."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from verifier.cli.bugs import keep_bug
from verifier.cli.choose import Wish
from verifier.cli.find import present
from verifier.cli.git import ask_git
from verifier.cli.prove import KEPT_IN, watched
from verifier.cli.screen import Progress, Screen
from verifier.cli.tree import Tree, tree_of
from verifier.cli.work import Outcome, judge_all
from verifier.errors import BadInput, printable
from verifier.reporting.recorded_text import gate_lines
from verifier.reporting.saved import save
from verifier.reporting.status import Status, worst
from verifier.reporting.wording import line

if TYPE_CHECKING:
    from verifier.machine.models import ModelName
    from verifier.reporting.recorded import Disagreement
    from verifier.reporting.summary import Summary


def gate(root: Path, commit: str | None = None, *, on_disk: bool = False) -> Status:
    """Prove what the specs under ``root`` promise; 0 lets the commit pass.

    They are judged as they are staged, as ``commit`` has them, or as they are on disk.
    """
    screen = Screen()
    with tree_of(root, commit, on_disk=on_disk) as tree:
        if not tree.specs:
            raise BadInput(f"{_where(root, commit)} has no spec.toml: there is nothing to prove")
        screen.show(line(each) for each in (tree.told, *tree.notes))
        specs = present(tree.specs, lambda told: screen.complain(tree.named(told)))
        progress, keep_in = Progress(screen), _private(root)
        outcomes = judge_all(
            specs, Wish(), os.cpu_count() or 1, lambda told: progress(tree.named(told))
        )
        statuses = [
            each
            for one in watched(outcomes, progress)
            for each in _tell(_named(one, tree), screen, keep_in)
        ]
    if not statuses:
        screen.complain("no spec here promises anything, so nothing was checked")
    return worst(statuses)


def _where(root: Path, commit: str | None) -> str:
    return f"what git tracks in '{root}'" if commit is None else f"'{root}' in commit {commit}"


def _named(outcome: Outcome, tree: Tree) -> Outcome:
    """Give an outcome in which files have the names by which users know them."""
    summaries = tuple(replace(one, spec=tree.named(one.spec)) for one in outcome.summaries)
    return replace(outcome.named(tree.named), summaries=summaries)


def _tell(outcome: Outcome, screen: Screen, keep_in: Path) -> list[Status]:
    """Print what came of one spec; give a status for each promise that was looked at."""
    if outcome.bad is not None:
        screen.complain(printable(str(outcome.bad)))
        return [Status.BAD_INPUT]
    if outcome.bug is not None:
        name = outcome.spec.resolve().name
        screen.complain(keep_bug(*outcome.bug, keep_in, name))
        return [Status.BUG]
    statuses = []
    for summary in outcome.summaries:
        blocking = {(each.claim, each.model): each for each in outcome.disagreements}
        kept = _kept(summary, blocking, keep_in)
        layout = screen.layout(everything=False)
        screen.show([*gate_lines(kept, outcome.disagreements, layout), line()])
        kept_promises = [Status.PROVED] * (len(summary.results) - len(blocking))
        statuses += [*kept_promises, *(each.status for each in blocking.values())]
    return statuses


def _kept(
    summary: Summary, blocking: dict[tuple[str, ModelName], Disagreement], folder: Path
) -> Summary:
    saved = {}
    for result in summary.results:
        key = result.claim, result.model
        if key in blocking and (path := save(summary, result, folder)) is not None:
            saved[key] = str(path)
    return replace(summary, saved=saved)


def _private(root: Path) -> Path:
    """Give a folder that no commit takes in: git's own, where there is one."""
    told = ask_git(root, "rev-parse", "--git-path", "verifier")
    return root / (KEPT_IN if told is None else os.fsdecode(told.rstrip(b"\n")))
