"""Intervals around forecasts by split conformal prediction (Vovk et al., 2005; Lei et al., JASA 2018).

The regressions are not fitted on the validation part, so errors there are as large as future errors, as long as the
future resembles the validation part. The half width of the interval at a step ahead is the quantile of the absolute
validation errors at that step. That would be exact for exchangeable errors. Errors of neighbouring origins overlap, so
that few rows hold few independent ones, and intervals are wider by a factor for that. Errors of the paper's recipe grow
with the distance from the training part; they are measured at several distances (`PaperRecipe.at_distances`). A
backtest gives the share of values that were inside.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

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


def widening(counts: Array, level: float) -> Array:
    """The factor (h, k) of intervals that are set by `counts` (h, k) errors of consecutive origins per step ahead.

    Errors h steps ahead whose origins are j < h apart share h - j of their h innovations: their correlation is
    1 - j / h, and that of their squares the square of it. As in the variance of a mean, n of them are worth
    n / (1 + 2 / 3 * (h - 1)) independent ones. The factor is that of Student's quantile to the normal one.
    """
    ahead = np.arange(len(counts))[:, None]
    independent = np.maximum(counts / (1 + 2 / 3 * ahead), 1.0)
    upper = (1 + level) / 2
    return np.asarray(stats.t.ppf(upper, independent) / stats.norm.ppf(upper))


def interval_radius(
    recipes: Sequence[Forecasts], validation: Sequence[Part], horizon: int, level: float
) -> Array:
    """(horizon, k) half width of the intervals, standardised, from errors on the encoded validation parts.

    Those of several `recipes` are taken together, and count as those of one.
    """
    errors, rows = [], 0
    for history, first in validation:
        consecutive = np.arange(first, len(history) - 1)
        origins = thinned(consecutive, INTERVAL_ORIGINS // len(validation) + 1)
        truth = labels(history.target_values, horizon)[origins]
        for recipe in recipes:
            predicted = recipe.forecast(history, origins, horizon)
            errors.append(truth.reshape(predicted.shape) - predicted)
        rows += len(consecutive)
    of_all = np.concatenate(errors)
    counts = (~np.isnan(of_all)).sum(axis=0) * (rows / len(of_all))
    return conformal_radius(of_all, level) * widening(counts, level)
