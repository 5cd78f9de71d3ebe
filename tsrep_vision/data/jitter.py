"""Augmentation of images with objects: flips, and large-scale jitter.

Large-scale jitter (Ghiasi et al., "Simple Copy-Paste is a Strong Data Augmentation Method for Instance
Segmentation", CVPR 2021): an image is resized by a wide range of scales, then a window of fixed size is cut out of it.

Shapes: H x W pixels of the image, S x S of the result, N objects.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from tsrep_vision.data.shapes import boxes_of


def large_scale_jitter(
    image: Tensor,
    target: dict[str, Tensor],
    size: int,
    generator: torch.Generator | None = None,
    *,
    scale: tuple[float, float] = (0.1, 2.0),
    flip: float = 0.5,
    fill: float = 0.5,
    smallest: int = 1,
) -> tuple[Tensor, dict[str, Tensor]]:
    """An image and its objects, resized to a random scale, flipped or not, and cut or filled up to S x S pixels.

    At a scale of 1 the longer side has S pixels. Boxes are made anew from the masks; an object with fewer than
    `smallest` pixels left is left out. The arguments are not changed.

    Parameters
    ----------
    image : (C, H, W) floats.
    target : `boxes` (N, 4), `labels` (N,) and `masks` (N, H, W).
    size : S.
    generator : a CPU generator; None: torch's own.
    scale : range of the scale, uniform.
    flip : probability of a horizontal flip.
    fill : value of the pixels behind a small image's end.

    Returns
    -------
    image (C, S, S), and the target of the objects that are left.
    """
    factor, down, across, turn = torch.rand(4, generator=generator).tolist()
    height, width = image.shape[1:]
    zoom = (scale[0] + (scale[1] - scale[0]) * factor) * size / max(height, width)
    shape = [max(1, round(height * zoom)), max(1, round(width * zoom))]
    resized = F.interpolate(image[None], shape, mode="bilinear", antialias=True, align_corners=False)[0]
    masks = _resized_masks(target["masks"].float(), shape)
    top, left = int(down * max(0, shape[0] - size + 1)), int(across * max(0, shape[1] - size + 1))
    missing = [0, max(0, size - shape[1]), 0, max(0, size - shape[0])]
    resized = F.pad(resized[:, top : top + size, left : left + size], missing, value=fill)
    masks = F.pad(masks[:, top : top + size, left : left + size], missing)
    if turn < flip:
        resized, masks = resized.flip(2), masks.flip(2)
    left_over = masks.flatten(1).sum(1) >= max(1, smallest)
    masks = masks[left_over].to(target["masks"].dtype)
    return resized, {"boxes": boxes_of(masks), "labels": target["labels"][left_over], "masks": masks}


def _resized_masks(masks: Tensor, shape: list[int]) -> Tensor:
    """(N, H, W) -> (N, *shape); `interpolate` refuses no masks."""
    if len(masks) == 0:
        return masks.new_zeros(0, *shape)
    return F.interpolate(masks[None], shape, mode="nearest-exact")[0]


def flipped(
    image: Tensor, target: dict[str, Tensor], generator: torch.Generator | None = None, flip: float = 0.5
) -> tuple[Tensor, dict[str, Tensor]]:
    """An image and its objects, mirrored left to right with probability `flip`. The arguments are not changed."""
    if float(torch.rand((), generator=generator)) >= flip:
        return image, target
    left, top, right, bottom = target["boxes"].unbind(1)
    boxes = torch.stack([image.shape[2] - right, top, image.shape[2] - left, bottom], dim=1)
    return image.flip(2), {**target, "boxes": boxes, "masks": target["masks"].flip(2)}
