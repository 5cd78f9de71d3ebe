"""Every window of every series, and matches among them that do not overlap.

Shapes: n series, c channels, t steps, w steps of a window, N windows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsrep.data import observed_and_inside

Array = NDArray[Any]
Numbers = NDArray[np.int64]


def places_of_windows(panel: Array, window: int) -> tuple[Numbers, Numbers]:
    """The series and the first step of each window of `window` steps, (N,) and (N,), in the order of a panel (n, c, t).

    A window lies inside its series, from the first to the last observed step, and something is observed in it.
    """
    if panel.shape[2] < window:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    _, inside = observed_and_inside(panel)
    seen = np.cumsum(np.pad(~np.isnan(panel).all(axis=1), ((0, 0), (1, 0))), axis=1)
    starts = panel.shape[2] - window + 1
    whole = inside[:, :starts] & inside[:, window - 1 :] & (seen[:, window:] > seen[:, :starts])
    series, start = np.nonzero(whole)
    return series.astype(np.int64), start.astype(np.int64)


def windows_at(panel: Array, series: Numbers, starts: Numbers, window: int) -> Array:
    """The windows (m, c, w) that begin at the steps `starts` (m,) of `series` (m,)."""
    views = np.lib.stride_tricks.sliding_window_view(panel, window, axis=2)
    return np.ascontiguousarray(views[series, :, starts])


def side_by_side(series: Numbers, starts: Numbers, window: int) -> NDArray[np.bool_]:
    """Which windows (N,) cut each series into windows that do not overlap, from its first one on."""
    begins = np.flatnonzero(np.diff(series, prepend=-1))
    first = np.repeat(starts[begins], np.diff(np.append(begins, len(series))))
    return (starts - first) % window == 0


def least_distance(window: int, overlap: float) -> int:
    """Steps between the starts of two windows of which at most the share `overlap` is common to both."""
    return int(np.ceil(round(window * (1 - overlap), 9)))


def most_suppressed(count: int, apart: int) -> int:
    """How many windows hold the `count` best ones that are at least `apart` steps apart, whatever their places."""
    return count + (count - 1) * 2 * max(apart - 1, 0)


def apart_from_better(series: Numbers, starts: Numbers, apart: int, count: int) -> list[int]:
    """The first `count` of some windows (m,), best first, that begin `apart` steps or more from a better one.

    Gives indices into the arguments. Windows of different series are never close.
    """
    kept: list[int] = []
    for place in range(len(series)):
        near = series[kept] == series[place]
        if not (near & (np.abs(starts[kept] - starts[place]) < apart)).any():
            kept.append(place)
            if len(kept) == count:
                break
    return kept
