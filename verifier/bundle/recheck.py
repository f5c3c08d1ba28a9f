"""Asks other solvers what a bundle says that one answered, and judges what they say.

Nothing is derived anew: no lifter, no execution, none of our own expressions.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from verifier.bundle.kinds import Answer
from verifier.bundle.solvers import Reply, SolverName, ask, confine
from verifier.errors import BadInput
from verifier.reporting.status import Status

if TYPE_CHECKING:
    from verifier.bundle.part import Bundle, Obligation

CheckCertificate = Callable[[str, str], "str | None"]
"""Gives why a proof in LRAT, the second text, does not refute an obligation's script, the first."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Whom to ask, for how many seconds at most each time, in how many processes.

    ``certificates`` checks those that lie beside obligations, None where nothing can.
    """

    solvers: tuple[SolverName, ...] = tuple(SolverName)
    seconds: float = 60.0
    jobs: int = 1
    certificates: CheckCertificate | None = None


class Standing(Enum):
    """What became of an obligation."""

    CONFIRMED = "confirmed"
    UNKNOWN = "unknown"
    REJECTED = "rejected"
    CONTRADICTED = "contradicted"


@dataclass(frozen=True, slots=True)
class Checked:
    """An obligation with what each solver replied, and what became of its certificate.

    ``certified`` is the word of our own checker, ``acl2`` that of ACL2's, each None where it was
    not asked; ``why`` says why ours rejects it.
    """

    obligation: Obligation
    replies: tuple[Reply, ...]
    certified: bool | None = None
    acl2: bool | None = None
    why: str = ""

    @property
    def standing(self) -> Standing:
        """Judge: a solver that contradicts wins, then a rejected certificate, then silence."""
        answers = {reply.answer for reply in self.replies}
        if answers - {self.obligation.expected, Answer.UNKNOWN}:
            return Standing.CONTRADICTED
        if self.certified is False or self.acl2 is False:
            return Standing.REJECTED
        if Answer.UNKNOWN in answers or not answers:
            return Standing.UNKNOWN
        return Standing.CONFIRMED


def require_installed(solvers: Sequence[SolverName]) -> None:
    """Refuse to ask a solver that is not there."""
    for each in solvers:
        if not each.version:
            raise BadInput(f"{each.value} is not installed (pip install {each.value})")


def recheck(bundle: Bundle, plan: Plan) -> Iterator[Checked]:
    """Ask every solver of every obligation, and give each as soon as all have replied."""
    require_installed(plan.solvers)
    obligations = [each for part in bundle.parts for each in part.obligations]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(plan.jobs, context, confine) as pool:
        try:
            asked = [
                [(name, _submit(pool, name, each, plan)) for name in plan.solvers]
                for each in obligations
            ]
            for each, futures in zip(obligations, asked, strict=True):
                replies = tuple(_reply(name, future) for name, future in futures)
                certified, why = _certified(each, plan)
                yield Checked(each, replies, certified, why=why)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _submit(
    pool: ProcessPoolExecutor, name: SolverName, obligation: Obligation, plan: Plan
) -> Future[Reply] | None:
    try:
        return pool.submit(ask, name, obligation.text, plan.seconds)
    except BrokenProcessPool:
        return None


def _reply(name: SolverName, future: Future[Reply] | None) -> Reply:
    try:
        if future is not None:
            return future.result()
    except BrokenProcessPool:
        pass
    return Reply(name, Answer.UNKNOWN, 0.0, "the process of a solver died")


def _certified(obligation: Obligation, plan: Plan) -> tuple[bool | None, str]:
    if obligation.certificate is None or plan.certificates is None:
        return None, ""
    why = plan.certificates(obligation.text, obligation.certificate)
    return why is None, why or ""


def status_of(bundle: Bundle, checked: Sequence[Checked]) -> Status:
    """Give the exit code: 5 for a contradiction or rejection, 4 without a proof, 3 for silence."""
    standings = {each.standing for each in checked}
    if standings & {Standing.CONTRADICTED, Standing.REJECTED}:
        return Status.BUG
    if not any(claim.verdict == "PROVED" for part in bundle.parts for claim in part.claims):
        return Status.VACUOUS
    return Status.UNKNOWN if Standing.UNKNOWN in standings else Status.PROVED
