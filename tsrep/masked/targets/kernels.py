"""Responses of fixed random convolution kernels: ROCKET's shares and maxima, and Hydra's competition of kernels.

Kernels of length 9 with normal weights, mean 0 (section 3.1 of Dempster et al., 2020), scaled to norm 1, are convolved
with the whole series, zero beyond its ends. Eight kernels of one dilation form a group, as in Hydra, and at each step
the kernels of a group compete: which of them responds most, which least (section 3 of Dempster et al., 2023).

Dempster, Petitjean, Webb: ROCKET: exceptionally fast and accurate time series classification using random
convolutional kernels. Data Mining and Knowledge Discovery 34, 2020.
Dempster, Schmidt, Webb: Hydra: competing convolutional kernels for fast and accurate time series classification. Data
Mining and Knowledge Discovery 37, 2023.

Shapes: B series, N patches, P steps per patch, C channels, T = N P steps, G groups of 8 kernels per channel.
"""

from __future__ import annotations

import math
from itertools import groupby
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from tsrep.masked.targets.series import defined, enough, extent, interpolated
from tsrep.masked.targets.target import Target

LENGTH = 9  # steps per kernel
GROUP = 8  # kernels per group
QUANTILE_STEPS = 16_384  # training steps, about, whose responses give the biases
TIE = 1e-5  # no kernel of a group wins where all responses are this close: in flat places


