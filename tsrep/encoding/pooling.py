"""From one vector per step to one per window or series: statistics over the steps that lie inside.

Steps outside an instance never enter a statistic; a place with nothing to pool is NaN.

Shapes: B instances, T steps, D components; `where` (B, T) is True for the steps that count, None: all.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike
from torch import Tensor

Pooling = Callable[[Tensor, Tensor | None], Tensor]  # (z, where) -> pooled


def max_over_time(z: Tensor, where: Tensor | None = None) -> Tensor:
    """The largest value of each component, (B, T, D) -> (B, D): TS2Vec's representation of a series (section 3.1)."""
    if where is None:
        return z.amax(1)
    largest = z.masked_fill(~where.unsqueeze(-1), -torch.inf).amax(1)
    return largest.masked_fill(~where.any(1, keepdim=True), torch.nan)


def mean_over_time(z: Tensor, where: Tensor | None = None) -> Tensor:
    """The mean of each component, (B, T, D) -> (B, D)."""
    if where is None:
        return z.mean(1)
    total = z.masked_fill(~where.unsqueeze(-1), 0.0).sum(1)
    return total / where.sum(1, keepdim=True)


def deviation_over_time(z: Tensor, where: Tensor | None = None) -> Tensor:
    """The standard deviation of each component, (B, T, D) -> (B, D); 0 for a single step."""
    centred = z - mean_over_time(z, where).unsqueeze(1)
    return mean_over_time(centred.square(), where).sqrt()


def positive_over_time(z: Tensor, where: Tensor | None = None) -> Tensor:
    """The share of steps at which each component is positive, (B, T, D) -> (B, D): ROCKET's (Dempster et al., 2020)."""
    return mean_over_time((z > 0).to(z.dtype), where)


STATISTICS: dict[str, Pooling] = {
    "max": max_over_time,
    "mean": mean_over_time,
    "deviation": deviation_over_time,
    "positive": positive_over_time,
}


def max_over_windows(z: Tensor, width: int, inside: Tensor | None = None) -> Tensor:
    """The largest value over a window of `width` steps around each step, (B, T, D) -> (B, T, D).

    An even window reaches one step further back than forward. Windows of a width are put together from two of half the
    width, so the time grows with its logarithm.
    """
    if inside is not None:
        z = z.masked_fill(~inside.unsqueeze(-1), -torch.inf)
    back, ahead = (min(reach, z.shape[1]) for reach in (width // 2, (width - 1) // 2))
    largest, covered = F.pad(z, (0, 0, back, ahead), value=-torch.inf), 1
    while covered <= back + ahead:
        step = min(covered, back + ahead + 1 - covered)
        largest = torch.maximum(largest[:, :-step], largest[:, step:])
        covered += step
    return largest


def multiscale(z: Tensor, inside: Tensor | None = None) -> Tensor:
    """Windows of 3, 5, 9, ... steps side by side, (B, T, D) -> (B, T, D * scales); at least one scale."""
    widths = [3]
    while widths[-1] < z.shape[1]:
        widths.append(2 * widths[-1] - 1)
    return torch.cat([max_over_windows(z, width, inside) for width in widths], dim=-1)


def steps_within(intervals: ArrayLike, n: int, steps: int) -> Tensor:
    """One (start, stop) per instance -> (n, steps) booleans, True from start to stop - 1."""
    places = np.asarray(intervals)
    if places.shape != (n, 2) or not np.issubdtype(places.dtype, np.integer):
        raise ValueError(
            f"intervals has shape {places.shape} and dtype {places.dtype}; wanted integers ({n}, 2)"
        )
    start, stop = torch.from_numpy(places.astype(np.int64)).unsqueeze(-1).unbind(1)
    wrong = ((start < 0) | (stop > steps) | (start >= stop)).flatten()
    if wrong.any():
        first = int(wrong.nonzero()[0])
        raise ValueError(
            f"intervals[{first}] is {tuple(places[first].tolist())}; wanted 0 <= start < stop <= {steps}"
        )
    position = torch.arange(steps)
    return (position >= start) & (position < stop)


def pooling_over(window: int | str | None) -> Pooling:
    """The function that the argument `window` of an encoder's `encode` names."""
    if window is None:
        return lambda z, within: z
    if window == "full_series":
        return max_over_time
    if window == "multiscale":
        return multiscale
    if isinstance(window, int | np.integer) and window >= 1:
        return lambda z, within: max_over_windows(z, int(window), within)
    raise ValueError(
        f"window is {window!r}; wanted None, an integer of at least 1, 'full_series' or 'multiscale'"
    )
