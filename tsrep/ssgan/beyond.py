"""The observations nearest to a window of a longer series, on either side of it.

A gap may be longer than a window, or begin in one and end in the next. From the window alone its channel would be
interpolated from one side, or from nothing. With the last observation before the window and the first one after it,
interpolation in windows is that of the whole series.

Shapes: n series of S steps; m windows of T steps; C channels. `beyond` is (m, 2, 2, C): `[:, 0]` are the values of the
observations and `[:, 1]` their times, counted as those of the window; `[..., 0, :]` is the one before the window and
`[..., 1, :]` the one after it. Where there is none, the value is 0 and the time infinite.
"""

from __future__ import annotations

import torch
from torch import Tensor

from tsrep.nn.overlap import Windows
from tsrep.ssgan.interpolating import neighbours
from tsrep.ssgan.step import Batch


def with_beyond(batch: Batch, windows: Windows, times: Tensor) -> Batch:
    """The batch with `beyond` from the observations that its own windows hold.

    Parameters
    ----------
    batch : all windows in which something was observed.
    windows : their positions.
    times : (n, S), time stamps of the series.
    """
    n, steps = times.shape
    if windows.length >= steps:
        return batch
    place = windows.rows[:, None], windows.starts[:, None] + torch.arange(windows.length)
    values = batch.values.new_zeros(n, steps, batch.values.shape[2])
    observed = torch.zeros_like(values, dtype=torch.bool)
    values[place], observed[place] = batch.values, batch.observed
    return batch._replace(beyond=nearest_beyond(values, observed, times, windows))


def nearest_beyond(values: Tensor, observed: Tensor, times: Tensor, windows: Windows) -> Tensor:
    """`beyond` of the windows of series `values`, `observed` (n, S, C), `times` (n, S)."""
    steps = times.shape[1]
    before, after = neighbours(observed)
    first, end = windows.starts, windows.starts + windows.length
    last_before = before[windows.rows, (first - 1).clamp(min=0)].masked_fill((first == 0)[:, None], -1)
    first_after = after[windows.rows, end.clamp(max=steps - 1)].masked_fill((end >= steps)[:, None], steps)
    found = torch.stack([last_before, first_after], dim=1)
    there, at = (found >= 0) & (found < steps), found.clamp(0, steps - 1)
    rows = windows.rows[:, None, None]
    at_values = values[rows, at, torch.arange(values.shape[2])]
    at_times = (times[rows, at] - times[windows.rows, first][:, None, None]).to(values)
    return torch.stack([at_values.where(there, 0.0), at_times.where(there, torch.inf)], dim=1)
