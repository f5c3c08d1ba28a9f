"""A process of ours ends with the one that started it, however that one ends."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal

from verifier.errors import Bug

PR_SET_PDEATHSIG = 1
"""The request of prctl(2) for a signal at the end of the parent."""


def end_with_parent() -> None:
    """Have Linux kill this process, one that multiprocessing spawned, once its parent is gone.

    A parent that is killed cannot tell its workers, which wait for work for good.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        raise Bug("a process that nobody spawned is to end with its parent")
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    # Of an end that came before the request no signal tells.
    if os.getppid() != parent.pid:
        os._exit(1)
