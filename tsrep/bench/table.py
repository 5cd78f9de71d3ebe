"""`Table`: all that the harness needs to know of one table.

A subclass says which cells a table has, how one is measured and what the result lines amount to; the rest is the same
for every table. The keyword-only arguments of `cells` and `evaluate`, annotated as in options.py, are options of the
table's command. Subclasses import what computes inside their methods, so that `tsrep bench --help` stays quick.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from tsrep.bench.cells import Cell
from tsrep.bench.results import RESULTS_FILE, failed_lines, good_lines

if TYPE_CHECKING:
    from tsrep.bench.pages import Summary


@dataclass(frozen=True)
class Table(ABC):
    """`name` is that of the command and stands in each cell; `title` heads the pages; `help` describes the command."""

    name: str
    title: str
    help: str

    without: ClassVar[frozenset[str]] = frozenset()
    """Names of those `RunOptions` that mean nothing for this table."""

    @property
    def folder(self) -> Path:
        """Where results and pages are unless told otherwise."""
        return Path("benchmarks") / "results" / self.name

    @abstractmethod
    def cells(self, root: Path | None, *_: Any, **options: Any) -> list[Cell]:
        """The cells to be measured, seeds varying slowest. Raises `typer.BadParameter` where an option is wrong."""

    def preparations(self, cells: Sequence[Cell]) -> list[Cell]:
        """Cells that must be finished before any of `cells` begins."""
        return []

    @abstractmethod
    def evaluate(
        self, cell: Cell, root: Path | None, folder: Path, *_: Any, **options: Any
    ) -> dict[str, Any]:
        """The numbers of one cell, ready for JSON. What cells share may be kept in `folder`, that of the results."""

    def cost(self, cell: Cell, root: Path | None) -> float:
        """Expected effort of a cell in any unit, for the order of a run; 0 leaves the order of `cells`."""
        return 0.0

    @abstractmethod
    def summarise(self, lines: list[dict[str, Any]]) -> Summary:
        """What the lines of the finished cells, at least one, amount to."""

    def write(self, folder: Path) -> list[Path]:
        """Write table.csv, table.md, table.html and the figures into `folder`, made of its results.jsonl.

        Lines of other tables in the folder are left out. Returns the files written. Raises ValueError if no cell is
        finished.
        """
        from tsrep.bench.pages import write_summary

        lines, failed = (
            [line for line in lines if line["table"] == self.name]
            for lines in (good_lines(folder), failed_lines(folder))
        )
        if not lines:
            raise ValueError(f"{folder / RESULTS_FILE} holds no finished cell of {self.name}")
        return write_summary(self.title, self.summarise(lines), failed, folder)
