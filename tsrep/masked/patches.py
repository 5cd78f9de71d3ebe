"""`PatchTransformer`: patches to tokens, positions, and a Transformer over the tokens.

A token is a linear map of the patch's values (0 where not visible), which of them are visible, and what the scale of
the patch is: its mean and the logarithm of its deviation over the visible values. So scale is not thrown away, and no
normalisation looks at a hidden value. First differences can be added.

Shapes: B series, N patches of P steps, C channels, D width.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache

import torch
from torch import Tensor, nn

from tsrep.nn.position import grid_code
from tsrep.nn.transformer import Transformer

INPUTS = ("values", "statistics", "differences")


class PatchTransformer(nn.Module):
    """Tokens of patches, (B, N, P, C) -> (B, N, D).

    Parameters
    ----------
    channels, patch_length : C and P.
    width, depth, n_heads : D, blocks and attention heads of the Transformer; fewer heads where D is no multiple.
    inputs : some of `INPUTS`.
    alone : True lets no patch see another one (a patch-independent model).
    """

    reach = None

    def __init__(
        self,
        channels: int,
        patch_length: int,
        width: int,
        depth: int,
        n_heads: int,
        inputs: Sequence[str] = ("values", "statistics"),
        alone: bool = False,
    ):
        super().__init__()
        self.inputs = tuple(inputs)
        self.alone = alone
        self.width = width
        per_step = 1 + ("values" in inputs) + ("differences" in inputs)
        features = channels * (per_step * patch_length + 2 * ("statistics" in inputs))
        self.embed = nn.Linear(features, width)
        self.trunk = Transformer(width, depth, math.gcd(n_heads, width), mlp_ratio=4)

    def embedded(self, patches: Tensor) -> Tensor:
        """Tokens (B, M, D) of patches (B, M, P, C) without their positions, NaN where a value is not visible."""
        visible = ~patches.isnan()
        values = patches.nan_to_num(nan=0.0)
        parts = [visible.to(values.dtype)]
        if "values" in self.inputs:
            parts.append(values)
        if "differences" in self.inputs:
            both = visible[:, :, 1:] & visible[:, :, :-1]
            difference = (values[:, :, 1:] - values[:, :, :-1]) * both
            parts.append(torch.cat([torch.zeros_like(values[:, :, :1]), difference], dim=2))
        if "statistics" in self.inputs:
            count = visible.sum(2, keepdim=True).clamp(min=1)
            mean = values.sum(2, keepdim=True) / count
            variance = ((values - mean).square() * visible).sum(2, keepdim=True) / count
            parts += [mean, 0.5 * torch.log(variance + 1e-4)]
        return self.embed(torch.cat([part.flatten(2) for part in parts], dim=2))

    def place(self, n: int, device: torch.device) -> Tensor:
        """Position codes (N, D), counted from the last patch."""
        return position_codes(self.width, n, device)

    def layers(self, tokens: Tensor, keep: Tensor | None) -> Iterator[Tensor]:
        """The output (B, N, D) of each block; `keep` (B, N), the tokens that may be attended to, None: all."""
        return self.trunk.layers(tokens, self._attention(tokens, keep))

    def forward(self, tokens: Tensor, keep: Tensor | None = None) -> Tensor:
        """The output of the last block."""
        *_, z = self.layers(tokens, keep)
        return z

    def _attention(self, tokens: Tensor, keep: Tensor | None) -> Tensor | None:
        if self.alone:
            return torch.eye(tokens.shape[1], dtype=torch.bool, device=tokens.device)
        if keep is None:
            return None
        return (keep | ~keep.any(1, keepdim=True))[:, None, None]  # attention over no token would be NaN


@lru_cache(maxsize=64)
def position_codes(width: int, n: int, device: torch.device) -> Tensor:
    """Sine and cosine codes (n, width) of places that are counted from the last one."""
    with torch.inference_mode(False):
        return grid_code(width + width % 2, n).flip(0)[:, :width].to(device)
