"""The TS2Vec encoder (Yue et al., AAAI 2022, section 3.1): a stack of dilated convolutions over the masked latents.

The input projection and the timestamp mask are in `tsrep.encoding.encoder.SeriesEncoder`. Ten residual blocks of 64
channels and one of 320 follow, with dilations 1, 2, 4, ... 1024.

Two departures from the authors' code, neither of which changes a result on complete series:
- steps outside an instance are zeroed before each convolution, so padding cannot move a representation;
- a convolution whose dilation is at least the length of the series computes its centre tap only.

Shapes: B instances, T steps, C channels of the input, H hidden channels, D components of the representation.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from tsrep.encoding.encoder import SeriesEncoder
from tsrep.ts2vec.convolution import DilatedConvolution
from tsrep.ts2vec.exportable import ExportableConvolutions
from tsrep.ts2vec.fast import triton
from tsrep.ts2vec.fast.causal import CausalWindows


class ResidualBlock(nn.Module):
    """GELU, convolution, GELU, convolution, plus the input, which the last block or a change of width projects."""

    def __init__(self, in_channels: int, out_channels: int, dilation: int, last: bool):
        super().__init__()
        self.conv1 = DilatedConvolution(in_channels, out_channels, dilation)
        self.conv2 = DilatedConvolution(out_channels, out_channels, dilation)
        self.projector = (
            nn.Conv1d(in_channels, out_channels, 1) if last or in_channels != out_channels else None
        )

    def forward(self, x: Tensor, inside: Tensor | None) -> Tensor:
        """(T, B, H_in) -> (T, B, H_out); `inside` (T, B, 1)."""
        return self.conv2(self.conv1(x, inside), inside).add_(self.shortcut(x))

    def shortcut(self, x: Tensor) -> Tensor:
        """The term added to the convolutions' output: the block's input, projected if there is a projector."""
        if self.projector is None:
            return x
        return F.linear(x, self.projector.weight[..., 0], self.projector.bias)


class DilatedConvolutions(nn.Module):
    """The backbone of the paper: `depth` blocks and the output block, (B, T, in_channels) -> (B, T, D)."""

    fast_windows = CausalWindows()

    def __init__(self, in_channels: int, hidden_channels: int, n_components: int, depth: int):
        super().__init__()
        widths = [in_channels] + [hidden_channels] * depth + [n_components]
        self.blocks = nn.ModuleList(
            ResidualBlock(before, after, 2**i, last=i == depth)
            for i, (before, after) in enumerate(pairwise(widths))
        )
        self.n_components = n_components
        self.largest_dilation = 2**depth
        self.reach = 2 * (2 ** (depth + 1) - 1)  # steps to either side that an output depends on

    def forward(self, latent: Tensor, inside: Tensor | None, steps: slice | Tensor) -> Tensor:
        """See `tsrep.encoding.backbone.Backbone`."""
        x = latent.transpose(0, 1).contiguous()
        within = None if inside is None else inside.T.unsqueeze(-1)
        *hidden, last = self.blocks
        for block in hidden:
            x = block(x, within)
        if self.largest_dilation < len(x):
            z = last(x, within)[steps]
        else:
            # Only the centre tap reaches a step of the series, so a step needs no other.
            z = last(x[steps], None if within is None else within[steps])
        return z.transpose(0, 1)

    def layers(self, latent: Tensor, inside: Tensor | None) -> Iterator[Tensor]:
        """The output of each block, (B, T, hidden_channels), and (B, T, D) of the last."""
        x = latent.transpose(0, 1).contiguous()
        within = None if inside is None else inside.T.unsqueeze(-1)
        for block in self.blocks:
            x = block(x, within)
            yield x.transpose(0, 1)

    def exportable(self) -> nn.Module:
        """The same function of (B, H, T), in operations that exporters know."""
        return ExportableConvolutions(self.blocks)

    def fits_kernels(self, batch: Tensor) -> bool:
        """Whether a training step on `batch` (B, T, C) is for the GPU kernels of `fast/triton`."""
        return triton.fits(batch, self.n_components)


def paper_encoder(in_channels: int, hidden_channels: int, n_components: int, depth: int) -> SeriesEncoder:
    """The encoder of the paper: a linear projection and dilated convolutions."""
    backbone = DilatedConvolutions(hidden_channels, hidden_channels, n_components, depth)
    return SeriesEncoder(nn.Linear(in_channels, hidden_channels), backbone)
