"""Benchmarks are run by ``make bench`` alone: what a machine is busy with fails no test."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    """Collect ``bench_*.py`` where this folder, or a file of it, was asked for by name."""
    is_bench = file_path.suffix == ".py" and file_path.name.startswith("bench_")
    if not is_bench or parent.session.isinitpath(file_path):
        return None
    asked = (Path(arg.partition("::")[0]).resolve() for arg in parent.config.args)
    if HERE not in asked:
        return None
    module: pytest.Module = pytest.Module.from_parent(parent, path=file_path)
    return module
