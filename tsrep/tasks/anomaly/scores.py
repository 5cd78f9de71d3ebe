"""How strange a step is, from causal representations of it: the paper's score and others.

A score is fitted on the training part of one series and then gives (t,) numbers, higher the stranger, for any part of
it; that of a step never depends on later steps. With r the representation of a step (D,), h that of the same step
hidden from the encoder, and d = |r - h|:

hidden        sum of d: how much the value of a step moves the representation. The paper's (TS2Vec, Yue et al., AAAI
              2022, section 4.3).
scales        the same on the series and on its means over the last 4 and 16 steps, where one hidden step stands for
              that many; each as a share of its training mean, and the largest of the three.
standardised  mean over the dimensions of (d - mean) / deviation, both from training: a quiet dimension counts as much
              as a loud one.
mahalanobis   squared distance of r from the mean of the training representations, in units of their covariance.
nearest       distance of r, whitened by that covariance, to the nearest representation of training.
pooled        the same for the maximum of r over the last 16 steps, the fourth level of the paper's hierarchy.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from tsrep.tasks.anomaly.causal import CausalViews

Floats = NDArray[np.float64]
Array = NDArray[Any]

SCALES = (1, 4, 16)
LEVELS = 4
"""Doublings of the window of steps whose maximum `pooled` takes."""
DIRECTIONS = 64
"""Principal directions that whitening keeps."""
NEIGHBOURS = 6000
"""Training representations, evenly spread, among which the nearest is looked for."""
ROWS_AT_ONCE = 4096


class Score:
    """`fit` learns from the training part of a series (t, c); `score` gives (t,) for any part of it.

    `arrays` holds all that was learned. `compared`: the paper's comparison with the scores just before belongs to this
    score.
    """

    compared: ClassVar[bool] = False

    def __init__(self, **arrays: Array) -> None:
        self.arrays = arrays

    def fit(self, views: CausalViews, train: Array) -> Self:
        return self

    def score(self, views: CausalViews, values: Array) -> Floats:
        raise NotImplementedError

    def score_training(self, views: CausalViews, train: Array) -> Floats:
        """(t,) scores of the training part that scores of new steps can be held against, NaN where there is none."""
        return self.score(views, train)

    def steps(self, context: int) -> int:
        """Steps that the score of one step takes, itself counted."""
        return context + 1


class Hidden(Score):
    compared = True

    def score(self, views: CausalViews, values: Array) -> Floats:
        return _at_scale(views, values, 1)


class Scales(Score):
    compared = True

    def steps(self, context: int) -> int:
        return (context + 1) * max(SCALES)

    def fit(self, views: CausalViews, train: Array) -> Self:
        means = [float(np.nanmean(_at_scale(views, train, scale))) for scale in SCALES]
        return type(self)(means=np.array(means))

    def score(self, views: CausalViews, values: Array) -> Floats:
        each = [_at_scale(views, values, scale) for scale in SCALES]
        return np.max(np.stack(each) / self.arrays["means"][:, None], axis=0)


class Standardised(Score):
    def fit(self, views: CausalViews, train: Array) -> Self:
        moved = np.concatenate([np.abs(shown - hidden) for shown, hidden in views.pairs(train)])
        moved = moved[_known(views, train)]
        return type(self)(mean=moved.mean(axis=0), deviation=np.maximum(moved.std(axis=0), 1e-6))

    def score(self, views: CausalViews, values: Array) -> Floats:
        mean, deviation = self.arrays["mean"], self.arrays["deviation"]
        parts = [
            ((np.abs(shown - hidden) - mean) / deviation).mean(axis=1)
            for shown, hidden in views.pairs(values)
        ]
        return np.concatenate(parts, dtype=np.float64)


class Mahalanobis(Score):
    def fit(self, views: CausalViews, train: Array) -> Self:
        mean, whitening = _whitening(views.shown(train)[_known(views, train)])
        return type(self)(mean=mean, whitening=whitening)

    def score(self, views: CausalViews, values: Array) -> Floats:
        return np.sum(self._whitened(views.shown(values)) ** 2, axis=1, dtype=np.float64)

    def _whitened(self, representations: Array) -> Array:
        return (representations - self.arrays["mean"]) @ self.arrays["whitening"]


class Nearest(Mahalanobis):
    def fit(self, views: CausalViews, train: Array) -> Self:
        return self._fit(self._shown(views, train)[_known(views, train)])

    def _shown(self, views: CausalViews, values: Array) -> Array:
        return views.shown(values)

    def _fit(self, representations: Array) -> Self:
        mean, whitening = _whitening(representations)
        spread = representations[:: max(1, -(-len(representations) // NEIGHBOURS))]
        return type(self)(mean=mean, whitening=whitening, points=(spread - mean) @ whitening)

    def score(self, views: CausalViews, values: Array) -> Floats:
        return _distance_to_nearest(self._whitened(self._shown(views, values)), self.arrays["points"])

    def score_training(self, views: CausalViews, train: Array) -> Floats:
        """The last third held against the first two: a step of training is no distance from itself."""
        cut = 2 * len(train) // 3
        shown = self._shown(views, train)
        earlier = self._fit(shown[:cut][_known(views, train[:cut])])
        scores = np.full(len(train), np.nan)
        scores[cut:] = _distance_to_nearest(earlier._whitened(shown[cut:]), earlier.arrays["points"])
        return scores


class Pooled(Nearest):
    def steps(self, context: int) -> int:
        return context + 2**LEVELS

    def _shown(self, views: CausalViews, values: Array) -> Array:
        return _pooled(views.shown(values))


SCORES: dict[str, type[Score]] = {
    "hidden": Hidden,
    "scales": Scales,
    "standardised": Standardised,
    "mahalanobis": Mahalanobis,
    "nearest": Nearest,
    "pooled": Pooled,
}


def _at_scale(views: CausalViews, values: Array, scale: int) -> Floats:
    """(t,) L1 distances of shown and hidden on the means of the last `scale` steps, of every `scale`-th step."""
    pairs = views.pairs(_moving_mean(values, scale), scale)
    return np.concatenate([np.abs(shown - hidden).sum(axis=1) for shown, hidden in pairs], dtype=np.float64)


def _moving_mean(values: Array, width: int) -> Array:
    """(t, c) mean of what is known of the last `width` steps."""
    if width == 1:
        return values
    known = ~np.isnan(values)
    sums = np.cumsum(np.where(known, values, 0.0), axis=0)
    counts = np.cumsum(known, axis=0)
    sums[width:], counts[width:] = sums[width:] - sums[:-width], counts[width:] - counts[:-width]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(counts > 0, sums / counts, np.nan)


def _pooled(representations: Array) -> Array:
    """(t, D) maximum of the last 2 ** `LEVELS` representations (t, D), of fewer at the beginning."""
    pooled = representations.copy()
    for level in range(LEVELS):
        earlier = pooled[: -(2**level)].copy()
        np.maximum(pooled[2**level :], earlier, out=pooled[2**level :])
    return pooled


def _known(views: CausalViews, train: Array) -> NDArray[np.bool_]:
    """(t,) steps to learn from: measured, and with a whole context before them where the part is long enough."""
    known = ~np.asarray(np.isnan(train).any(axis=1))
    whole = known & (np.arange(len(train)) >= views.context)
    return whole if whole.sum() >= 2 * views.context else known


def _whitening(representations: Array) -> tuple[Array, Array]:
    """(mean (D,), matrix (D, k)): what makes representations (n, D) of unit variance in their k main directions."""
    mean = representations.mean(axis=0, dtype=np.float64)
    centred = representations - mean
    variances, directions = np.linalg.eigh(centred.T @ centred / max(len(centred) - 1, 1))
    variances, directions = variances[::-1][:DIRECTIONS], directions[:, ::-1][:, :DIRECTIONS]
    floor = 1e-6 * max(variances[0], 1e-12)
    whitening = directions / np.sqrt(variances.clip(0) + floor)
    return mean.astype(np.float32), whitening.astype(np.float32)


def _distance_to_nearest(queries: Array, points: Array) -> Floats:
    """(n,) Euclidean distance of each of the queries (n, k) to the nearest of the points (m, k)."""
    squares = np.sum(points**2, axis=1)
    nearest = np.empty(len(queries))
    for start in range(0, len(queries), ROWS_AT_ONCE):
        part = queries[start : start + ROWS_AT_ONCE]
        between = np.min(squares - 2 * part @ points.T, axis=1)
        nearest[start : start + ROWS_AT_ONCE] = between + np.sum(part**2, axis=1)
    return np.sqrt(nearest.clip(0))
