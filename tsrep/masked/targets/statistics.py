"""Moments of a patch, and the autocorrelation around it.

Shapes: B series, N patches, P steps per patch, C channels.
"""

from __future__ import annotations

import torch
from torch import Tensor

from tsrep.masked.targets.series import (
    defined,
    enough,
    extent,
    interpolated,
    windows_around,
)
from tsrep.masked.targets.target import Target

SMALL_VARIANCE = 1e-6  # added to variances before the logarithm
WINDOW = 32  # steps, at least, whose autocorrelation is taken
LAGS = 8
CONSTANT = 1e-8  # windows of a smaller variance have no autocorrelation


class Statistics(Target):
    """Mean, log standard deviation and slope of a patch, and of its two halves if P >= 4.

    (B, N, P, C) -> (B, N, C, 3), or (B, N, C, 9): three numbers of the patch, of its first and of its second half.
    All are over the observed steps. The deviation is log sqrt(variance + 1e-6), with the biased variance. The slope is
    that of the least-squares line, in units per P steps; 0 for a single step. A patch or half with fewer than half of
    its steps is NaN.
    """

    def __init__(self, channels: int, patch_length: int):
        super().__init__(channels, patch_length)
        self.width = 9 if patch_length >= 4 else 3

    def forward(self, frame: Tensor) -> Tensor:
        half = self.patch_length // 2
        parts = [frame, frame[:, :, :half], frame[:, :, half:]] if self.patch_length >= 4 else [frame]
        numbers = [defined(moments(part.transpose(2, 3), self.patch_length), enough(part)) for part in parts]
        return torch.cat(numbers, dim=-1)


class Autocorrelation(Target):
    """The autocorrelation of a window of max(P, 32) steps around the patch at lags 1 to 8.

    (B, N, P, C) -> (B, N, C, 8). The estimator is the biased one, r_k = sum_t c[t] c[t + k] / sum_t c[t]^2 with c the
    values less their mean over the window. Missing steps are interpolated linearly, steps before the first and after
    the last observation do not count. Lags that are longer than the window, and windows that are constant, give 0. A
    patch with fewer than half of its steps is NaN.
    """

    def __init__(self, channels: int, patch_length: int):
        super().__init__(channels, patch_length)
        self.width = LAGS

    def forward(self, frame: Tensor) -> Tensor:
        inside = extent(frame)
        series = torch.where(inside, interpolated(frame), torch.nan)
        windows = windows_around(series, inside, self.patch_length, max(self.patch_length, WINDOW))
        return defined(autocorrelations(windows, LAGS), enough(frame))


def moments(patches: Tensor, per: int) -> Tensor:
    """Mean, log deviation and slope per `per` steps over the observed (not NaN) steps, (..., P) -> (..., 3)."""
    observed = ~patches.isnan()
    count = observed.sum(-1, keepdim=True).clamp(min=1)
    step = torch.arange(patches.shape[-1], dtype=patches.dtype, device=patches.device)

    def centre(x: Tensor) -> tuple[Tensor, Tensor]:
        mean = torch.where(observed, x, 0.0).sum(-1, keepdim=True) / count
        return mean, torch.where(observed, x - mean, 0.0)

    (mean, values), (_, times) = centre(patches), centre(step.expand_as(patches))
    variance = values.square().mean(-1, keepdim=True) * (patches.shape[-1] / count)
    spread = times.square().sum(-1, keepdim=True)
    slope = (times * values).sum(-1, keepdim=True) / torch.where(spread > 0, spread, 1.0)
    return torch.cat([mean, (variance + SMALL_VARIANCE).log() / 2, slope * per], dim=-1)


def autocorrelations(windows: Tensor, lags: int) -> Tensor:
    """The biased autocorrelation at lags 1 to `lags` of the steps that are not NaN, (..., W) -> (..., lags)."""
    observed = ~windows.isnan()
    count = observed.sum(-1, keepdim=True).clamp(min=1)
    mean = torch.where(observed, windows, 0.0).sum(-1, keepdim=True) / count
    centred = torch.where(observed, windows - mean, 0.0)
    total = centred.square().sum(-1, keepdim=True)
    width = windows.shape[-1]
    products = [
        (centred[..., lag:] * centred[..., : max(width - lag, 0)]).sum(-1) for lag in range(1, lags + 1)
    ]
    varies = total > CONSTANT * count
    return torch.stack(products, dim=-1) / torch.where(varies, total, torch.inf)
