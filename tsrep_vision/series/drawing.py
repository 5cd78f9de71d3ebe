"""Series as grey images: windows stacked as rows, or a line plot.

"stacked" cuts a series into windows of about the square root of its length and stacks them as the rows of an image (as
TiViT does: Roschmann et al., "Time Series Representations for Classification Lie Hidden in Pretrained Vision
Transformers", 2025): a period near the window's length becomes a vertical pattern. "line" draws a plot.

A series is scaled by itself: minus its median, by its interquartile range, then asinh, which is nearly linear for what
is usual and logarithmic beyond, so that a peak neither is cut off nor flattens the rest.

Departures from TiViT: windows overlap a little where the length is no multiple of them, rather than dropping its rest;
asinh in place of a contrast that depends on the extremes.

Shapes: n series, T steps, S x S pixels; B images, N patches, D width of the network.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

WHITE, INK = 2.0, -2.0  # of a line plot: about white and black, as normalised photographs have them
MARGIN = 0.05  # of a line plot, above and below, as a share of the image
LINE = 1.5  # width of a line in pixels


class Drawing(NamedTuple):
    """
    Attributes
    ----------
    images : (n, S, S), normalised grey values.
    places : (n, T, 2), where a step is drawn: x and y, from -1 at the left and top to 1.
    """

    images: Tensor
    places: Tensor


def robust_scale(x: Tensor) -> Tensor:
    """asinh((x - median) / interquartile range) over the last axis; a deviation of 0 stays 0.

    Where the range is 0 the standard deviation stands in for it.
    """
    low, median, high = (quantile(x, share) for share in (0.25, 0.5, 0.75))
    spread = torch.where(high > low, high - low, x.std(-1, keepdim=True, correction=0))
    return torch.asinh((x - median) / torch.where(spread > 0, spread, 1.0))


def quantile(x: Tensor, share: float) -> Tensor:
    """(..., T) -> (..., 1), interpolated linearly. `torch.quantile` refuses more than 16 million values."""
    ordered, place = x.sort(-1).values, share * (x.shape[-1] - 1)
    pair = ordered[..., [math.floor(place)]], ordered[..., [math.ceil(place)]]
    return torch.lerp(*pair, place % 1)


def draw_stacked(x: Tensor, size: int) -> Drawing:
    """Windows of scaled series as rows, resized to S x S pixels (bilinear, antialiased).

    Parameters
    ----------
    x : (n, T).
    size : S.

    Examples
    --------
    >>> x = torch.arange(9.0)[None]
    >>> draw_stacked(x, 3).images[0]
    tensor([[0., 1., 2.],
            [3., 4., 5.],
            [6., 7., 8.]])
    """
    steps = x.shape[1]
    window = max(1, round(math.sqrt(steps)))
    rows = -(-steps // window)
    starts = torch.linspace(0, steps - window, rows).round().long()
    grid = x[:, starts[:, None] + torch.arange(window)]
    images = F.interpolate(grid[:, None], (size, size), mode="bilinear", antialias=True)[:, 0]
    row = torch.searchsorted(starts, torch.arange(steps), right=True) - 1
    column = torch.arange(steps) - starts[row]
    places = torch.stack([(2 * column + 1) / window - 1, (2 * row + 1) / rows - 1], dim=1)
    return Drawing(images, places.to(x).expand(len(x), -1, -1))


def draw_line(x: Tensor, size: int) -> Drawing:
    """Line plots of scaled series, each over the whole height, antialiased.

    A column of pixels is inked between the lowest and the highest point of the line within it, with an edge of one
    pixel. So a plot costs no more for a long series than its points.

    Parameters
    ----------
    x : (n, T).
    size : S.
    """
    steps = x.shape[1]
    low, high = x.amin(1, keepdim=True), x.amax(1, keepdim=True)
    share = torch.where(high > low, (x - low) / torch.where(high > low, high - low, 1.0), 0.5)
    y = size * (1 - MARGIN - (1 - 2 * MARGIN) * share)  # in pixels from the top
    fine = max(4, -(-2 * steps // size))  # points of the line per column
    at = ((torch.arange(size * fine + 1) / (size * fine)) * steps - 0.5).clamp(0, steps - 1)
    left = at.long().clamp(max=max(steps - 2, 0))
    right = (left + 1).clamp(max=steps - 1)
    line = torch.lerp(y[:, left], y[:, right], (at - left).to(y))
    inside = line.unfold(1, fine + 1, fine)  # (n, S, fine + 1), both edges of a column included
    top, bottom = inside.amin(2)[:, None], inside.amax(2)[:, None]
    centre = torch.arange(size).to(y)[:, None] + 0.5
    outside = torch.maximum(top - centre, centre - bottom)  # distance to the line, below 0 within it
    ink = ((LINE + 1) / 2 - outside).clamp(0, 1)
    across = ((2 * torch.arange(steps) + 1) / steps - 1).to(y).expand_as(y)
    return Drawing(WHITE + (INK - WHITE) * ink, torch.stack([across, 2 * y / size - 1], dim=2))


DRAWINGS = {"stacked": draw_stacked, "line": draw_line}


def at_places(z: Tensor, places: Tensor) -> Tensor:
    """Vectors of patches (B, 1 + N, D), the class token first, interpolated at `places` (B, T, 2): (B, T, D)."""
    side = math.isqrt(z.shape[1] - 1)
    maps = z[:, 1:].transpose(1, 2).unflatten(2, (side, side))
    grid = places.to(maps)[:, None]
    found = F.grid_sample(maps, grid, "bilinear", padding_mode="border", align_corners=False)
    return found[:, :, 0].transpose(1, 2)
