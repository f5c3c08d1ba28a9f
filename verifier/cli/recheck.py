"""``recheck``: a proof bundle, read strictly and put to other solvers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from verifier.bundle.audit import audit
from verifier.bundle.read import read_bundle
from verifier.bundle.recheck import Plan, status_of
from verifier.bundle.recheck import recheck as ask_all
from verifier.bundle.report import Rechecked, dumped, recheck_lines
from verifier.bundle.second import put_to_acl2
from verifier.bundle.solvers import SolverName
from verifier.certificate.checking import why_refused
from verifier.cli.screen import Progress, Screen
from verifier.errors import BadInput
from verifier.reporting.files import write_whole

if TYPE_CHECKING:
    from verifier.reporting.status import Status

STDOUT = Path("-")


def recheck(folder: Path, solvers: tuple[str, ...], seconds: float, json: Path | None) -> Status:
    """Check that a bundle shows what it says, ask the solvers, and print what they say."""
    if json is not None and json != STDOUT and not json.absolute().parent.is_dir():
        raise BadInput(f"there is no folder '{json.parent}' to write the report to")
    bundle = read_bundle(folder)
    for part in bundle.parts:
        audit(part)
    names = tuple(dict.fromkeys(SolverName(each) for each in solvers)) or tuple(SolverName)
    plan = Plan(names, seconds, os.cpu_count() or 1, why_refused)
    screen = Screen()
    progress, checked = Progress(screen), []
    total = sum(len(part.obligations) for part in bundle.parts)
    with progress.shown():
        for each in ask_all(bundle, plan):
            checked.append(each)
            progress(f"{len(checked)} of {total} obligations")
        progress("certificates, by ACL2's checker")
        checked, unasked = put_to_acl2(checked)
    status = status_of(bundle, checked)
    found = Rechecked(bundle, checked, names, status, unasked)
    if json == STDOUT:
        screen.out.file.write(dumped(found))
        return status
    screen.show(recheck_lines(found))
    if json is not None:
        write_whole(json, dumped(found))
    return status
