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
window        distance of the values of the last half period, each channel standardised, to the nearest such window of
              training: their shape, without an encoder.
combined      `nearest`, `pooled` and `window`, each as a share of its mean over the training part, added. An encoder
              sees what a plain distance does not, and the other way round.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from tsrep.tasks.anomaly.causal import CausalViews
from tsrep.tasks.anomaly.period import dominant_period

Floats = NDArray[np.float64]
Array = NDArray[Any]

SCALES = (1, 4, 16)
LEVELS = 4
"""Doublings of the window of steps whose maximum `pooled` takes."""
DIRECTIONS = 64
"""Principal directions that whitening keeps."""
NEIGHBOURS = 6000
"""Training representations, evenly spread, among which the nearest is looked for."""
ROWS_AT_ONCE = 512
"""Queries whose distances to all neighbours are computed together: few, so that they stay in the cache."""
POINTS = 64
"""Values of a channel that a `window` has at most; of a longer one they are means of stretches."""
VALUES = 512
"""Values of all channels together that a `window` has at most, as long as 4 a channel are left."""
FLOOR = 0.1
"""What a window's deviation is raised by, in deviations of training: a flat stretch is no shape."""


class Score:
    """`fit` learns from the training part of a series (t, c); `score` gives (t,) for any part of it.

    `arrays` holds all that was learned. `compared`: the paper's comparison with the scores just before belongs to this
    score. `stepwise`: the representation of a step alone gives its score.
    """

    compared: ClassVar[bool] = False
    stepwise: ClassVar[bool] = True

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
    compared, stepwise = True, False

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
        moved = moved[_known(train, views.context)]
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
        mean, whitening = _whitening(views.shown(train)[_known(train, views.context)])
        return type(self)(mean=mean, whitening=whitening)

    def score(self, views: CausalViews, values: Array) -> Floats:
        whitened = (views.shown(values) - self.arrays["mean"]) @ self.arrays["whitening"]
        return np.sum(whitened**2, axis=1, dtype=np.float64)


class ToNearest(Score):
    """Distance of what is seen at a step to the nearest that was seen in training. A subclass says what is seen,
    (t, k), and by which axes distances are measured."""

    def fit(self, views: CausalViews, train: Array) -> Self:
        prepared = self._prepared(train)
        before = prepared.steps(views.context) - 1
        return prepared._learned(prepared._seen(views, train)[_known(train, before)])

    def score(self, views: CausalViews, values: Array) -> Floats:
        return self._distance(self._seen(views, values))

    def score_training(self, views: CausalViews, train: Array) -> Floats:
        """The last third held against the first two: a step of training is no distance from itself."""
        cut = 2 * len(train) // 3
        seen = self._seen(views, train)
        earlier = self._learned(seen[:cut][_known(train[:cut], self.steps(views.context) - 1)])
        scores = np.full(len(train), np.nan)
        scores[cut:] = earlier._distance(seen[cut:])
        return scores

    def _distance(self, seen: Array) -> Floats:
        return _distance_to_nearest(self._by_axes(seen), self.arrays["points"])

    def _prepared(self, train: Array) -> Self:
        return self

    def _seen(self, views: CausalViews, values: Array) -> Array:
        raise NotImplementedError

    def _learned(self, seen: Array) -> Self:
        raise NotImplementedError

    def _by_axes(self, seen: Array) -> Array:
        return seen


class Nearest(ToNearest):
    def _seen(self, views: CausalViews, values: Array) -> Array:
        return views.shown(values)

    def _learned(self, seen: Array) -> Self:
        mean, whitening = _whitening(seen)
        return type(self)(mean=mean, whitening=whitening, points=(_spread(seen) - mean) @ whitening)

    def _by_axes(self, seen: Array) -> Array:
        return (seen - self.arrays["mean"]) @ self.arrays["whitening"]


class Pooled(Nearest):
    stepwise = False

    def steps(self, context: int) -> int:
        return context + 2**LEVELS

    def _seen(self, views: CausalViews, values: Array) -> Array:
        return _pooled(views.shown(values))


