"""How well a masked model fills what is hidden: the same hidden steps for all, beside what needs no model.

A model whose error is not below that of straight lines has learned nothing about the shape of series; one whose error
is that of the positional mean has learned only where in the series a step is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsrep.bench.gaps import fill_gaps
from tsrep.metrics import held_out_mae

RUNS_PER_SERIES = 16
HIDDEN_SHARE = 0.5

Reconstruct = Callable[[NDArray[Any], NDArray[np.bool_]], NDArray[Any]]
"""Takes a panel and what is hidden of it, both (n, c, t); returns the panel with predictions in the hidden places."""


def hidden_runs(X: NDArray[Any], seed: int = 0) -> NDArray[np.bool_]:
    """(n, c, t) of which observed values are hidden: in each series half of its steps, on all channels at once.

    Runs of a sixteenth of the series are hidden at random places, which may overlap, until half of the steps up to the
    last observed one are hidden. At least one observed step stays visible.
    """
    rng = np.random.default_rng(seed)
    observed = ~np.isnan(X)
    hidden = np.zeros((len(X), X.shape[2]), dtype=bool)
    for row, seen in zip(hidden, observed.any(axis=1), strict=True):
        length = int(np.flatnonzero(seen)[-1]) + 1 if seen.any() else 0
        run = max(1, length // RUNS_PER_SERIES)
        while length and row[:length].sum() < HIDDEN_SHARE * length:
            start = rng.integers(length - run + 1)
            row[start : start + run] = True
        if seen.any() and row[seen].all():
            row[np.flatnonzero(seen)[0]] = False
    return observed & hidden[:, None, :]


def filling_errors(
    X_train: NDArray[Any], X_test: NDArray[Any], reconstruct: Reconstruct | None
) -> dict[str, Any]:
    """Mean absolute errors on the hidden values of the test part: of a model, of straight lines, of the mean.

    The mean is that of the training part at the same step and channel. `filling` is None where the model fills nothing:
    `reconstruct` is None, or raises ValueError, whose text is then under "filling_refused".
    """
    hidden = hidden_runs(X_test)
    shown = np.where(hidden, np.nan, X_test)
    positional = np.broadcast_to(positional_mean(X_train), X_test.shape)
    errors: dict[str, Any] = {
        "filling": None,
        "filling_linear": float(held_out_mae(X_test, fill_gaps(shown), hidden)),
        "filling_mean": float(held_out_mae(X_test, positional, hidden)),
    }
    if reconstruct is not None:
        try:
            filled = reconstruct(X_test, hidden)
        except ValueError as error:
            return errors | {"filling_refused": str(error)}
        errors["filling"] = float(held_out_mae(X_test, filled, hidden))
    return errors


def positional_mean(X: NDArray[Any]) -> NDArray[np.float64]:
    """(c, t) mean over the series; 0 where no series has a value."""
    observed = ~np.isnan(X)
    total = np.where(observed, X, 0.0).sum(axis=0, dtype=np.float64)
    return total / np.maximum(observed.sum(axis=0), 1)
