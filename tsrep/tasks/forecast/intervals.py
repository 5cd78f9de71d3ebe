"""Intervals around forecasts by split conformal prediction (Vovk et al., 2005; Lei et al., JASA 2018).

The forecaster did not learn from the validation part, so its errors there are as large as errors to come, as long as
the future is like the validation part. The interval of a step ahead reaches as far to either side as the quantile of
the absolute validation errors at that step. Errors of neighbouring origins overlap, so the guarantee, exact for
exchangeable errors, is an approximation here; a backtest says how many values were in fact within.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def conformal_radius(errors: Array, level: float) -> Array:
    """How far an interval reaches to either side so that it holds the next value with probability `level`.

    Parameters
    ----------
    errors : (n, ...), NaN where an error is not known.
    level : between 0 and 1.

    Returns
    -------
    (...): the ceil((n + 1) * level)-th smallest absolute error; infinite where there are too few errors for the level.

    Examples
    --------
    >>> import numpy as np
    >>> conformal_radius(np.arange(1.0, 10.0)[:, None], 0.9), conformal_radius(np.arange(1.0, 9.0)[:, None], 0.9)
    (array([9.]), array([inf]))
    """
    if not 0 < level < 1:
        raise ValueError(f"level is {level!r}, wanted a number between 0 and 1")
    sizes = np.sort(np.abs(errors), axis=0)  # NaN last
    count = (~np.isnan(errors)).sum(axis=0)
    rank = np.ceil(np.round((count + 1) * level, 9)).astype(int)
    place = np.clip(rank, 1, np.maximum(count, 1)) - 1
    radius = np.take_along_axis(sizes, place[None], axis=0)[0]
    return np.where(rank <= count, radius, np.inf)
