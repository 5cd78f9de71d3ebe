"""Selection of a candidate by its errors on the validation part, which are correlated.

Errors of neighbouring origins overlap: 2,000 origins with a horizon of 400 steps are about five independent forecasts.
Therefore origins are grouped into spans as long as the horizon, and a candidate that uses the representation is
selected only if it is better by a one-sided t test on the mean error differences of the spans, at the level
`SIGNIFICANCE`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[Any]

SIGNIFICANCE = 0.025


class Candidate(NamedTuple):
    """Weight of the representation, ridge penalty, and errors (m,) of the validation origins."""

    weight: float
    penalty: float
    errors: Array

    @property
    def mean(self) -> float:
        return float(np.nanmean(self.errors))


def choose(candidates: Sequence[Candidate], spans: Array) -> Candidate:
    """The best candidate with weight 0, unless others are significantly better: then the best of those.

    `spans` (m,) is the span number of each origin.
    """
    without = [candidate for candidate in candidates if candidate.weight == 0]
    plain = min(without, key=lambda candidate: candidate.mean)
    better = [c for c in candidates if c.weight > 0 and is_better(c.errors, plain.errors, spans)]
    return min(better, key=lambda candidate: candidate.mean, default=plain)


def is_better(errors: Array, others: Array, spans: Array) -> bool:
    """Whether `errors` (m,) are below `others` by a one-sided t test on the mean differences per span."""
    known = ~np.isnan(errors - others)
    _, span = np.unique(spans[known], return_inverse=True)
    counts = np.bincount(span)
    if len(counts) < 2:
        return False
    differences = np.bincount(span, weights=(errors - others)[known]) / counts
    standard_error = differences.std(ddof=1) / np.sqrt(len(differences))
    critical = stats.t.ppf(1 - SIGNIFICANCE, len(differences) - 1)
    return bool(differences.mean() < -critical * standard_error)


def stretch_edges(horizon: int) -> list[int]:
    """0, 6, 12, 24, 48, ... and the horizon: weight and penalty are selected once per stretch between two edges."""
    edges = [0]
    step = 6
    while step < horizon:
        edges.append(step)
        step *= 2
    return [*edges, horizon]


def spans_of(origins: Sequence[Array], steps: int) -> Array:
    """(m,) number of the span of `steps` steps that contains each origin; series do not share spans."""
    numbers, start = [], 0
    for series in origins:
        within = series // steps
        numbers.append(within + start)
        start += int(within.max(initial=0)) + 1
    return np.concatenate(numbers)
