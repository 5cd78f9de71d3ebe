"""Histograms of oriented gradients (HOG) of one-dimensional series.

In an image, each pixel votes for the direction of its gradient with the gradient's magnitude (Dalal & Triggs, 2005);
MaskFeat (Wei et al., 2022) predicts such histograms of hidden patches. The gradient of a series is its slope s, and its
direction the angle atan(s) of the curve (the idea of Zhao & Itti, 2018). A step votes with |s|: a flat step has no
direction to speak of, as a uniform region of an image has none.

Dalal, Triggs: Histograms of oriented gradients for human detection. CVPR 2005.
Wei, Fan, Xie, Wu, Yuille, Feichtenhofer: Masked feature prediction for self-supervised visual pre-training. CVPR 2022.
Zhao, Itti: shapeDTW: shape dynamic time warping. Pattern Recognition 74, 2018.

Shapes: B series, N patches, P steps per patch, C channels, T = N P steps.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from tsrep.masked.targets.series import as_patches, as_series, defined
from tsrep.masked.targets.target import Target

BINS = 9
SMALL_NORM = 0.01  # histograms of a smaller norm (patches that are almost flat) shrink towards 0
SMALL_SLOPE = 1e-6


class SlopeHistogram(Target):
    """The histogram of slope angles of a patch in 9 bins, of norm 1; (B, N, P, C) -> (B, N, C, 9).

    Slopes are divided by `scale`, the root mean square slope of the channel in the training series, before their angle
    is taken: per step, the slopes of a smooth series would all fall into the middle bin. A flat patch is 0. A patch is
    NaN if fewer than half of its steps have a slope, that is, are observed and have an observed neighbour.
    """

    scale: Tensor

    def __init__(self, channels: int, patch_length: int):
        super().__init__(channels, patch_length)
        self.width = BINS
        self.register_buffer("scale", torch.ones(channels))

    def fit(self, frame: Tensor, generator: torch.Generator) -> None:
        slope = slopes(as_series(frame))
        root = slope.square().nanmean(dim=(0, 2)).sqrt()
        self.scale.copy_(torch.where(root > SMALL_SLOPE, root, 1.0))  # 1 for a flat or empty channel

    def forward(self, frame: Tensor) -> Tensor:
        slope = as_patches(slopes(as_series(frame)) / self.scale.unsqueeze(-1), self.patch_length)
        usable = 2 * (~slope.isnan()).sum(-1) >= self.patch_length
        return defined(angle_histogram(slope), usable)


def slopes(series: Tensor) -> Tensor:
    """Central differences along (..., T), one-sided beside a gap or an end.

    NaN at missing steps, and at steps without an observed neighbour.
    """
    gap = torch.full_like(series[..., :1], torch.nan)
    back = series.diff(dim=-1, prepend=gap)
    ahead = series.diff(dim=-1, append=gap)
    has_back, has_ahead = ~back.isnan(), ~ahead.isnan()
    total = torch.where(has_back, back, 0.0) + torch.where(has_ahead, ahead, 0.0)
    sides = has_back.int() + has_ahead.int()
    return (total / sides.clamp(min=1)).masked_fill(sides == 0, torch.nan)


def angle_histogram(slope: Tensor) -> Tensor:
    """The histogram of the angles of the slopes, (..., P) -> (..., 9); a missing slope (NaN) has no vote.

    A vote is shared between the two bins whose centres are nearest, linearly (Dalal & Triggs, 2005, section 6.3). The
    outermost bins are not neighbours, as they are for lines in an image: steeply up is the opposite of steeply down.
    """
    slope = torch.where(slope.isnan(), 0.0, slope)
    place = (slope.atan() / math.pi + 0.5) * BINS - 0.5  # bin i has its centre at i
    centre = torch.arange(BINS, dtype=slope.dtype, device=slope.device)
    share = (1 - (place.clamp(0, BINS - 1).unsqueeze(-1) - centre).abs()).clamp(min=0)
    votes = (share * slope.abs().unsqueeze(-1)).sum(-2)
    return votes / (votes.square().sum(-1, keepdim=True) + SMALL_NORM**2).sqrt()
