"""The section of a folder of benchmark results."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from tsrep import report
from tsrep.bench.pages import conditions
from tsrep.bench.results import failed_lines, good_lines
from tsrep.cli.report.tables import framed

COMMON = {"cell", "table", "variant", "started", "status", "threads", "commit"}
"""Fields of a line that say nothing of the result."""


def benchmark_section(title: str, folder: Path) -> str:
    """How many cells are finished, their figures, their numbers, and the errors of those that failed."""
    good, failed = good_lines(folder), failed_lines(folder)
    blocks = [report.prose(f"{len(good)} finished cells, {len(failed)} failed.")]
    if good:
        lines = pd.DataFrame(good)
        if {"hardware", "versions", "threads", "seconds", "commit"} <= set(lines):
            blocks.append(report.prose(conditions(lines)))
        blocks += [
            report.figure(path.read_bytes(), path.stem, alt=path.stem)
            for path in sorted(folder.glob("*.png"))
        ]
        table = folder / "table.csv"
        if table.is_file():
            blocks.append(framed(pd.read_csv(table), "What was measured."))
        blocks.append(report.details("The finished cells", framed(_numbers(lines), "One row per cell.")))
    if failed:
        rows = [(line["cell"], line.get("error")) for line in failed]
        blocks.append(report.table(["failed cell", "error"], rows))
    return report.section(title, *blocks)


def _numbers(lines: pd.DataFrame) -> pd.DataFrame:
    """The fields that are numbers or text, those first that name the cell."""
    simple = [
        name
        for name in lines
        if name not in COMMON and not lines[name].map(lambda value: isinstance(value, dict | list)).any()
    ]
    names = [name for name in ("dataset", "method", "seed") if name in simple]
    return lines[[*names, *(name for name in simple if name not in names)]]
