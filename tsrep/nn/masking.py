"""Means over masked entries."""

from __future__ import annotations

from torch import Tensor


def masked_mean(error: Tensor, mask: Tensor) -> Tensor:
    """Mean over the entries where `mask` is True, 0 without any; both of one shape, `error` finite everywhere."""
    return (error * mask).sum() / mask.sum().clamp(min=1)  # `where` is ten times slower on a random mask
