"""What a detector has learned about one series."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from tsrep.tasks.anomaly.scores import SCORES, Score
from tsrep.tasks.anomaly.series import ONLY

Floats = NDArray[np.float64]
Arrays = dict[str, NDArray[Any]]


class Scale(NamedTuple):
    """Mean and deviation (c,) of the channels."""

    mean: Floats
    deviation: Floats

    @classmethod
    def of(cls, name: Hashable, values: Floats) -> Self:
        """That of a training part (t, c); a channel that does not change is only centred.

        Raises
        ------
        ValueError
            A channel holds no value.
        """
        known = ~np.isnan(values)
        if not known.any(axis=0).all():
            raise ValueError(f"{named(name)} holds no value in channel {int(np.argmin(known.any(axis=0)))}")
        deviation = np.nanstd(values, axis=0)
        return cls(np.nanmean(values, axis=0), np.where(deviation > 0, deviation, 1.0))

    def apply(self, values: Floats) -> Floats:
        """(t, c) -> (t, c)."""
        return (values - self.mean) / self.deviation


class FittedSeries(NamedTuple):
    """Scale, score and threshold of one series; `ordinary` is the median of its training scores."""

    scale: Scale
    score: Score
    threshold: float
    ordinary: float

    def arrays(self) -> Arrays:
        """All arrays by name."""
        return {**self.scale._asdict(), **{f"score.{key}": array for key, array in self.score.arrays.items()}}

    @classmethod
    def from_arrays(cls, arrays: Arrays, score: str, threshold: float, ordinary: float) -> Self:
        """The inverse of `arrays`."""
        learned = {key.removeprefix("score."): a for key, a in arrays.items() if key.startswith("score.")}
        return cls(Scale(arrays["mean"], arrays["deviation"]), SCORES[score](**learned), threshold, ordinary)


def named(name: Hashable) -> str:
    """A series in a message."""
    return "X" if name == ONLY else f"the series {name!r}"
