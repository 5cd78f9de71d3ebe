"""Anomaly scores from causal representations: the paper's and others.

A score is fitted on the training part of one series and then gives (t,) numbers, higher = more anomalous, for any part
of it. The score of a step never depends on later steps. With r the representation of a step (D,), h the representation
of the same step hidden from the encoder, and d = |r - h|:

hidden        sum of d: how much the value of a step changes its representation. The paper's score (TS2Vec, Yue et al.,
              AAAI 2022, section 4.3).
scales        the maximum of `hidden` on the series and on its moving means over 4 and 16 steps, each divided by its
              training mean. One hidden step of a moving mean stands for 4 or 16 steps.
standardised  mean over dimensions of (d - mean) / deviation, with mean and deviation of training.
mahalanobis   squared Mahalanobis distance of r from the training representations.
nearest       distance of r to the nearest training representation, both whitened by the training covariance.
pooled        `nearest` for the maximum of r over the last 16 steps, the fourth level of the paper's hierarchy.
window        distance of the last half period of values, each channel standardised, to the nearest training window:
              the shape of the values, without an encoder.
combined      sum of `nearest`, `pooled` and `window`, each divided by its training mean. An encoder finds anomalies
              that a distance of values does not find, and the other way round.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from tsrep.tasks.anomaly.causal import CausalViews
from tsrep.tasks.anomaly.moving import moving_sum
from tsrep.tasks.anomaly.period import dominant_period

Floats = NDArray[np.float64]
Array = NDArray[Any]
Flags = NDArray[np.bool_]

SCALES = (1, 4, 16)
LEVELS = 4
"""`pooled` takes the maximum over the last 2 ** LEVELS steps."""
DIRECTIONS = 64
"""Most principal directions that whitening keeps."""
NEIGHBOURS = 6000
"""Most training points that are searched for the nearest; of more, evenly spaced ones are kept."""
FOLDS = 10
"""Stretches of the training part, each of which is scored by what is fitted on the others."""
STEPS_AT_ONCE = 2**17
"""Steps scored at a time."""
ROWS_AT_ONCE = 512
"""Queries per matrix product; few, so that the distances stay in the cache."""
POINTS = 64
"""Most values per channel of a `window`; the values of a longer window are means of stretches."""
VALUES = 512
"""Most values of all channels of a `window`, as long as there are 4 per channel."""
FLOOR = 0.1
"""Added to the deviation of a window, in training deviations, so that noise on a flat stretch is not a shape."""


class Score(ABC):
    """An anomaly score: `fit` on the training part of a series (t, c), `score` of any part of it (t,).

    `arrays` holds everything fitted. `relative`: by default the score is taken relative to the mean of the previous
    scores, as in the paper. `stepwise`: the representations of a step alone determine its score.
    `distance_to_training`: the score is a distance to the nearest step of training, so a step of training has none.
    """

    relative: ClassVar[bool] = False
    stepwise: ClassVar[bool] = True
    distance_to_training: ClassVar[bool] = False

    def __init__(self, **arrays: Array) -> None:
        self.arrays = arrays

    def fit(self, views: CausalViews, train: Array) -> Self:
        return self

    @abstractmethod
    def score(self, views: CausalViews, values: Array) -> Floats:
        """(t,) scores of the steps of `values` (t, c)."""

    def score_training(self, views: CausalViews, train: Array) -> Floats:
        """(t,) scores of the training part that are comparable with scores of new steps; NaN where there is none."""
        return self.score(views, train)

    def steps(self, context: int) -> int:
        """Number of steps that determine the score of a step, including itself."""
        return context + 1


def score_in_stretches(score: Score, views: CausalViews, values: Array) -> Floats:
    """(t,) `score.score` of a series (t, c): a long one in stretches, each with the steps before that it depends on."""
    before = score.steps(views.context) - 1
    if len(values) <= STEPS_AT_ONCE + before:
        return score.score(views, values)
    parts = []
    for start in range(0, len(values), STEPS_AT_ONCE):
        part = values[max(0, start - before) : start + STEPS_AT_ONCE]
        parts.append(score.score(views, part)[min(start, before) :])
    return np.concatenate(parts)


class Hidden(Score):
    relative = True

    def score(self, views: CausalViews, values: Array) -> Floats:
        return _at_scale(views, values, 1)


class Scales(Score):
    relative, stepwise = True, False

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
        differences = np.concatenate([np.abs(shown - hidden) for shown, hidden in views.pairs(train)])
        differences = differences[_usable(train, views.context)]
        deviation = np.maximum(differences.std(axis=0), 1e-6)
        return type(self)(mean=differences.mean(axis=0), deviation=deviation)

    def score(self, views: CausalViews, values: Array) -> Floats:
        mean, deviation = self.arrays["mean"], self.arrays["deviation"]
        parts = [
            ((np.abs(shown - hidden) - mean) / deviation).mean(axis=1)
            for shown, hidden in views.pairs(values)
        ]
        return np.concatenate(parts, dtype=np.float64)


class Mahalanobis(Score):
    def fit(self, views: CausalViews, train: Array) -> Self:
        return self._of(views.shown(train)[_usable(train, views.context)])

    def score(self, views: CausalViews, values: Array) -> Floats:
        return self._distance(views.shown(values))

    def score_training(self, views: CausalViews, train: Array) -> Floats:
        """Scores of each fold by mean and covariance of the others, which do not fit it as closely as their own."""
        shown, scores = views.shown(train), np.full(len(train), np.nan)
        for fold, others in _folds(_usable(train, views.context), self.steps(views.context)):
            scores[fold] = self._of(shown[others])._distance(shown[fold])
        return scores

    def _of(self, representations: Array) -> Self:
        mean, whitening = _whitening(representations)
        return type(self)(mean=mean, whitening=whitening)

    def _distance(self, representations: Array) -> Floats:
        whitened = (representations - self.arrays["mean"]) @ self.arrays["whitening"]
        return np.sum(whitened**2, axis=1, dtype=np.float64)


class ToNearest(Score):
    """Distance of the features of a step to the nearest features of training.

    A subclass defines the features (t, k) and, in `_project`, the space in which distances are measured.
    """

    distance_to_training = True

    def fit(self, views: CausalViews, train: Array) -> Self:
        sized = self._sized(train)
        before = sized.steps(views.context) - 1
        return sized._with_points(sized._features(views, train)[_usable(train, before)])

    def score(self, views: CausalViews, values: Array) -> Floats:
        return self._distance(self._features(views, values))

    def score_training(self, views: CausalViews, train: Array) -> Floats:
        """Scores of each fold by the points of the others: a training step is at distance 0 from itself."""
        steps = self.steps(views.context)
        features, scores = self._features(views, train), np.full(len(train), np.nan)
        for fold, others in _folds(_usable(train, steps - 1), steps):
            scores[fold] = self._with_points(features[others])._distance(features[fold])
        return scores

    def _distance(self, features: Array) -> Floats:
        return _distance_to_nearest(self._project(features), self.arrays["points"])

    def _sized(self, train: Array) -> Self:
        """The score with what its features depend on, fitted."""
        return self

    @abstractmethod
    def _features(self, views: CausalViews, values: Array) -> Array:
        """(t, k) features of the steps of `values` (t, c)."""

    @abstractmethod
    def _with_points(self, features: Array) -> Self:
        """The score with the training points (m, k) to which distances are measured."""

    def _project(self, features: Array) -> Array:
        return features


class Nearest(ToNearest):
    def _features(self, views: CausalViews, values: Array) -> Array:
        return views.shown(values)

    def _with_points(self, features: Array) -> Self:
        mean, whitening = _whitening(features)
        points = (_evenly_spaced(features) - mean) @ whitening
        return type(self)(mean=mean, whitening=whitening, points=points)

    def _project(self, features: Array) -> Array:
        return (features - self.arrays["mean"]) @ self.arrays["whitening"]


class Pooled(Nearest):
    stepwise = False

    def steps(self, context: int) -> int:
        return context + 2**LEVELS

    def _features(self, views: CausalViews, values: Array) -> Array:
        return _pooled(views.shown(values))


class Window(ToNearest):
    stepwise = False

    def steps(self, context: int) -> int:
        return int(self.arrays["width"])

    def _sized(self, train: Array) -> Self:
        return type(self)(width=np.array(max(4, min(dominant_period(train) // 2, len(train) // 4))))

    def _features(self, views: CausalViews, values: Array) -> Array:
        return _shapes(values, int(self.arrays["width"]))

    def _with_points(self, features: Array) -> Self:
        return type(self)(width=self.arrays["width"], points=_evenly_spaced(features))


class Combined(Score):
    stepwise, distance_to_training = False, True
    parts: ClassVar[dict[str, type[Score]]] = {"nearest": Nearest, "pooled": Pooled, "window": Window}

    def steps(self, context: int) -> int:
        return max(part.steps(context) for part in self._fitted_parts())

    def fit(self, views: CausalViews, train: Array) -> Self:
        fitted = {name: part().fit(views, train) for name, part in self.parts.items()}
        means = np.array([np.nanmean(part.score_training(views, train)) for part in fitted.values()])
        arrays = {
            f"{name}.{key}": array for name, part in fitted.items() for key, array in part.arrays.items()
        }
        return type(self)(means=np.where(means > 0, means, 1.0), **arrays)

    def score(self, views: CausalViews, values: Array) -> Floats:
        return self._sum_of_shares([part.score(views, values) for part in self._fitted_parts()])

    def score_training(self, views: CausalViews, train: Array) -> Floats:
        return self._sum_of_shares([part.score_training(views, train) for part in self._fitted_parts()])

    def _sum_of_shares(self, scores: list[Floats]) -> Floats:
        return np.sum(np.stack(scores) / self.arrays["means"][:, None], axis=0)

    def _fitted_parts(self) -> list[Score]:
        return [part(**with_prefix(f"{name}.", self.arrays)) for name, part in self.parts.items()]


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
    """(t,) L1 distances of shown and hidden on moving means over `scale` steps, with that stride between steps."""
    pairs = views.pairs(_moving_mean(values, scale), scale)
    return np.concatenate([np.abs(shown - hidden).sum(axis=1) for shown, hidden in pairs], dtype=np.float64)


def _moving_mean(values: Array, width: int) -> Array:
    """(t, c) mean of the known values of the last `width` steps."""
    if width == 1:
        return values
    known = ~np.isnan(values)
    sums = moving_sum(np.where(known, values, 0.0), width)
    counts = moving_sum(known.astype(int), width)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(counts > 0, sums / counts, np.nan)


def _pooled(representations: Array) -> Array:
    """(t, D) maximum of the last 2 ** `LEVELS` representations (t, D), or of all if there are fewer."""
    pooled = representations.copy()
    for level in range(LEVELS):
        earlier = pooled[: -(2**level)].copy()
        np.maximum(pooled[2**level :], earlier, out=pooled[2**level :])
    return pooled


def _shapes(values: Array, width: int) -> Array:
    """(t, c * points) the last `width` steps up to each step of (t, c), each channel of a window standardised.

    The values of a long window are means of the known values of stretches. Where no value is known, and before the
    start of the series, the value is the window's mean.
    """
    known = np.pad(~np.isnan(values), ((width, 0), (0, 0))).astype(int)
    padded = np.pad(np.nan_to_num(values), ((width, 0), (0, 0)))
    points = min(width, POINTS, max(VALUES // values.shape[1], 4))
    edges = np.linspace(0, width, points + 1).astype(int)
    count = _stretch_sums(known, edges, len(values))
    shapes = _stretch_sums(padded, edges, len(values)) / np.maximum(count, 1)
    known_stretch = count > 0
    total = np.maximum(known_stretch.sum(axis=1, keepdims=True), 1)
    shapes = np.where(
        known_stretch, shapes - (shapes * known_stretch).sum(axis=1, keepdims=True) / total, 0.0
    )
    deviation = np.sqrt((shapes**2).sum(axis=1, keepdims=True) / total)
    return (shapes / (deviation + FLOOR)).reshape(len(values), -1).astype(np.float32)


def _stretch_sums(padded: Array, edges: Array, length: int) -> Array:
    """(length, points, c) sums of (width + length, c) between the `edges` (points + 1,) of each window of steps.

    The first window ends at step `width`, the last edge.
    """
    widths, which = np.unique(np.diff(edges), return_inverse=True)
    sums = np.stack([moving_sum(padded, int(width)) for width in widths])
    return sums[which, np.arange(length)[:, None] + edges[1:]]


def _evenly_spaced(features: Array) -> Array:
    """At most `NEIGHBOURS` of the rows."""
    return features[:: max(1, -(-len(features) // NEIGHBOURS))]


def _usable(train: Array, before: int) -> Flags:
    """(t,) steps to fit on: complete ones with `before` steps before them, or all complete ones of a short part."""
    complete = ~np.asarray(np.isnan(train).any(axis=1))
    with_context = complete & (np.arange(len(train)) >= before)
    return with_context if with_context.sum() >= 2 * before else complete


def _folds(usable: Flags, steps: int) -> Iterator[tuple[NDArray[np.intp], Flags]]:
    """Each fold of the training part, with the `usable` (t,) steps of other folds.

    Of these, steps less than `steps` away share values with the fold and are left out, as long as most are left.
    """
    at = np.arange(len(usable))
    apart = min(steps, len(usable) // 4)
    for fold in np.array_split(at, min(FOLDS, len(at))):
        others = usable & ((at <= fold[0] - apart) | (at >= fold[-1] + apart))
        if others.any():
            yield fold, others


def _whitening(representations: Array) -> tuple[Array, Array]:
    """(mean (D,), matrix (D, k)): whitens representations (n, D) in their k main principal directions."""
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
    # (q, 1) times this is |p|^2 - 2qp, one product per block of queries
    augmented = np.ascontiguousarray(np.concatenate([-2 * points, squares], axis=1).T)
    nearest = np.empty(len(queries))
    for start in range(0, len(queries), ROWS_AT_ONCE):
        part = queries[start : start + ROWS_AT_ONCE]
        between = np.min(np.pad(part, ((0, 0), (0, 1)), constant_values=1) @ augmented, axis=1)
        nearest[start : start + ROWS_AT_ONCE] = between + np.sum(part**2, axis=1)
    return np.sqrt(nearest.clip(0))


def with_prefix(prefix: str, arrays: dict[str, Array]) -> dict[str, Array]:
    """The arrays whose names begin with `prefix`, without it."""
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
