"""Intervals around forecasts by split conformal prediction (Vovk et al., 2005; Lei et al., JASA 2018).

The regressions are not fitted on the validation part, so errors there are as large as future errors, as long as the
future resembles the validation part. The half width of the interval at a step ahead is the quantile of the absolute
validation errors at that step. The guarantee is exact for exchangeable errors and approximate here, since errors of
neighbouring origins overlap; a backtest gives the share of values that were inside.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsrep.base.parameters import number, out_of_range
from tsrep.tasks.forecast.history import Forecasts, Part
from tsrep.tasks.forecast.samples import labels, thinned

Array = NDArray[Any]

INTERVAL_ORIGINS = 2_000
"""Most validation origins from which the intervals are computed."""


def conformal_radius(errors: Array, level: float) -> Array:
    """The half width of an interval that contains the next value with probability `level`.

    Parameters
    ----------
    errors : (n, ...), NaN where an error is unknown.
    level : above 0 and below 1.

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
        raise out_of_range("level", level, number(above=0, below=1).wanted)
    sizes = np.sort(np.abs(errors), axis=0)  # NaN last
    count = (~np.isnan(errors)).sum(axis=0)
    rank = np.ceil(np.round((count + 1) * level, 9)).astype(int)
    place = np.clip(rank, 1, np.maximum(count, 1)) - 1
    radius = np.take_along_axis(sizes, place[None], axis=0)[0]
    return np.where(rank <= count, radius, np.inf)


def interval_radius(recipe: Forecasts, validation: Sequence[Part], horizon: int, level: float) -> Array:
    """(horizon, k) half width of the intervals, standardised, from errors on the encoded validation parts."""
    errors = []
    for history, first in validation:
        origins = thinned(np.arange(first, len(history) - 1), INTERVAL_ORIGINS // len(validation) + 1)
        predicted = recipe.forecast(history, origins, horizon)
        truth = labels(history.target_values, horizon)[origins].reshape(predicted.shape)
        errors.append(truth - predicted)
    return conformal_radius(np.concatenate(errors), level)
