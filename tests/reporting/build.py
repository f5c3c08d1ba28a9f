"""Results made by hand: nothing is solved here."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.replay.build import CODE, long_mode
from tests.specification.build import read_text
from verifier.loading.image import Image, Line, digest_of
from verifier.machine.concrete import Override
from verifier.machine.models import ModelName
from verifier.machine.registers import ControlRegister, Gpr, Mode
from verifier.proving.result import (
    Boundary,
    Counterexample,
    Difference,
    End,
    Explanation,
    InputValue,
    Judge,
    Origin,
    ReplayWord,
    Report,
    Result,
    TraceLine,
)
from verifier.reporting.summary import ClaimSummary, Summary, Work
from verifier.specification.verdict import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from verifier.machine.concrete import Start

LOWEST, HIGHEST = 0x10_0000, 0x7FFF_FFFF_F000
FROM_4G = Boundary(
    first=1 << 32,
    last=HIGHEST,
    lowest=LOWEST,
    highest=HIGHEST,
    unbroken=True,
    proved_below=True,
)
EVERY_LOAD = Boundary(
    first=LOWEST,
    last=HIGHEST,
    lowest=LOWEST,
    highest=HIGHEST,
    unbroken=True,
    proved_below=True,
)
FROM_2G_TO_4G = Boundary(
    first=1 << 31,
    last=(1 << 32) - 0x1000,
    lowest=LOWEST,
    highest=HIGHEST,
    unbroken=True,
    proved_below=True,
)

CODE_BYTES = "48 c7 c0 07 00 00 00 48 89 c6 90"
"""mov $7, %rax; mov %rax, %rsi; nop."""


def step(number: int, address: int, mode: Mode = Mode.LONG_64, text: str = "nop") -> TraceLine:
    """Give one instruction of a path."""
    return TraceLine(
        number=number,
        address=address,
        place=f"image+{address - CODE:#x}",
        mode=mode.value,
        raw=b"\x90",
        text=text,
        origin="entry",
        source="sub/code.S:7",
        source_text=f"\t{text}",
    )


def start() -> Start:
    """Give a start that Bochs runs: it moves 7 to %rax and on to %rsi."""
    imposed = {2: (Override(Gpr.R9, 0xFF, 0x5A), Override(None, 1, 1))}
    return replace(long_mode(CODE_BYTES, gprs={Gpr.RSI: 1 << 32}), overrides=imposed)


def counterexample() -> Counterexample:
    """Give one that Bochs and QEMU confirm."""
    return Counterexample(
        start=start(),
        inputs=(
            InputValue("load", CODE, 64, matters=False),
            InputValue("rsi", 1 << 32, 64, matters=True),
            InputValue("rax", 0, 64, matters=False),
            InputValue("r9", 0, 64, matters=False),
            InputValue("cr4.PGE", 0, 1, matters=False),
            InputValue("low[0x10]", 0, 8, matters=False),
            InputValue("identity_end", 1 << 40, 64, matters=False),
        ),
        trace=(
            step(0, CODE, text="movq $7, %rax"),
            step(1, CODE + 7, text="movq %rax, %rsi"),
            step(2, CODE + 10),
        ),
        differences=(
            Difference("rsi", 7, 1 << 32),
            Difference("rax", 7, 0, compared=False),
        ),
        reason="rsi is 0x7 at the exit, not 0x100000000",
        steps=3,
        load=CODE,
        replays=(
            ReplayWord("bochs", "Bochs 2.8", Judge.CONFIRMED, "arrives after 3 instructions"),
            ReplayWord("qemu", "QEMU 7.2", Judge.NOT_REPRESENTABLE, "no such state"),
        ),
        end=End(
            rip=CODE + 11,
            gprs={Gpr.RSI: 7, Gpr.R9: 0x5A},
            controls={ControlRegister.CR3: long_mode("90").controls[ControlRegister.CR3]},
        ),
    )


def proved(claim: str = "cr3-below-4g", model: ModelName = ModelName.RETAINING) -> Result:
    """Give a proof with its explanation."""
    return Result(
        target="switch",
        claim=claim,
        model=model,
        verdict=Verdict.PROVED,
        assumptions=("load-range", "processor-state"),
        obligations=1,
        paths=1,
        instructions=35,
        seconds=0.25,
        explanation=Explanation(
            ("at the exit, low+0xc3a: rip == lvl5",),
            (Origin("rdi", "load + 0x33", "image+0x2c", "leaq 9(%rip), %rdi", "a/code.S:65"),),
        ),
    )


def refuted(claim: str = "rsi-preserved", boundary: Boundary | None = EVERY_LOAD) -> Result:
    """Give a confirmed refutation."""
    return Result(
        target="switch",
        claim=claim,
        model=ModelName.ZEROING,
        verdict=Verdict.REFUTED,
        assumptions=("load-range",),
        reason="rsi is 0x7 at the exit, not 0x100000000",
        paths=1,
        instructions=3,
        seconds=1.5,
        boundary=boundary,
        counterexample=counterexample(),
    )


def undecided(verdict: Verdict = Verdict.UNKNOWN) -> Result:
    """Give a result without an answer."""
    return Result(
        target="switch",
        claim="rsi-preserved",
        model=ModelName.ARCHITECTURAL,
        verdict=verdict,
        reason="at low+0xc00 (0f 0b, `ud2`): this instruction is not modelled",
        seconds=12.0,
    )


def summary(*results: Result, dropped: tuple[str, ...] = ()) -> Summary:
    """Give a summary of some results."""
    return Summary(
        target="switch",
        title="A switch",
        spec="specs/switch/spec.toml",
        source="code.S",
        digest="ab" * 32,
        size=186,
        producer="GNU assembler 2.40",
        notes=("code.S:9: Warning: no instruction mnemonic suffix",),
        load_name="load",
        assumptions={"load-range": "The load address\nis a page.", "spare": "Never needed."},
        claims={
            "cr3-below-4g": ClaimSummary("CR3 is low.", "value < 1 << 32", (), {}),
            "rsi-preserved": ClaimSummary(
                "%rsi keeps its bits.", "rsi == entry.rsi", (ModelName.RETAINING,), {}
            ),
        },
        results=results,
        dropped=dropped,
        unneeded=("spare",),
        work=Work(
            paths=2, instructions=70, questions=84, solver_seconds=1.25, seconds=3.5, samples=2
        ),
    )


def image() -> Image:
    """Give an image with a label, a line table and some data behind its code."""
    data = bytes.fromhex(CODE_BYTES) + bytes(16)
    return Image(
        name="code.S",
        data=data,
        symbols={"entry": 0, "data": 11},
        constants={},
        lines=(Line(0, 7, "sub/code.S", 7, "movq $7, %rax"),),
        digest=digest_of(data),
        producer="GNU assembler 2.40",
    )


def report(folder: Path, *results: Result, dropped: tuple[str, ...] = ()) -> Report:
    """Give a report on the small spec of the specification's tests."""
    return Report(
        spec=read_text(folder),
        image=image(),
        results=results,
        dropped=dropped,
        unneeded=("spare",),
        samples=2,
        seconds=3.5,
        solver_questions=84,
        solver_seconds=1.25,
    )
