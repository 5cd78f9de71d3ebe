"""What a method of the anomaly table is given and what it gives back, and the constants of the protocol."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]

COLD_START = "cold-start"
"""The variant of a cell whose encoder has seen no series of the archive; the first tenth of a series is not judged."""
TRAINING = "training"
"""The method of a cell that trains an encoder and judges nothing."""
UNIVARIATE = ("KPI", "NAB", "UCR")
"""The univariate archives, for which there is a cold start."""
DELAY_STEPS = 7
VUS_WINDOW_STEPS = 100
TRAIN_LENGTH_STEPS = 500
AHEAD_STEPS = (0, 16, 50, 100)
"""A score that looks ahead is the mean over a step and this number of later ones; the mean of all four is taken, since
nobody knows how long an anomaly lasts: none, the window of `pooled`, and up to the widest buffer of VUS-PR."""
AHEAD = "looking ahead"
"""Part of the name of a score that is a mean over `AHEAD_STEPS`."""


@dataclass(frozen=True)
class Task:
    """A series `values` (t, c) whose first `start` steps are for training; `encoder` returns a fitted encoder."""

    values: Array
    start: int
    seed: int
    cold_start: bool
    encoder: Callable[[], Any]


@dataclass(frozen=True)
class Outcome:
    """(t - start,) scores and alarms of the steps after the training part, and the seconds that they took."""

    scores: Array
    alarms: Array
    seconds: float
