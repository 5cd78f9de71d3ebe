"""What a table says, and its files: table.csv for machines, table.md and table.html for readers, figures."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from tsrep import report

Section = tuple[str, pd.DataFrame]
"""A heading and the table under it: one row per index value, numbers or text; `**...**` marks the best of a row."""


@dataclass(frozen=True)
class Summary:
    """Sentences, sections (empty ones are left out), what goes into table.csv, and figures by file name."""

    notes: list[str]
    sections: list[Section]
    csv: pd.DataFrame
    figures: dict[str, Figure] = field(default_factory=dict)


def conditions(lines: pd.DataFrame) -> str:
    """One sentence on machine, versions and time: of the processor, where a line has `core_seconds`."""
    cpus = sorted({f"{h['cpu']}, {h['cores']} cores" for h in lines["hardware"]})
    versions = {
        p: sorted({str(v.get(p)) for v in lines["versions"]})
        for p in ("python", "torch", "scikit-learn", "sktime")
    }
    said = ", ".join(f"{package} {'/'.join(numbers)}" for package, numbers in versions.items())
    threads = "/".join(map(str, sorted(set(lines["threads"]))))
    seconds = lines["core_seconds"].fillna(lines["seconds"]) if "core_seconds" in lines else lines["seconds"]
    hours = seconds.sum() / 3600
    commits = sorted({str(c)[:10] for c in lines["commit"]})
    return (
        f"Measured on {'; '.join(cpus)}, {threads} thread(s) a cell, {hours:.1f} h of computing in all; {said}; "
        f"tsrep commit {', '.join(commits)}."
    )


def seeds_of(lines: pd.DataFrame) -> str:
    """The seeds of the lines: "0, 1, 2"."""
    return ", ".join(map(str, sorted(set(lines["seed"]))))


def lowest_in_bold(table: pd.DataFrame, among: Iterable[str] | None = None) -> pd.DataFrame:
    """Numbers as text with three decimals, the lowest of each row `among` these columns (None: all) in bold."""
    shown = table.map(lambda value: "" if np.isnan(value) else f"{value:.3f}")
    columns = list(table) if among is None else list(among)
    lowest = table[columns].round(3).min(axis=1)
    for name in columns:
        is_lowest = table[name].round(3) == lowest
        shown[name] = np.where(is_lowest, "**" + shown[name] + "**", shown[name])
    return shown


def with_labels(table: pd.DataFrame, label: Callable[[Any], str], name: str = "set") -> pd.DataFrame:
    """`table` with one text per row instead of its index, as `label` gives it, under the heading `name`."""
    return table.set_axis(pd.Index([label(key) for key in table.index], name=name), axis=0)


def write_summary(
    title: str, summary: Summary, failed: list[dict[str, Any]], folder: Path, dots_per_inch: int = 150
) -> list[Path]:
    """Write the pages and figures of a table into `folder`; returns what was written."""
    sections = [(heading, table) for heading, table in summary.sections if not table.empty]
    if failed:
        sections.append(("Failed cells", pd.DataFrame(failed)[["cell", "error"]].set_index("cell")))
    images = [folder / name for name in summary.figures]
    for image in images:
        summary.figures[image.name].savefig(image, dpi=dots_per_inch)
    csv, markdown, html = (folder / f"table.{ending}" for ending in ("csv", "md", "html"))
    summary.csv.to_csv(csv)
    markdown.write_text(_markdown(title, summary.notes, sections, images), encoding="utf-8")
    report.write_page(html, _html(title, summary.notes, sections, images))
    return [csv, markdown, html, *images]


def _markdown(title: str, notes: list[str], sections: list[Section], images: list[Path]) -> str:
    blocks = [f"# {title}", *notes, *(f"![{image.stem}]({image.name})" for image in images)]
    for heading, table in sections:
        head, *rows = _cells(table)
        rule = ["---"] + ["---:"] * (len(head) - 1)
        escaped = ([cell.replace("|", "\\|") for cell in row] for row in (head, rule, *rows))
        lines = "\n".join(f"| {' | '.join(row)} |" for row in escaped)
        blocks.append(f"## {heading}\n\n{lines}")
    return "\n\n".join(blocks) + "\n"


def _html(title: str, notes: list[str], sections: list[Section], images: list[Path]) -> str:
    blocks = [*map(report.prose, notes)]
    blocks += [report.figure(image.read_bytes(), alt=image.stem) for image in images]
    for heading, table in sections:
        head, *rows = _cells(table)
        marked = [[_without_asterisks(cell) for cell in row] for row in rows]
        blocks.append(report.section(heading, report.table(head, marked)))
    return report.page(title, blocks)


def _without_asterisks(cell: str) -> str | report.Best:
    return report.Best(cell.replace("**", "")) if "**" in cell else cell


def _cells(table: pd.DataFrame) -> list[list[str]]:
    """The head, and one list per row, as text."""
    head = [str(table.index.name or ""), *map(str, table.columns)]
    rows = zip(table.index, table.to_numpy(dtype=object), strict=True)
    return [head, *([str(index), *map(_text, row)] for index, row in rows)]


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None or pd.isna(value):
        return ""
    if isinstance(value, (int, np.integer)):
        return str(value)
    return f"{value:.2g}" if 0 < abs(value) < 0.001 else f"{value:.3f}"
