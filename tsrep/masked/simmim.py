"""SimMIM for series (after Xie et al., "SimMIM: A Simple Framework for Masked Image Modeling", CVPR 2022).

Hidden patches are replaced by a learned token within the encoder, which works at full length, and a head as light as
one linear layer predicts them. So any encoder will do: `PatchSimMIM` is on the patch Transformer, `StepSimMIM` on a
network with one vector per step, as TS2Vec's dilated convolutions are.

A missing patch (or step) is treated as a hidden one: it has the token, and is never scored. The token of a step is the
zero vector, as TS2Vec's mask has it: what is learned is the projection's bias, and only their difference matters.

Shapes: B series, T steps, C channels, N patches of P steps, H width of the latents, D and W of vectors.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from tsrep.encoding.encoder import SeriesEncoder
from tsrep.masked.network import (
    FORWARD_METHODS,
    Heads,
    Normalisation,
    Predicted,
    inside_frame,
    mean_of_patches,
    shown,
)
from tsrep.masked.patch_network import PatchNetwork
from tsrep.masked.patches import PatchTransformer, position_codes
from tsrep.masked.targets.scaled import ScaledTarget
from tsrep.nn.transformer import Transformer

HEADS = ("linear", "mlp", "deep")


class DeepHead(nn.Module):
    """A Transformer over the patches' vectors before the linear heads, (B, N, D) -> (B, N, W)."""

    def __init__(self, encoder_width: int, width: int, depth: int, n_heads: int):
        super().__init__()
        self.embed = nn.Linear(encoder_width, width)
        self.trunk = Transformer(width, depth, n_heads, mlp_ratio=4)

    def forward(self, z: Tensor, within: Tensor | None) -> Tensor:
        place = position_codes(self.trunk.width, z.shape[1], z.device)
        return self.trunk(self.embed(z) + place, within)


class PatchSimMIM(PatchNetwork):
    """SimMIM on the patch Transformer.

    Parameters
    ----------
    head : before the linear heads: None (SimMIM's own one-layer head), or a module (B, N, D) -> (B, N, W).
    head_width : W.
    encoder, targets, channels, patch_length, window : see `PatchNetwork`.
    """

    full_length = True

    def __init__(
        self,
        encoder: PatchTransformer,
        head: nn.Module | None,
        head_width: int,
        targets: Sequence[ScaledTarget],
        channels: int,
        patch_length: int,
        window: int,
    ):
        super().__init__(encoder, targets, channels, patch_length, window)
        self.mask_token = nn.Parameter(torch.randn(encoder.width) * 0.02)
        self.head = head
        self.heads = Heads(head_width, targets, per_step=False)

    def predict(self, frame: Tensor, hidden: Tensor, within: Tensor | None = None) -> Predicted:
        """Predictions for all patches of a normalised frame (B, N, P, C) from what is visible."""
        within = inside_frame(frame) if within is None else within
        tokens_within = within.any(2)
        *_, z = self.layers_of_frame(shown(frame, hidden), tokens_within)
        states = z
        if isinstance(self.head, DeepHead):
            states = self.head(z, None if bool(tokens_within.all()) else _never_none(tokens_within))
        elif self.head is not None:
            states = self.head(z)
        return Predicted(self.heads(states, within), z, tokens_within)

    def layers_of_frame(self, frame: Tensor, within: Tensor) -> Iterator[Tensor]:
        """The blocks' outputs; a patch of which nothing is visible has the mask token."""
        visible = (~frame.isnan()).flatten(2).any(2, keepdim=True)
        tokens = torch.where(visible, self.encoder.embedded(frame), self.mask_token)
        tokens = tokens + self.encoder.place(frame.shape[1], frame.device)
        return self.encoder.layers(tokens, None if bool(within.all()) else within)


class StepSimMIM(SeriesEncoder):
    """SimMIM on a network with one vector per step. As an encoder it is a `SeriesEncoder`.

    A step is missing if no channel was observed there; a missing value of another step is that channel's mean.

    Parameters
    ----------
    projection, backbone : see `SeriesEncoder`.
    width : D.
    targets : what is predicted.
    head : "linear" or "mlp".
    channels, patch_length : C and P, the steps that are hidden together.
    """

    hides_partly_missing = False
    full_length = True
    forward_methods = FORWARD_METHODS

    def __init__(
        self,
        projection: nn.Module,
        backbone: nn.Module,
        width: int,
        targets: Sequence[ScaledTarget],
        head: str,
        channels: int,
        patch_length: int,
    ):
        super().__init__(projection, backbone)
        self.normalise = Normalisation(channels)
        self.patch_length = patch_length
        self.targets = nn.ModuleList(targets)
        self.head = mlp_head(width) if head == "mlp" else None
        self.heads = Heads(width, targets, per_step=True)

    def latent(self, x: Tensor, keep: Tensor | None = None) -> Tensor:
        """The input of the backbone, (B, T, H): the projection of each step, zero where it is missing or hidden."""
        return self._latent(self.normalise(x), keep)

    def predict(self, frame: Tensor, hidden: Tensor, within: Tensor | None = None) -> Predicted:
        """Predictions for all patches of a normalised frame (B, N, P, C) from what is visible."""
        within = inside_frame(frame) if within is None else within
        z = self._encoded(shown(frame, hidden), within)
        return Predicted(self.heads(z if self.head is None else self.head(z), within), z, within.flatten(1))

    def tokens(self, frame: Tensor) -> Tensor:
        """The means (B, N, D) of the vectors of each patch's steps, of a normalised frame."""
        within = inside_frame(frame)
        return mean_of_patches(self._encoded(frame, within).unflatten(1, within.shape[1:]), within)

    def _latent(self, x: Tensor, keep: Tensor | None = None) -> Tensor:
        visible = (~x.isnan()).any(-1)
        visible = visible if keep is None else visible & keep
        latent = self.projection(x.nan_to_num(nan=0.0))
        return latent * visible.unsqueeze(-1).to(latent.dtype)

    def _encoded(self, frame: Tensor, within: Tensor) -> Tensor:
        """One vector per step, (B, N P, D), of a normalised frame."""
        inside = None if bool(within.all()) else within.flatten(1)
        return self.backbone(self._latent(frame.flatten(1, 2)), inside, slice(None))


def mlp_head(width: int) -> nn.Module:
    """A hidden layer before the linear heads."""
    return nn.Sequential(nn.Linear(width, width), nn.GELU())


def _never_none(within: Tensor) -> Tensor:
    return within | ~within.any(1, keepdim=True)
