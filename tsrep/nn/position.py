"""Sine and cosine position codes (Vaswani et al., 2017, section 3.5)."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def sinusoids(position: Tensor, frequencies: Tensor) -> Tensor:
    """Sines, then cosines, of each position times each frequency: (..., T) and (F,) -> (..., T, 2 F)."""
    angle = position.unsqueeze(-1) * frequencies
    return torch.cat([angle.sin(), angle.cos()], dim=-1)


def paper_frequencies(width: int, device: torch.device) -> Tensor:
    """(width / 2,): those of the paper, 10,000 ** (-2 i / width)."""
    return torch.exp(torch.arange(0, width, 2, device=device) * (-math.log(10_000.0) / width))


def log_spaced_frequencies(width: int, slowest: float, device: torch.device) -> Tensor:
    """(width // 2,): from 1 down to 1 / `slowest`, both included, evenly spaced in their logarithm."""
    return torch.exp(torch.linspace(0.0, -math.log(slowest), width // 2, device=device))


def grid_code(width: int, *sizes: int) -> Tensor:
    """Fixed codes of the places of a grid, (product of sizes, width), the last axis varying fastest.

    Each axis has an equal share of the width, the last axis the first share: with one size the code of a series, with
    two (height, width) that of MAE's images (He et al., 2022, appendix A.1).
    """
    share, rest = divmod(width, 2 * len(sizes))
    if rest:
        raise ValueError(f"width is {width}; wanted a multiple of {2 * len(sizes)}")
    places = torch.cartesian_prod(*(torch.arange(float(size)) for size in sizes)).view(-1, len(sizes))
    frequencies = paper_frequencies(2 * share, places.device)
    return torch.cat([sinusoids(axis, frequencies) for axis in places.unbind(1)[::-1]], dim=1)
