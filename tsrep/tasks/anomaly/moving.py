"""Moving sums in which a value counts only in the windows that contain it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def moving_sum(values: Array, width: int) -> Array:
    """(t, ...) the sum of the last `width` values of (t, ...) up to and including each step, of fewer at the start.

    A window spans at most two blocks of `width` steps, so its sum is the end of one block plus the beginning of the
    next. The difference of two running totals would be wrong in every window after a huge value.

    >>> moving_sum(np.array([1e20, 1.0, 2.0, 3.0]), width=2)[2:]
    array([3., 5.])
    """
    length = len(values)
    width = max(1, min(width, length))
    padding = ((0, -length % width), *[(0, 0)] * (values.ndim - 1))
    blocks = np.pad(values, padding).reshape(-1, width, *values.shape[1:])
    beginnings = np.cumsum(blocks, axis=1)
    ends = np.cumsum(blocks[:, ::-1], axis=1)[:, ::-1]
    beginnings[1:, :-1] += ends[:-1, 1:]
    return beginnings.reshape(-1, *values.shape[1:])[:length]