class RandomKernels(Target):
    """Four numbers per random kernel: share of responses above its bias, maximum, share of wins, share of losses.

    (B, N, P, C) -> (B, N, C, 4 * 8 G), in the order (number, kernel of the group, group); all are over the steps of the
    patch that lie inside the series. Missing steps are interpolated linearly, steps before the first and after the last
    observation are 0. Where all responses of a group are equal (a flat series), none wins or loses. A patch with
    fewer than half of its steps is NaN.

    `fit` draws the weights. The dilations are powers of 2, spread evenly over the groups, up to the largest whose
    kernel fits into the training frame. A bias is a random quantile of its kernel's responses to training series.

    Parameters
    ----------
    channels, patch_length : C and P.
    n_kernels : number of kernels, divided among the channels; each has at least one group of 8.

    Attributes
    ----------
    weight : (C, 8, G, 9).
    bias : (C, 8, G).
    dilation : (G,), ascending.
    """

    weight: Tensor
    bias: Tensor
    dilation: Tensor

    def __init__(self, channels: int, patch_length: int, n_kernels: int = 256):
        super().__init__(channels, patch_length)
        groups = max(1, n_kernels // channels // GROUP)
        self.width = 4 * GROUP * groups
        self.register_buffer("weight", torch.zeros(channels, GROUP, groups, LENGTH))
        self.register_buffer("bias", torch.zeros(channels, GROUP, groups))
        self.register_buffer("dilation", torch.ones(groups, dtype=torch.long))
        self._dilations = [1] * groups  # the buffer's values, read without waiting for a device
        self.register_load_state_dict_post_hook(_read_dilations)

    def fit(self, frame: Tensor, generator: torch.Generator) -> None:
        device = generator.device
        weight = torch.randn(self.weight.shape, generator=generator, device=device)
        weight = weight - weight.mean(-1, keepdim=True)
        self.weight.copy_(weight / weight.norm(dim=-1, keepdim=True))
        self._dilations = spread_dilations(frame.shape[1] * frame.shape[2], len(self.dilation))
        self.dilation.copy_(torch.tensor(self._dilations))

        few = max(1, QUANTILE_STEPS // (frame.shape[1] * frame.shape[2]))
        rows = torch.randperm(len(frame), generator=generator, device=device)[:few].to(frame.device)
        share = torch.rand(self.bias.shape, generator=generator, device=device).to(frame.device)
        inside = extent(frame[rows])
        series = torch.where(inside, interpolated(frame[rows]), 0.0)
        response = torch.cat([part for _, part in self._responses(series)], dim=2)
        seen = by_step(inside, self.patch_length)
        for channel, bias in enumerate(self.bias):
            at = response[channel][..., seen[channel]].sort(-1).values  # (8, G, steps)
            if at.shape[-1]:
                place = (share[channel] * at.shape[-1]).long().clamp(max=at.shape[-1] - 1)
                bias.copy_(at.gather(-1, place.unsqueeze(-1)).squeeze(-1))

    def forward(self, frame: Tensor) -> Tensor:
        inside = extent(frame)
        series = torch.where(inside, interpolated(frame), 0.0)
        counted = by_step(inside, self.patch_length)
        pooled = [
            pool_responses(response, self.bias[..., groups], counted)
            for groups, response in self._responses(series)
        ]
        features = torch.cat(pooled, dim=3).flatten(1, 3)  # (C, 4, 8, G, B N)
        features = features.unflatten(-1, frame.shape[:2]).permute(2, 3, 0, 1)
        return defined(features.contiguous(), enough(frame))

    def _responses(self, series: Tensor) -> list[tuple[slice, Tensor]]:
        """Per dilation, its groups and their responses (C, 8, groups, P, B N) to series (B, C, T)."""
        responses, start = [], 0
        for dilation, same in groupby(self._dilations):
            groups = slice(start, start + len(list(same)))
            responses.append(
                (groups, respond(series, self.weight[:, :, groups], dilation, self.patch_length))
            )
            start = groups.stop
        return responses


def _read_dilations(target: RandomKernels, keys: Any) -> None:
    target._dilations = target.dilation.tolist()


def spread_dilations(steps: int, groups: int) -> list[int]:
    """A dilation per group: powers of 2, spread evenly, up to the largest with which a kernel fits into `steps`."""
    most = int(math.log2(max(1, (steps - 1) // (LENGTH - 1))))
    last = max(groups - 1, 1)
    return [2 ** min(group * (most + 1) // last, most) for group in range(groups)]


def by_step(series: Tensor, patch_length: int) -> Tensor:
    """(B, C, T) -> (C, P, B N): what follows is elementwise or sums over other axes, fastest with a long last one."""
    return series.unflatten(-1, (-1, patch_length)).permute(1, 3, 0, 2).flatten(2)


def respond(series: Tensor, weight: Tensor, dilation: int, patch_length: int) -> Tensor:
    """Series (B, C, T) convolved with kernels (C, 8, G, 9) of one dilation, zero-padded: (C, 8, G, P, B N)."""
    steps, reach = series.shape[-1], dilation * (LENGTH // 2)
    padded = F.pad(series, (reach, reach))
    starts = range(0, LENGTH * dilation, dilation)
    taps = torch.stack([by_step(padded[..., start : start + steps], patch_length) for start in starts], dim=1)
    response = weight.flatten(1, 2) @ taps.flatten(2)
    return response.unflatten(1, weight.shape[1:3]).unflatten(-1, taps.shape[2:])


def pool_responses(response: Tensor, bias: Tensor, counted: Tensor) -> Tensor:
    """The four numbers of each kernel over the steps of each patch that count.

    Parameters
    ----------
    response : (C, 8, G, P, B N).
    bias : (C, 8, G).
    counted : (C, P, B N).

    Returns
    -------
    (C, 4, 8, G, B N): shares above the bias, maxima, shares of wins, shares of losses.
    """
    counted = counted[:, None, None]
    most, least = response.amax(1, keepdim=True), response.amin(1, keepdim=True)
    apart = (most - least > TIE) & counted
    wins = response >= most.masked_fill(~apart, torch.inf)
    losses = response <= least.masked_fill(~apart, -torch.inf)
    response = response.masked_fill(~counted, -torch.inf)
    above = response > bias[..., None, None]
    steps = counted.sum(3).clamp(min=1)
    shares = [flags.sum(3, dtype=response.dtype) / steps for flags in (above, wins, losses)]
    return torch.stack([shares[0], response.amax(3), shares[1], shares[2]], dim=1)
