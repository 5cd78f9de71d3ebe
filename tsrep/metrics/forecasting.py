"""Errors of forecasts. Values that were not observed (NaN in `truth`) are left out of all means."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Axis = int | tuple[int, ...] | None


def mse(truth: ArrayLike, predicted: ArrayLike, axis: Axis = None) -> Any:
    """Mean squared error over the observed values, in squared units of `truth`.

    The arrays have one shape. Returns a float, or with `axis` an array without these axes; NaN if nothing was observed.

    Raises
    ------
    ValueError
        The shapes differ, or a forecast is missing for an observed value.

    Examples
    --------
    >>> mse([1.0, float("nan"), 3.0], [1.0, 9.0, 5.0])
    2.0
    """
    known, estimates, observed = _compared(truth, predicted)
    return _mean((estimates - known) ** 2, observed, axis)


def mae(truth: ArrayLike, predicted: ArrayLike, axis: Axis = None) -> Any:
    """Mean absolute error over the observed values, in units of `truth`. Shapes and errors as in `mse`."""
    known, estimates, observed = _compared(truth, predicted)
    return _mean(np.abs(estimates - known), observed, axis)


def coverage(truth: ArrayLike, lower: ArrayLike, upper: ArrayLike, axis: Axis = None) -> Any:
    """Share of the observed values within their interval, ends included, 0 to 1. Shapes as in `mse`."""
    known, low, observed = _compared(truth, lower)
    _, high, _ = _compared(truth, upper)
    return _mean((known >= low) & (known <= high), observed, axis)


def _compared(truth: ArrayLike, predicted: ArrayLike) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.bool_]]:
    """Both arrays as floats, 0 where nothing was observed, and the mask of observed values."""
    known, estimates = np.asarray(truth, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    if known.shape != estimates.shape:
        raise ValueError(f"predicted has shape {estimates.shape}, truth has {known.shape}; wanted one shape")
    observed = ~np.isnan(known)
    missing = np.isnan(estimates) & observed
    if missing.any():
        raise ValueError(f"predicted is NaN at {int(missing.sum())} place(s) where truth is known")
    return np.where(observed, known, 0.0), np.where(observed, estimates, 0.0), observed


def _mean(values: NDArray[Any], observed: NDArray[np.bool_], axis: Axis) -> Any:
    count = observed.sum(axis=axis)
    total = np.sum(values, axis=axis, where=observed, dtype=np.float64)
    mean = np.divide(total, count, out=np.full(np.shape(total), np.nan), where=np.asarray(count) > 0)
    return float(mean) if axis is None else mean
