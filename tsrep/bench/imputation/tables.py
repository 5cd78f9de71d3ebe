"""The imputation tables: `imputation`, `imputation-downstream`, `imputation-toy`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tsrep.bench.cells import Cell, grid, once
from tsrep.bench.options import Methods, Names, Seeds, known, nothing_found, read_seeds, split
from tsrep.bench.table import Table

if TYPE_CHECKING:
    from tsrep.bench.pages import Summary


class HeldOut(Table):
    """Errors of imputers on values that were taken away."""

    def cells(
        self,
        root: Path | None,
        *,
        names: Annotated[
            list[str] | None,
            typer.Argument(help="Sets of `tsrep.data.load_imputation` by name; default what is found."),
        ] = None,
        variants: Annotated[
            str,
            typer.Option(help="What is taken away: mcar, block, channel, ends, mar or mnar, and per cent."),
        ] = "mcar10,mcar50",
        seeds: Seeds = "1",
        methods: Methods = "mean,locf,linear,knn,iterative,iterative-lags,ssgan",
    ) -> list[Cell]:
        from tsrep.bench.imputation.methods import ALL_METHODS
        from tsrep.bench.imputation.task import read_variant
        from tsrep.data import find_imputation

        found = find_imputation(root)
        if not found:
            raise nothing_found("imputation set", "them")
        sets = known("names", names or found, found)
        known("--methods", split(methods), ALL_METHODS)
        try:
            for variant in split(variants):
                read_variant(variant)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
        return self.grid(sets, split(methods), split(variants), read_seeds(seeds), root)

    def grid(
        self,
        sets: Sequence[str],
        methods: Sequence[str],
        variants: Sequence[str],
        seeds: Sequence[int],
        root: Path | None,
    ) -> list[Cell]:
        """Every set with every method, variant and seed; slow methods on large sets are measured once."""
        from tsrep.bench.imputation.evaluate import one_seed_only

        cells = [
            Cell(self.name, dataset, method, seed, variant)
            for seed in seeds
            for dataset in sets
            for variant in variants
            for method in methods
        ]
        return once(cells, lambda cell: one_seed_only(cell, root))

    def evaluate(
        self,
        cell: Cell,
        root: Path | None,
        folder: Path,
        *,
        python: Annotated[
            Path | None, typer.Option(help="Interpreter that has PyPOTS, for saits, brits and usgan.")
        ] = None,
    ) -> dict[str, Any]:
        from tsrep.bench.imputation.evaluate import evaluate

        return evaluate(cell, root, python)

    def cost(self, cell: Cell, root: Path | None) -> float:
        from tsrep.bench.imputation.evaluate import expected_cost

        return expected_cost(cell, root)

    def summarise(self, lines: list[dict[str, Any]]) -> Summary:
        from tsrep.bench.imputation.summary import summarise

        return summarise(lines)


class Downstream(Table):
    """Classification of series with gaps, and of the same ones filled."""

    without = frozenset({"shortest_first"})

    def cells(
        self,
        root: Path | None,
        *,
        names: Names = None,
        variants: Annotated[
            str, typer.Option(help="mcar and per cent taken away, separated by commas.")
        ] = "mcar10,mcar30,mcar50,mcar70",
        seeds: Seeds = "1",
        methods: Methods = "whole,gaps,linear,ssgan,ssgan-labels",
    ) -> list[Cell]:
        from tsrep.bench.imputation.downstream import METHODS, SETS

        known("--methods", split(methods), METHODS)
        known("--variants", split(variants), [f"mcar{rate}" for rate in range(1, 100)])
        return self.grid(names or SETS, split(methods), split(variants), read_seeds(seeds))

    def grid(
        self, sets: Sequence[str], methods: Sequence[str], variants: Sequence[str], seeds: Sequence[int]
    ) -> list[Cell]:
        """Every set with every variant and method; the whole set, which has no variant, once."""
        from tsrep.bench.imputation.downstream import WHOLE

        return [
            Cell(self.name, dataset, method, seed, "" if method == WHOLE else variant)
            for seed in seeds
            for dataset in sets
            for variant in variants
            for method in methods
            if method != WHOLE or variant == variants[0]
        ]

    def evaluate(
        self,
        cell: Cell,
        root: Path | None,
        folder: Path,
        *,
        max_steps: Annotated[
            int | None, typer.Option(help="Training steps of TS2Vec; default the paper's rule.", min=0)
        ] = None,
    ) -> dict[str, Any]:
        from tsrep.bench.imputation.downstream import evaluate

        return evaluate(cell, root, max_steps)

    def summarise(self, lines: list[dict[str, Any]]) -> Summary:
        from tsrep.bench.imputation.downstream import summarise

        return summarise(lines)


class Toy(Table):
    """Imputed against true conditional distributions, of data that are drawn."""

    without = frozenset({"root", "shortest_first"})

    def cells(
        self,
        root: Path | None,
        *,
        names: Annotated[list[str] | None, typer.Argument(help="gaussian, mixture; default both.")] = None,
        seeds: Seeds = "1",
        methods: Annotated[str, typer.Option(help='Methods, separated by ";", or "all".')] = "all",
    ) -> list[Cell]:
        from tsrep.bench.imputation.toy import METHODS, TOYS

        given = list(METHODS) if methods == "all" else known("--methods", split(methods, ";"), METHODS)
        return grid(self.name, known("names", names or list(TOYS), TOYS), given, read_seeds(seeds))

    def evaluate(self, cell: Cell, root: Path | None, folder: Path) -> dict[str, Any]:
        from tsrep.bench.imputation.toy import evaluate

        return evaluate(cell)

    def summarise(self, lines: list[dict[str, Any]]) -> Summary:
        from tsrep.bench.imputation.toy import summarise

        return summarise(lines)


TABLES: tuple[Table, ...] = (
    HeldOut(
        name="imputation",
        title="Imputation: error on held-out values, in standard deviations",
        help="Imputation: values taken away from public sets, and found again.",
    ),
    Downstream(
        name="imputation-downstream",
        title="Classification after imputation: test accuracy of TS2Vec and an SVM",
        help="Classification of series with gaps, and of the same ones filled.",
    ),
    Toy(
        name="imputation-toy",
        title="Imputed against true conditional distributions",
        help="Imputed against true conditional distributions, with and without the reminder.",
    ),
)
