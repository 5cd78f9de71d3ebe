"""The errors to expect in gaps that are longer than those of the training.

What is hidden in training resembles the gaps of the training series, so the scale that the generator learned is too
small in longer ones; in a gap longer than a window it sees nothing but a straight line. How far the series move away
from such a line is measured on the training series instead.

Shapes: n series, t steps, c channels; K distances 1, 2, 4, ... steps.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tsrep.ssgan.interpolating import neighbours

Array = NDArray[Any]

SHARE = 0.9  # of the errors, which the middle of a distribution with the measured scale holds
LEAST_ERRORS = 20  # with fewer, the error at half the distance counts
MOST_ERRORS = 100_000
USUAL = 0.95  # share of the gaps of the training series that are no longer than a usual one


def usual_length(missing: Array, inside: Array) -> int:
    """The length that a share `USUAL` of the gaps `missing` (n, c, t) does not exceed; 1 without gaps.

    `inside` (n, t) are the steps of a series; what is missing outside is no gap.
    """
    gap = np.pad(missing & inside[:, None], ((0, 0), (0, 0), (1, 1)))
    edges = np.diff(gap.astype(np.int8), axis=2)
    lengths = np.nonzero(edges < 0)[2] - np.nonzero(edges > 0)[2]
    return int(np.quantile(lengths, USUAL, method="higher")) if len(lengths) else 1


def line_scales(panel: Array) -> Array:
    """Laplace scales (K, c) of the errors of lines, K >= 1, from series (n, c, t) with NaN where not observed.

    Entry k is of a step that is 2 ** k steps from the observations on both of its sides. It is never less than that of
    a smaller distance, and 0 where nothing is known.
    """
    n, channels, steps = panel.shape
    scales = [np.zeros(channels)]
    distance = 1
    while 2 * distance < steps:
        starts = np.arange(steps - 2 * distance)
        starts = starts[:: max(1, n * len(starts) // MOST_ERRORS)]
        left, middle, right = (panel[..., starts + shift * distance] for shift in range(3))
        errors = np.abs(middle - (left + right) / 2).transpose(1, 0, 2).reshape(channels, -1)
        known = [row[~np.isnan(row)] for row in errors]
        measured = [
            np.quantile(row, SHARE) / -np.log(1 - SHARE) if len(row) >= LEAST_ERRORS else 0.0 for row in known
        ]
        scales.append(np.maximum(scales[-1], measured))
        distance *= 2
    return np.array(scales[1:] or scales)


def scales_in_long_gaps(observed: Array, length: int, scales: Array) -> Array:
    """Least Laplace scales (n, c, t) of missing values in gaps longer than `length` steps; 0 for all other values.

    `scales` (K, c) are of `line_scales`. A step a steps after one observation and b before the next counts as one that
    is 2 a b / (a + b) from both, as for a random walk; with an observation on one side only, 2 a.
    """
    steps = observed.shape[2]
    before, after = (each.numpy() for each in neighbours(torch.from_numpy(observed.transpose(0, 2, 1))))
    step = np.arange(steps)[:, None]
    since = np.where(before < 0, np.inf, step - before)
    until = np.where(after >= steps, np.inf, after - step)
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = 2 / (1 / since + 1 / until)
    place = np.log2(np.clip(distance, 1, 2.0 ** (len(scales) - 1)))
    lower = np.floor(place).astype(int)
    upper = np.minimum(lower + 1, len(scales) - 1)
    channel = np.arange(scales.shape[1])
    found = scales[lower, channel] + (place - lower) * (scales[upper, channel] - scales[lower, channel])
    nearest = np.where(np.isinf(since + until), np.minimum(since, until), since + until - 1)
    return np.where(nearest > length, found, 0.0).transpose(0, 2, 1)
