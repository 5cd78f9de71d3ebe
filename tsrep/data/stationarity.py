"""The augmented Dickey-Fuller test: does a series wander (a unit root), or come back to its mean?

Said and Dickey (1984): regress the difference of a series on its level, a constant and its own last differences; the
t-value of the level is the statistic. Its p-value comes from the approximation of MacKinnon (1994), with constant and
without trend. With the lags to choose, all nested regressions are read off one QR factorisation, so 150,000 steps and
75 lags take seconds where a fit for each takes minutes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

# MacKinnon (1994), tables 3 and 4, one variable, constant: the p-value is the normal distribution of a polynomial in
# the statistic, one below the turning point and one above; outside the limits it is 0 or 1.
TURNING_POINT, LEAST, LARGEST = -1.61, -18.83, 2.74
BELOW = (2.1659, 1.4412, 0.038269)
ABOVE = (1.7339, 0.93202, -0.12745, -0.010368)


def unit_root_p_value(series: ArrayLike, max_lags: int | None = None) -> float:
    """p-value of the augmented Dickey-Fuller test on a series (t,); small: it is stationary around a mean.

    Parameters
    ----------
    series : (t,) without NaN.
    max_lags : Akaike's criterion chooses how many lagged differences stand in the regression, 0 to this many. None:
        up to 12 (t / 100)^(1/4), Schwert's rule.

    Raises
    ------
    ValueError
        The series is constant, too short for the lags, holds NaN, or is not one-dimensional.
    """
    x = np.asarray(series, dtype=float)
    if x.ndim != 1 or np.isnan(x).any():
        raise ValueError(f"series has shape {x.shape}, wanted (t,) without NaN")
    if max_lags is None:
        max_lags = max(0, min(int(np.ceil(12 * (len(x) / 100) ** 0.25)), len(x) // 2 - 2))
    if len(x) < 2 * max_lags + 4:
        raise ValueError(f"series has {len(x)} steps, wanted at least {2 * max_lags + 4} for {max_lags} lags")
    if x.min() == x.max():
        raise ValueError("series is constant")
    regressors, change = _regression(x, _favoured_lags(x, max_lags))
    upper = _triangle(regressors, change)
    inverse = np.linalg.inv(upper[:-1, :-1])
    level = inverse[1] @ upper[:-1, -1]
    variance = upper[-1, -1] ** 2 / (len(change) - regressors.shape[1])
    return _p_value(level / np.sqrt(variance * np.sum(inverse[1] ** 2)))


def _regression(x: NDArray[Any], lags: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """(constant, level before, `lags` differences before; the difference) for each step that has them all."""
    change = np.diff(x)
    rows = len(change) - lags
    before = [change[lags - k : lags - k + rows] for k in range(1, lags + 1)]
    return np.column_stack([np.ones(rows), x[lags : lags + rows], *before]), change[lags:]


def _favoured_lags(x: NDArray[Any], most: int) -> int:
    """The number of lags with the least AIC, all regressions on the steps that `most` lags leave."""
    regressors, change = _regression(x, most)
    residual = _triangle(regressors, change)[:, -1]
    squares = np.cumsum(residual[::-1] ** 2)[::-1]  # left over by the first k regressors
    count = np.arange(2, most + 3)
    with np.errstate(divide="ignore"):
        return int(np.argmin(len(change) * np.log(squares[count]) + 2 * count))


def _triangle(regressors: NDArray[Any], change: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(np.linalg.qr(np.column_stack([regressors, change]), mode="r"))


def _p_value(statistic: float) -> float:
    if statistic <= LEAST or statistic >= LARGEST:
        return float(statistic >= LARGEST)
    polynomial = BELOW if statistic <= TURNING_POINT else ABOVE
    return float(norm.cdf(np.polynomial.polynomial.polyval(statistic, polynomial)))
