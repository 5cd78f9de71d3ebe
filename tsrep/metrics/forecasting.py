"""How far forecasts are from what came. A value that was not observed (NaN in `truth`) is left out of every mean."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Axis = int | tuple[int, ...] | None


def mse(truth: ArrayLike, predicted: ArrayLike, axis: Axis = None) -> Any:
    """Mean squared error over the observed values, in squared units of `truth`.

    Arrays of one shape; a float comes back, or with `axis` an array without those axes. NaN where nothing was observed.

    Raises
    ------
    ValueError
        The shapes differ, or a forecast is missing for an observed value.

    Examples
    --------
    >>> mse([1.0, float("nan"), 3.0], [1.0, 9.0, 5.0])
    2.0
    """
    known, guessed, observed = _compared(truth, predicted)
    return _mean((guessed - known) ** 2, observed, axis)


def mae(truth: ArrayLike, predicted: ArrayLike, axis: Axis = None) -> Any:
    """Mean absolute error over the observed values, in units of `truth`. Shapes and errors as in `mse`."""
    known, guessed, observed = _compared(truth, predicted)
    return _mean(np.abs(guessed - known), observed, axis)


def coverage(truth: ArrayLike, lower: ArrayLike, upper: ArrayLike, axis: Axis = None) -> Any:
    """Share of the observed values that lie within their interval, ends included, 0 to 1. Shapes as in `mse`."""
    known, low, observed = _compared(truth, lower)
    _, high, _ = _compared(truth, upper)
    return _mean((known >= low) & (known <= high), observed, axis)


def _compared(truth: ArrayLike, predicted: ArrayLike) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.bool_]]:
    """Both as floats, zero where nothing was observed, and where something was."""
    known, guessed = np.asarray(truth, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    if known.shape != guessed.shape:
        raise ValueError(f"predicted has shape {guessed.shape}, truth has {known.shape}")
    observed = ~np.isnan(known)
    missing = np.isnan(guessed) & observed
    if missing.any():
        raise ValueError(f"predicted is NaN at {int(missing.sum())} place(s) where truth is known")
    return np.where(observed, known, 0.0), np.where(observed, guessed, 0.0), observed


def _mean(values: NDArray[Any], observed: NDArray[np.bool_], axis: Axis) -> Any:
    count = observed.sum(axis=axis)
    total = np.sum(values, axis=axis, where=observed, dtype=np.float64)
    mean = np.divide(total, count, out=np.full(np.shape(total), np.nan), where=np.asarray(count) > 0)
    return float(mean) if axis is None else mean
