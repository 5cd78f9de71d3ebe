"""Scores and alarms of a live series, point by point: those that the detector gives for the whole series."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from tsrep.base.state import read_state, write_state
from tsrep.data.plain import real_numbers
from tsrep.tasks.anomaly.causal import CausalViews, Floats
from tsrep.tasks.anomaly.context import known_steps, observed_share
from tsrep.tasks.anomaly.dead import DeadChannels
from tsrep.tasks.anomaly.doubts import LiveDrift
from tsrep.tasks.anomaly.fitted import FittedSeries
from tsrep.tasks.anomaly.running import RunningThreshold
from tsrep.tasks.anomaly.scores import Score, with_prefix

Array = NDArray[Any]
Arrays = dict[str, Array]


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

    def state_dict(self) -> Arrays:
        """The state of the encoder.

        Raises
        ------
        TypeError
            What the encoder's `online` gives has no `state_dict`.
        """
        if not hasattr(self.live, "state_dict"):
            raise TypeError(
                f"the encoder's online() gives a {type(self.live).__name__}; wanted an object with state_dict"
            )
        return {name: tensor.cpu().numpy() for name, tensor in self.live.state_dict().items()}

    def load_state_dict(self, state: Arrays) -> None:
        self.live.load_state_dict({name: torch.from_numpy(array) for name, array in state.items()})


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
        self.live: LiveViews | None = None
        self.views = CausalViews(encoder, context)
        self.recent = np.empty((0, channels))
        self.dead = DeadChannels(context, channels)
        self.names = [str(channel) for channel in range(channels)] if names is None else names
        self.named = np.zeros(channels, dtype=bool)  # dead channels that a warning has named
        self.steps = score.steps(context)
        self.known = np.zeros(self.steps - 1, dtype=bool)  # the steps before the next one
        if hasattr(encoder, "online") and score.stepwise:
            self.live = LiveViews(encoder, context)

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
        fresh = dead.any(axis=0) & ~self.named
        for channel in np.flatnonzero(fresh).tolist():
            name = self.names[channel]
            warnings.warn(f"the channel {name!r} has no values: it counts as its training mean", stacklevel=4)
        self.named |= fresh

    def state_dict(self) -> Arrays:
        """Everything that later scores depend on."""
        state = {"known": self.known, "missing": self.dead.missing, "named": self.named}
        if self.live is not None:
            return state | {f"views.{name}": array for name, array in self.live.state_dict().items()}
        return {**state, "recent": self.recent}

    def load_state_dict(self, state: Arrays) -> None:
        self.known, self.dead.missing, self.named = state["known"], state["missing"], state["named"]
        if self.live is not None:
            self.live.load_state_dict(with_prefix("views.", state))
        else:
            self.recent = state["recent"]

    def _scores(self, values: Array) -> Array:
        if self.live is not None:
            return self.score.score(self.live, values)
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
        fitted: FittedSeries,
        raw_scores: LiveScore,
        width: int,
        threshold: float | RunningThreshold,
        delay: int,
        channels: int,
        share_above: float,
        identity: str,
    ):
        self._fitted = fitted
        self._raw_scores = raw_scores
        self._before: deque[float] = deque(maxlen=width)
        self._width = width
        self._threshold = threshold
        self._delay = delay
        self._channels = channels
        self._identity = identity
        self._since_alarm = delay
        self._drift = LiveDrift(raw_scores.steps, share_above)

    def update(self, point: ArrayLike) -> Verdict:
        """The verdict on a new point, a number or (channels,); NaN or masked where nothing was measured.

        A step without any measurement is a point of NaN.

        Raises
        ------
        ValueError
            The point does not have the channels that the detector was fitted with, or is infinite.
        """
        values = np.atleast_1d(real_numbers(point, "point"))
        return self.extend(values[None])[-1]

    def extend(self, points: ArrayLike, scored: bool = True) -> list[Verdict]:
        """The verdicts on several new points, (k, channels) or (k,) for one channel, oldest first.

        With `scored=False` the points are the context of later ones only, and there are no verdicts.
        """
        values = real_numbers(points, "points")
        values = values[:, None] if values.ndim == 1 else values
        if values.ndim != 2 or values.shape[1] != self._channels:
            raise ValueError(
                f"points has shape {np.shape(points)}; the detector was fitted with {self._channels} channels"
            )
        if np.isinf(values).any():
            raise ValueError("points has infinite values; NaN marks a missing value")
        if len(values) == 0:
            return []
        raw = self._raw_scores.update(self._fitted.standardised(np.ascontiguousarray(values)))
        if not scored:
            return []
        return [self._verdict(float(score)) for score in raw]

    def save(self, path: str | Path) -> None:
        """Writes all that later verdicts depend on, and no weight, to the folder `path`.

        `RepresentationAnomalyDetector.online(state=path)`, of the same detector or of one that was saved and loaded,
        goes on from here: its verdicts are those that this one would give, to the bit. An earlier state at `path` is
        replaced, as a whole.

        Raises
        ------
        FileExistsError
            `path` holds something else.
        TypeError
            The encoder is not of this package, and what its `online` gives has no `state_dict`.
        """
        write_state(path, self._state_dict(), self._identity)

    def _state_dict(self) -> Arrays:
        own = {"before": np.array(self._before), "since_alarm": np.array(self._since_alarm)}
        parts = {"score": self._raw_scores.state_dict(), "drift": self._drift.state_dict()}
        if isinstance(self._threshold, RunningThreshold):
            parts["threshold"] = self._threshold.state_dict()
        return own | {
            f"{part}.{name}": array for part, state in parts.items() for name, array in state.items()
        }

    def _load(self, path: str | Path) -> None:
        """Goes on from what `save` wrote to `path`."""
        state = read_state(path, self._identity)
        self._before.extend(state["before"].tolist())
        self._since_alarm = int(state["since_alarm"])
        self._raw_scores.load_state_dict(with_prefix("score.", state))
        self._drift.load_state_dict(with_prefix("drift.", state))
        if isinstance(self._threshold, RunningThreshold):
            self._threshold.load_state_dict(with_prefix("threshold.", state))

    def _verdict(self, raw: float) -> Verdict:
        score = self._relative(raw)
        threshold = self._threshold
        if isinstance(threshold, RunningThreshold):
            threshold = threshold.update(score)
        elif not np.isnan(score):
            self._drift.update(score > threshold)
        alarm = bool(score > threshold) and self._since_alarm >= self._delay
        self._since_alarm = 0 if alarm else self._since_alarm + 1
        return Verdict(self._fitted.median_score if np.isnan(score) else score, threshold, alarm)

    def _relative(self, raw: float) -> float:
        if self._width == 0 or np.isnan(raw):
            return raw
        mean = float(np.mean(self._before)) if len(self._before) == self._width else np.nan
        self._before.append(raw)
        return (raw - mean) / mean if not mean <= 0 else 0.0
