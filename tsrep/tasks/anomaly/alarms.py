"""From one score per step to alarms: relative scores, thresholds, and the suppression of repeated alarms.

The paper's rule (TS2Vec, Yue et al., AAAI 2022, section 4.3) is `relative_increase`, then `deviation_threshold`, then
`suppress`; the threshold of a cold start is in `running.py`. Scores are (t,), higher = more anomalous, NaN where a step
is missing. A missing step raises no alarm and enters no mean.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tsrep.base.parameters import Range, number
from tsrep.tasks.anomaly.moving import moving_sum

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

WIDTH = 21
"""Previous scores that a score is compared with in the paper."""


def relative_increase(scores: NDArray[Any], width: int = WIDTH) -> Floats:
    """(t,) relative difference of each score and the mean of the `width` known scores before it.

    NaN where the score is missing or fewer than `width` known scores come before it; 0 where that mean is 0.
    """
    known = ~np.isnan(scores)
    values = np.asarray(scores, dtype=np.float64)[known]
    increase = np.full(len(values), np.nan)
    if len(values) > width:
        mean = moving_sum(values, width)[width - 1 : -1] / width
        with np.errstate(divide="ignore", invalid="ignore"):
            increase[width:] = np.where(mean > 0, (values[width:] - mean) / mean, 0.0)
    at_steps = np.full(len(scores), np.nan)
    at_steps[known] = increase
    return at_steps


def mean_ahead(scores: NDArray[Any], reach: int) -> Floats:
    """(t,) mean of the known scores of each step and of the `reach` steps after it. This looks ahead.

    A score describes the window that ends at its step, so it rises late in an anomaly; the mean of the next scores
    describes the windows that contain the step. NaN stays NaN.

    >>> mean_ahead(np.array([0.0, 3.0, np.nan, 6.0]), reach=1)
    array([1.5, 3. , nan, 6. ])
    """
    if reach == 0:
        return np.array(scores, dtype=np.float64)
    known = ~np.isnan(scores)
    sums = moving_sum(np.where(known, scores, 0.0)[::-1], reach + 1)[::-1]
    counts = moving_sum(known[::-1].astype(int), reach + 1)[::-1]
    return np.where(known, sums / np.maximum(counts, 1), np.nan)


def deviation_threshold(scores: NDArray[Any], deviations: float = 4.0) -> float:
    """The mean of the scores plus `deviations` times their standard deviation; the paper's rule has 4."""
    return float(np.nanmean(scores) + deviations * np.nanstd(scores))


def quantile_threshold(scores: NDArray[Any], share: float = 0.999) -> float:
    """The score that a new one does not exceed with probability `share`, 0 to 1, if it is like the `scores`.

    Of n scores it is the ceil((n + 1) * share)-th smallest, as in `forecast.intervals`, or the largest where n is too
    small for that.
    """
    known = np.sort(_known(np.asarray(scores, dtype=np.float64)))
    rank = int(np.ceil(np.round((len(known) + 1) * share, 9)))
    return float(known[np.clip(rank, 1, len(known)) - 1])


def budget_threshold(scores: NDArray[Any], per_10_000: float = 10.0, delay: int = 0) -> float:
    """The score for which `alarms_expected` are `per_10_000`, or the largest one if even that has more."""
    known = np.asarray(scores, dtype=np.float64)
    values = np.unique(_known(known))
    low, high = 0, len(values) - 1
    while low < high:
        middle = (low + high) // 2
        if alarms_expected(known, values[middle], delay) > per_10_000:
            low = middle + 1
        else:
            high = middle
    few = alarms_expected(known, values[high], delay)
    if high == 0 or few >= per_10_000:
        return float(values[high])
    many = alarms_expected(known, values[high - 1], delay)
    return float(np.interp(-per_10_000, [-many, -few], values[high - 1 : high + 1]))


def alarms_expected(scores: NDArray[Any], threshold: float, delay: int = 0) -> float:
    """Alarms to expect per 10,000 new steps whose scores are like `scores`, those within `delay` steps suppressed.

    For a threshold that is one of n scores, above which there are k alarms, it is (k + 1) / (n + 1), since a threshold
    set on these scores is exceeded a little more often by new ones; between two scores it is interpolated.
    """
    known = _known(np.asarray(scores, dtype=np.float64))
    edges = np.array(
        [known[known <= threshold].max(initial=-np.inf), known[known > threshold].min(initial=np.inf)]
    )
    alarms = [suppress(_exceeds(scores, edge), delay).sum() for edge in edges]
    expected = np.interp(threshold, edges, alarms) if np.isfinite(edges).all() else alarms[0]
    return float(10_000 * (expected + 1) / (len(known) + 1))


class Threshold(NamedTuple):
    """A rule for the threshold.

    level : the default.
    levels : the range of levels.
    of_training : (scores, level, delay) -> threshold, of training scores (t,); NaN for a rule that looks at the scored
        series instead.
    promised : level -> alarms per 10,000 steps; None for a rule that promises no number.
    """

    level: float
    levels: Range
    of_training: Callable[[Floats, float, int], float]
    promised: Callable[[float], float] | None = None


THRESHOLDS = {
    "deviation": Threshold(
        4.0, number(none=True), lambda scores, level, _: deviation_threshold(_known(scores), level)
    ),
    "quantile": Threshold(
        0.999,
        number(0, 1, none=True),
        lambda scores, level, _: quantile_threshold(scores, level),
        lambda level: 10_000 * (1 - level),
    ),
    "budget": Threshold(10.0, number(0, none=True), budget_threshold, lambda level: level),
    "running": Threshold(4.0, number(none=True), lambda scores, level, _: float("nan")),
}


def raise_alarms(scores: NDArray[Any], threshold: NDArray[Any] | float, delay: int = 7) -> NDArray[np.int64]:
    """(t,) 1 where a score exceeds the threshold and none of the `delay` steps before raised an alarm."""
    return suppress(_exceeds(scores, threshold), delay).astype(np.int64)


def suppress(alarms: Flags, delay: int) -> Flags:
    """Alarms (t,) without those within `delay` steps after an alarm that is kept.

    The authors' code does not suppress within the first `delay` steps of a series; here the rule holds for all steps.

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


def _known(scores: Floats) -> Floats:
    return scores[~np.isnan(scores)]


def _exceeds(scores: NDArray[Any], threshold: NDArray[Any] | float) -> Flags:
    with np.errstate(invalid="ignore"):
        return np.asarray(scores > threshold)
