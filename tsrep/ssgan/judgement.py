"""Evaluates a trained generator on held-out values: which channels fall back to lines, and how large errors are.

Shapes: n series, T steps, C channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tsrep.ssgan.errors import LAPLACE, LEVELS
from tsrep.ssgan.interpolating import interpolate
from tsrep.ssgan.training import HeldOut

Array = NDArray[Any]

MIN_CHANNEL_VALUES = 5  # held-out values of a channel; with fewer it is judged together with the others
MIN_TAIL_VALUES = 50  # the same for the quantiles of its errors


@dataclass(frozen=True)
class Judgement:
    """The evaluation of a generator.

    Attributes
    ----------
    fallback : (C,), True where the network is not better than linear interpolation.
    widths : (L, C), half widths of the bands that hold the shares `errors.LEVELS` of the held-out values, in learned
        scales; those of a Laplace distribution if nothing was held out.
    error, lines_error : mean absolute errors of the imputed values and of linear interpolation; NaN if nothing was held
        out.
    """

    fallback: Array
    widths: Array
    error: float
    lines_error: float


def judge(estimates: Tensor, scale: Tensor, data: HeldOut, seen: Array, may_fall_back: bool) -> Judgement:
    """Judges estimates and scales (n, T, C) by the held-out values; channels not `seen` (C,) in `fit` fall back."""
    interpolated, _, _ = interpolate(
        data.batch.values, data.batch.observed, data.batch.times, data.batch.beyond
    )
    line_errors = (interpolated - data.truth).abs()
    fallback = ~seen
    if may_fall_back:
        network_errors = _by_channel((estimates - data.truth).abs(), data.held_out)
        fallback = fallback | ~(network_errors < _by_channel(line_errors, data.held_out))
    errors = torch.where(torch.from_numpy(fallback), line_errors, (estimates - data.truth).abs())
    return Judgement(
        fallback,
        _widths(errors / scale, data.held_out),
        _mean(errors, data.held_out),
        _mean(line_errors, data.held_out),
    )


def unjudged(seen: Array) -> Judgement:
    """The judgement of an unfinished training: only channels not `seen` (C,) in `fit` fall back."""
    return Judgement(~seen, _laplace(len(seen)), np.nan, np.nan)


def _mean(errors: Tensor, held_out: Tensor) -> float:
    return float(errors[held_out].mean())


def _by_channel(errors: Tensor, held_out: Tensor) -> Array:
    """Mean over the held-out entries of each channel, (C,); of all channels if it has too few, NaN if all have none."""
    counts = held_out.sum((0, 1)).numpy()
    totals = torch.where(held_out, errors, 0.0).double().sum((0, 1)).numpy()
    if not counts.sum():
        return np.full(len(counts), np.nan)
    return np.where(counts >= MIN_CHANNEL_VALUES, totals / np.maximum(counts, 1), totals.sum() / counts.sum())


def _widths(ratios: Tensor, held_out: Tensor) -> Array:
    """(L, C), quantiles of the errors divided by the learned scales, `ratios`.

    A channel with too few values gets the quantiles of all channels.
    """
    by_channel = [ratios[..., c][held_out[..., c]].numpy() for c in range(ratios.shape[-1])]
    pooled = np.concatenate(by_channel)
    if not pooled.size:
        return _laplace(len(by_channel))
    judged = [errors if errors.size >= MIN_TAIL_VALUES else pooled for errors in by_channel]
    return np.stack([np.quantile(errors, LEVELS) for errors in judged], axis=1)


def _laplace(channels: int) -> Array:
    return np.repeat(LAPLACE[:, None], channels, axis=1)
