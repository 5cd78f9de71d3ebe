"""Long series in windows that overlap by half, and estimates averaged back.

Estimates near the ends of a window have less context and count less: their weight is the distance from the nearer end.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


class Windows(NamedTuple):
    """Where windows lie: the instance and first step of each, (m,), and their length."""

    rows: Tensor
    starts: Tensor
    length: int

    def take(self, numbers: Tensor) -> Windows:
        """The windows with these numbers."""
        return self._replace(rows=self.rows[numbers], starts=self.starts[numbers])


def cover(
    instances: int, steps: int, length: int, lengths: NDArray[np.integer[Any]] | None = None
) -> Windows:
    """Windows of `length` steps, overlapping by half, that cover `instances` series of `steps` steps.

    A series of at most `length` steps is one window. `lengths` (n,) are the series' own lengths, where some end before:
    each is covered as it would be alone.
    """
    length = min(length, steps)
    own = np.full(instances, steps) if lengths is None else np.maximum(lengths, 1)
    starts = {
        each: np.unique([*range(0, each - length, max(1, length // 2)), max(0, each - length)])
        for each in np.unique(own).tolist()
    }
    counts = torch.tensor([len(starts[each]) for each in own.tolist()])
    rows = torch.arange(instances).repeat_interleave(counts)
    return Windows(rows, torch.from_numpy(np.concatenate([starts[each] for each in own.tolist()])), length)


def cut(x: Tensor, windows: Windows) -> Tensor:
    """(n, T, ...) -> (m, length, ...)."""
    steps = windows.starts[:, None] + torch.arange(windows.length)
    return x[windows.rows[:, None], steps]


def mean_by_row(parts: Tensor, windows: Windows) -> NDArray[np.float64]:
    """The mean over the windows of each instance, (m, k) -> (n, k)."""
    rows = windows.rows.numpy()
    sums = [np.bincount(rows, column) for column in parts.double().numpy().T]
    return np.stack(sums, axis=1) / np.bincount(rows)[:, None]


def join(parts: Tensor, windows: Windows, shape: tuple[int, ...]) -> Tensor:
    """The inverse of `cut`, (m, length, C) -> `shape` (n, T, C); where windows overlap, their weighted mean."""
    near = torch.arange(1, windows.length + 1)
    weight = torch.minimum(near, near.flip(0)).to(parts)
    steps = windows.starts[:, None] + torch.arange(windows.length)
    place = (windows.rows[:, None] * shape[1] + steps).flatten()
    total = parts.new_zeros(shape[0] * shape[1], shape[2])
    total.index_add_(0, place, (parts * weight[:, None]).flatten(0, 1))
    weights = parts.new_zeros(shape[0] * shape[1]).index_add_(0, place, weight.repeat(len(parts)))
    return (total / weights.clamp(min=1)[:, None]).view(shape)  # 0 behind the end of a series
