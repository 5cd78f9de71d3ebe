"""The forecasting tables: `forecasting` and `long-horizon`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tsrep.bench.cells import Cell, once
from tsrep.bench.forecasting.protocols import LONG_HORIZON, PAPER, SETTINGS, UNIVARIATE, Protocol
from tsrep.bench.options import Methods, Seeds, known, nothing_found, read_seeds, split
from tsrep.bench.table import Table

if TYPE_CHECKING:
    from tsrep.bench.pages import Summary

DEFAULT_METHODS = (
    "ts2vec-best,ts2vec-faithful,untrained-best,untrained-faithful,best-without,ridge-lags,seasonal-naive,"
    "dlinear,patchtst"
)


@dataclass(frozen=True)
class Forecasting(Table):
    """Forecasters under a protocol; `published`: verified numbers of papers stand beside them."""

    protocol: Protocol
    published: bool = False

    def cells(
        self,
        root: Path | None,
        *,
        names: Annotated[
            list[str] | None,
            typer.Argument(help="ETTh1, ETTm1, exchange, weather, illness; default what is found."),
        ] = None,
        settings: Annotated[
            str | None,
            typer.Option(
                help="univariate, multivariate, or both with a comma between; default those of the published tables."
            ),
        ] = None,
        seeds: Seeds = "1",
        methods: Methods = DEFAULT_METHODS,
    ) -> list[Cell]:
        from tsrep.bench.forecasting.methods import METHODS

        known("--methods", split(methods), METHODS)
        pairs = self.choose_sets(names, settings, root)
        return self.grid(pairs, split(methods), read_seeds(seeds))

    def choose_sets(
        self, names: Sequence[str] | None, settings: str | None, root: Path | None
    ) -> list[tuple[str, str]]:
        """Pairs (set, setting): by default those of the protocol, and further `names` univariate."""
        from tsrep.data import find_forecasting

        found = find_forecasting(root)
        if not found:
            raise nothing_found("forecasting set", "them")
        sets = known("names", names or found, found)
        if settings is not None:
            return [(name, each) for each in known("--settings", split(settings), SETTINGS) for name in sets]
        others = [name for name in names or [] if name not in dict(self.protocol.cells)]
        pairs = (*self.protocol.cells, *((name, UNIVARIATE) for name in others))
        return [pair for pair in pairs if pair[0] in sets]

    def grid(
        self, pairs: Sequence[tuple[str, str]], methods: Sequence[str], seeds: Sequence[int]
    ) -> list[Cell]:
        """Each set and setting with every method; a method that draws nothing at random is measured once."""
        from tsrep.bench.forecasting.methods import SEEDLESS

        cells = [
            Cell(self.name, dataset, method, seed, setting)
            for seed in seeds
            for dataset, setting in pairs
            for method in methods
        ]
        return once(cells, lambda cell: cell.method in SEEDLESS)

    def evaluate(self, cell: Cell, root: Path | None, folder: Path) -> dict[str, Any]:
        from tsrep.bench.forecasting.evaluate import evaluate

        return evaluate(cell, self.protocol, root)

    def cost(self, cell: Cell, root: Path | None) -> float:
        from tsrep.bench.forecasting.evaluate import expected_cost

        return expected_cost(cell, root)

    def summarise(self, lines: list[dict[str, Any]]) -> Summary:
        from tsrep.bench.forecasting.summary import summarise

        return summarise(lines, self.published)


TABLES: tuple[Table, ...] = (
    Forecasting(
        name="forecasting",
        title="Forecasting by the TS2Vec paper's protocol: error on standardised values",
        help="Forecasting by the TS2Vec paper's protocol.",
        protocol=PAPER,
        published=True,
    ),
    Forecasting(
        name="long-horizon",
        title="Long horizons: error on standardised values",
        help="Forecasting 96 to 720 steps ahead, as most later papers measure it.",
        protocol=LONG_HORIZON,
    ),
)
