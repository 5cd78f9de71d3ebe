"""A pre-norm Transformer over steps (Vaswani et al., 2017; pre-norm after Xiong et al., ICML 2020).

Shapes: B instances, T steps or tokens, H hidden size.
"""

from __future__ import annotations

from collections.abc import Iterator

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


class CrossAttentionBlock(nn.Module):
    """Attention of some tokens to others, then a perceptron on each, both as residuals of normalised input.

    The parameters are those of `TransformerBlock`.
    """

    def __init__(self, hidden_size: int, n_heads: int, mlp_ratio: int = 2):
        super().__init__()
        self.n_heads = n_heads
        self.before_query = nn.LayerNorm(hidden_size)
        self.before_memory = nn.LayerNorm(hidden_size)
        self.query = nn.Linear(hidden_size, hidden_size)
        self.key_value = nn.Linear(hidden_size, 2 * hidden_size)
        self.attended = nn.Linear(hidden_size, hidden_size)
        self.perceptron = nn.Sequential(
            nn.LayerNorm(hidden_size),
            nn.Linear(hidden_size, mlp_ratio * hidden_size),
            nn.GELU(),
            nn.Linear(mlp_ratio * hidden_size, hidden_size),
        )

    def forward(self, x: Tensor, memory: Tensor, keep: Tensor | None = None) -> Tensor:
        """(B, T, H) attends to `memory` (B, M, H); `keep` (B, 1, 1, M), True for what may be attended to; None: all."""
        query = self.query(self.before_query(x)).unflatten(-1, (self.n_heads, -1)).transpose(1, 2)
        pair = self.key_value(self.before_memory(memory)).unflatten(-1, (2, self.n_heads, -1))
        key, value = pair.permute(2, 0, 3, 1, 4)
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
        """`inside` (B, T): steps that may be attended to, at least one of each instance; None: all."""
        keep = None if inside is None else inside[:, None, None]
        for block in self.blocks:
            x = block(x, keep)
        return self.norm(x)

    def layers(self, x: Tensor, keep: Tensor | None = None) -> Iterator[Tensor]:
        """The output of each block, the last one's normalised; `keep` as in `TransformerBlock.forward`."""
        for block in self.blocks[:-1]:
            x = block(x, keep)
            yield x
        yield self.norm(self.blocks[-1](x, keep) if len(self.blocks) else x)
