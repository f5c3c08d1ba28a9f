"""README shows what its commands print, what specs record, and what there is."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.docs.readme import README, TABLE, matches, run, shown, table
from tests.house.test_imports import LEVEL_OF
from tests.kernels import SERIES, shipped
from verifier.cli.kernel import kernel_lines
from verifier.reporting.status import Status

if TYPE_CHECKING:
    from tests.conftest import Needs

TEXT = README.read_text()
COMMANDS = ("prove", "recheck", "replay", "show", "inspect", "gate", "mutate")
CODES = {"recheck": "34", "replay": "3", "mutate": "1"}
"""Exit codes of a command's own, beside 0, 2 and 5."""


def test_commands_print_what_is_shown(tmp_path: Path, root: Path) -> None:
    """Each command, run in README's order on a copy of the specs, prints what README shows."""
    shutil.copytree(root / "specs", tmp_path / "specs")
    commands = list(shown(TEXT))
    programs = [each.command.split()[0] for each in commands]
    assert programs == ["verifier", "sed", "verifier", "verifier"]
    for each in commands:
        _, lines = run(each.command, tmp_path)
        assert matches(each.lines, lines), f"{each.command}: python -m tests.docs.readme renews it"


def test_tables_are_what_specs_record(root: Path) -> None:
    """The verdicts of each target stand in README as its spec records them."""
    tables = {match[2]: match[3] for match in TABLE.finditer(TEXT)}
    assert set(tables) == {path.parent.name for path in (root / "specs").glob("*/spec.toml")}
    for target, rows in tables.items():
        assert rows == table(target), f"{target}: python -m tests.docs.readme renews it"


def test_targets_of_make_exist(root: Path) -> None:
    """Each ``make`` command that README names is a target of the Makefile."""
    named = set(re.findall(r"\bmake ([a-z]+)\b", TEXT)) - {"gcc"}
    targets = set(re.findall(r"^([a-z]+):", (root / "Makefile").read_text(), re.MULTILINE))
    assert {"prove", "test"} <= named <= targets


@pytest.mark.parametrize("command", COMMANDS)
def test_options_named_are_in_the_help(command: str, tmp_path: Path) -> None:
    """Every option in README's table is one of the command's, whose help has examples."""
    code, lines = run(f"verifier {command} --help", tmp_path)
    told = "\n".join(lines)
    assert code == 0
    assert "Examples:" in told
    assert f"  verifier {command}" in told
    rows = [line for line in TEXT.splitlines() if line.startswith(f"| `verifier {command}")]
    assert rows
    for row in rows:
        for option in re.findall(r"--[a-z-]+", row):
            assert option in told


def test_examples_of_help_are_commands(tmp_path: Path) -> None:
    """Every example that a help text gives uses options that this help explains."""
    for command in COMMANDS:
        _, lines = run(f"verifier {command} --help", tmp_path)
        told = "\n".join(lines)
        examples = re.findall(rf"^ +verifier ({command}\b.*)$", told, re.MULTILINE)
        assert examples
        for example in examples:
            for option in re.findall(r"--[a-z-]+", example):
                assert told.count(option) > 1, f"{example}: {option} is not explained"


def test_exit_codes_are_those_of_verdicts() -> None:
    """README's table has each exit code with its verdict."""
    rows = dict(re.findall(r"^\| (\d) \| ?([A-Z]*) \|", TEXT, re.MULTILINE))
    assert rows == {"0": "PROVED", "1": "REFUTED", "2": "", "3": "UNKNOWN", "4": "VACUOUS", "5": ""}
    for code, verdict in rows.items():
        if verdict:
            assert Status[verdict] == int(code)


@pytest.mark.parametrize(("command", "codes"), CODES.items())
def test_exit_codes_of_other_commands_are_told(command: str, codes: str, tmp_path: Path) -> None:
    """A command's row has a cell for each code that its help tells."""
    row = re.search(rf"^\| `{command}` \|(.*)\|$", TEXT, re.MULTILINE)
    assert row
    told = {code for code, cell in zip("01345", row[1].split("|"), strict=True) if cell.strip()}
    assert told == {"0", *codes, "5"}
    _, lines = run(f"verifier {command} --help", tmp_path)
    table = "\n".join(lines).partition("Exit codes")[2]
    assert set(re.findall(r"(?:^|  )([0-5])  \S", table, re.MULTILINE)) == told | {"2"}


def test_hook_is_one_of_ours(root: Path) -> None:
    """The hook in README's example exists, at the version that the package has."""
    example = re.search(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    assert example
    [repository] = yaml.safe_load(example[1])["repos"]
    hooks = yaml.safe_load((root / ".pre-commit-hooks.yaml").read_text())
    assert {each["id"] for each in repository["hooks"]} <= {each["id"] for each in hooks}


def test_map_of_rooms_is_the_house() -> None:
    """The map has every room at its level."""
    rows = re.findall(r"^\| (\d) \| (`.+?`) \|", TEXT[TEXT.index("## Rooms") :], re.MULTILINE)
    found = {
        name.rstrip("/"): int(level)
        for level, names in rows
        for name in re.findall(r"`(.+?)`", names)
    }
    assert found == {room: level for room, level in LEVEL_OF.items() if room != "__main__"}


def test_links_lead_somewhere(root: Path) -> None:
    """Every file that README, CONTRIBUTING and SOUNDNESS link to exists."""
    for name in ("README.md", "CONTRIBUTING.md", "SOUNDNESS.md", "specs/README.md"):
        page = root / name
        for link in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            assert link.startswith("https:") or (page.parent / link).exists(), f"{name}: {link}"


def test_package_has_the_readme(root: Path) -> None:
    """The distribution's description is README."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    assert project["readme"] == README.name


def test_kernel_is_fetched_and_found(tmp_path: Path, needs: Needs) -> None:
    """README's two lines fetch a kernel, here Debian's newest, and name one that can be proved."""
    section = TEXT[TEXT.index("## Check the kernel you run") :]
    block = re.search(r"```sh\n(.*?)```", section, re.DOTALL)
    assert block
    fetch, prove = block[1].splitlines()
    for program in ("apt-get", "dpkg-deb"):
        needs(program)
    (package,) = {shipped(next(iter(SERIES))).package.removesuffix("-unsigned")}
    assert fetch.count("linux-image-$(uname -r)") == 1
    script = fetch.replace("linux-image-$(uname -r)", package)
    subprocess.run(["bash", "-c", script], cwd=tmp_path, check=True, capture_output=True)
    command, pattern = prove.rsplit(" ", 1)
    assert command == "verifier prove"
    (kernel,) = tmp_path.glob(pattern)
    words = " ".join(line.plain.strip() for line in kernel_lines(kernel))
    assert words.startswith(f"{kernel.name}: a bzImage")
    assert "The EFI stub copies it at +" in words
