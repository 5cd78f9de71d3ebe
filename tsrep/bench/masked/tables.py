"""The table `masked`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tsrep.bench.cells import Cell
from tsrep.bench.options import known, read_seeds, split
from tsrep.bench.table import Table

if TYPE_CHECKING:
    from tsrep.bench.pages import Summary


class MaskedModels(Table):
    """The studies of masked models, see studies.py."""

    def cells(
        self,
        root: Path | None,
        *,
        names: Annotated[
            list[str] | None, typer.Argument(help="Data sets by name; default those of each study.")
        ] = None,
        study: Annotated[str, typer.Option(help='Studies, separated by commas, or "all".')] = "all",
        seeds: Annotated[
            str | None,
            typer.Option(help='How many seeds ("5": 0 to 4), or which ("0,3"); default those of each study.'),
        ] = None,
        methods: Annotated[
            str | None, typer.Option(help="Configurations by name, separated by commas; default all.")
        ] = None,
    ) -> list[Cell]:
        """Every set, configuration and seed of the studies, once each."""
        from tsrep.bench.masked.studies import STUDIES, collect

        chosen = list(STUDIES) if study == "all" else known("--study", split(study), STUDIES)
        configurations = list(collect(STUDIES[name] for name in chosen))
        wanted = configurations if methods is None else known("--methods", split(methods), configurations)
        found = {
            Cell(self.name, dataset, configuration.name, seed)
            for each in map(STUDIES.__getitem__, chosen)
            for seed in (each.seeds if seeds is None else read_seeds(seeds))
            for dataset in names or each.datasets
            for configuration in each.configurations
            if configuration.name in wanted
        }
        place = {name: index for index, name in enumerate(configurations)}
        return sorted(found, key=lambda cell: (cell.seed, cell.dataset, place[cell.method]))

    def evaluate(
        self,
        cell: Cell,
        root: Path | None,
        folder: Path,
        *,
        python: Annotated[
            Path | None, typer.Option(help="Interpreter that has aeon, for random kernels (hydra).")
        ] = None,
    ) -> dict[str, Any]:
        from tsrep.bench.masked.evaluate import evaluate

        return evaluate(cell, root, python)

    def cost(self, cell: Cell, root: Path | None) -> float:
        from tsrep.bench.masked.evaluate import expected_cost

        return expected_cost(cell, root)

    def summarise(self, lines: list[dict[str, Any]]) -> Summary:
        from tsrep.bench.masked.summary import summarise

        return summarise(lines)


TABLES: tuple[Table, ...] = (
    MaskedModels(
        name="masked",
        title="Masked time-series models",
        help="Masked time-series models: masks, decoders, losses, targets and encoders.",
    ),
)
