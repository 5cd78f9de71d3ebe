"""Masked models: how many entries are hidden, visible tokens alone and back, means over masked entries.

He et al., "Masked Autoencoders Are Scalable Vision Learners", CVPR 2022, section 3. The functions serve series and
images.

Shapes: B instances, N tokens, D their width.
"""

from __future__ import annotations

import torch
from torch import Tensor


def masked_mean(error: Tensor, mask: Tensor) -> Tensor:
    """Mean over the entries where `mask` is True, 0 without any; both of one shape, `error` finite everywhere."""
    return (error * mask).sum() / mask.sum().clamp(min=1)  # `where` is ten times slower on a random mask


def hidden_count(total: Tensor, ratio: float) -> Tensor:
    """How many of `total` entries are hidden: the share `ratio`, rounded half up, at least one and not all.

    Of a single entry one is hidden, of none none.
    """
    count = torch.floor(total * ratio + 0.5).long()
    return count.clamp(min=1).minimum((total - 1).clamp(min=1)).minimum(total)


def lowest(noise: Tensor, count: Tensor) -> Tensor:
    """True at the `count` (...,) lowest entries of the last axis of `noise` (..., N)."""
    rank = noise.argsort(stable=True, dim=-1).argsort(-1)
    return rank < count.unsqueeze(-1)


def shuffled(noise: Tensor) -> tuple[Tensor, Tensor]:
    """The order of the tokens by ascending noise (B, N), and its inverse: the first tokens of the order are kept."""
    order = noise.argsort(stable=True, dim=1)
    return order, order.argsort(1)


def take_tokens(tokens: Tensor, order: Tensor) -> Tensor:
    """The tokens at the places `order` (B, M): (B, N, D) -> (B, M, D)."""
    return tokens.gather(1, order.unsqueeze(-1).expand(-1, -1, tokens.shape[-1]))


def unshuffled(visible: Tensor, mask_token: Tensor, restore: Tensor) -> Tensor:
    """All N tokens in their places: the visible ones (B, M, D), which come first in the order, and mask tokens.

    `mask_token` (D,); `restore` (B, N), the inverse of the order, as `shuffled` gives it.
    """
    hidden = restore.shape[1] - visible.shape[1]
    rest = mask_token.to(visible.dtype).expand(len(visible), hidden, -1)
    return take_tokens(torch.cat([visible, rest], dim=1), restore)
