"""scikit-learn's imputers on rows of simultaneous values."""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np

from tsrep.bench.imputation.task import Array, Outcome, Task

TRAINING_ROWS = 12_000
"""Rows that the imputers learn from at most, drawn with the cell's seed."""
MANY_COLUMNS, NEAREST_COLUMNS = 100, 30
"""With more than `MANY_COLUMNS`, the iterative imputer regresses on the `NEAREST_COLUMNS` most correlated ones."""


def knn(task: Task) -> Outcome:
    """The mean of the five nearest rows, by the values that both have."""
    from sklearn.impute import KNNImputer

    return _by_rows(task, KNNImputer(keep_empty_features=True), lags=False)


def iterative(task: Task) -> Outcome:
    """Each channel by Bayesian ridge regression on the others at the same step, ten rounds."""
    return _by_rows(task, None, lags=False)


def iterative_lags(task: Task) -> Outcome:
    """The same, on all channels at the step before and the step after too."""
    return _by_rows(task, None, lags=True)


def _by_rows(task: Task, imputer: Any, lags: bool) -> Outcome:
    train, test = (_rows(panel, lags) for panel in (task.train, task.test))
    notes: dict[str, Any] = {"rows": len(train)}
    if len(train) > TRAINING_ROWS:
        train = train[np.sort(np.random.default_rng(task.seed).permutation(len(train))[:TRAINING_ROWS])]
        notes = {"rows": TRAINING_ROWS, "subsampled": True}
    if imputer is None:
        from sklearn.experimental import enable_iterative_imputer  # noqa: F401
        from sklearn.impute import IterativeImputer

        nearest = NEAREST_COLUMNS if train.shape[1] > MANY_COLUMNS else None
        imputer = IterativeImputer(
            random_state=task.seed, n_nearest_features=nearest, keep_empty_features=True
        )
        notes["nearest_columns"] = nearest
    n, channels, length = task.test.shape
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*Early stopping criterion not reached")  # ten rounds are meant
        imputer.fit(train)
    notes["stage_seconds"] = {"fit": round(time.perf_counter() - started, 2)}
    filled = imputer.transform(test)[:, :channels].reshape(n, length, channels).transpose(0, 2, 1)
    return Outcome(np.where(np.isnan(task.test), filled, task.test), notes)


def _rows(panel: Array, lags: bool) -> Array:
    """(n * t, c) the values of each step; with `lags` (n * t, 3 c): after them those of the step before and after."""
    parts = [panel]
    if lags:
        edge = np.full((*panel.shape[:2], 1), np.nan)
        parts += [
            np.concatenate([edge, panel[..., :-1]], axis=-1),
            np.concatenate([panel[..., 1:], edge], axis=-1),
        ]
    side_by_side = np.concatenate(parts, axis=1)
    return side_by_side.transpose(0, 2, 1).reshape(-1, side_by_side.shape[1])
