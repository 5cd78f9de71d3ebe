"""Choosing between candidates on the validation part, when its errors are few and alike.

Errors of neighbouring origins overlap: 2,000 origins that each look 400 steps ahead hold about five forecasts' worth of
evidence. So origins are gathered in spans as long as the steps ahead, and a richer candidate is taken only if
Student's t test on the differences of the spans' mean errors says that it is better, at the level `SIGNIFICANCE`.
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
    """How the representation counts and how the weights are held down; `errors` (m,) of the validation origins."""

    weight: float
    penalty: float
    errors: Array

    @property
    def mean(self) -> float:
        return float(np.nanmean(self.errors))


def choose(candidates: Sequence[Candidate], spans: Array) -> Candidate:
    """The candidate to take: one with weight 0 unless the best of the others is clearly better.

    `spans` (m,) says which origins belong together.
    """
    plain = min((one for one in candidates if one.weight == 0), key=lambda one: one.mean)
    better = [one for one in candidates if one.weight > 0 and is_better(one.errors, plain.errors, spans)]
    return min(better, key=lambda one: one.mean, default=plain)


def is_better(errors: Array, others: Array, spans: Array) -> bool:
    """Whether `errors` (m,) are below `others`, by a one-sided t test on the mean differences of the spans."""
    known = ~np.isnan(errors - others)
    _, which = np.unique(spans[known], return_inverse=True)
    counts = np.bincount(which)
    if len(counts) < 2:
        return False
    differences = np.bincount(which, weights=(errors - others)[known]) / counts
    standard_error = differences.std(ddof=1) / np.sqrt(len(differences))
    least = stats.t.ppf(1 - SIGNIFICANCE, len(differences) - 1)
    return bool(differences.mean() < -least * standard_error)


def stretch_edges(horizon: int) -> list[int]:
    """0, 6, 12, 24, 48, ... and the horizon: the steps between two of them are chosen for together."""
    edges = [0]
    step = 6
    while step < horizon:
        edges.append(step)
        step *= 2
    return [*edges, horizon]


def spans_of(origins: Sequence[Array], steps: int) -> Array:
    """(m,): the number of the span of `steps` steps in which each origin lies; a series has spans of its own."""
    numbers, start = [], 0
    for series in origins:
        own = series // steps
        numbers.append(own + start)
        start += int(own.max(initial=0)) + 1
    return np.concatenate(numbers)
