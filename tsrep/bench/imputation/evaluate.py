"""One imputation cell: a method on a set from which values were taken away, scored on those of the test part."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tsrep.bench.cells import Cell
from tsrep.bench.imputation.methods import METHODS, PEERS, SLOW
from tsrep.bench.imputation.peers import by_peer
from tsrep.bench.imputation.task import Outcome, Task, make_task
from tsrep.data import load_imputation
from tsrep.metrics import (
    held_out_coverage,
    held_out_crps,
    held_out_mae,
    held_out_mre,
    held_out_rmse,
)

LARGE_SET_VALUES = 1_000_000
"""Values of a set, missing ones too, from which on the slow methods are measured with one seed."""


def evaluate(cell: Cell, root: Path | None = None, python: Path | None = None) -> dict[str, Any]:
    """Numbers of one cell, errors in standard deviations of the training part: `mae`, `rmse`, `mre` over the held-out
    values of the test part; of samples `crps` and the `coverage` of their middle 90 %; of a classifier `auc` (two
    classes) and `accuracy`."""
    task = make_task(cell.dataset, cell.variant, cell.seed, root)
    if cell.method in PEERS:
        outcome = Outcome(*by_peer(cell.method, task, python))
    else:
        outcome = METHODS[cell.method](task)
    truth, imputed, held_out = task.test_truth, outcome.imputed, task.held_out
    observed = ~np.isnan(task.test)
    line: dict[str, Any] = {
        "mae": held_out_mae(truth, imputed, held_out),
        "rmse": held_out_rmse(truth, imputed, held_out),
        "mre": held_out_mre(truth, imputed, held_out),
        "held_out": int(held_out.sum()),
        "changed": int((imputed[observed] != task.test[observed]).sum()),
        "n_train": len(task.train),
        "n_test": len(task.test),
        "n_channels": task.test.shape[1],
        "length": task.test.shape[2],
        **outcome.notes,
    }
    if outcome.samples is not None:
        line["crps"] = held_out_crps(truth, outcome.samples, held_out)
        line["coverage"] = held_out_coverage(truth, outcome.samples, held_out)
    return line | _classified(task, outcome)


def _classified(task: Task, outcome: Outcome) -> dict[str, float]:
    """Accuracy, and the area under the curve for two classes; the test part may lack some of the classes."""
    if outcome.probabilities is None or task.y_test is None:
        return {}
    from sklearn.metrics import roc_auc_score

    present = np.unique(task.y_test)
    classes = present if outcome.classes is None else np.asarray(outcome.classes)
    predicted = classes[outcome.probabilities.argmax(axis=1)]
    scores = {"accuracy": float((predicted == task.y_test).mean())}
    if len(classes) == len(present) == 2:
        scores["auc"] = float(roc_auc_score(task.y_test == classes[1], outcome.probabilities[:, 1]))
    return scores


def one_seed_only(cell: Cell, root: Path | None = None) -> bool:
    """Whether a cell is too slow to be measured with more than one seed."""
    return cell.method in SLOW and _size(cell.dataset, root) >= LARGE_SET_VALUES


def expected_cost(cell: Cell, root: Path | None = None) -> float:
    """Rough effort of a cell, for the order of a run."""
    weight = {"mean": 0.01, "locf": 0.01, "linear": 0.01, "brits": 20.0, "usgan": 40.0}
    return weight.get(cell.method, 5.0) * _size(cell.dataset, root)


@cache
def _size(dataset: str, root: Path | None) -> int:
    return load_imputation(dataset, root).train.size
