"""Which steps of a panel are drawn, and what stands in for missing ones.

Shapes: n series, c channels, T steps.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def spans(panel: NDArray[Any]) -> list[tuple[NDArray[np.int64], slice]]:
    """The series of a panel (n, c, T) that begin and end alike, and the steps between: (rows, steps) pairs."""
    observed = ~np.isnan(panel).all(1)
    first = observed.argmax(1)
    end = panel.shape[2] - observed[:, ::-1].argmax(1)
    pairs, which = np.unique(np.stack([first, end], axis=1), axis=0, return_inverse=True)
    which = which.reshape(-1)
    return [(np.flatnonzero(which == number), slice(*pair)) for number, pair in enumerate(pairs)]


def causal_windows(
    series: NDArray[np.float64], context: int, hide_last: bool, at_once: int
) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """The window of `context` + 1 steps that ends with each step of a series (c, T): (steps, (steps, c, context + 1)).

    Parameters
    ----------
    context : steps before a step; those before the series are missing.
    hide_last : whether the last step of each window is missing too.
    at_once : windows per pair.
    """
    framed = np.pad(series, ((0, 0), (context, 0)), constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(framed, context + 1, axis=1).swapaxes(0, 1)
    for start in range(0, len(windows), at_once):
        some = windows[start : start + at_once].copy()
        if hide_last:
            some[:, :, -1] = np.nan
        yield slice(start, start + len(some)), some


def filled(x: Tensor) -> Tensor:
    """Missing steps of (..., T) interpolated linearly; the end values go on, and a series without any is 0."""
    if not bool(x.isnan().any()):
        return x
    rows = x.flatten(0, -2).numpy().copy()
    steps = np.arange(x.shape[-1])
    for row in rows:
        seen = ~np.isnan(row)
        row[~seen] = np.interp(steps[~seen], steps[seen], row[seen]) if seen.any() else 0.0
    return torch.from_numpy(rows).view_as(x)
