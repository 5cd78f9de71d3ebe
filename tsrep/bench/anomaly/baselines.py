"""Detectors that learn no representation: distance from a moving mean, isolation forest, matrix profile, chance.

Each takes a series (t, c) without NaN, the number of its steps that are training part, and a seed, and returns (t,)
scores, higher = more anomalous, each from that step and earlier ones alone (except for `matrix_profile`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsrep.tasks import dominant_period

Array = NDArray[Any]
Floats = NDArray[np.float64]

MOVING_STEPS = 200
"""Steps of the moving mean: the context of the other methods."""
REFERENCE_STEPS = 20_000
"""The last training steps, with which the matrix profile compares: its time grows with them."""
FOREST_WINDOWS = 20_000
SCORED_WINDOWS = 10_000
"""Windows that the isolation forest scores at a time."""


def moving_z_score(values: Floats, train: int, seed: int) -> Floats:
    """Mean over channels of the distance from the mean of the 200 steps before, in their standard deviations.

    A hundredth of the training part's deviation is added to theirs, so that a flat stretch does not divide by zero.
    """
    steps = np.arange(len(values))
    first = np.maximum(steps - MOVING_STEPS, 0)
    count = np.maximum(steps - first, 1)[:, None]
    centred = values - values[:train].mean(axis=0)
    sums = np.cumsum(np.pad(centred, ((1, 0), (0, 0))), axis=0)
    squares = np.cumsum(np.pad(centred, ((1, 0), (0, 0))) ** 2, axis=0)
    mean = (sums[steps] - sums[first]) / count
    variance = ((squares[steps] - squares[first]) / count - mean**2).clip(0)
    floor = 0.01 * values[:train].std(axis=0) + 1e-12
    scores = np.mean(np.abs(centred - mean) / (np.sqrt(variance) + floor), axis=1)
    scores[0] = 0.0
    return scores


def isolation_forest(values: Floats, train: int, seed: int) -> Floats:
    """scikit-learn's isolation forest on windows of a period (at most 2,000 values), fitted on those of training."""
    from sklearn.ensemble import IsolationForest

    width = max(1, min(dominant_period(values[:train]), 2000 // values.shape[1], train // 2))
    padded = np.pad(values, ((width - 1, 0), (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, width, axis=0)  # (t, c, width), no copy
    learned = windows[width - 1 : train]
    learned = learned[:: max(1, len(learned) // FOREST_WINDOWS)]
    forest = IsolationForest(n_estimators=100, random_state=seed).fit(learned.reshape(len(learned), -1))
    parts = [windows[start : start + SCORED_WINDOWS] for start in range(0, len(windows), SCORED_WINDOWS)]
    return np.concatenate([-forest.score_samples(part.reshape(len(part), -1)) for part in parts])


def matrix_profile(values: Floats, train: int, seed: int) -> Floats:
    """Distance of each window of a period to the nearest of the training part, windows standardised (stumpy); mean over
    channels.

    As is usual for it, a window's distance stands at its middle, so this score looks half a period ahead. The training
    part is compared with itself, neighbours left out.
    """
    try:
        import stumpy
    except ImportError as error:
        raise ImportError("matrix-profile needs stumpy: pip install 'tsrep[anomaly]'") from error

    width = max(4, min(dominant_period(values[:train]), train // 3))
    scores = np.zeros(len(values))
    for channel in values.T:
        reference = channel[max(0, train - REFERENCE_STEPS) : train]
        own = stumpy.stump(reference, width)[:, 0]
        later = stumpy.stump(channel[train - width + 1 :], width, reference, ignore_trivial=False)[:, 0]
        distances = np.concatenate([own, later]).astype(np.float64)
        distances[~np.isfinite(distances)] = 0.0
        placed = np.full(len(values), distances.min())
        middle = train - len(reference) + width // 2  # of the first window
        placed[middle : middle + len(distances)] = distances
        scores += placed / values.shape[1]
    return scores


def chance(values: Floats, train: int, seed: int) -> Floats:
    """Uniform random numbers."""
    return np.random.default_rng(seed).random(len(values))
