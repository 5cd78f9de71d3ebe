"""Standardisation of representations, a part at a time; components that hold rounding errors only become 0."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.preprocessing import StandardScaler

VALUES_AT_ONCE = 2**22
ROUNDINGS = 10
"""A component whose deviation is at most this number of roundings of the largest representation is constant."""


def fit_scaler(
    Z: NDArray[Any], weights: NDArray[Any] | None = None, *, centre: bool = True, scale: bool = True
) -> StandardScaler:
    """A scaler of representations (n, d), which makes constant components 0.

    Parameters
    ----------
    Z : representations, finite; their precision says what a rounding is.
    weights : (n,) above 0, None: all 1.
    centre, scale : whether the mean is taken away, and whether components are divided by their deviations.
    """
    scaler = StandardScaler(with_mean=centre, with_std=scale)
    largest = 0.0
    for rows in slices(len(Z), VALUES_AT_ONCE // Z.shape[1]):
        scaler.partial_fit(
            Z[rows].astype(np.float64), sample_weight=None if weights is None else weights[rows]
        )
        largest = max(largest, float(np.abs(Z[rows]).max()))
    if scale:
        precision = np.finfo(Z.dtype if Z.dtype.kind == "f" else np.float64).eps
        scaler.scale_[np.sqrt(scaler.var_) <= ROUNDINGS * precision * largest] = np.inf
    return scaler


def slices(total: int, size: int) -> Iterator[slice]:
    """0 to `total` in parts of `size`, or of 1 where that is less."""
    size = max(1, size)
    for start in range(0, total, size):
        yield slice(start, min(start + size, total))
