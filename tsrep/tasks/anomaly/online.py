"""Scores and alarms of a live series, point by point: those that the detector gives for the whole series."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsrep.data.unmasked import unmasked
from tsrep.tasks.anomaly.causal import CausalViews, Floats
from tsrep.tasks.anomaly.context import known_steps, observed_share
from tsrep.tasks.anomaly.dead import DeadChannels
from tsrep.tasks.anomaly.running import RunningThreshold
from tsrep.tasks.anomaly.scores import Score

Array = NDArray[Any]


class Verdict(NamedTuple):
    """Score of a point as in `decision_function`, the threshold it is compared with, and whether there is an alarm."""

    score: float
    threshold: float
    alarm: bool


class LiveViews(CausalViews):
    """Representations of new points by an encoder with state (`encoder.online(context)`)."""

    def __init__(self, encoder: Any, context: int):
        super().__init__(encoder, context)
        self.live = encoder.online(context)

    def shown(self, values: Array) -> Floats:
        return self.live.update(values)

    def pairs(self, values: Array, stride: int = 1) -> Iterator[tuple[Floats, Floats]]:
        yield self.live.update_pair(values)


class LiveScore:
    """Raw scores of the new steps of a standardised series.

    An encoder with `online` keeps the state that it needs. For other encoders, and for scores that are not stepwise,
    the last steps are kept and scored again with every call, which gives the same scores and takes longer.
    """

    def __init__(
        self,
        score: Score,
        encoder: Any,
        context: int,
        channels: int,
        required_share: float,
        names: Sequence[str] | None = None,
    ):
        self.score = score
        self.required_share = required_share
        self.recent: Array | None = None
        self.dead = DeadChannels(context, channels)
        self.names = [str(channel) for channel in range(channels)] if names is None else names
        self.named: set[str] = set()  # dead channels that a warning has named
        self.steps = score.steps(context)
        self.known = np.zeros(self.steps - 1, dtype=bool)  # the steps before the next one
        if hasattr(encoder, "online") and score.stepwise:
            self.views: CausalViews = LiveViews(encoder, context)
        else:
            self.views = CausalViews(encoder, context)
            self.recent = np.empty((0, channels))

    def update(self, values: Array) -> Array:
        """(k,) scores of the new steps (k, channels), NaN where missing or too little of the context was observed."""
        values, dead = self.dead.at_mean(values)
        self._warn_of(dead)
        known = np.concatenate([self.known, known_steps(values)])
        self.known = known[len(values) :]
        shares = observed_share(known, self.steps)[self.steps - 1 :]
        enough = known[self.steps - 1 :] & (shares >= self.required_share)
        return np.where(enough, self._scores(values), np.nan)

    def _warn_of(self, dead: NDArray[np.bool_]) -> None:
        """A warning when a channel begins to count as its mean."""
        names = {self.names[channel] for channel in np.flatnonzero(dead.any(axis=0)).tolist()}
        for name in sorted(names - self.named):
            warnings.warn(f"the channel {name!r} has no values: it counts as its training mean", stacklevel=5)
        self.named |= names

    def _scores(self, values: Array) -> Array:
        if self.recent is None:
            return self.score.score(self.views, values)
        recent = np.concatenate([self.recent, values])
        self.recent = recent[-self.steps :]
        return self.score.score(self.views, recent)[-len(values) :]


class OnlineDetector:
    """Alarms on a live series, made by `RepresentationAnomalyDetector.online`.

    Time and memory per point do not grow with the series.

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
        median_score: float,
        threshold: float | RunningThreshold,
        delay: int,
        channels: int,
    ):
        self._raw_scores = raw_scores
        self._before: deque[float] = deque(maxlen=width)
        self._width = width
        self._median_score = median_score
        self._threshold = threshold
        self._delay = delay
        self._channels = channels
        self._since_alarm = delay

    def update(self, point: ArrayLike) -> Verdict:
        """The verdict on a new point, a number or (channels,); NaN or masked where nothing was measured.

        A step without any measurement is a point of NaN.

        Raises
        ------
        ValueError
            The point does not have the channels that the detector was fitted with, or is infinite.
        """
        values = np.atleast_1d(np.asarray(unmasked(point), dtype=np.float64))
        return self.extend(values[None])[-1]

    def extend(self, points: ArrayLike, scored: bool = True) -> list[Verdict]:
        """The verdicts on several new points, (k, channels) or (k,) for one channel, oldest first.

        With `scored=False` the points are the context of later ones only, and there are no verdicts.
        """
        values = np.asarray(unmasked(points), dtype=np.float64)
        values = values[:, None] if values.ndim == 1 else values
        if values.ndim != 2 or values.shape[1] != self._channels:
            raise ValueError(
                f"points has shape {np.shape(points)}; the detector was fitted with {self._channels} channels"
            )
        if np.isinf(values).any():
            raise ValueError("points has infinite values; NaN marks a missing value")
        if len(values) == 0:
            return []
        raw = self._raw_scores(np.ascontiguousarray(values))
        if not scored:
            return []
        return [self._verdict(float(score)) for score in raw]

    def _verdict(self, raw: float) -> Verdict:
        score = self._relative(raw)
        threshold = self._threshold
        if isinstance(threshold, RunningThreshold):
            threshold = threshold.update(score)
        alarm = bool(score > threshold) and self._since_alarm >= self._delay
        self._since_alarm = 0 if alarm else self._since_alarm + 1
        return Verdict(self._median_score if np.isnan(score) else score, threshold, alarm)

    def _relative(self, raw: float) -> float:
        if self._width == 0 or np.isnan(raw):
            return raw
        mean = float(np.mean(self._before)) if len(self._before) == self._width else np.nan
        self._before.append(raw)
        return (raw - mean) / mean if not mean <= 0 else 0.0
