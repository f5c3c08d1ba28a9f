"""The arguments and options of the commands, with their help and what a shell may complete."""

from __future__ import annotations

import secrets
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from verifier.cli.find import complete_ids, complete_spec


def drawn_seed() -> int:
    """Draw a seed, for a sample of which none was given."""
    return secrets.randbits(32)


class Model(Enum):
    """A processor model, by the name that specs give it."""

    ARCHITECTURAL = "architectural"
    RETAINING = "retaining"
    ZEROING = "zeroing"


class SolverChoice(Enum):
    """A solver to recheck a bundle with."""

    BITWUZLA = "bitwuzla"
    CVC5 = "cvc5"
    Z3 = "z3"


class EngineName(Enum):
    """A CPU implementation to replay on."""

    BOCHS = "bochs"
    QEMU = "qemu"


def engine_names(text: str | None) -> tuple[str, ...]:
    """Read ``bochs,qemu``; without a text, all there are."""
    known = [each.value for each in EngineName]
    if text is None:
        return tuple(known)
    names = dict.fromkeys(name.strip() for name in text.split(","))
    for name in names:
        if name not in known:
            raise typer.BadParameter(f"'{name}' is no engine: {' or '.join(known)}")
    return tuple(names)


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


Version = Annotated[
    bool,
    typer.Option(
        "--version",
        callback=_print_versions,
        is_eager=True,
        help="Print every version that a verdict depends on.",
    ),
]
Specs = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="SPEC|IMAGE",
        help="A folder with a spec.toml, such a file, or a kernel; without any, all under specs/.",
        autocompletion=complete_spec,
    ),
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
Claims = Annotated[
    list[str] | None,
    typer.Option(
        "--claim",
        "-c",
        metavar="ID",
        help="Judge this claim alone; repeatable.",
        autocompletion=_complete_claim,
    ),
]
Without = Annotated[
    list[str] | None,
    typer.Option(
        metavar="ID",
        help="Drop this assumption; repeatable.",
        autocompletion=_complete_assumption,
    ),
]
AllModels = Annotated[
    bool, typer.Option("--all-models", help="Judge under every model that the spec names.")
]
Explain = Annotated[
    bool, typer.Option("--explain", help="Say why: obligations, origins, whole paths.")
]
Recorded = Annotated[
    bool,
    typer.Option("--recorded", help="Compare all verdicts with those that the specs record."),
]
Json = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write a JSON report too; - for stdout.")
]
Jobs = Annotated[
    int,
    typer.Option(
        "--jobs", "-j", min=0, metavar="N", help="Specs proved at once; 0: one a processor."
    ),
]
KeepIn = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Keep counterexamples here, not in counterexamples/."),
]
Certify = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Write a proof bundle, which verifier recheck checks."),
]
Folder = Annotated[
    Path, typer.Argument(metavar="DIR", help="A folder that verifier prove --certify wrote.")
]
Solvers = Annotated[
    list[SolverChoice] | None,
    typer.Option(
        "--solver",
        metavar="NAME",
        help="Ask this solver alone; repeatable. One of bitwuzla, cvc5, z3; all unless given.",
    ),
]
Seconds = Annotated[
    float,
    typer.Option(min=0.1, metavar="N", help="Seconds that a solver has for one obligation."),
]
OneSpec = Annotated[
    Path,
    typer.Argument(metavar="SPEC", help="A spec.toml or its folder.", autocompletion=complete_spec),
]
OneModel = Annotated[
    Model, typer.Option("--model", "-m", help="The model whose paths give each byte's mode.")
]
Image = Annotated[
    Path | None,
    typer.Option(metavar="IMAGE", help="The kernel that specs of kernels are about."),
]
OneImage = Annotated[
    Path, typer.Argument(metavar="IMAGE", help="A bzImage; an ELF, PE or raw file.")
]
SavedFile = Annotated[Path, typer.Argument(metavar="CEX.json", help="A saved counterexample.")]
Engines = Annotated[
    str | None,
    typer.Option(
        metavar="NAME[,NAME]", help="bochs, qemu or both; all that are installed unless given."
    ),
]
Trace = Annotated[
    bool, typer.Option("--trace", help="Show each instruction as the engine executes it.")
]
Seed = Annotated[
    int | None,
    typer.Option(metavar="N", min=0, help="Draw mutants in the order that this seed gives."),
]
Sample = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="Judge this many mutants, drawn by a seed.")
]
Patience = Annotated[
    float | None,
    typer.Option("--time", metavar="SECONDS", min=0, help="Begin no mutant after this time."),
]
ReplayKills = Annotated[
    bool,
    typer.Option(
        "--replay", help="Give each killed mutant the verdict of prove, replayed; slower."
    ),
]
Starts = Annotated[
    int,
    typer.Option(
        metavar="N", min=0, help="Starts at each sampled load from which a survivor is replayed."
    ),
]
Negated = Annotated[
    bool,
    typer.Option(
        "--assumptions", help="Turn each assumption into its opposite, and show what that breaks."
    ),
]
Commit = Annotated[
    str | None,
    typer.Option(metavar="REV", help="Judge what this commit has, not what is staged."),
]
OnDisk = Annotated[
    bool,
    typer.Option("--on-disk", help="Judge the files as they are on disk, staged or not."),
]
Root = Annotated[Path, typer.Option(help="The repository; the current folder unless given.")]
