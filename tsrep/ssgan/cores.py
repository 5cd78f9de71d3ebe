"""What looks over the steps of a series inside the interpolating generator: attention, or a recurrent net.

Shapes: B instances, T steps, H hidden size.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tsrep.ssgan.recurrence import BidirectionalGRU

CORES = ("transformer", "recurrent")


class Block(nn.Module):
    """Attention over the steps, then a perceptron on each, both as residuals of normalised input."""

    def __init__(self, hidden_size: int, n_heads: int):
        super().__init__()
        self.n_heads = n_heads
        self.before_attention = nn.LayerNorm(hidden_size)
        self.query_key_value = nn.Linear(hidden_size, 3 * hidden_size)
        self.attended = nn.Linear(hidden_size, hidden_size)
        self.perceptron = nn.Sequential(
            nn.LayerNorm(hidden_size),
            nn.Linear(hidden_size, 2 * hidden_size),
            nn.GELU(),
            nn.Linear(2 * hidden_size, hidden_size),
        )

    def forward(self, x: Tensor, keep: Tensor | None) -> Tensor:
        """(B, T, H); `keep` (B, 1, 1, T), True for the steps that may be looked at."""
        parts = self.query_key_value(self.before_attention(x))
        query, key, value = parts.unflatten(-1, (3, self.n_heads, -1)).permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(query, key, value, attn_mask=keep)
        x = x + self.attended(seen.transpose(1, 2).flatten(2))
        return x + self.perceptron(x)


class TransformerCore(nn.Module):
    """(B, T, H) -> (B, T, H) by blocks."""

    def __init__(self, hidden_size: int, depth: int, n_heads: int):
        super().__init__()
        self.blocks = nn.ModuleList(Block(hidden_size, n_heads) for _ in range(depth))
        self.norm = nn.LayerNorm(hidden_size)
        self.width = hidden_size

    def forward(self, x: Tensor, inside: Tensor | None) -> Tensor:
        keep = None if inside is None else inside[:, None, None]
        for block in self.blocks:
            x = block(x, keep)
        return self.norm(x)


class RecurrentCore(nn.Module):
    """(B, T, H) -> (B, T, 2 H) by GRUs that walk both ways, each on the states of the one before."""

    def __init__(self, hidden_size: int, depth: int):
        super().__init__()
        widths = [hidden_size] + [2 * hidden_size] * (depth - 1)
        self.layers = nn.ModuleList(BidirectionalGRU(width, hidden_size) for width in widths)
        self.width = 2 * hidden_size

    def forward(self, x: Tensor, inside: Tensor | None) -> Tensor:
        for layer in self.layers:
            x = layer(x, inside=inside)
        return x


def make_core(core: str, hidden_size: int, depth: int, n_heads: int) -> TransformerCore | RecurrentCore:
    """The core of that name; `width` is the size of what it gives out."""
    if core == "transformer":
        return TransformerCore(hidden_size, depth, n_heads)
    return RecurrentCore(hidden_size, depth)


def position(times: Tensor, width: int) -> Tensor:
    """(B, T, width) sines and cosines of the times since the first step, of periods from 6 to 6,000 steps."""
    frequencies = torch.exp(torch.linspace(0.0, -math.log(1000.0), width // 2, device=times.device))
    angles = (times - times[:, :1]).unsqueeze(-1) * frequencies
    return torch.cat([angles.sin(), angles.cos()], -1)
