"""The threshold of a cold start: mean plus some standard deviations of the scores so far.

The paper (TS2Vec, Yue et al., AAAI 2022, section 4.3) counts all scores. There one enormous score, of a fill value for
example, raises the threshold for the rest of the series, since its square stays in the variance. Here scores more than
`FARTHEST` deviations above the mean of those before them are left out, and the first ones that far above their median.
A level that lasts for `LASTING` such scores in a row is the new usual one. Without such scores it is the paper's rule.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsrep.tasks.anomaly.alarms import WIDTH

Floats = NDArray[np.float64]

FARTHEST = 10.0
"""Deviations above the mean from which on a score is left out."""
LASTING = 500
"""Scores in a row that are left out, before they are the usual ones; more than the context of one fill value."""
TO_DEVIATION = 1.4826
"""Standard deviation of normal values over their median absolute deviation."""


def running_threshold(scores: NDArray[Any], deviations: float = 4.0, least: int = WIDTH + 1) -> Floats:
    """(t,) mean plus `deviations` standard deviations of the scores up to and including each step.

    NaN, so that there is no alarm, until `least` scores are known.
    """
    threshold = RunningThreshold(deviations, least)
    return np.array([threshold.update(float(score)) for score in scores])


class RunningThreshold:
    """`running_threshold`, score by score."""

    def __init__(self, deviations: float, least: int):
        self.deviations, self.least = deviations, least
        self.farthest = max(FARTHEST, deviations)
        self.first: list[float] = []
        self.usual, self.beyond = Moments(), Moments()

    def update(self, score: float) -> float:
        """The threshold for this score; NaN until there are `least` scores."""
        if not np.isnan(score):
            if len(self.first) < self.least:
                self._begin(score)
            else:
                self._include(score)
        return self.usual.mean + self.deviations * self.usual.deviation if self.usual.count else np.nan

    def state_dict(self) -> dict[str, Floats]:
        """The scores so far, as far as later thresholds depend on them."""
        return {
            "first": np.array(self.first),
            "usual": self.usual.as_array(),
            "beyond": self.beyond.as_array(),
        }

    def load_state_dict(self, state: dict[str, Floats]) -> None:
        self.first = state["first"].tolist()
        self.usual, self.beyond = Moments(*state["usual"].tolist()), Moments(*state["beyond"].tolist())

    def _begin(self, score: float) -> None:
        self.first.append(score)
        if len(self.first) == self.least:
            median = np.median(self.first)
            spread = TO_DEVIATION * np.median(np.abs(np.array(self.first) - median))
            for each in self.first:
                if spread == 0 or each <= median + self.farthest * spread:
                    self.usual.include(each)

    def _include(self, score: float) -> None:
        spread = self.usual.deviation
        if spread == 0 or score <= self.usual.mean + self.farthest * spread:
            self.usual.include(score)
            self.beyond = Moments()
            return
        self.beyond.include(score)
        if self.beyond.count == LASTING:
            self.usual, self.beyond = self.beyond, Moments()


class Moments:
    """Number, mean and standard deviation of the scores included so far (Welford's algorithm)."""

    def __init__(self, count: float = 0, mean: float = 0.0, squares: float = 0.0) -> None:
        self.count, self.mean, self.squares = int(count), mean, squares

    def as_array(self) -> Floats:
        """(3,) what `Moments` takes."""
        return np.array([self.count, self.mean, self.squares])

    def include(self, score: float) -> None:
        self.count += 1
        difference = score - self.mean
        self.mean += difference / self.count
        self.squares += difference * (score - self.mean)

    @property
    def deviation(self) -> float:
        return float(np.sqrt(max(self.squares, 0.0) / max(self.count, 1)))
