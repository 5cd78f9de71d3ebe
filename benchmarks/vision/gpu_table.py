"""The rows of the GPU benchmark as a table, in Markdown for readers and in CSV for programs."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.speed.table import markdown, number, times
from benchmarks.vision.table import NOT_MEASURED, conditions

HEADS = ("work", "choice", "measured", "unit", "asked", "met", "note")


class Shown(NamedTuple):
    """A row of the table; `measured` is None where there is no line of it."""

    work: str
    choice: str
    measured: float | None
    unit: str
    asked: float | None = None
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether what is asked is reached; None where nothing is asked, or nothing measured."""
        return None if self.asked is None or self.measured is None else self.measured >= self.asked

    def cells(self) -> list[str]:
        """The row of the Markdown table."""
        value = NOT_MEASURED
        if self.measured is not None:
            value = times(self.measured) if 0 < self.measured < 10 else number(self.measured)
        asked = "" if self.asked is None else f"{self.asked:,g}"
        met = {None: "", True: "yes", False: "**no**"}[self.met]
        return [self.work, self.choice, value, self.unit, asked, met, self.note]


def write_table(folder: Path, rows: Sequence[Shown], lines: Sequence[dict[str, Any]]) -> list[Path]:
    """Writes `folder`/gpu.md and `folder`/gpu.csv."""
    folder.mkdir(parents=True, exist_ok=True)
    devices = sorted({line["device"] for line in lines if "device" in line})
    said = f"Accelerator: {', '.join(devices)}." if devices else ""
    parts = [
        "# Image models on a GPU",
        said,
        conditions(lines),
        markdown(HEADS, [row.cells() for row in rows]),
    ]
    (folder / "gpu.md").write_text("\n\n".join(part for part in parts if part) + "\n", encoding="utf-8")
    with (folder / "gpu.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEADS)
        for row in rows:
            measured = NOT_MEASURED if row.measured is None else row.measured
            writer.writerow([row.work, row.choice, measured, row.unit, row.asked, row.met, row.note])
    return [folder / "gpu.md", folder / "gpu.csv"]
