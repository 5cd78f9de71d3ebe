"""Warnings about scores of new steps: none could be computed, or almost all exceed the threshold."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LIKE_TRAINING = 0.2
"""Most steps above the threshold, as a share beyond that of training, of a series that is like its training part."""
FEWEST = 50
"""Steps with a score from which the share is judged."""


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
            f"{series} exceeds the threshold at {share:.0%} of its steps, so it is no longer like its training part: "
            "has its level, scale or trend changed? Fit on later steps, remove the trend (differences, for example), "
            "or use threshold='running'",
            stacklevel=4,
        )
