"""`MaskedNetwork`: what the masked models have in common.

A masked model encodes what is visible of a series and predicts targets of what is hidden. In training it works on
frames, series cut into patches (`tsrep.nn.patch`); hidden values are set to NaN in them, so they cannot move the
input, and a missing value is treated as a hidden one is. As an encoder of whole series it gives one vector per step,
as every network of `tsrep.encoding` does.

Shapes: B series, T steps, C channels; a frame is (B, N, P, C), N patches of P steps; D width of a representation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

from tsrep.masked.targets.scaled import ScaledTarget
from tsrep.nn.padding import inside
from tsrep.nn.patch import to_patches

FORWARD_METHODS = ("predict", "tokens")
"""Methods of a masked network that compute with its weights: precision and strategy apply to them in training."""
ROUNDING = 1e-12  # a smaller deviation, as a share of the largest value, is a constant's


class Predicted(NamedTuple):
    """The output of a masked model.

    Attributes
    ----------
    outputs : (B, N, C, outputs) per target, predictions for all patches.
    z : representations of all patches (B, N, D) or steps (B, N P, D); MAE's are of the visible patches alone.
    counted : (B, N) or (B, N P), the vectors of `z` that stand for something and not for padding; None: all.
    """

    outputs: list[Tensor]
    z: Tensor
    counted: Tensor | None = None


class MaskedNetwork(Protocol):
    """A torch module that encodes series and predicts what is hidden.

    Attributes
    ----------
    patch_length : P.
    targets : `ScaledTarget` per head.
    normalise : `Normalisation` of the input.
    full_length : whether all patches are encoded in training, hidden ones too.
    backbone : see `tsrep.encoding.backbone.Backbone`.
    """

    patch_length: int
    targets: nn.ModuleList
    normalise: Normalisation
    full_length: bool

    def predict(self, frame: Tensor, hidden: Tensor, within: Tensor | None = None) -> Predicted:
        """Predictions from a normalised frame (B, N, P, C) of which `hidden` is not shown.

        `within` (B, N, P) are the steps inside their series; None: from the first to the last observed one.
        """

    def tokens(self, frame: Tensor) -> Tensor:
        """Representations (B, N, D) of the patches of a normalised frame that is wholly visible."""


class Normalisation(nn.Module):
    """(x - centre) / scale per channel, constants that were measured on the training series."""

    centre: Tensor
    scale: Tensor

    def __init__(self, channels: int):
        super().__init__()
        self.register_buffer("centre", torch.zeros(channels))
        self.register_buffer("scale", torch.ones(channels))

    @torch.no_grad()
    def fit(self, x: Tensor) -> None:
        """Mean and standard deviation of the observed values of `x` (n, T, C)."""
        flat = x.double().flatten(0, 1)
        centre = flat.nanmean(0).nan_to_num(nan=0.0)
        deviation = (flat - centre).square().nanmean(0).sqrt().nan_to_num(nan=0.0)
        largest = flat.abs().nan_to_num(nan=0.0).amax(0)
        self.centre.copy_(centre)
        self.scale.copy_(torch.where(deviation > ROUNDING * largest, deviation, 1.0))

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.centre) / self.scale

    def inverse(self, x: Tensor) -> Tensor:
        """The values in their own units."""
        return x * self.scale + self.centre


def frame_of(x: Tensor, length: int) -> Tensor:
    """Series (B, T, C), NaN where not observed, as patches (B, N, P, C) that end with each series' last step."""
    return to_patches(x, length, last_steps(inside(x)))


def last_steps(within: Tensor) -> Tensor | None:
    """The last step inside each series (B,); None if that is the last of all, as in series of equal length."""
    if bool(within[:, -1].all()):
        return None
    steps = torch.arange(within.shape[1], device=within.device)
    last = torch.where(within, steps, -1).amax(1)
    return torch.where(last < 0, within.shape[1] - 1, last)


def inside_frame(frame: Tensor) -> Tensor:
    """Which steps of a frame lie inside their series, (B, N, P); gaps count as inside."""
    return inside(frame.flatten(1, 2)).unflatten(1, frame.shape[1:3])


def shown(frame: Tensor, hidden: Tensor) -> Tensor:
    """The frame without its hidden values, which are NaN as missing ones are."""
    return frame.masked_fill(hidden, torch.nan)


class Heads(nn.Module):
    """A linear map per target, from vectors of patches or of steps.

    Parameters
    ----------
    width : D of the vectors.
    targets : what is predicted.
    per_step : whether the vectors are of steps. Numbers of steps are then predicted from their own step's vector,
        those of a patch from the mean over its steps inside.
    """

    def __init__(self, width: int, targets: Sequence[ScaledTarget], per_step: bool):
        super().__init__()
        self.per_step = per_step
        self.channels = [scaled.target.channels for scaled in targets]
        self.of_steps = [per_step and scaled.target.per_step for scaled in targets]
        self.probed = [scaled.probed for scaled in targets]
        self.maps = nn.ModuleList(
            nn.Linear(width, channels * (1 if of_steps else scaled.outputs))
            for scaled, channels, of_steps in zip(targets, self.channels, self.of_steps, strict=True)
        )

    def forward(self, z: Tensor, within: Tensor) -> list[Tensor]:
        """(B, N, D), or (B, N P, D) of steps, -> (B, N, C, outputs) per target; `within` (B, N, P) are steps inside."""
        steps = z.unflatten(1, within.shape[1:]) if self.per_step else z
        pooled = mean_of_patches(steps, within) if self.per_step else z
        outputs = []
        parts = zip(self.maps, self.channels, self.of_steps, self.probed, strict=True)
        for head, channels, of_steps, probed in parts:
            vectors = steps if of_steps else pooled
            output = head(vectors.detach() if probed else vectors)
            outputs.append(output.transpose(2, 3) if of_steps else output.unflatten(-1, (channels, -1)))
        return outputs


def mean_of_patches(steps: Tensor, within: Tensor) -> Tensor:
    """The mean over the steps inside of each patch, (B, N, P, D) and (B, N, P) -> (B, N, D)."""
    weight = within.unsqueeze(-1).to(steps.dtype)
    return (steps * weight).sum(2) / weight.sum(2).clamp(min=1)
