"""Alarms point by point on a live series: what the detector gives for the whole series, as each point arrives."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsrep.tasks.anomaly.causal import CausalViews, Floats
from tsrep.tasks.anomaly.scores import Score

Array = NDArray[Any]


class Verdict(NamedTuple):
    """The `score` that `decision_function` would give, the `threshold` it is held against, and whether that is an
    `alarm`."""

    score: float
    threshold: float
    alarm: bool


class LiveViews(CausalViews):
    """Views of the points that come, through an encoder that remembers those before (`encoder.online(context)`)."""

    def __init__(self, encoder: Any, context: int):
        super().__init__(encoder, context)
        self.live = encoder.online(context)

    def shown(self, values: Array) -> Floats:
        return self.live.update(values)

    def pairs(self, values: Array, stride: int = 1) -> Iterator[tuple[Floats, Floats]]:
        yield self.live.update_pair(values)


class LiveScore:
    """The score (t,) of each new step of a scaled series, given a few at a time.

    An encoder with `online` remembers what it needs. Otherwise, and for scores that take further steps, the steps that
    matter are kept and scored again with every call, which gives the same and takes longer.
    """

    def __init__(self, score: Score, encoder: Any, context: int, channels: int):
        self.score = score
        self.kept: Array | None = None
        self.reach = score.steps(context)
        if hasattr(encoder, "online") and score.stepwise:
            self.views: CausalViews = LiveViews(encoder, context)
        else:
            self.views = CausalViews(encoder, context)
            self.kept = np.empty((0, channels))

    def update(self, values: Array) -> Array:
        if self.kept is None:
            return self.score.score(self.views, values)
        kept = np.concatenate([self.kept, values])
        self.kept = kept[-self.reach :]
        return self.score.score(self.views, kept)[-len(values) :]


class OnlineDetector:
    """Alarms on a series that grows, made by `RepresentationAnomalyDetector.online`.

    Time and memory for a point do not grow with the series.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrep import TS2Vec
    >>> from tsrep.tasks import RepresentationAnomalyDetector
    >>> series = np.sin(np.arange(400) / 5)
    >>> encoder = TS2Vec(n_components=16, depth=3, max_steps=5, random_state=0)
    >>> detector = RepresentationAnomalyDetector(encoder, context=30).fit(series[:300])
    >>> live = detector.online(history=series[:300])
    >>> live.update(series[300]).alarm, live.update(3.0).alarm
    (False, True)
    """

    def __init__(
        self,
        raw_scores: Callable[[Array], Array],
        width: int,
        ordinary: float,
        threshold: float | RunningThreshold,
        delay: int,
        channels: int,
    ):
        self._raw_scores = raw_scores
        self._before: deque[float] = deque(maxlen=width)
        self._width = width
        self._ordinary = ordinary
        self._threshold = threshold
        self._delay = delay
        self._channels = channels
        self._since_alarm = delay

    def update(self, point: ArrayLike) -> Verdict:
        """The verdict on a new point: a number, or (channels,); NaN where nothing was measured.

        A step of time at which no point came at all is told by a point of NaN.

        Raises
        ------
        ValueError
            The point has another number of channels than the detector was fitted with, or is infinite.
        """
        values = np.atleast_1d(np.asarray(point, dtype=np.float64))
        return self.extend(values[None])[-1]

    def extend(self, points: ArrayLike) -> list[Verdict]:
        """The verdicts on several new points, (k, channels) or (k,) of one channel, oldest first."""
        values = np.asarray(points, dtype=np.float64)
        values = values[:, None] if values.ndim == 1 else values
        if values.ndim != 2 or values.shape[1] != self._channels:
            raise ValueError(
                f"points has shape {np.shape(points)}, the detector was fitted with {self._channels} channels"
            )
        if np.isinf(values).any():
            raise ValueError("points holds infinite values; NaN marks a missing one")
        raw = np.where(np.isnan(values).any(axis=1), np.nan, self._raw_scores(values))
        return [self._verdict(float(score)) for score in raw]

    def _verdict(self, raw: float) -> Verdict:
        score = self._compared(raw)
        threshold = self._threshold
        if isinstance(threshold, RunningThreshold):
            threshold = threshold.update(score)
        alarm = bool(score > threshold) and self._since_alarm >= self._delay
        self._since_alarm = 0 if alarm else self._since_alarm + 1
        return Verdict(self._ordinary if np.isnan(score) else score, threshold, alarm)

    def _compared(self, raw: float) -> float:
        if self._width == 0 or np.isnan(raw):
            return raw
        mean = float(np.mean(self._before)) if len(self._before) == self._width else np.nan
        self._before.append(raw)
        return (raw - mean) / mean if not mean <= 0 else 0.0


class RunningThreshold:
    """`alarms.running_threshold`, a score at a time (Welford's sums)."""

    def __init__(self, deviations: float, least: int):
        self.deviations, self.least = deviations, least
        self.count, self.mean, self.squares = 0, 0.0, 0.0

    def update(self, score: float) -> float:
        """The threshold for this score, which counts in it; NaN until there are enough."""
        if not np.isnan(score):
            self.count += 1
            difference = score - self.mean
            self.mean += difference / self.count
            self.squares += difference * (score - self.mean)
        if self.count < self.least:
            return float("nan")
        return self.mean + self.deviations * float(np.sqrt(self.squares / self.count))
