"""What a score knows of the steps before: enough observed ones, and the end of the training part."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsrep.tasks.series import RegularSeries, future_index

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

SHARE_OF_TRAINING = 0.9
"""A score is given where the observed share of its steps is at least this part of the usual one in training."""


def known_steps(values: Floats) -> Flags:
    """(t,) steps of (t, c) at which every channel was measured."""
    return np.asarray(~np.isnan(values).any(axis=1))


def observed_share(known: Flags, steps: int) -> Floats:
    """(t,) share of the last `steps` steps, the step itself counted, that are `known` (t,).

    Steps before the series count as not observed.

    >>> observed_share(np.array([True, True, False, True]), steps=2)
    array([0.5, 1. , 0.5, 0.5])
    """
    counts = np.concatenate([np.zeros(steps, dtype=int), np.cumsum(known)])
    return (counts[steps:] - counts[:-steps]) / steps


def required_share(known: Flags, steps: int) -> float:
    """The share of observed steps that a score needs, from those of a training part, `known` (t,)."""
    shares = observed_share(known, steps)
    whole = shares[steps - 1 :]
    return SHARE_OF_TRAINING * float(np.median(whole) if len(whole) else shares.max())


class Tail(NamedTuple):
    """The last steps of a training part.

    Attributes
    ----------
    values : (k, c), in the units of the data.
    following : the dates of the next two steps, as ISO text; None where the steps have no dates.
    """

    values: Floats
    following: tuple[str, str] | None

    @classmethod
    def of(cls, series: RegularSeries, steps: int) -> Self:
        """The last `steps` steps of a series."""
        following = None
        if isinstance(series.index, pd.DatetimeIndex) and len(series.index) > 1:
            first, second = future_index(series.index, 2)
            following = first.isoformat(), second.isoformat()
        return cls(series.values[-steps:], following)

    def precedes(self, series: RegularSeries) -> bool:
        """Whether the series begins with the next step and has the same distance between steps."""
        if self.following is None or not isinstance(series.index, pd.DatetimeIndex):
            return False
        following = [pd.Timestamp(date) for date in self.following]
        if (following[0].tz is None) != (series.index.tz is None):
            return False
        return all(date == after for date, after in zip(series.index[:2], following, strict=False))


def is_training(history: Any) -> bool:
    """Whether `history` asks for the end of the training part."""
    return isinstance(history, str) and history == "training"


def tail_of(tail: Tail | None) -> Tail:
    """The tail that `history="training"` asks for.

    Raises
    ------
    ValueError
        There is none: the detector was saved by a version that kept no tail.
    """
    if tail is None:
        raise ValueError("history is 'training'; wanted the steps themselves for a detector of version 0.1")
    return tail


def steps_before(history: Any, tail: Tail | None, series: RegularSeries) -> Floats:
    """(k, c) steps of the training part to put before a series; none where other history was given.

    Raises
    ------
    ValueError
        `history` is "training", and the dates of the series do not follow the training part.
    """
    if is_training(history):
        known = tail_of(tail)
        dated = isinstance(series.index, pd.DatetimeIndex)
        if known.following is not None and dated and not known.precedes(series):
            raise ValueError(
                f"history is 'training'; wanted X to begin at {known.following[0]}, it begins at {series.index[0]}"
            )
        return known.values
    if history is None and tail is not None and tail.precedes(series):
        return tail.values
    return series.values[:0]
