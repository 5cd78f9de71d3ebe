"""The errors to expect in gaps that are longer than those in which errors were measured.

In a gap longer than a window the generator sees nothing but a straight line. How far the series move away from such a
line is measured on the training series.

Shapes: n series, t steps, c channels; K distances 1, 2, 4, ... steps; L levels (see `errors`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tsrep.ssgan.errors import LEVELS, gap_lengths
from tsrep.ssgan.interpolating import neighbours

Array = NDArray[Any]

LEAST_ERRORS = 20  # with fewer, the error at half the distance counts
MOST_ERRORS = 100_000


def line_widths(panel: Array) -> Array:
    """Quantiles (K, L, c) of the errors of lines, K >= 1, from series (n, c, t) with NaN where not observed.

    Entry k is of a step that is 2 ** k steps from the observations on both of its sides. It is never less than that of
    a smaller distance, and 0 where nothing is known.
    """
    n, channels, steps = panel.shape
    widths = [np.zeros((len(LEVELS), channels))]
    distance = 1
    while 2 * distance < steps:
        starts = np.arange(steps - 2 * distance)
        starts = starts[:: max(1, n * len(starts) // MOST_ERRORS)]
        left, middle, right = (panel[..., starts + shift * distance] for shift in range(3))
        errors = np.abs(middle - (left + right) / 2).transpose(1, 0, 2).reshape(channels, -1)
        known = [row[~np.isnan(row)] for row in errors]
        none = np.zeros(len(LEVELS))
        measured = [np.quantile(row, LEVELS) if len(row) >= LEAST_ERRORS else none for row in known]
        widths.append(np.maximum(widths[-1], np.stack(measured, axis=1)))
        distance *= 2
    return np.array(widths[1:] or widths)


def widths_in_long_gaps(observed: Array, length: int, widths: Array) -> Array:
    """Least half widths (L, n, c, t) of bands in gaps longer than `length` steps; 0 for all other values.

    `widths` (K, L, c) are of `line_widths`. A step a steps after one observation and b before the next counts as one
    that is 2 a b / (a + b) from both, as for a random walk; with an observation on one side only, 2 a.
    """
    steps = observed.shape[2]
    before, after = (each.numpy() for each in neighbours(torch.from_numpy(observed.transpose(0, 2, 1))))
    step = np.arange(steps)[:, None]
    since = np.where(before < 0, np.inf, step - before)
    until = np.where(after >= steps, np.inf, after - step)
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = 2 / (1 / since + 1 / until)
    place = np.log2(np.clip(distance, 1, 2.0 ** (len(widths) - 1)))
    lower = np.floor(place).astype(int)
    upper = np.minimum(lower + 1, len(widths) - 1)
    channel = np.arange(widths.shape[2])
    long = gap_lengths(observed) > length
    found = [
        level[lower, channel] + (place - lower) * (level[upper, channel] - level[lower, channel])
        for level in widths.transpose(1, 0, 2)
    ]
    return np.stack([np.where(long, each.transpose(0, 2, 1), 0.0) for each in found])
