"""Images as models take them, and as they are shown.

Shapes: B images, C channels, H x W pixels, S the side that a model takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from numpy.typing import NDArray
from torch import Tensor

from tsrep_vision.data.augment import central_crop
from tsrep_vision.data.batches import stack
from tsrep_vision.data.memory import check_values

MOST_IMAGES = 8  # of a figure with one row per image


def squares(images: Tensor | Sequence[Tensor], size: int) -> Tensor:
    """The middle square of each of the first images, resized: (B, C, S, S) between 0 and 1, B at most 8.

    Parameters
    ----------
    images : (C, H, W) each, uint8 or floats between 0 and 1.
    size : S.

    Raises
    ------
    ValueError
        There is no image, or values are outside of 0 to 1.
    """
    some = [images[row] for row in range(min(len(images), MOST_IMAGES))]
    if not some:
        raise ValueError("images is empty; wanted at least one")
    for image in some:
        check_values(image)
    stacked, sizes = stack(some)
    return central_crop(stacked, size, sizes, mean=(0.0,), std=(1.0,)).float()


def as_pixels(image: Tensor) -> NDArray[Any]:
    """An image (C, H, W), uint8 or floats between 0 and 1, as matplotlib takes it: (H, W, 3), or (H, W) of one channel.

    Floats outside of 0 to 1 are clipped.
    """
    floats = image.detach().float().cpu() / (255 if image.dtype == torch.uint8 else 1)
    pixels = floats.clamp(0, 1).permute(1, 2, 0).numpy()
    return pixels[..., 0] if pixels.shape[2] == 1 else pixels


def show(ax: Axes, pixels: NDArray[Any], title: str | None = None) -> None:
    """Draws pixels (H, W) or (H, W, 3) between 0 and 1 without axes, each as it is."""
    ax.imshow(np.asarray(pixels), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    ax.set_axis_off()
    if title is not None:
        ax.set_title(title, fontsize=9, color="#333333")
