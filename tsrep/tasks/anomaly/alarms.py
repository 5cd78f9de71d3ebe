"""From a score a step to alarms: comparison with the steps just before, a threshold, and no second alarm at once.

The paper's rule (TS2Vec, Yue et al., AAAI 2022, section 4.3) is `relative_increase`, then `deviation_threshold`, then
`suppress`. Scores are (t,), higher the stranger, NaN where a step was missing: such a step is passed over, gives no
alarm and counts in no mean.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

WIDTH = 21
"""Earlier scores that a score is compared with, in the paper."""


def relative_increase(scores: NDArray[Any], width: int = WIDTH) -> Floats:
    """(t,) by how much each score exceeds the mean of the `width` scores strictly before it, as a share of that mean.

    Missing steps are left out of the count. NaN where fewer than `width` scores came before.
    """
    known = ~np.isnan(scores)
    values = np.asarray(scores, dtype=np.float64)[known]
    sums = np.cumsum(np.concatenate([[0.0], values]))
    increase = np.full(len(values), np.nan)
    if len(values) > width:
        mean = (sums[width:-1] - sums[: -width - 1]) / width
        with np.errstate(divide="ignore", invalid="ignore"):
            increase[width:] = np.where(mean > 0, (values[width:] - mean) / mean, 0.0)
    spread = np.full(len(scores), np.nan)
    spread[known] = increase
    return spread


def mean_ahead(scores: NDArray[Any], reach: int) -> Floats:
    """(t,) mean of what is known of the score of each step and of the `reach` scores after it: this looks ahead.

    A score tells of the window that ends at its step, so strangeness shows late; the mean of the next ones tells of the
    windows that a step is part of. NaN stays NaN.

    >>> mean_ahead(np.array([0.0, 3.0, np.nan, 6.0]), reach=1)
    array([1.5, 3. , nan, 6. ])
    """
    if reach == 0:
        return np.array(scores, dtype=np.float64)
    known = ~np.isnan(scores)
    sums = np.cumsum(np.concatenate([[0.0], np.where(known, scores, 0.0)]))
    counts = np.cumsum(np.concatenate([[0], known]))
    steps = np.arange(len(scores))
    after = np.minimum(steps + reach + 1, len(scores))
    mean = (sums[after] - sums[steps]) / np.maximum(counts[after] - counts[steps], 1)
    return np.where(known, mean, np.nan)


def deviation_threshold(scores: NDArray[Any], deviations: float = 4.0) -> float:
    """Mean of the scores plus so many of their standard deviations: the paper's rule, with 4."""
    return float(np.nanmean(scores) + deviations * np.nanstd(scores))


def quantile_threshold(scores: NDArray[Any], share: float = 0.999) -> float:
    """The value that this share of the scores does not exceed, 0 to 1."""
    return float(np.nanquantile(scores, share))


def budget_threshold(scores: NDArray[Any], per_10_000: float = 10.0, delay: int = 0) -> float:
    """The lowest score such that no more than so many alarms in 10,000 steps come from what exceeds it.

    Alarms are counted after `suppress(alarms, delay)`.
    """
    values = np.unique(scores[~np.isnan(scores)])
    budget = per_10_000 * np.count_nonzero(~np.isnan(scores)) / 10_000
    low, high = 0, len(values) - 1  # values[high] is exceeded by nothing
    while low < high:
        middle = (low + high) // 2
        if suppress(_exceeds(scores, values[middle]), delay).sum() > budget:
            low = middle + 1
        else:
            high = middle
    return float(values[high])


def running_threshold(scores: NDArray[Any], deviations: float = 4.0, least: int = WIDTH + 1) -> Floats:
    """(t,) mean plus so many standard deviations of all scores up to and with each step: for a cold start.

    NaN, so no alarm, until `least` scores are known.
    """
    known = ~np.isnan(scores)
    values = np.where(known, scores, 0.0)
    count = np.maximum(np.cumsum(known), 1)
    centre = values[known][0] if known.any() else 0.0  # against cancellation in the sum of squares
    shifted = np.where(known, values - centre, 0.0)
    mean = np.cumsum(shifted) / count
    variance = np.maximum(np.cumsum(shifted**2) / count - mean**2, 0.0)
    threshold = centre + mean + deviations * np.sqrt(variance)
    return np.where(np.cumsum(known) >= least, threshold, np.nan)


def raise_alarms(scores: NDArray[Any], threshold: NDArray[Any] | float, delay: int = 7) -> NDArray[np.int64]:
    """(t,) 1 where a score exceeds the threshold and none of the `delay` steps before raised an alarm."""
    return suppress(_exceeds(scores, threshold), delay).astype(np.int64)


def suppress(alarms: Flags, delay: int) -> Flags:
    """Alarms (t,) without those that come within `delay` steps of an alarm that stays.

    The authors' code does not suppress within the first `delay` steps of a series; here the rule holds throughout.

    >>> suppress(np.array([1, 1, 0, 1, 1], dtype=bool), delay=2).astype(int)
    array([1, 0, 0, 1, 0])
    """
    kept = np.zeros(len(alarms), dtype=bool)
    last = -delay - 1
    for step in np.flatnonzero(alarms):
        if step - last > delay:
            kept[step] = True
            last = int(step)
    return kept


def _exceeds(scores: NDArray[Any], threshold: NDArray[Any] | float) -> Flags:
    with np.errstate(invalid="ignore"):
        return np.asarray(scores > threshold)
