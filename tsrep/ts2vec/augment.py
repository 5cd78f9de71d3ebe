"""Augmentations of the paper's ablation (TS2Vec, table 6: jitter, scaling, permutation), applied to each view.

The paper states no strengths; these are ours, in units of the batch's standard deviation. NaN stays NaN.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from tsrep.nn.padding import inside

Augmentation = Callable[[Tensor, torch.Generator], Tensor]


def jitter(x: Tensor, generator: torch.Generator, strength: float = 0.3) -> Tensor:
    """Adds Gaussian noise to each value of `x` (B, T, C)."""
    deviation = x[~x.isnan()].std(correction=0) if x.numel() else x.new_zeros(())
    return x + strength * deviation * torch.randn(x.shape, generator=generator).to(x)


def scaling(x: Tensor, generator: torch.Generator, strength: float = 0.5) -> Tensor:
    """Multiplies each channel of each instance by a Gaussian factor of mean 1."""
    factor = 1 + strength * torch.randn(len(x), 1, x.shape[2], generator=generator)
    return x * factor.to(x)


def permutation(x: Tensor, generator: torch.Generator, segments: int = 5) -> Tensor:
    """Cuts the steps of each instance into at most `segments` equal runs and shuffles them, in one order for all.

    Padding stays where it is: only the steps from the first to the last observed one move.
    """
    order = torch.randperm(min(segments, x.shape[1]), generator=generator).tolist()
    source = torch.arange(x.shape[1]).repeat(len(x), 1)
    for steps, within in zip(source, inside(x).cpu(), strict=True):
        runs = steps[within].tensor_split(max(1, min(segments, int(within.sum()))))
        steps[within] = torch.cat([runs[i] for i in order if i < len(runs)])
    return x.gather(1, source.to(x.device).unsqueeze(-1).expand_as(x))


AUGMENTATIONS: dict[str, Augmentation] = {"jitter": jitter, "scaling": scaling, "permutation": permutation}
