"""`PatchNetwork`: a patch Transformer as an encoder of series; MAE and SimMIM on patches are subclasses.

A step has the vector of its patch. A series longer than those of the training is encoded in windows of the training's
length, counted from its end, since a Transformer knows no positions beyond.

Shapes: B series, T steps, C channels, N patches of P steps, D width.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tsrep.masked.network import FORWARD_METHODS, Normalisation, Predicted, inside_frame, last_steps
from tsrep.masked.patches import PatchTransformer
from tsrep.masked.targets.scaled import ScaledTarget
from tsrep.nn.patch import patch_of_step, to_patches


class PatchNetwork(nn.Module):
    """Series (B, T, C) to one vector per step through tokens of patches.

    Parameters
    ----------
    encoder : tokens of patches.
    targets : what is predicted of hidden patches.
    channels, patch_length : C and P.
    window : patches of the longest window that is encoded at once.
    """

    forward_methods = FORWARD_METHODS

    def __init__(
        self,
        encoder: PatchTransformer,
        targets: Sequence[ScaledTarget],
        channels: int,
        patch_length: int,
        window: int,
    ):
        super().__init__()
        self.normalise = Normalisation(channels)
        self.encoder = encoder
        self.targets = nn.ModuleList(targets)
        self.patch_length = patch_length
        self.window = window

    @property
    def backbone(self) -> PatchTransformer:
        """See `tsrep.encoding.backbone.Backbone`."""
        return self.encoder

    @property
    def window_steps(self) -> int:
        """Steps of a window that is encoded alone; windows are counted from the end of a series."""
        return self.window * self.patch_length

    @abstractmethod
    def predict(self, frame: Tensor, hidden: Tensor, within: Tensor | None = None) -> Predicted:
        """See `tsrep.masked.network.MaskedNetwork`."""

    @abstractmethod
    def layers_of_frame(self, frame: Tensor, within: Tensor) -> Iterator[Tensor]:
        """The output (B, N, D) of each layer for a frame of which all is visible that is observed."""

    def tokens(self, frame: Tensor) -> Tensor:
        """Representations (B, N, D) of the patches of a normalised frame."""
        *_, z = self.layers_of_frame(frame, inside_frame(frame).any(2))
        return z

    def forward(
        self,
        x: Tensor,
        keep: Tensor | None = None,
        inside: Tensor | None = None,
        steps: slice | Tensor = slice(None),
    ) -> Tensor:
        """Representations (B, len(steps), D) of the `steps`; see `tsrep.encoding.encoder.SeriesEncoder.forward`."""
        *_, z = self._layers(x, keep, inside)
        return self._at(z, steps, x.shape[1], inside)

    def layers(self, x: Tensor, keep: Tensor | None = None, inside: Tensor | None = None) -> Iterator[Tensor]:
        """The outputs (B, T, D) of all blocks of the Transformer."""
        for z in self._layers(x, keep, inside):
            yield self._at(z, slice(None), x.shape[1], inside)

    def _layers(self, x: Tensor, keep: Tensor | None, inside: Tensor | None) -> Iterator[Tensor]:
        x = self.normalise(x)
        if keep is not None:
            x = x.masked_fill(~keep.unsqueeze(-1), torch.nan)
        last = None if inside is None else last_steps(inside)
        frame = to_patches(x, self.patch_length, last)
        everywhere = x.new_ones(*x.shape[:2], 1) if inside is None else inside.unsqueeze(-1).to(x.dtype)
        within = to_patches(everywhere, self.patch_length, last, fill=0.0).bool().any(2).squeeze(-1)
        n = frame.shape[1]
        if n <= self.window:
            yield from self.layers_of_frame(frame, within)
            return
        windows = -(-n // self.window)
        before = windows * self.window - n
        frame = F.pad(frame, (0, 0, 0, 0, before, 0), value=torch.nan)
        within = F.pad(within, (before, 0), value=False)
        frame = frame.unflatten(1, (windows, self.window)).flatten(0, 1)
        for z in self.layers_of_frame(frame, within.unflatten(1, (windows, self.window)).flatten(0, 1)):
            yield z.unflatten(0, (-1, windows)).flatten(1, 2)[:, before:]

    def _at(self, z: Tensor, steps: slice | Tensor, total: int, inside: Tensor | None) -> Tensor:
        """The tokens (B, N, D) of the patches in which the `steps` lie."""
        numbers = torch.arange(total, device=z.device)[steps]
        last = None if inside is None else last_steps(inside)
        place = patch_of_step(numbers, total, self.patch_length, last)
        if place.dim() == 1:
            return z[:, place]
        return z.gather(1, place.unsqueeze(-1).expand(-1, -1, z.shape[-1]))
