"""The dilated convolutions in operations that exporters know: torch's own convolution, zero-padded at any length.

If a dilation is at least the length of the series, two of the three taps meet padding only. `ResidualBlock` leaves them
out; the exported program does not.

Shapes: B instances, H channels, T steps.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tsrep.encoding.export import Convolution

if TYPE_CHECKING:
    from tsrep.ts2vec.encoder import ResidualBlock


class ExportableConvolutions(nn.Module):
    """`DilatedConvolutions` over (B, H, T), with a copy of the weights."""

    def __init__(self, blocks: Iterable[nn.Module]):
        super().__init__()
        self.blocks = nn.ModuleList(ExportableBlock(cast("ResidualBlock", block)) for block in blocks)

    def forward(self, latent: Tensor, inside: Tensor) -> Tensor:
        """(B, H, T) -> (B, D, T); `inside` (B, 1, T)."""
        x = latent
        for block in self.blocks:
            x = block(x, inside)
        return x


class ExportableBlock(nn.Module):
    """`ResidualBlock` over (B, H, T)."""

    def __init__(self, block: ResidualBlock):
        super().__init__()
        self.conv1, self.conv2 = (
            Convolution(layer.taps.permute(2, 1, 0), layer.bias, layer.dilation)
            for layer in (block.conv1, block.conv2)
        )
        projector = block.projector
        self.shortcut = nn.Identity() if projector is None else Convolution(projector.weight, projector.bias)

    def forward(self, x: Tensor, inside: Tensor) -> Tensor:
        y = self.conv1(torch.where(inside, F.gelu(x), 0.0))
        y = self.conv2(torch.where(inside, F.gelu(y), 0.0))
        return y + self.shortcut(x)
