"""A function of the user as a target."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from tsrep.masked.targets.target import Target


class PatchFunction(Target):
    """The features f(patch) of each patch and channel, (B, N, P, C) -> (B, N, C, K).

    Patches without an observation are NaN.

    Parameters
    ----------
    channels, patch_length : C and P.
    function : f, patches (..., P) with NaN for missing values -> features (..., K). It is called once with zeros, to
        find K.
    """

    def __init__(self, channels: int, patch_length: int, function: Callable[[Tensor], Tensor]):
        super().__init__(channels, patch_length)
        self.function = function
        features = function(torch.zeros(1, patch_length))
        if not isinstance(features, Tensor) or features.ndim != 2 or features.shape[0] != 1:
            found = tuple(features.shape) if isinstance(features, Tensor) else type(features).__name__
            raise ValueError(f"target of a patch (1, {patch_length}) is {found}; wanted a tensor (1, K)")
        self.width = features.shape[-1]

    def forward(self, frame: Tensor) -> Tensor:
        patches = frame.transpose(2, 3).clone()  # the function may write into it
        empty = patches.isnan().all(-1, keepdim=True)
        return self.function(patches).masked_fill(empty, torch.nan)
