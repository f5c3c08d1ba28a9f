"""README's commands and tables; as a program (``python -m tests.docs.readme``) it renews them."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PROMPT, REST = "$ ", "..."
SECONDS = 120
BLOCK = re.compile(r"^```console(?: until=([^\n]*))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TABLE = re.compile(r"(<!-- verdicts of ([\w-]+) -->\n)((?:\|[^\n]*\n)*)")
STEADY = (
    (re.compile(r" +\d+(\.\d+)? s\b"), " 0 s"),
    (re.compile(r"\d+ solver questions?"), "0 solver questions"),
    (re.compile(r"by GNU assembler .*"), "by GNU assembler"),
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A command and what README shows of its output; ``until`` is where that ends."""

    command: str
    lines: tuple[str, ...]
    until: str | None


def shown(text: str) -> Iterator[Shown]:
    """Give every command that README shows with its output."""
    for block in BLOCK.finditer(text):
        for part in re.split(r"^\$ ", block[2], flags=re.MULTILINE)[1:]:
            command, *lines = part.splitlines()
            yield Shown(command, tuple(lines), block[1])


def run(command: str, folder: Path) -> tuple[int, list[str]]:
    """Run a command in ``folder``; give its exit code and what it prints on standard output."""
    words = shlex.split(command)
    if words[0] == "verifier":
        words[:1] = [sys.executable, "-m", "verifier"]
    done = subprocess.run(
        words,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    return done.returncode, [line.rstrip() for line in done.stdout.splitlines()]


def steady(line: str) -> str:
    """Give a line without what differs from run to run."""
    for pattern, replacement in STEADY:
        line = pattern.sub(replacement, line)
    return line.rstrip()


def matches(expected: tuple[str, ...], actual: list[str]) -> bool:
    """Say whether the lines are those expected; ``...`` at the end stands for the rest."""
    if expected and expected[-1] == REST:
        expected = expected[:-1]
        actual = actual[: len(expected)]
    return [steady(line) for line in expected] == [steady(line) for line in actual]


def table(target: str) -> str:
    """Give the verdicts that a spec records, as a table."""
    spec = tomllib.loads((ROOT / "specs" / target / "spec.toml").read_text())
    models = spec["models"]["use"]
    rows = [["claim", *models], ["---"] * (1 + len(models))]
    for claim in spec["claim"]:
        expect = claim.get("expect", {})
        rows.append([claim["id"], *(_cell(expect.get(model, "PROVED")) for model in models)])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _cell(expected: str | dict[str, str]) -> str:
    if isinstance(expected, str):
        return expected
    boundary = expected.get("boundary")
    if boundary is None:
        return expected["verdict"]
    since = boundary if boundary == "every load" else f"from {boundary}"
    return f"{expected['verdict']}, {since}"


def renewed(text: str, folder: Path) -> str:
    """Give README with what its commands print now, and what specs record."""

    def block(match: re.Match[str]) -> str:
        head = match[0].partition("\n")[0]
        told = [head]
        for each in shown(match[0]):
            _, lines = run(each.command, folder)
            told += [PROMPT + each.command, *_cut(lines, each.until)]
        return "\n".join([*told, "```"])

    return TABLE.sub(lambda match: match[1] + table(match[2]), BLOCK.sub(block, text))


def _cut(lines: list[str], until: str | None) -> list[str]:
    end = next((at for at, line in enumerate(lines) if until and until in line), len(lines))
    return [*lines[:end], *([REST] if end < len(lines) else [])]


def main() -> None:
    """Renew README in a copy of the specs, which its commands change."""
    import shutil  # noqa: PLC0415 - the tests have no use for it
    import tempfile  # noqa: PLC0415 - likewise

    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "specs", Path(folder) / "specs")
        README.write_text(renewed(README.read_text(), Path(folder)))


if __name__ == "__main__":
    main()
