"""Warnings about scores of new steps: none could be computed, or almost all exceed the threshold."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LIKE_TRAINING = 0.2
"""Most steps above the threshold, as a share beyond that of training, of a series that is like its training part."""
FEWEST = 50
"""Steps with a score from which the share is judged."""
LASTING = 20
"""A live series is judged by a mean over about this many times the steps of a score: a short anomaly is no drift."""
NO_LONGER_ALIKE = (
    "so the series is no longer like its training part: has its level, scale or trend changed? Fit on later steps, "
    "remove the trend (differences, for example), or use threshold='running'"
)


def warn_without_scores(scores: Floats, steps: int, series: str) -> None:
    """Warns if no step has a score; `steps` determine one, and `series` names the series in the message."""
    if np.isnan(scores).all():
        warnings.warn(
            f"{series} has no step with enough observed steps before it, so no scores and no alarms: a score "
            f"uses {steps} steps; give history=, or history='training'",
            stacklevel=4,
        )


def warn_unlike_training(scores: Floats, threshold: float, expected: float, series: str) -> None:
    """Warns if the series has drifted from its training part: far more steps than there exceed the threshold.

    `expected` is the largest share of the training steps that exceed it.
    """
    known = scores[~np.isnan(scores)]
    share = float(np.mean(known > threshold)) if len(known) >= FEWEST else 0.0
    if share > LIKE_TRAINING + expected:
        warnings.warn(
            f"{series} exceeds the threshold at {share:.0%} of its steps, {NO_LONGER_ALIKE}", stacklevel=4
        )


class LiveDrift:
    """`warn_unlike_training` for a live series: once, when the share above the threshold has become too large.

    `above` is that share, an exponential mean over `LASTING` times the `steps` of a score. `expected` is the largest
    share of the training steps.
    """

    def __init__(self, steps: int, expected: float):
        self.weight = 1 / (LASTING * steps)
        self.expected = expected
        self.above = 0.0
        self.warned = False

    def update(self, exceeds: bool) -> None:
        self.above += self.weight * (exceeds - self.above)
        if not self.warned and self.above > LIKE_TRAINING + self.expected:
            self.warned = True
            warnings.warn(
                f"{self.above:.0%} of the latest scores exceed the threshold, {NO_LONGER_ALIKE}", stacklevel=5
            )

    def state_dict(self) -> dict[str, NDArray[Any]]:
        return {"above": np.array(self.above), "warned": np.array(self.warned)}

    def load_state_dict(self, state: dict[str, NDArray[Any]]) -> None:
        self.above, self.warned = float(state["above"]), bool(state["warned"])
