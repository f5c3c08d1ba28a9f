"""A small spec of a few instructions, built where a test wants it, and its verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from verifier.machine.models import ModelName
from verifier.proving.target import Choice
from verifier.verify import Options, verify

if TYPE_CHECKING:
    from pathlib import Path

    from verifier.proving.result import Result
    from verifier.replay.replayer import Replayer

HEAD = """\
title = "A few instructions"
[image]
source = "code.S"
base = "load"
[inputs]
load = "where the image is"
end = "where the identity map ends"
tables_base = "where the loader's tables are"
{inputs}
[entry]
at = "entry"
mode = "{mode}"
segments = {{ ss = "{ss}", ds = "flat", es = "flat" }}
[exit]
at = "leave"
[regions.image]
holds = "image"
rights = "rwx"
[regions.stack]
base = "rsp - 64"
size = 64
"""

PAGING = """\
[regions.tables]
base = "tables_base"
size = 0x3000
rights = "r"
[paging]
root = "cr3 & 0x000ffffffffff000"
levels = 4
identity_end = "end"
tables = "tables"
"""

USUAL = {
    "load-low": "aligned(load, 0x1000) and 0x100000 <= load < 1 << 39",
    "stack-low": "rsp >= 0x1000 and rsp < 1 << 39",
    "apart": "disjoint(image, stack)",
    "quiet": "rflags.IF == 0 and rflags.TF == 0 and rflags.DF == 0 and cr4.CET == 0",
}
LONG = {
    "end": "end == 1 << 40 and cpu.physical_limit >= 1 << 40",
    "tables-low": "aligned(tables_base, 0x1000) and tables_base < 1 << 39",
    "root": "cr3 & 0x000ffffffffff000 == tables_base",
    "tables-apart": "disjoint(image, stack, tables)",
    "plain": "cr4.LA57 == 0 and cr4.PCIDE == 0",
}
PROTECTED = {"paging-off": "load < 1 << 31 and rsp < 1 << 31"}


@dataclass(frozen=True, slots=True)
class Small:
    """What a small spec is made of; ``assume`` is added to what is usual.

    ``regions`` and ``claims`` are TOML tables; a claim may be an expression at the exit alone.
    """

    code: str
    claims: tuple[str, ...]
    assume: tuple[str, ...] = ()
    regions: str = ""
    inputs: tuple[str, ...] = ()
    long: bool = True
    drop: tuple[str, ...] = ()
    more: str = ""
    ss: str = "flat"


def calling(code: str, claim: str) -> Small:
    """Give a spec of code that calls, through RSI, a callee that a contract stands for."""
    assume = (
        "rsi == callee_at and callee_at >= 0x1000 and callee_at < 1 << 39",
        "disjoint(image, stack, tables, callee)",
    )
    region = '[regions.callee]\nbase = "callee_at"\nsize = 256\nrights = "rx"\n'
    contract = '[[contract]]\nid = "callee"\ntext = "It is so."\nentry = "callee_at"\n'
    more = f'{contract}stack = 8\nabi = "sysv"\n'
    return Small(code, (claim,), assume, region, ("callee_at",), more=more)


def write(folder: Path, small: Small) -> Path:
    """Write the spec and its source; give the spec's path."""
    mode = "LONG_64" if small.long else "PROTECTED_32"
    inputs = "\n".join(f'{name} = "an input"' for name in small.inputs)
    facts = USUAL | (LONG if small.long else PROTECTED)
    facts |= {f"given-{number}": text for number, text in enumerate(small.assume)}
    parts = [HEAD.format(mode=mode, inputs=inputs, ss=small.ss), small.regions]
    parts += [PAGING] if small.long else []
    parts += [
        f'[[assume]]\nid = "{name}"\ntext = "It is so."\nholds = "{text}"\n'
        for name, text in facts.items()
        if name not in small.drop
    ]
    parts += [_claim(number, claim) for number, claim in enumerate(small.claims)]
    folder.mkdir(exist_ok=True)
    code = f"\t.text\n\t.code{64 if small.long else 32}\nentry:\n{small.code}\n"
    (folder / "code.S").write_text(code, encoding="utf-8")
    (folder / "spec.toml").write_text("\n".join([*parts, small.more]), encoding="utf-8")
    return folder


def _claim(number: int, claim: str) -> str:
    head = f'[[claim]]\nid = "claim-{number}"\ntext = "It holds."\n'
    return head + (claim if "\n" in claim else f'at = "exit"\nholds = "{claim}"\n')


def verdicts(
    folder: Path, small: Small, replayer: Replayer, model: ModelName = ModelName.RETAINING
) -> list[Result]:
    """Give the result of each claim under one model."""
    spec = write(folder, small)
    choice = Choice(models=(model,))
    report = verify(spec, Options(choice, samples=0), replayer, lambda _: None)
    return list(report.results)
