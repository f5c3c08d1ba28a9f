"""The command line: arguments in, report and exit code out.

Nothing here imports what proves or replays before a command needs it: help, completion
and usage errors answer at once.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence

from verifier.errors import BadInput, printable

INTERRUPTED, PIPE_CLOSED = 130, 141
BAD_INPUT, BUG = 2, 5
SELDOM = (100_000, 20, 50)
"""When to look for garbage: modules and expressions are many, and live to the end."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code; whatever went wrong is told in a sentence."""
    try:
        code = _run(sys.argv[1:] if arguments is None else list(arguments))
        sys.stdout.flush()
    except BrokenPipeError:
        # What Python writes at its own end would fail once more, and say so.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return PIPE_CLOSED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BadInput as error:
        from verifier.cli.find import shown  # noqa: PLC0415 - needed only here

        sys.stderr.write(f"{printable(shown(str(error)))}\n")
        return BAD_INPUT
    except Exception as error:  # noqa: BLE001 - whatever else comes up is our mistake
        from verifier.cli.bugs import tell_bug  # noqa: PLC0415 - needed only here

        tell_bug(error)
        return BUG
    return code


def _run(arguments: list[str]) -> int:
    gc.set_threshold(*SELDOM)
    from verifier.cli.app import app  # noqa: PLC0415 - an interrupt while it loads is ours too

    try:
        app(args=arguments, prog_name="verifier")
    except SystemExit as end:
        # Both Typer and Rich turn a closed pipe into an exit with 1, which is that of a refutation.
        if isinstance(end.__context__, BrokenPipeError):
            raise end.__context__ from None
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0
