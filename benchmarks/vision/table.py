"""Comparisons as a table, in Markdown for readers and in CSV for programs."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.speed.table import BUSY_SHARE, markdown, number, scale, times

Line = dict[str, Any]

NOT_MEASURED = "not measured"
FIELDS = ("work", "size", "ours", "rival", "seconds_ours", "seconds_rival", "times", "asked", "met", "note")


@dataclass(frozen=True)
class Measured:
    """A row: what is compared with what, how many times as fast it is asked to be, and the line that says."""

    work: str
    size: str
    ours: str
    rival: str
    asked: float
    line: Line | None

    @property
    def busy(self) -> bool:
        """Whether other programs were in the way: less than nine tenths of a run on the processor."""
        runs = [] if self.line is None else [self.line["ours"], self.line["theirs"]]
        return any(run["cpu"] < BUSY_SHARE * run["median"] for run in runs)

    def seconds(self, whose: str) -> float:
        """The median of the wall times, or of the processor times where other programs were in the way."""
        assert self.line is not None
        return self.line[whose]["cpu" if self.busy else "median"]

    @property
    def times(self) -> float:
        return self.seconds("theirs") / self.seconds("ours")

    def fields(self) -> dict[str, Any]:
        """The row of the CSV file, by `FIELDS`."""
        row = {
            "work": self.work,
            "size": self.size,
            "ours": self.ours,
            "rival": self.rival,
            "asked": self.asked,
        }
        if self.line is None:
            return {**row, "note": NOT_MEASURED}
        note = f"processor time; load {_range(self.line['load'])}" if self.busy else ""
        return {
            **row,
            "seconds_ours": self.seconds("ours"),
            "seconds_rival": self.seconds("theirs"),
            "times": self.times,
            "met": self.times >= self.asked,
            "note": note,
        }

    def cells(self) -> list[str]:
        """The row of the Markdown table."""
        fields = self.fields()
        if self.line is None:
            return [
                self.work,
                self.size,
                NOT_MEASURED,
                f"{NOT_MEASURED} ({self.rival})",
                "",
                f"{self.asked:g}",
                "",
                "",
            ]
        ours, theirs = (_amount(fields[f"seconds_{whose}"]) for whose in ("ours", "rival"))
        met = "yes" if fields["met"] else "**no**"
        asked = f"{self.asked:g}"
        return [
            self.work,
            self.size,
            ours,
            f"{theirs} ({self.rival})",
            times(self.times),
            asked,
            met,
            fields["note"],
        ]


def write_table(folder: Path, title: str, rows: Sequence[Measured], lines: Sequence[Line]) -> list[Path]:
    """Writes `folder`/table.md and `folder`/table.csv."""
    folder.mkdir(parents=True, exist_ok=True)
    heads = ("work", "size", "tsrep_vision", "rival", "times as fast", "asked", "met", "note")
    text = [f"# {title}", conditions(lines), markdown(heads, [row.cells() for row in rows])]
    (folder / "table.md").write_text("\n\n".join(part for part in text if part) + "\n", encoding="utf-8")
    with (folder / "table.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, FIELDS)
        writer.writeheader()
        writer.writerows(row.fields() for row in rows)
    return [folder / "table.md", folder / "table.csv"]


def conditions(lines: Sequence[Line]) -> str:
    """Machine, threads, versions and commit."""
    if not lines:
        return ""
    rivals = sorted({_versions(line["rival"]) for line in lines if isinstance(line.get("rival"), dict)})
    said = [
        f"Measured on {_several(line['hardware']['cpu'] for line in lines)}",
        f"{_several(line['threads'] for line in lines)} thread(s)",
        f"torch {_several(line['versions']['torch'] for line in lines)}",
        *(f"the rival's {versions}" for versions in rivals),
        f"commit {_several(str(line['commit'])[:10] for line in lines)}",
    ]
    return (
        f"{', '.join(said)}. Medians of runs in turns. Where a run was on the processor for less than nine tenths of "
        "its time, processor times are given and compared, and the note says how many programs wanted a core."
    )


def _amount(seconds: float) -> str:
    factor, unit = scale(seconds, "s")
    return f"{number(seconds * factor)} {unit}"


def _range(values: Sequence[float]) -> str:
    return f"{min(values):g} to {max(values):g}"


def _versions(versions: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in versions.items())


def _several(values: Any) -> str:
    return "/".join(sorted({str(value) for value in values}))
