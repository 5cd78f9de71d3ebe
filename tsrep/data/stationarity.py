"""The augmented Dickey-Fuller test: whether a series has a unit root or is stationary around its mean.

Said and Dickey (1984): regress the difference of a series on its level, a constant and its lagged differences; the
statistic is the t-value of the level. Its p-value is the approximation of MacKinnon (1994), with constant and without
trend. To choose the number of lags, one QR factorisation serves all nested regressions, so 150,000 steps and 75 lags
take seconds; separate fits take minutes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

# MacKinnon (1994), tables 3 and 4, one variable, constant: the p-value is the normal distribution of a polynomial in
# the statistic, one below the turning point and one above; outside the limits it is 0 or 1.
TURNING_POINT, LOWEST_STATISTIC, HIGHEST_STATISTIC = -1.61, -18.83, 2.74
BELOW = (2.1659, 1.4412, 0.038269)
ABOVE = (1.7339, 0.93202, -0.12745, -0.010368)


def unit_root_p_value(series: ArrayLike, max_lags: int | None = None) -> float:
    """p-value of the augmented Dickey-Fuller test on a series (t,); small = stationary around a mean.

    Parameters
    ----------
    series : (t,) without NaN.
    max_lags : the number of lagged differences in the regression is chosen from 0 to `max_lags` by Akaike's criterion.
        None: up to 12 (t / 100)^(1/4), Schwert's rule.

    Raises
    ------
    ValueError
        The series is constant, too short for the lags, holds NaN, or is not one-dimensional.
    """
    x = np.asarray(series, dtype=float)
    if x.ndim != 1 or np.isnan(x).any():
        raise ValueError(f"series has shape {x.shape}; wanted (t,) without NaN")
    if max_lags is None:
        max_lags = max(0, min(int(np.ceil(12 * (len(x) / 100) ** 0.25)), len(x) // 2 - 2))
    if len(x) < 2 * max_lags + 4:
        raise ValueError(f"series has {len(x)} steps; wanted at least {2 * max_lags + 4} for {max_lags} lags")
    if x.min() == x.max():
        raise ValueError("series is constant")
    regressors, change = _regression(x, _lags_by_aic(x, max_lags))
    upper = _triangular_factor(regressors, change)
    inverse = np.linalg.inv(upper[:-1, :-1])
    level = inverse[1] @ upper[:-1, -1]
    variance = upper[-1, -1] ** 2 / (len(change) - regressors.shape[1])
    return _p_value(level / np.sqrt(variance * np.sum(inverse[1] ** 2)))


def _regression(x: NDArray[Any], lags: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Regressors (constant, level before, `lags` differences before) and the difference, for complete steps."""
    change = np.diff(x)
    rows = len(change) - lags
    before = [change[lags - k : lags - k + rows] for k in range(1, lags + 1)]
    return np.column_stack([np.ones(rows), x[lags : lags + rows], *before]), change[lags:]


def _lags_by_aic(x: NDArray[Any], most: int) -> int:
    """The number of lags with the lowest AIC; all regressions use the steps that have `most` lags."""
    regressors, change = _regression(x, most)
    residual = _triangular_factor(regressors, change)[:, -1]
    squares = np.cumsum(residual[::-1] ** 2)[::-1]  # residual sum of squares of the first k regressors
    count = np.arange(2, most + 3)
    with np.errstate(divide="ignore"):
        return int(np.argmin(len(change) * np.log(squares[count]) + 2 * count))


def _triangular_factor(regressors: NDArray[Any], change: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(np.linalg.qr(np.column_stack([regressors, change]), mode="r"))


def _p_value(statistic: float) -> float:
    if statistic <= LOWEST_STATISTIC or statistic >= HIGHEST_STATISTIC:
        return float(statistic >= HIGHEST_STATISTIC)
    polynomial = BELOW if statistic <= TURNING_POINT else ABOVE
    return float(norm.cdf(np.polynomial.polynomial.polyval(statistic, polynomial)))
