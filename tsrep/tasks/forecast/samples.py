"""From one series to the rows of a regression: what is known at an origin, and what came after it.

The *origin* of a forecast is the last step that is known when it is made. Nothing here looks past it except `labels`.

Shapes: t steps, m origins, k targets, H the longest horizon in steps.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[Any]


def labels(values: Array, horizon: int) -> Array:
    """The `horizon` steps after each of `values` (t, k), NaN past the end: a view (t, horizon * k), step by step."""
    steps, targets = values.shape
    later = np.concatenate([values[1:], np.full((horizon, targets), np.nan)])
    return np.lib.stride_tricks.sliding_window_view(later.ravel(), horizon * targets)[::targets]


def held(values: Array) -> Array:
    """A copy of `values` (t, k) in which a gap keeps the last value before it; 0 before the first value."""
    steps = np.arange(len(values))[:, None]
    observed = ~np.isnan(values)
    last = np.maximum.accumulate(np.where(observed, steps, -1), axis=0)
    return np.where(last < 0, 0.0, np.take_along_axis(values, np.maximum(last, 0), axis=0))


def windows(values: Array, origins: Array, length: int) -> Array:
    """The last `length` steps up to each origin, (m, length) from (t,); before the start, the first value."""
    padded = np.concatenate([np.full(length - 1, values[0]), values])
    return np.lib.stride_tricks.sliding_window_view(padded, length)[origins]


def moving_level(values: Array, span: int) -> Array:
    """(t, k): the exponentially weighted mean of `values` (t, k; no NaN) up to and with each step.

    Weights fall by the factor 1 - 2 / (span + 1) a step back and are divided by their sum, so that the first steps are
    means of what there is.
    """
    return pd.DataFrame(values).ewm(span=span, adjust=True).mean().to_numpy()


def thinned(rows: Array, most: int) -> Array:
    """At most `most` of `rows`, evenly spaced."""
    return rows if len(rows) <= most else rows[np.linspace(0, len(rows) - 1, most).round().astype(int)]
