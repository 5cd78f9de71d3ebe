"""The classification tables: `ucr`, `uea`, `ts2vec-ablation`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tsrep.bench.cells import Cell, grid, once
from tsrep.bench.options import (
    AllFound,
    MaxLength,
    Methods,
    Names,
    Seeds,
    Smallest,
    known,
    named_or_all,
    nothing_found,
    read_seeds,
    split,
)
from tsrep.bench.table import Table

if TYPE_CHECKING:
    from tsrep.bench.pages import Summary

DEFAULT_METHODS = "ts2vec,untrained,1nn-euclidean,1nn-dtw,multirocket"


@dataclass(frozen=True)
class Accuracy(Table):
    """A table of test accuracies on data sets of an archive."""

    def evaluate(self, cell: Cell, root: Path | None, folder: Path) -> dict[str, Any]:
        from tsrep.bench.classification.evaluate import evaluate

        return evaluate(cell, root)

    def cost(self, cell: Cell, root: Path | None) -> float:
        from tsrep.bench.classification.evaluate import expected_cost

        return expected_cost(cell, root)


@dataclass(frozen=True)
class Archive(Accuracy):
    """Methods on the data sets of `archive`; `published`: beside the verified numbers of the TS2Vec paper."""

    archive: str
    published: bool = False

    def cells(
        self,
        root: Path | None,
        *,
        names: Names = None,
        all_found: AllFound = False,
        max_length: MaxLength = None,
        smallest: Smallest = None,
        seeds: Seeds = "1",
        methods: Methods = DEFAULT_METHODS,
    ) -> list[Cell]:
        """The whole grid; a method that draws nothing at random is measured once."""
        from tsrep.bench.classification.methods import METHODS, SEEDLESS

        named_or_all(names, all_found, "data sets")
        datasets = choose_datasets(self.archive, names, max_length, smallest, root)
        cells = grid(self.name, datasets, known("--methods", split(methods), METHODS), read_seeds(seeds))
        return once(cells, lambda cell: cell.method in SEEDLESS)

    def summarise(self, lines: list[dict[str, Any]]) -> Summary:
        from tsrep.bench.classification.summary import summarise_archive

        return summarise_archive(lines, self.published)


class Ablation(Accuracy):
    """TS2Vec and its variants on small UCR sets."""

    def cells(
        self,
        root: Path | None,
        *,
        names: Names = None,
        smallest: Smallest = 15,
        seeds: Seeds = "3",
        variants: Annotated[str, typer.Option(help='Variants, separated by commas, or "all".')] = "all",
    ) -> list[Cell]:
        """Every data set with every variant and seed."""
        from tsrep.bench.classification.ablation import VARIANTS

        given = list(VARIANTS) if variants == "all" else known("--variants", split(variants), VARIANTS)
        datasets = choose_datasets("UCR", names, None, None if names else smallest, root)
        return grid(self.name, datasets, ["ts2vec"], read_seeds(seeds), given)

    def summarise(self, lines: list[dict[str, Any]]) -> Summary:
        from tsrep.bench.classification.summary import summarise_ablation

        return summarise_ablation(lines)


def choose_datasets(
    archive: str,
    names: Sequence[str] | None,
    max_length: int | None,
    smallest: int | None,
    root: Path | None,
) -> list[str]:
    """`names`, or every data set of the archive that is found; of these the short, the `smallest` ones."""
    from tsrep.bench.classification.evaluate import dataset_shape
    from tsrep.data import find_datasets

    datasets = list(names or find_datasets(root)[archive])
    if not datasets:
        raise nothing_found(f"{archive} data set", f"{archive}/")
    if max_length is not None:
        datasets = [name for name in datasets if dataset_shape(name, root).length <= max_length]
    if smallest is not None:
        datasets = sorted(datasets, key=lambda name: dataset_shape(name, root).values)[:smallest]
    return datasets


TABLES: tuple[Table, ...] = (
    Archive(
        name="ucr",
        title="UCR archive: test accuracy",
        help="Classification on the univariate UCR archive.",
        archive="UCR",
        published=True,
    ),
    Archive(
        name="uea",
        title="UEA archive: test accuracy",
        help="Classification on the multivariate UEA archive.",
        archive="UEA",
    ),
    Ablation(
        name="ts2vec-ablation",
        title="TS2Vec ablation on small UCR sets",
        help="The ablation table of the TS2Vec paper on small UCR sets, and whether its claims hold.",
    ),
)
