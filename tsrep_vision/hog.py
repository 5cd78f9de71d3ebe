"""Histograms of oriented gradients (Dalal and Triggs, CVPR 2005) as MaskFeat has them (Wei et al., CVPR 2022).

The gradient of each colour channel is taken with 3 x 3 Sobel filters (borders reflected). Each pixel gives its
magnitude to the bin of its unsigned orientation, without sharing it between bins; a cell sums its pixels, and its
histogram is divided by its Euclidean norm. The filters are sums and differences of shifted images, not a convolution:
quicker, and where an image does not change the gradient is exactly 0, on a GPU too.

Departures from Dalal and Triggs are those of MaskFeat's code: no interpolation between bins and cells, no blocks of
cells, all three channels kept. The Gaussian window is off by default there, and 16 pixels in another port.

Shapes: B images, C channels, H and W pixels.
"""

from __future__ import annotations

import math
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tsrep.base.parameters import Range, check_parameters, integer

RANGES = {
    "bins": integer(1),
    "cell": integer(1),
    "gaussian_window": Range(
        "0 or an integer of at least 2", lambda value: integer(0).holds(value) and value != 1
    ),
}


class HOG(nn.Module):
    """Histograms of oriented gradients per channel and cell.

    Parameters
    ----------
    bins : orientations between 0 and 180 degrees.
    cell : side of a cell in pixels.
    gaussian_window : side in pixels of a Gaussian window (standard deviation: half the side) that weights the
        magnitudes, repeated over the image; 0: no window.

    Raises
    ------
    ValueError
        A number is out of range.

    Examples
    --------
    >>> import torch
    >>> tuple(HOG()(torch.rand(2, 3, 32, 64)).shape)
    (2, 3, 9, 4, 8)
    """

    window: Tensor | None

    def __init__(self, bins: int = 9, cell: int = 8, gaussian_window: int = 0):
        super().__init__()
        check_parameters(SimpleNamespace(bins=bins, cell=cell, gaussian_window=gaussian_window), RANGES)
        self.bins, self.cell = bins, cell
        window = gaussian(gaussian_window, gaussian_window // 2) if gaussian_window else None
        self.register_buffer("window", window, persistent=False)

    def sizes(self) -> dict[str, int]:
        """The arguments that make these histograms."""
        window = 0 if self.window is None else len(self.window)
        return {"bins": self.bins, "cell": self.cell, "gaussian_window": window}

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, bins, H / cell, W / cell), no gradient.

        Raises
        ------
        ValueError
            `images` has other axes, or H or W is no multiple of the cell, or of the window.
        """
        if images.ndim != 4:
            raise ValueError(f"images has shape {tuple(images.shape)}; wanted (B, C, H, W)")
        height, width = images.shape[-2:]
        side = self.cell if self.window is None else math.lcm(self.cell, len(self.window))
        if height % side or width % side:
            raise ValueError(f"images has {height} x {width} pixels; wanted multiples of {side}")
        across, down = sobel(images.float().flatten(0, 1))
        magnitude = torch.hypot(across, down)
        if self.window is not None:
            magnitude = magnitude * self.window.repeat(height // len(self.window), width // len(self.window))
        orientation = torch.atan2(across, down) / math.pi * self.bins
        number = orientation.floor().remainder(self.bins)
        cells = [_summed(magnitude * (number == bin_), self.cell) for bin_ in range(self.bins)]
        return F.normalize(torch.stack(cells, dim=1), dim=1).unflatten(0, images.shape[:2])


def sobel(x: Tensor) -> tuple[Tensor, Tensor]:
    """Changes from right to left and from bottom to top, both (n, H, W), of images (n, H, W); borders reflected."""
    x = F.pad(x, (1, 1, 1, 1), mode="reflect")
    smooth_down = x[:, :-2] + 2 * x[:, 1:-1] + x[:, 2:]
    smooth_across = x[:, :, :-2] + 2 * x[:, :, 1:-1] + x[:, :, 2:]
    return smooth_down[:, :, :-2] - smooth_down[:, :, 2:], smooth_across[:, :-2] - smooth_across[:, 2:]


def gaussian(side: int, std: float) -> Tensor:
    """A Gaussian window of sum 1, (side, side), with its middle in the middle."""
    place = torch.arange(side) - (side - 1) / 2
    profile = torch.exp(-0.5 * (place / std).square())
    window = torch.outer(profile, profile)
    return window / window.sum()


def _summed(x: Tensor, cell: int) -> Tensor:
    """The sums over cells: (n, H, W) -> (n, H / cell, W / cell)."""
    return x.unflatten(2, (-1, cell)).unflatten(1, (-1, cell)).sum(dim=(2, 4))
