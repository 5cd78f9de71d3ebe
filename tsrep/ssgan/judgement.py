"""What the held-out values say of a trained generator: where lines do as well, and how far estimates lie off.

Shapes: n series, T steps, C channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tsrep.ssgan.interpolating import interpolate
from tsrep.ssgan.training import HeldOut

Array = NDArray[Any]

LEAST = 5  # held-out values of a channel below which it is judged together with the others
LEAST_OF_TAILS = 50  # the same for the tails of their errors
LEVEL = 0.9  # share of the held-out values that their bands are to hold


@dataclass(frozen=True)
class Judgement:
    """`fallback` (C,) where the network is not better than lines; `spread` (C,) the factor on the learned scales; the
    mean absolute errors of what is then filled in and of lines, NaN where nothing was held out."""

    fallback: Array
    spread: Array
    error: float
    lines_error: float


def judge(found: Tensor, scale: Tensor, data: HeldOut, seen: Array, may_fall_back: bool) -> Judgement:
    """Estimates and their scales (n, T, C) against what was held out; a channel that was not `seen` (C,) falls back."""
    lines, _, _ = interpolate(data.batch.values, data.batch.observed, data.batch.times)
    of_lines = (lines - data.truth).abs()
    fallback = ~seen
    if may_fall_back:
        of_network = _by_channel((found - data.truth).abs(), data.held_out)
        fallback = fallback | ~(of_network < _by_channel(of_lines, data.held_out))
    errors = torch.where(torch.from_numpy(fallback), of_lines, (found - data.truth).abs())
    return Judgement(
        fallback,
        _stretch(errors / scale, data.held_out),
        _mean(errors, data.held_out),
        _mean(of_lines, data.held_out),
    )


def unjudged(seen: Array) -> Judgement:
    """That of a training that has not ended: lines only in channels that were not `seen` (C,)."""
    return Judgement(~seen, np.ones(len(seen)), np.nan, np.nan)


def _mean(errors: Tensor, chosen: Tensor) -> float:
    return float(errors[chosen].mean())


def _by_channel(errors: Tensor, chosen: Tensor) -> Array:
    """Mean over the chosen entries of each channel, (C,); over all channels where one has too few, NaN without any."""
    counts = chosen.sum((0, 1)).numpy()
    totals = torch.where(chosen, errors, 0.0).double().sum((0, 1)).numpy()
    if not counts.sum():
        return np.full(len(counts), np.nan)
    return np.where(counts >= LEAST, totals / np.maximum(counts, 1), totals.sum() / counts.sum())


def _stretch(ratios: Tensor, chosen: Tensor) -> Array:
    """Factor on the scales of each channel, (C,), by which LEVEL of the errors (in scales) lie within their Laplace
    distributions' middle LEVEL; of all channels where one has too few, 1 without any."""
    of_channel = [ratios[..., c][chosen[..., c]].numpy() for c in range(ratios.shape[-1])]
    everything = np.concatenate(of_channel)
    if not everything.size:
        return np.ones(len(of_channel))
    judged = [errors if errors.size >= LEAST_OF_TAILS else everything for errors in of_channel]
    return np.array([np.quantile(errors, LEVEL) for errors in judged]) / -np.log(1 - LEVEL)