class Window(ToNearest):
    stepwise = False

    def steps(self, context: int) -> int:
        return int(self.arrays["width"])

    def _prepared(self, train: Array) -> Self:
        return type(self)(width=np.array(max(4, min(dominant_period(train) // 2, len(train) // 4))))

    def _seen(self, views: CausalViews, values: Array) -> Array:
        return _shapes(values, int(self.arrays["width"]))

    def _learned(self, seen: Array) -> Self:
        return type(self)(width=self.arrays["width"], points=_spread(seen))


class Combined(Score):
    stepwise = False
    parts: ClassVar[dict[str, type[Score]]] = {"nearest": Nearest, "pooled": Pooled, "window": Window}

    def steps(self, context: int) -> int:
        return max(part.steps(context) for part in self._fitted())

    def fit(self, views: CausalViews, train: Array) -> Self:
        fitted = {name: part().fit(views, train) for name, part in self.parts.items()}
        means = np.array([np.nanmean(part.score_training(views, train)) for part in fitted.values()])
        arrays = {
            f"{name}.{key}": array for name, part in fitted.items() for key, array in part.arrays.items()
        }
        return type(self)(means=np.where(means > 0, means, 1.0), **arrays)

    def score(self, views: CausalViews, values: Array) -> Floats:
        return self._added([part.score(views, values) for part in self._fitted()])

    def score_training(self, views: CausalViews, train: Array) -> Floats:
        return self._added([part.score_training(views, train) for part in self._fitted()])

    def _added(self, scores: list[Floats]) -> Floats:
        return np.sum(np.stack(scores) / self.arrays["means"][:, None], axis=0)

    def _fitted(self) -> list[Score]:
        return [
            part(
                **{k.removeprefix(f"{name}."): a for k, a in self.arrays.items() if k.startswith(f"{name}.")}
            )
            for name, part in self.parts.items()
        ]


SCORES: dict[str, type[Score]] = {
    "hidden": Hidden,
    "scales": Scales,
    "standardised": Standardised,
    "mahalanobis": Mahalanobis,
    "nearest": Nearest,
    "pooled": Pooled,
    "window": Window,
    "combined": Combined,
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


def _shapes(values: Array, width: int) -> Array:
    """(t, c * points) the last `width` steps of each step of (t, c), each channel standardised.

    Of a long window its values are means of what is known of stretches of it. Where nothing is known, and before the
    series, the window's mean stands.
    """
    known = np.pad(~np.isnan(values), ((width, 0), (0, 0)))
    padded = np.pad(np.nan_to_num(values), ((width, 0), (0, 0)))
    sums, counts = np.cumsum(padded, axis=0), np.cumsum(known, axis=0)
    points = min(width, POINTS, max(VALUES // values.shape[1], 4))
    edges = np.linspace(0, width, points + 1).astype(int)
    ends = np.arange(len(values))[:, None] + edges  # (t, points + 1) of sums: what lies before a stretch
    count = np.diff(counts[ends], axis=1)
    shapes = np.diff(sums[ends], axis=1) / np.maximum(count, 1)
    there = count > 0
    total = np.maximum(there.sum(axis=1, keepdims=True), 1)
    shapes = np.where(there, shapes - (shapes * there).sum(axis=1, keepdims=True) / total, 0.0)
    deviation = np.sqrt((shapes**2).sum(axis=1, keepdims=True) / total)
    return (shapes / (deviation + FLOOR)).reshape(len(values), -1).astype(np.float32)


def _spread(seen: Array) -> Array:
    """At most `NEIGHBOURS` of the rows, evenly spread."""
    return seen[:: max(1, -(-len(seen) // NEIGHBOURS))]


def _known(train: Array, before: int) -> NDArray[np.bool_]:
    """(t,) steps to learn from: measured, and `before` steps after the beginning where the part is long enough."""
    known = ~np.asarray(np.isnan(train).any(axis=1))
    whole = known & (np.arange(len(train)) >= before)
    return whole if whole.sum() >= 2 * before else known


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
    squares = np.sum(points**2, axis=1, keepdims=True)
    against = np.ascontiguousarray(
        np.concatenate([-2 * points, squares], axis=1).T
    )  # one product gives |p|^2 - 2qp
    nearest = np.empty(len(queries))
    for start in range(0, len(queries), ROWS_AT_ONCE):
        part = queries[start : start + ROWS_AT_ONCE]
        between = np.min(np.pad(part, ((0, 0), (0, 1)), constant_values=1) @ against, axis=1)
        nearest[start : start + ROWS_AT_ONCE] = between + np.sum(part**2, axis=1)
    return np.sqrt(nearest.clip(0))
