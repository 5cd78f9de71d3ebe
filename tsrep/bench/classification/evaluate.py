"""One classification cell: load, normalise as the paper's authors do, learn, predict, count."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsrep.bench.cells import Cell
from tsrep.bench.classification.ablation import VARIANTS
from tsrep.bench.classification.methods import METHODS
from tsrep.data import as_panel, load_dataset, ts2vec_normalisation


def evaluate(cell: Cell, root: Path | None = None) -> dict[str, Any]:
    """Numbers of one cell: accuracy and balanced accuracy on the archive's test part, seconds, sizes, notes.

    Classes are those of the training part; a test label that it lacks is a miss.
    """
    X_train, y_train = load_dataset(cell.dataset, split="train", root=root)
    X_test, y_test = load_dataset(cell.dataset, split="test", root=root)
    X_train, X_test = same_length(as_panel(X_train), as_panel(X_test))
    X_train, X_test = ts2vec_normalisation(cell.dataset, X_train, X_test)
    classes, y_train = np.unique(np.asarray(y_train), return_inverse=True)
    number = {name: index for index, name in enumerate(classes.tolist())}
    truth = np.array([number.get(label, -1) for label in np.asarray(y_test).tolist()])

    settings = VARIANTS[cell.variant].settings if cell.variant else {}
    outcome = METHODS[cell.method](X_train, y_train, X_test, cell.seed, **settings)
    hits = outcome.predicted == truth
    return {
        "accuracy": float(hits.mean()),
        "balanced_accuracy": float(np.mean([hits[truth == label].mean() for label in np.unique(truth)])),
        "stage_seconds": outcome.seconds,
        "n_train": len(X_train),
        "n_test": len(X_test),
        "n_channels": X_train.shape[1],
        "length": X_train.shape[2],
        "n_classes": len(classes),
        "device": "cpu",
        **outcome.notes,
    }


def same_length(*panels: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    """Panels (n, c, t_i) padded at the end with NaN to the longest."""
    longest = max(panel.shape[2] for panel in panels)
    return tuple(
        np.pad(panel, ((0, 0), (0, 0), (0, longest - panel.shape[2])), constant_values=np.nan)
        if panel.shape[2] < longest
        else panel
        for panel in panels
    )


@dataclass(frozen=True)
class DatasetShape:
    """Sizes of a data set's training part, and the number of its test instances."""

    n_train: int
    n_test: int
    n_channels: int
    length: int

    @property
    def values(self) -> int:
        """Training values, the usual meaning of a small set."""
        return self.n_train * self.n_channels * self.length


@cache
def dataset_shape(name: str, root: Path | None = None) -> DatasetShape:
    """Read a data set for its sizes; the longer of its two parts counts as its length."""
    train, test = (as_panel(load_dataset(name, split=split, root=root)[0]) for split in ("train", "test"))
    return DatasetShape(len(train), len(test), train.shape[1], max(train.shape[2], test.shape[2]))


def expected_cost(cell: Cell, root: Path | None = None) -> float:
    """Rough effort of a cell, for the order of a run: quadratic in length for warping, else values to pass through."""
    shape = dataset_shape(cell.dataset, root)
    if cell.method == "1nn-dtw":
        return shape.n_train * shape.n_test * shape.length**2 * 5e-9
    if cell.method.startswith("ts2vec"):
        steps = 200 if shape.values <= 100_000 else 600
        return steps * shape.length * (1 + shape.length / 300) * 1.2e-3
    return (shape.n_train + shape.n_test) * shape.length * shape.n_channels * 1e-5
