"""How gaps are filled for the baselines that take no missing value."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def fill_gaps(X: NDArray[Any]) -> NDArray[np.float64]:
    """A filled copy of the panel (n, c, t): gaps linearly interpolated, ends held at the nearest observed value.

    A channel with no observed step becomes 0.
    """
    filled = np.array(X, dtype=np.float64, order="C")  # so that `reshape` below is a view
    steps = np.arange(X.shape[2])
    for series in filled.reshape(-1, X.shape[2]):
        gaps = np.isnan(series)
        if gaps.all():
            series[:] = 0.0
        elif gaps.any():
            series[gaps] = np.interp(steps[gaps], steps[~gaps], series[~gaps])
    return filled
