"""A pre-norm Transformer over steps (Vaswani et al., 2017; pre-norm after Xiong et al., ICML 2020).

Shapes: B instances, T steps, H hidden size.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class TransformerBlock(nn.Module):
    """Attention over the steps, then a perceptron on each, both as residuals of normalised input.

    Parameters
    ----------
    hidden_size : H, a multiple of `n_heads`.
    n_heads : attention heads.
    mlp_ratio : width of the perceptron's hidden layer, as a multiple of H.
    """

    def __init__(self, hidden_size: int, n_heads: int, mlp_ratio: int = 2):
        super().__init__()
        self.n_heads = n_heads
        self.before_attention = nn.LayerNorm(hidden_size)
        self.query_key_value = nn.Linear(hidden_size, 3 * hidden_size)
        self.attended = nn.Linear(hidden_size, hidden_size)
        self.perceptron = nn.Sequential(
            nn.LayerNorm(hidden_size),
            nn.Linear(hidden_size, mlp_ratio * hidden_size),
            nn.GELU(),
            nn.Linear(mlp_ratio * hidden_size, hidden_size),
        )

    def forward(self, x: Tensor, keep: Tensor | None = None) -> Tensor:
        """(B, T, H); `keep` (B, 1, 1, T), True for the steps that may be attended to; None: all."""
        parts = self.query_key_value(self.before_attention(x))
        query, key, value = parts.unflatten(-1, (3, self.n_heads, -1)).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(query, key, value, attn_mask=keep)
        x = x + self.attended(attended.transpose(1, 2).flatten(2))
        return x + self.perceptron(x)


class Transformer(nn.Module):
    """`depth` blocks and a final LayerNorm, (B, T, H) -> (B, T, H)."""

    def __init__(self, hidden_size: int, depth: int, n_heads: int, mlp_ratio: int = 2):
        super().__init__()
        self.blocks = nn.ModuleList(TransformerBlock(hidden_size, n_heads, mlp_ratio) for _ in range(depth))
        self.norm = nn.LayerNorm(hidden_size)
        self.width = hidden_size

    def forward(self, x: Tensor, inside: Tensor | None = None) -> Tensor:
        """`inside` (B, T): steps that may be attended to; None: all."""
        keep = None if inside is None else inside[:, None, None]
        for block in self.blocks:
            x = block(x, keep)
        return self.norm(x)
