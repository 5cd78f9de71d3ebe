"""The TS2Vec encoder (Yue et al., AAAI 2022, section 3.1): input projection, timestamp mask, dilated convolutions.

A step's latent vector is masked *after* the projection, so that a hidden step differs from a step whose value is 0.
Ten residual blocks of 64 channels and one of 320 follow, with dilations 1, 2, 4, ... 1024.

Two departures from the authors' code, neither of which moves a number on complete series:
- steps outside an instance are zeroed before every convolution, so padding cannot move a representation;
- a convolution whose dilation reaches over the whole series touches only its centre tap and is computed as such.

Shapes: B instances, T steps, C channels of the input, H hidden channels, D components of the representation.
"""

from __future__ import annotations

from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from tsrep.ts2vec.convolution import DilatedConvolution


class ResidualBlock(nn.Module):
    """GELU, convolution, GELU, convolution, plus the input, projected where the width changes or the stack ends."""

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
        """The block's input as it is added to the output: projected where there is a projector."""
        if self.projector is None:
            return x
        return F.linear(x, self.projector.weight[..., 0], self.projector.bias)


class DilatedConvolutions(nn.Module):
    """The backbone of the paper: `depth` blocks and the output block, (B, T, in_channels) -> (B, T, D)."""

    def __init__(self, in_channels: int, hidden_channels: int, n_components: int, depth: int):
        super().__init__()
        widths = [in_channels] + [hidden_channels] * depth + [n_components]
        self.blocks = nn.ModuleList(
            ResidualBlock(before, after, 2**i, last=i == depth)
            for i, (before, after) in enumerate(pairwise(widths))
        )
        self.n_components = n_components
        self.largest_dilation = 2**depth
        self.reach = 2 * (2 ** (depth + 1) - 1)  # steps that an output looks to either side

    def forward(self, x: Tensor, inside: Tensor | None, steps: slice | Tensor) -> Tensor:
        """`inside` (B, T): True where a step belongs to its instance, None: everywhere. Gives the wanted `steps`."""
        x = x.transpose(0, 1).contiguous()
        within = None if inside is None else inside.T.unsqueeze(-1)
        *body, last = self.blocks
        for block in body:
            x = block(x, within)
        if self.largest_dilation < len(x):
            z = last(x, within)[steps]
        else:
            z = last(x[steps], None if within is None else within[steps])  # its steps do not meet
        return z.transpose(0, 1)


class SeriesEncoder(nn.Module):
    """Series with gaps to one vector a step.

    Parameters
    ----------
    projection : (B, T, C) -> (B, T, H), the input projection of the paper or the identity.
    backbone : called with (B, T, H), `inside` and `steps`, gives (B, len(steps), D).
    """

    def __init__(self, projection: nn.Module, backbone: nn.Module):
        super().__init__()
        self.projection = projection
        self.backbone = backbone

    def forward(
        self,
        x: Tensor,
        keep: Tensor | None = None,
        inside: Tensor | None = None,
        steps: slice | Tensor = slice(None),
    ) -> Tensor:
        """Representations (B, T, D) of `x` (B, T, C), or of the wanted `steps` of it, a slice or their indices.

        `x` may hold NaN: a step with any missing channel has a zero latent, as if it were masked. `keep` (B, T) is
        False where the timestamp mask hides a step. `inside` (B, T) is False where a step is padding; what comes out
        there means nothing. The caller's `x` is not written to.
        """
        return self.backbone(self.latent(x, keep), inside, steps)

    def latent(self, x: Tensor, keep: Tensor | None = None) -> Tensor:
        """What the backbone sees, (B, T, H): the projection of each step, zero where it is missing or hidden."""
        observed = ~x.isnan().any(-1)
        shown = observed if keep is None else observed & keep
        latent = self.projection(x.nan_to_num(nan=0.0))
        return latent * shown.unsqueeze(-1).to(latent.dtype)


def paper_encoder(in_channels: int, hidden_channels: int, n_components: int, depth: int) -> SeriesEncoder:
    """The encoder of the paper: a linear projection and dilated convolutions."""
    backbone = DilatedConvolutions(hidden_channels, hidden_channels, n_components, depth)
    return SeriesEncoder(nn.Linear(in_channels, hidden_channels), backbone)
