"""From a series to the rows of a regression: features that are known at an origin, and labels after it.

The *origin* of a forecast is the last step that is known when it is made. Only `labels` looks past it.

Shapes: t steps, m origins, k targets, H the longest horizon in steps.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[Any]


def labels(values: Array, horizon: int) -> Array:
    """The `horizon` steps after each step of `values` (t, k), NaN past the end: a view (t, horizon * k)."""
    steps, targets = values.shape
    later = np.concatenate([values[1:], np.full((horizon, targets), np.nan)])
    return np.lib.stride_tricks.sliding_window_view(later.ravel(), horizon * targets)[::targets]


def held(values: Array) -> Array:
    """A copy of `values` (t, k) with gaps filled by the last value before them, and 0 before the first value."""
    steps = np.arange(len(values))[:, None]
    observed = ~np.isnan(values)
    last = np.maximum.accumulate(np.where(observed, steps, -1), axis=0)
    return np.where(last < 0, 0.0, np.take_along_axis(values, np.maximum(last, 0), axis=0))


def windows(values: Array, origins: Array, length: int) -> Array:
    """The last `length` steps up to each origin, (m, length) from (t,), padded in front with the first value."""
    padded = np.concatenate([np.full(length - 1, values[0]), values])
    return np.lib.stride_tricks.sliding_window_view(padded, length)[origins]


def moving_level(values: Array, span: int) -> Array:
    """(t, k) exponentially weighted mean of `values` (t, k; no NaN) up to and including each step.

    Weights decrease by the factor 1 - 2 / (span + 1) per step back and are normalised, at the first steps too.
    """
    return pd.DataFrame(values).ewm(span=span, adjust=True).mean().to_numpy()


def thinned(rows: Array, most: int) -> Array:
    """`rows`, or `most` evenly spaced ones if there are more."""
    return rows if len(rows) <= most else rows[np.linspace(0, len(rows) - 1, most).round().astype(int)]
