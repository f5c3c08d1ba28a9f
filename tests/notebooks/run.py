"""Notebooks, executed; as a program (``python -m tests.notebooks.run``) it stores the outputs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

FORMAT: Any = nbformat
"""Comes without types."""
FOLDER = Path(__file__).parents[2] / "notebooks"
SECONDS_A_CELL = 120
DIGITS = re.compile(r"\b\d+(\.\d+)? s\b")
VERSION = re.compile(r"\b(bochscpu-python|QEMU emulator version) [\w.:+~()-]+")
NUMBER = re.compile(r"\b0x[0-9a-f]+\b")
KEPT = ("text/html", "text/plain")


def read(path: Path) -> Any:  # noqa: ANN401 - notebooks have no types
    """Give a notebook as it is stored."""
    return FORMAT.read(path, as_version=4)


def executed(path: Path) -> Any:  # noqa: ANN401 - likewise
    """Give the notebook with the outputs that it has now; a cell that raises raises here."""
    notebook = read(path)
    NotebookClient(
        notebook,
        timeout=SECONDS_A_CELL,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
    ).execute()
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            if "text/html" in output.get("data", {}):
                output.data = {"text/html": output.data["text/html"], "text/plain": "a table"}
    notebook.metadata["language_info"] = {"name": "python"}
    return notebook


def stable(notebook: Any) -> list[list[str]]:  # noqa: ANN401 - likewise
    """Give the outputs, cell by cell, without what changes from run to run."""
    return [
        [steady(text) for output in cell.get("outputs", ()) for text in _texts(output)]
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def steady(text: str) -> str:
    """Give a text with its times and versions masked, a refutation without its numbers.

    Which of many starts a counterexample is, the solver chooses anew in each run.
    """
    if "REFUTED" in text or "confirms" in text:
        text = text.partition("<table")[0]
    return NUMBER.sub("0x...", VERSION.sub(r"\1 ...", DIGITS.sub("... s", text)))


def _texts(output: Any) -> list[str]:  # noqa: ANN401 - likewise
    if output.output_type == "stream":
        return [output.text]
    return [output.data[kind] for kind in KEPT if kind in output.get("data", {})]


def main() -> None:
    """Execute every notebook and store it with its outputs."""
    for path in sorted(FOLDER.glob("*.ipynb")):
        FORMAT.write(executed(path), path)


if __name__ == "__main__":
    main()
