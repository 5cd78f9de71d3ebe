"""The values of a patch, their normalisation, and their differences.

Shapes: B series, N patches, P steps per patch, C channels.
"""

from __future__ import annotations

import torch
from torch import Tensor

from tsrep.base.parameters import out_of_range
from tsrep.masked.targets.series import as_patches, as_series
from tsrep.masked.targets.target import Target

VARIANCE_FLOOR = 1e-6  # added to the variance of a patch, as in the MAE


class Values(Target):
    """The values of the patch, (B, N, P, C) -> (B, N, C, P); NaN where the step is missing."""

    per_step = True

    def __init__(self, channels: int, patch_length: int):
        super().__init__(channels, patch_length)
        self.width = patch_length

    def forward(self, frame: Tensor) -> Tensor:
        return frame.transpose(2, 3).clone()


class PatchNormalised(Target):
    """The values, normalised within their patch and channel: the pixel targets of He et al. (2022), section 3.

    (v - mean) / sqrt(var + 1e-6), with the mean and the unbiased variance of the observed values of the patch.
    (B, N, P, C) -> (B, N, C, P); NaN where the step is missing, or is the only one observed in its patch.

    He, Chen, Xie, Li, Dollár, Girshick: Masked autoencoders are scalable vision learners. CVPR 2022.
    """

    per_step = True
    least_patch = 2  # a patch of one step would be normalised to 0

    def __init__(self, channels: int, patch_length: int):
        super().__init__(channels, patch_length)
        if patch_length < self.least_patch:
            wanted = "an integer of at least 2 for the target 'patch_normalised'"
            raise out_of_range("patch_length", patch_length, wanted)
        self.width = patch_length

    def forward(self, frame: Tensor) -> Tensor:
        return normalise_patches(frame.transpose(2, 3))


class Differences(Target):
    """The differences x[t] - x[t - 1] between successive steps, across the borders of patches too.

    (B, N, P, C) -> (B, N, C, P); NaN where one of the two is missing, and at the first step of the frame.
    """

    per_step = True

    def __init__(self, channels: int, patch_length: int):
        super().__init__(channels, patch_length)
        self.width = patch_length

    def forward(self, frame: Tensor) -> Tensor:
        series = as_series(frame)
        missing = torch.full_like(series[..., :1], torch.nan)
        return as_patches(series.diff(dim=-1, prepend=missing), self.patch_length)


def normalise_patches(patches: Tensor) -> Tensor:
    """Each patch (..., P) to mean 0 and deviation 1 over its observed values; NaN with fewer than two."""
    observed = ~patches.isnan()
    count = observed.sum(-1, keepdim=True)
    mean = torch.where(observed, patches, 0.0).sum(-1, keepdim=True) / count.clamp(min=1)
    centred = torch.where(observed, patches - mean, 0.0)
    variance = centred.square().sum(-1, keepdim=True) / (count - 1).clamp(min=1)
    return (centred / (variance + VARIANCE_FLOOR).sqrt()).masked_fill(~observed | (count < 2), torch.nan)
