"""The commands with their help and examples. What they do is imported when they run."""

from __future__ import annotations

from pathlib import Path

import typer

from verifier.cli import options
from verifier.cli.options import Model, engine_names
from verifier.errors import BadInput

app = typer.Typer(
    rich_markup_mode=None,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

EXIT_CODES = """\b
Exit codes, the worst of a run:
  0  all proved            3  unknown
  1  refuted               4  vacuous: nothing was to show
  2  bad input             5  a bug of the verifier
"""
REPLAY_EXIT_CODES = """\b
Exit codes:
  0  the engines do as the file says    3  no engine can represent it
  2  bad input                          5  an engine contradicts the file
"""
RECHECK_EXIT_CODES = """\b
Exit codes:
  0  all obligations confirmed     3  a solver did not answer
  2  bad input, or tampered with   4  the bundle proves nothing
  5  a solver contradicts the bundle, or a certificate is rejected
"""


MUTATE_EXIT_CODES = """\b
Exit codes:
  0  no mutant survives unexplained
  1  one does, or an explanation in the spec is not needed
  2  bad input, or the target is not proved as it is
  5  a bug of the verifier
"""


@app.callback()
def verifier(*, version: options.Version = False) -> None:
    """Prove x86 boot trampolines for every load address, or show where they break.

    \b
    Examples:
      verifier prove                      all specs under specs/
      verifier prove /boot/vmlinuz        a kernel, as it ships
      verifier prove specs/la57-rfc       one target
      verifier show specs/la57-rfc        what it assumes and claims
    """  # noqa: D301 - Typer keeps lines as they are after a backspace
    del version


@app.command(
    epilog=EXIT_CODES, short_help="Prove what specs claim of their bytes, or show where it fails."
)
def prove(  # noqa: PLR0913 - one parameter for each option of the command line
    *,
    specs: options.Specs = None,
    model: options.Models = None,
    claim: options.Claims = None,
    without: options.Without = None,
    all_models: options.AllModels = False,
    explain: options.Explain = False,
    recorded: options.Recorded = False,
    json: options.Json = None,
    jobs: options.Jobs = 0,
    cex: options.KeepIn = None,
    image: options.Image = None,
    certify: options.Certify = None,
    solver_seconds: options.SolverSeconds = None,
) -> None:
    """Prove what specs claim of their bytes, or refute it by a start that another CPU confirms.

    A kernel as it ships, a bzImage, is judged by the specs that come with the verifier.

    \b
    Examples:
      verifier prove specs/la57-rfc
      verifier prove specs/la57-rfc --claim rsi-preserved --explain
      verifier prove specs/la57-rfc --model retaining --without stack-below-4g
      verifier prove specs/la57-rfc/broken/rsi-not-restored.toml
      verifier prove specs/la57-prepatch --all-models --json report.json
      verifier prove /boot/vmlinuz
      verifier prove trampoline --image vmlinuz
      verifier prove specs/la57-lowstack --certify bundle
    """  # noqa: D301 - Typer keeps lines as they are after a backspace
    from verifier.cli import prove as command  # noqa: PLC0415 - help must not wait for it
    from verifier.cli.choose import Wish  # noqa: PLC0415 - likewise

    if recorded and without:
        raise BadInput("--recorded drops the assumptions that specs name by itself")
    if recorded and certify is not None:
        raise BadInput("--recorded compares verdicts; a bundle is written without it")
    models = tuple(each.value for each in model or ())
    claims, dropped = tuple(claim or ()), tuple(without or ())
    wanted = (models, all_models, claims, dropped, explain, recorded, image)
    wish = Wish(*wanted, solver_seconds=solver_seconds)
    order = command.Order(tuple(specs or ()), wish, json, jobs, cex, certify)
    raise typer.Exit(command.prove(order))


@app.command(epilog=RECHECK_EXIT_CODES, short_help="Check a proof bundle with other solvers.")
def recheck(
    *,
    folder: options.Folder,
    solver: options.Solvers = None,
    seconds: options.Seconds = 60.0,
    json: options.Json = None,
) -> None:
    """Check a proof bundle: that it is whole, that the verdicts follow, and what solvers say.

    Nothing is lifted or executed again: the questions behind the proofs are put to Bitwuzla,
    cvc5 and z3.

    \b
    Examples:
      verifier recheck bundle
      verifier recheck bundle --solver bitwuzla --solver cvc5
      verifier recheck bundle --seconds 300 --json recheck.json
    """  # noqa: D301 - Typer keeps lines as they are after a backspace
    from verifier.cli import recheck as command  # noqa: PLC0415 - help must not wait for it

    names = tuple(each.value for each in solver or ())
    raise typer.Exit(command.recheck(folder, names, seconds, json))


@app.command(
    epilog=REPLAY_EXIT_CODES, short_help="Run a saved counterexample on another CPU implementation."
)
def replay(
    *, file: options.SavedFile, engine: options.Engines = None, trace: options.Trace = False
) -> None:
    """Run a saved counterexample on another CPU implementation.

    \b
    Examples:
      verifier replay counterexamples/la57-rfc.rsi-preserved.zeroing.json
      verifier replay counterexamples/la57-rfc.rsi-preserved.zeroing.json --engine bochs --trace
    """  # noqa: D301 - Typer keeps lines as they are after a backspace
    names = engine_names(engine)
    from verifier.cli import replay as command  # noqa: PLC0415 - help must not wait for it

    raise typer.Exit(command.replay(file, names, asked=engine is not None, trace=trace))


@app.command(short_help="Show what a spec assumes and claims, and its bytes by mode.")
def show(
    *,
    spec: options.OneSpec,
    model: options.OneModel = Model.RETAINING,
    image: options.Image = None,
    no_paths: options.NoPaths = False,
) -> None:
    """Show what a spec assumes and claims, its regions, and its bytes by mode.

    \b
    Examples:
      verifier show specs/la57-rfc
      verifier show specs/la57-rfc --model architectural
      verifier show specs/linux-bzimage/trampoline --image vmlinuz --no-paths
    """  # noqa: D301 - Typer keeps lines as they are after a backspace
    from verifier.cli import show as command  # noqa: PLC0415 - help must not wait for it

    raise typer.Exit(command.show(spec, model.value, image, paths=not no_paths))


@app.command(short_help="Show what is in a kernel or another image, without symbols.")
def inspect(*, image: options.OneImage, json: options.Json = None) -> None:
    """Show what is in a kernel or another image, found without its symbols.

    The header, the GDT, every switch between 64-bit and 32-bit code, the paging-mode trampoline
    and who copies, patches and calls it; for each, where it is and how it was derived.

    \b
    Examples:
      verifier inspect /boot/vmlinuz
      verifier inspect vmlinuz --json -
    """  # noqa: D301 - Typer keeps lines as they are after a backspace
    from verifier.cli import inspect as command  # noqa: PLC0415 - help must not wait for it

    raise typer.Exit(command.inspect(image, json))


@app.command(
    epilog=EXIT_CODES, short_help="Block a commit that breaks what this repository's specs promise."
)
def gate(
    *,
    root: options.Root = Path(),
    commit: options.Commit = None,
    on_disk: options.OnDisk = False,
) -> None:
    """Block a commit that breaks what this repository's specs promise.

    Proves every spec.toml that git tracks, with its source or image, as they are staged: what
    would be committed, whatever else is on disk. A promised claim that is neither proved nor
    recorded otherwise is shown with its counterexample, and the exit code is not 0.

    \b
    Examples:
      verifier gate
      verifier gate --commit HEAD
      verifier gate --root ../kernel --on-disk
    """  # noqa: D301 - Typer keeps lines as they are after a backspace
    from verifier.cli import gate as command  # noqa: PLC0415 - help must not wait for it

    if on_disk and commit is not None:
        raise BadInput("--on-disk judges no commit; leave one of them out")
    raise typer.Exit(command.gate(root, commit, on_disk=on_disk))


@app.command(
    epilog=MUTATE_EXIT_CODES,
    short_help="Show which small changes of the bytes no claim of a spec sees.",
)
def mutate(  # noqa: PLR0913 - one parameter for each option of the command line
    *,
    spec: options.OneSpec,
    model: options.Models = None,
    seed: options.Seed = None,
    sample: options.Sample = None,
    seconds: options.Patience = None,
    replay: options.ReplayKills = False,
    starts: options.Starts = 1,
    resume: options.Resume = None,
    assumptions: options.Negated = False,
    image: options.Image = None,
    json: options.Json = None,
) -> None:
    """Change a proved target's bytes in small ways, and show which changes no claim sees.

    Numbers, registers, operations, prefixes, whole instructions, and data that is read. A
    change that a claim is not proved of is killed; of the others it is shown whether they are
    equal in effect, or reached by no path. The rest survive: the spec lacks a claim, or says
    why not in a [[survivor]].

    \b
    Examples:
      verifier mutate specs/la57-rfc --sample 20 --seed 1
      verifier mutate specs/la57-lowstack --model retaining --time 600 --resume fates.json
      verifier mutate specs/la57-rfc --assumptions
    """  # noqa: D301 - Typer keeps lines as they are after a backspace
    from verifier.cli import mutate as command  # noqa: PLC0415 - help must not wait for it

    if seed is None and (sample is not None or seconds is not None):
        seed = options.drawn_seed()
    models = tuple(each.value for each in model or ())
    drawn = (seed, sample, seconds, replay, starts)
    order = command.Order(spec, models, *drawn, image, json, resume, assumptions)
    raise typer.Exit(command.mutate(order))
