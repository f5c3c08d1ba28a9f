"""The arguments and options of the commands, with their help and what a shell may complete."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from verifier.cli.find import complete_ids, complete_spec
from verifier.cli.foreign import not_foreign
from verifier.errors import BadInput, nearest

_HIGHEST = 1_000_000_000
"""What a number of an option may be at most, unless it is a seed."""
_HIGHEST_SEED = (1 << 64) - 1


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


Choice = TypeVar("Choice", bound=Enum)


def _one_of(choices: type[Choice], word: str) -> Callable[[str], Choice]:
    """Give what reads one of a few names."""
    named = {str(each.value): each for each in choices}

    def read(text: str | Choice) -> Choice:
        if not isinstance(text, str):
            return text
        if text not in named:
            raise BadInput(f"there is no {word} '{text}'; {nearest(text, named)}")
        return named[text]

    return read


def _number(
    option: str, lowest: float, kind: type[int | float] = int, highest: int = _HIGHEST
) -> Callable[[str], Any]:
    """Give what reads a number of an option, whole unless ``kind`` is float."""
    wanted = f"a {'whole ' if kind is int else ''}number from {lowest} to {highest}"

    def read(text: str | float) -> float:
        try:
            value = kind(text)
        except (ValueError, OverflowError):
            value = kind(-1)
        if not lowest <= value <= highest:
            raise BadInput(f"{option} is '{text}'; it must be {wanted}")
        return value

    return read


def engine_names(text: str | None) -> tuple[str, ...]:
    """Read ``bochs,qemu``; without a text, all there are."""
    known = [each.value for each in EngineName]
    if text is None:
        return tuple(known)
    read = _one_of(EngineName, "engine")
    return tuple(dict.fromkeys(read(name.strip()).value for name in text.split(",")))


def _specs_of(context: typer.Context) -> list[Path]:
    return [Path(spec) for spec in context.params.get("specs") or ()]


def _complete_claim(context: typer.Context, incomplete: str) -> list[str]:
    return complete_ids(_specs_of(context), "claim", incomplete)


def _complete_assumption(context: typer.Context, incomplete: str) -> list[str]:
    return complete_ids(_specs_of(context), "assume", incomplete)


def _complete_model(incomplete: str) -> list[str]:
    return [each.value for each in Model if each.value.startswith(incomplete)]


def _model(told: str) -> Any:  # noqa: ANN401 - what Typer takes in an Annotated
    """Give the option that names a model, with its help."""
    return typer.Option(
        "--model",
        "-m",
        parser=_one_of(Model, "model"),
        metavar="MODEL",
        autocompletion=_complete_model,
        help=told,
    )


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
        callback=not_foreign,
    ),
]
Models = Annotated[
    list[Model] | None,
    _model(
        "Judge under this model, not those promised; repeatable. "
        "One of architectural, retaining, zeroing."
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
        "--jobs",
        "-j",
        parser=_number("--jobs", 0),
        metavar="N",
        help="Specs proved at once; 0: one a processor.",
    ),
]
KeepIn = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Keep counterexamples here, not in counterexamples/."),
]
SolverSeconds = Annotated[
    int | None,
    typer.Option(
        parser=_number("--solver-seconds", 1),
        metavar="N",
        help="Processor seconds for one question to the solver, not those of the spec.",
    ),
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
        parser=_one_of(SolverChoice, "solver"),
        metavar="NAME",
        help="Ask this solver alone; repeatable. One of bitwuzla, cvc5, z3; all unless given.",
    ),
]
Seconds = Annotated[
    float,
    typer.Option(
        parser=_number("--seconds", 0.1, float),
        metavar="N",
        help="Seconds that a solver has for one obligation.",
    ),
]
OneSpec = Annotated[
    Path,
    typer.Argument(metavar="SPEC", help="A spec.toml or its folder.", autocompletion=complete_spec),
]
OneModel = Annotated[
    Model,
    _model("The model whose paths give each byte's mode."),
]
NoPaths = Annotated[
    bool,
    typer.Option("--no-paths", help="Follow no path, which may take minutes; leave the bytes out."),
]
Image = Annotated[
    Path | None,
    typer.Option(
        metavar="IMAGE",
        help="The kernel that specs of kernels are about.",
        callback=not_foreign,
    ),
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
    typer.Option(
        parser=_number("--seed", 0, highest=_HIGHEST_SEED),
        metavar="N",
        help="Draw mutants in the order that this seed gives.",
    ),
]
Sample = Annotated[
    int | None,
    typer.Option(
        parser=_number("--sample", 1),
        metavar="N",
        help="Judge this many mutants, drawn by a seed.",
    ),
]
Patience = Annotated[
    float | None,
    typer.Option(
        "--time",
        parser=_number("--time", 0, float),
        metavar="SECONDS",
        help="Begin no mutant after this time.",
    ),
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
        parser=_number("--starts", 0),
        metavar="N",
        help="Starts at each sampled load from which a survivor is replayed.",
    ),
]
Resume = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Keep each fate in this file, and go on from those that it holds."
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
