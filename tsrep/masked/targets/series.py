"""What the targets share: a frame as series, gaps interpolated, and windows around patches.

Shapes: B series, N patches, P steps per patch, C channels, T = N P steps, W steps per window.
"""

from __future__ import annotations

import torch
from torch import Tensor

from tsrep.nn.padding import first_to_last
from tsrep.ssgan.interpolating import interpolate


def as_series(frame: Tensor) -> Tensor:
    """A frame (B, N, P, C) as series (B, C, T)."""
    return frame.flatten(1, 2).transpose(1, 2)


def as_patches(series: Tensor, patch_length: int) -> Tensor:
    """Series (B, C, T) as patches (B, N, C, P)."""
    return series.unflatten(-1, (-1, patch_length)).transpose(1, 2)


def interpolated(frame: Tensor) -> Tensor:
    """The series (B, C, T) of a frame, missing steps interpolated linearly.

    Constant before the first and after the last observation; a channel without observations is 0.
    """
    values = frame.flatten(1, 2)
    observed = ~values.isnan()
    steps = torch.arange(values.shape[1], dtype=values.dtype, device=values.device)
    lines, _, _ = interpolate(torch.where(observed, values, 0.0), observed, steps.expand(len(values), -1))
    return lines.transpose(1, 2)


def extent(frame: Tensor) -> Tensor:
    """True from the first to the last observation of each channel, (B, C, T)."""
    return first_to_last(~as_series(frame).isnan())


def enough(frame: Tensor) -> Tensor:
    """Whether at least half of the steps of a patch were observed, (B, N, C)."""
    return 2 * (~frame.isnan()).sum(2) >= frame.shape[2]


def defined(features: Tensor, where: Tensor) -> Tensor:
    """`features` (B, N, C, K), NaN where `where` (B, N, C) is False."""
    return features.masked_fill(~where.unsqueeze(-1), torch.nan)


def windows_around(series: Tensor, inside: Tensor, patch_length: int, width: int) -> Tensor:
    """The `width` steps around each patch, (B, C, T) -> (B, N, C, W).

    The patch is in the middle of its window, except near the ends of the series: there the window is moved as far as
    needed to lie in `inside` (B, C, T), or, if that is too short, in the frame. So steps of padding do not count. A
    frame shorter than `width` is one window.
    """
    batch, channels, steps = series.shape
    width = min(width, steps)
    first = inside.to(torch.int8).argmax(-1, keepdim=True)
    last = steps - 1 - inside.flip(-1).to(torch.int8).argmax(-1, keepdim=True)
    start = torch.arange(0, steps, patch_length, device=series.device) - (width - patch_length) // 2
    start = torch.maximum(torch.minimum(start, last + 1 - width), first).clamp(0, steps - width)
    step = start.unsqueeze(-1) + torch.arange(width, device=series.device)  # (B, C, N, W)
    return series.gather(-1, step.flatten(-2)).view(batch, channels, -1, width).transpose(1, 2)
