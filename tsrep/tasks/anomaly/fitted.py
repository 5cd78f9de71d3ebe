"""What a detector has fitted for one series."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from tsrep.data import Scale, warn_of_fill_values
from tsrep.tasks.anomaly.context import Tail
from tsrep.tasks.anomaly.scores import SCORES, Score
from tsrep.tasks.series import RegularSeries

Arrays = dict[str, NDArray[Any]]
Floats = NDArray[np.float64]

FARTHEST = 1e6
"""Training deviations from the mean that a value counts for at most, so that all scores of a fill value are finite."""


class FittedSeries(NamedTuple):
    """What was fitted for one series.

    Attributes
    ----------
    scale, score, threshold : see `RepresentationAnomalyDetector`.
    median_score : of the training scores.
    alarm_rate : alarms to expect per 10,000 new steps, see `alarms.alarms_expected`; NaN where the threshold is.
    required_share : of the steps that a score uses, the share that must be observed, see `context.required_share`.
    tail : the last steps of the training part; None in a detector that version 0.1 saved.
    """

    scale: Scale
    score: Score
    threshold: float
    median_score: float
    alarm_rate: float
    required_share: float
    tail: Tail | None

    def standardised(self, values: Floats) -> Floats:
        """(t, c) values as the score takes them: by the training part's scale, at most `FARTHEST` from its mean."""
        return np.clip(self.scale.apply(values), -FARTHEST, FARTHEST)

    def arrays(self) -> Arrays:
        """All arrays by name."""
        of_score = {f"score.{key}": array for key, array in self.score.arrays.items()}
        tail = {} if self.tail is None else {"tail": self.tail.values}
        return {**self.scale._asdict(), **of_score, **tail}

    def described(self) -> dict[str, Any]:
        """Everything else, as JSON holds it."""
        following = None if self.tail is None else self.tail.following
        numbers = {
            "threshold": self.threshold,
            "ordinary": self.median_score,
            "alarm_rate": self.alarm_rate,
        }
        return {**numbers, "required_share": self.required_share, "following": following}

    @classmethod
    def from_arrays(cls, arrays: Arrays, described: dict[str, Any], score: str) -> Self:
        """The inverse of `arrays` and `described`; version 0.1 kept no tail, no required share and no rate."""
        of_score = {key.removeprefix("score."): a for key, a in arrays.items() if key.startswith("score.")}
        following = described.get("following")
        tail = Tail(arrays["tail"], following and tuple(following)) if "tail" in arrays else None
        return cls(
            Scale(arrays["mean"], arrays["deviation"]),
            SCORES[score](**of_score),
            described["threshold"],
            described["ordinary"],
            described.get("alarm_rate", float("nan")),
            described.get("required_share", 0.0),
            tail,
        )


def scale_of_training_part(training: RegularSeries, series: str) -> Scale:
    """The scale of a training part.

    Raises
    ------
    ValueError
        A channel has no value; `series` is how the message calls the series.
    """
    empty = np.isnan(training.values).all(axis=0)
    if empty.any():
        raise ValueError(f"{series} has no value in the channel {training.columns[int(np.argmax(empty))]!r}")
    warn_of_fill_values(training.values.T[None], series, training.columns, stacklevel=5)
    return Scale.of(training.values)
