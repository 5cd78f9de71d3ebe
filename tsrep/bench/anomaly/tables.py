"""The anomaly table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tsrep.bench.anomaly.task import COLD_START, TRAINING, UNIVARIATE
from tsrep.bench.cells import Cell, once
from tsrep.bench.options import Methods, Seeds, known, named_or_all, nothing_found, read_seeds, split
from tsrep.bench.table import Table

if TYPE_CHECKING:
    from tsrep.bench.pages import Summary

SETTINGS = ("normal", COLD_START)


class Anomaly(Table):
    """Detectors on long series, with encoders that the cells of an archive share."""

    def cells(
        self,
        root: Path | None,
        *,
        names: Annotated[
            list[str] | None, typer.Argument(help="Series by name, UCR/ECG1 for example.")
        ] = None,
        all_found: Annotated[bool, typer.Option("--all", help="Every series found under --root.")] = False,
        archives: Annotated[
            str, typer.Option(help="Archives, separated by commas.")
        ] = "KPI,NAB,UCR,SMD,SMAP,MSL",
        settings: Annotated[
            str,
            typer.Option(
                help="normal, cold-start (encoder trained on other data), or both with a comma between."
            ),
        ] = "normal,cold-start",
        seeds: Seeds = "1",
        methods: Methods = "ts2vec,untrained,moving-z,isolation-forest,matrix-profile,random",
    ) -> list[Cell]:
        from tsrep.bench.anomaly.methods import METHODS

        known("--methods", split(methods), METHODS)
        known("--settings", split(settings), SETTINGS)
        series = choose_series(names, all_found, split(archives), root)
        return self.grid(series, split(methods), split(settings), read_seeds(seeds))

    def grid(
        self, series: Sequence[str], methods: Sequence[str], settings: Sequence[str], seeds: Sequence[int]
    ) -> list[Cell]:
        """Each series ("archive/name") with every method in every setting; only univariate ones have a cold start.

        A method that draws nothing at random is measured once.
        """
        from tsrep.bench.anomaly.methods import SEEDLESS

        cells = [
            Cell(self.name, dataset, method, seed, COLD_START if setting == COLD_START else "")
            for seed in seeds
            for setting in settings
            for dataset in series
            if setting != COLD_START or archive_of(dataset) in UNIVARIATE
            for method in methods
        ]
        return once(cells, lambda cell: cell.method in SEEDLESS)

    def preparations(self, cells: Sequence[Cell]) -> list[Cell]:
        """The trainings of the encoders that several of `cells` share."""
        trained = [cell for cell in cells if cell.method == "ts2vec"]
        needed = {(cell.seed, cell.variant, cell.variant or archive_of(cell.dataset)) for cell in trained}
        return [Cell(self.name, shared, TRAINING, seed) for seed, _, shared in sorted(needed)]

    def evaluate(
        self,
        cell: Cell,
        root: Path | None,
        folder: Path,
        *,
        max_steps: Annotated[
            int | None, typer.Option(help="Training steps; default the paper's rule, 200 or 600.", min=0)
        ] = None,
    ) -> dict[str, Any]:
        from tsrep.bench.anomaly.evaluate import evaluate

        return evaluate(cell, root, folder / "encoders", max_steps)

    def cost(self, cell: Cell, root: Path | None) -> float:
        from tsrep.bench.anomaly.evaluate import expected_cost

        return expected_cost(cell, root)

    def summarise(self, lines: list[dict[str, Any]]) -> Summary:
        from tsrep.bench.anomaly.summary import summarise

        return summarise(lines)


def archive_of(series: str) -> str:
    """The archive of a series: UCR of UCR/ECG1."""
    return series.split("/")[0]


def choose_series(
    names: Sequence[str] | None, all_found: bool, archives: Sequence[str], root: Path | None
) -> list[str]:
    """Series as "archive/name": `names`, or every one of `archives` that is found."""
    from tsrep.data import ANOMALY_ARCHIVES, find_anomaly

    known("--archives", archives, ANOMALY_ARCHIVES)
    named_or_all(names, all_found, "series")
    found = find_anomaly(root)
    series = [f"{archive}/{name}" for archive in archives for name in found[archive]]
    if not series:
        raise nothing_found("series", "anomaly/")
    return known("names", names, series) if names else series


TABLES: tuple[Table, ...] = (
    Anomaly(
        name="anomaly",
        title="Anomaly detection: a score a step, alarms, and what finds what",
        help="Anomaly detection on long series of public archives.",
    ),
)
