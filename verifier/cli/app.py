"""The commands with their arguments, help and examples. What they do is imported when they run."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from verifier.cli.find import complete_ids, complete_spec

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


class Model(Enum):
    """A processor model, by the name that specs give it."""

    ARCHITECTURAL = "architectural"
    RETAINING = "retaining"
    ZEROING = "zeroing"


class EngineName(Enum):
    """A CPU implementation to replay on."""

    BOCHS = "bochs"
    QEMU = "qemu"


def _specs_of(context: typer.Context) -> list[Path]:
    return [Path(spec) for spec in context.params.get("specs") or ()]


def _complete_claim(context: typer.Context, incomplete: str) -> list[str]:
    return complete_ids(_specs_of(context), "claim", incomplete)


def _complete_assumption(context: typer.Context, incomplete: str) -> list[str]:
    return complete_ids(_specs_of(context), "assume", incomplete)


def _print_versions(value: bool) -> None:  # noqa: FBT001 - Typer passes an option's value so
    if value:
        from verifier.cli.versions import tools  # noqa: PLC0415 - only for --version

        for name, version in tools().items():
            typer.echo(f"{name} {version}")
        raise typer.Exit


SPEC_HELP = "A folder with a spec.toml, or such a file; without any, all under specs/."
Specs = Annotated[
    list[Path] | None,
    typer.Argument(metavar="SPEC", help=SPEC_HELP, autocompletion=complete_spec),
]
OneSpec = Annotated[
    Path,
    typer.Argument(metavar="SPEC", help="A spec.toml or its folder.", autocompletion=complete_spec),
]
Models = Annotated[
    list[Model] | None,
    typer.Option(
        "--model",
        "-m",
        metavar="MODEL",
        help="Judge under this model, not those promised; repeatable. "
        "One of architectural, retaining, zeroing.",
    ),
]


@app.callback()
def verifier(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_versions,
            is_eager=True,
            help="Print every version that a verdict depends on.",
        ),
    ] = False,
) -> None:
    """Prove x86 boot trampolines for every load address, or show where they break.

    \b
    Examples:
      verifier prove                      all specs under specs/
      verifier prove specs/la57-rfc       one target
      verifier show specs/la57-rfc        what it assumes and claims
    """  # noqa: D301 - Typer keeps lines as they are after a backspace
    del version


@app.command(epilog=EXIT_CODES)
def prove(  # noqa: PLR0913 - one parameter for each option of the command line
    *,
    specs: Specs = None,
    model: Models = None,
    claim: Annotated[
        list[str] | None,
        typer.Option(
            "--claim",
            "-c",
            metavar="ID",
            help="Judge this claim alone; repeatable.",
            autocompletion=_complete_claim,
        ),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID",
            help="Drop this assumption; repeatable.",
            autocompletion=_complete_assumption,
        ),
    ] = None,
    all_models: Annotated[
        bool, typer.Option("--all-models", help="Judge under every model that the spec names.")
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say why: obligations, origins, whole paths.")
    ] = False,
    recorded: Annotated[
        bool,
        typer.Option("--recorded", help="Compare all verdicts with those that the specs record."),
    ] = False,
    json: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a JSON report too; - for stdout.")
    ] = None,
    jobs: Annotated[
        int,
        typer.Option(
            "--jobs", "-j", min=0, metavar="N", help="Specs proved at once; 0: one a processor."
        ),
    ] = 0,
    cex: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keep counterexamples here, not in counterexamples/."),
    ] = None,
) -> None:
    """Prove what specs claim of their bytes, or refute it by a start that another CPU confirms.

    \b
    Examples:
      verifier prove specs/la57-rfc
      verifier prove specs/la57-rfc --claim rsi-preserved --explain
      verifier prove specs/la57-rfc --model retaining --without stack-below-4g
      verifier prove specs/la57-prepatch --all-models --json report.json
      verifier prove --recorded
    """  # noqa: D301 - Typer keeps lines as they are after a backspace
    from verifier.cli.prove import Order  # noqa: PLC0415 - help must not wait for it
    from verifier.cli.prove import prove as run  # noqa: PLC0415 - likewise
    from verifier.cli.work import Wish  # noqa: PLC0415 - likewise

    wish = Wish(
        models=tuple(each.value for each in model or ()),
        all_models=all_models,
        claims=tuple(claim or ()),
        without=tuple(without or ()),
        explain=explain,
        recorded=recorded,
    )
    if recorded and without:
        raise typer.BadParameter("--recorded drops the assumptions that specs name by itself")
    raise typer.Exit(run(Order(tuple(specs or ()), wish, json, jobs, cex)))


@app.command(
    epilog="""\b
Exit codes: 0 the engines do as the file says, 5 one contradicts it,
3 none can represent it, 2 bad input.
"""
)
def replay(
    *,
    file: Annotated[Path, typer.Argument(metavar="CEX.json", help="A saved counterexample.")],
    engine: Annotated[
        str | None,
        typer.Option(
            metavar="NAME[,NAME]", help="bochs, qemu or both; all installed unless given."
        ),
    ] = None,
    trace: Annotated[
        bool, typer.Option("--trace", help="Show each instruction as the engine executes it.")
    ] = False,
) -> None:
    """Run a saved counterexample on another CPU implementation.

    \b
    Examples:
      verifier replay counterexamples/la57-rfc.rsi-preserved.zeroing.json
      verifier replay counterexamples/la57-rfc.rsi-preserved.zeroing.json --engine bochs --trace
    """  # noqa: D301 - Typer keeps lines as they are after a backspace
    from verifier.cli.replay import replay as run  # noqa: PLC0415 - help must not wait for it

    names = tuple(EngineName)
    if engine is not None:
        known = {each.value: each for each in EngineName}
        asked = [name.strip() for name in engine.split(",")]
        for name in asked:
            if name not in known:
                raise typer.BadParameter(f"'{name}' is no engine: bochs or qemu")
        names = tuple(known[name] for name in dict.fromkeys(asked))
    chosen = tuple(each.value for each in names)
    raise typer.Exit(run(file, chosen, asked=engine is not None, trace=trace))


@app.command()
def show(
    *,
    spec: OneSpec,
    model: Annotated[
        Model, typer.Option("--model", "-m", help="The model whose paths give each byte's mode.")
    ] = Model.RETAINING,
) -> None:
    """Show what a spec assumes and claims, its regions, and its bytes by mode.

    \b
    Examples:
      verifier show specs/la57-rfc
      verifier show specs/la57-rfc --model architectural
    """  # noqa: D301 - Typer keeps lines as they are after a backspace
    from verifier.cli.show import show as run  # noqa: PLC0415 - help must not wait for it

    raise typer.Exit(run(spec, model.value))


@app.command(epilog=EXIT_CODES)
def gate(
    *,
    root: Annotated[
        Path, typer.Option(help="The repository; the current folder unless given.")
    ] = Path(),
) -> None:
    """Block a commit that breaks what this repository's specs promise.

    Proves every spec.toml that git tracks. A promised claim that is neither proved nor
    recorded otherwise is shown with its counterexample, and the exit code is not 0.

    \b
    Examples:
      verifier gate
      verifier gate --root ../kernel
    """  # noqa: D301 - Typer keeps lines as they are after a backspace
    from verifier.cli.gate import gate as run  # noqa: PLC0415 - help must not wait for it

    raise typer.Exit(run(root))
