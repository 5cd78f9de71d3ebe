"""`Target`: what a masked model predicts of a hidden patch.

A series is cut into patches. A target says which numbers of a patch are predicted: its values, or features of them. It
may look at the whole series, beyond its patch (kernels that are wider than a patch do), and it may be fitted on the
training series (a vocabulary, quantiles). It never sees what the encoder sees: hidden values are its business.

Shapes: B series, N patches, P steps per patch, C channels, K numbers per patch and channel.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Target(nn.Module):
    """Features (B, N, C, K) of a frame (B, N, P, C), NaN where they are undefined.

    A subclass gives `forward`, and `fit` where something is learned; what is learned is kept in buffers, whose shapes
    follow from the constructor's arguments, so that a saved model can be built before its weights are read.

    Parameters
    ----------
    channels : C.
    patch_length : P.

    Attributes
    ----------
    width : K.
    per_step : True where K = P and number k belongs to step k of the patch. False: to the patch as a whole.
    classes : 0 for numbers. Otherwise the K numbers are labels from 0 to `classes` - 1, which are predicted by
        cross-entropy.
    least_patch : the least P with which there is something to predict.
    """

    width: int
    per_step: bool = False
    classes: int = 0
    least_patch: int = 1

    def __init__(self, channels: int, patch_length: int):
        super().__init__()
        self.channels = channels
        self.patch_length = patch_length

    def fit(self, frame: Tensor, generator: torch.Generator) -> None:
        """Learns from training series `frame` (B, N, P, C), NaN where nothing was observed. Default: nothing."""

    def forward(self, frame: Tensor) -> Tensor:
        """(B, N, P, C), NaN where nothing was observed -> (B, N, C, K), NaN where undefined."""
        raise NotImplementedError
