"""What a detector has fitted for one series."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from tsrep.tasks.anomaly.scores import SCORES, Score
from tsrep.tasks.series import Scale

Arrays = dict[str, NDArray[Any]]


class FittedSeries(NamedTuple):
    """Scale, score and threshold of one series, and the median of its training scores."""

    scale: Scale
    score: Score
    threshold: float
    median_score: float

    def arrays(self) -> Arrays:
        """All arrays by name."""
        return {**self.scale._asdict(), **{f"score.{key}": array for key, array in self.score.arrays.items()}}

    @classmethod
    def from_arrays(cls, arrays: Arrays, score: str, threshold: float, median_score: float) -> Self:
        """The inverse of `arrays`."""
        of_score = {key.removeprefix("score."): a for key, a in arrays.items() if key.startswith("score.")}
        scale = Scale(arrays["mean"], arrays["deviation"])
        return cls(scale, SCORES[score](**of_score), threshold, median_score)


def scale_of_training_part(values: NDArray[np.float64], series: str) -> Scale:
    """The scale of a training part (t, c).

    Raises
    ------
    ValueError
        A channel has no value; `series` is how the message calls the series.
    """
    observed = ~np.isnan(values).all(axis=0)
    if not observed.all():
        raise ValueError(f"{series} has no value in channel {int(np.argmin(observed))}")
    return Scale.of(values)
