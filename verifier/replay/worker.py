"""A process that holds one Bochs CPU and answers replays: ``python -m verifier.replay.worker``.

Requests come on standard input and replies go to standard output, as ``message`` says. The
one argument is ``la57`` or ``no-la57``: the CPU model, fixed for the life of the process.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback

from verifier.replay.bochs_machine import Machine
from verifier.replay.bochs_run import Run
from verifier.replay.message import RunReply, RunRequest, pack, receive_request


def answer(machine: Machine, request: RunRequest) -> RunReply:
    """Give what one run shows, or how it broke."""
    try:
        return Run(machine, request).answer()
    except Exception:  # noqa: BLE001 - told to the main process, which ends this one
        return {"failed": traceback.format_exc(limit=4)}


def main() -> None:
    """Answer requests until the other end closes the pipe."""
    requests = os.fdopen(os.dup(0), "rb")
    replies = os.fdopen(os.dup(1), "wb")
    # Whatever the library itself prints must not land among the replies.
    os.dup2(2, 1)
    # An interrupt from the terminal is the parent's to answer.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    machine = Machine(has_la57=sys.argv[1] == "la57")
    while (request := receive_request(requests)) is not None:
        # If the parent died, nobody else ends a run without end.
        signal.alarm(request["seconds"])
        reply = answer(machine, request)
        signal.alarm(0)
        replies.write(pack(reply))
        replies.flush()
    # The library's own teardown crashes after a session has run.
    os._exit(0)


if __name__ == "__main__":
    main()
