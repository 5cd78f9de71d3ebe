"""Generated images for instance segmentation: discs, squares and triangles of one colour each, on noise."""

from __future__ import annotations

import torch
from torch import Tensor

SHAPES = ("background", "disc", "square", "triangle")
SMALLEST = 20  # pixels of a shape that is an object; less of it, behind others, is none


def draw_shapes(
    count: int, size: int = 96, seed: int = 0, per_image: int = 2
) -> tuple[list[Tensor], list[dict[str, Tensor]]]:
    """Images (3, size, size) between 0 and 1, and their targets as `read_images` gives them.

    Parameters
    ----------
    count, size : number of images; their side in pixels.
    seed : of everything drawn.
    per_image : shapes per image; a later one may hide part of an earlier one.

    Returns
    -------
    Images, and per image `boxes` (objects, 4), corners in pixels, `labels` (objects,) from 1 on, places in `SHAPES`,
    and `masks` (objects, size, size).

    Examples
    --------
    >>> images, targets = draw_shapes(2, size=64)
    >>> images[0].shape, targets[0]["masks"].shape, sorted(targets[0])
    (torch.Size([3, 64, 64]), torch.Size([2, 64, 64]), ['boxes', 'labels', 'masks'])
    """
    generator = torch.Generator().manual_seed(seed)
    pairs = [_one(size, per_image, generator) for _ in range(count)]
    return [image for image, _ in pairs], [target for _, target in pairs]


def boxes_of(masks: Tensor) -> Tensor:
    """The smallest box around each mask, none of them empty: (N, H, W) -> (N, 4), corners x1, y1, x2, y2 in pixels."""
    rows, columns = masks.bool().any(2).int(), masks.bool().any(1).int()
    first = columns.argmax(1), rows.argmax(1)
    last = masks.shape[2] - columns.flip(1).argmax(1), masks.shape[1] - rows.flip(1).argmax(1)
    return torch.stack([*first, *last], dim=1).float()


def _one(size: int, per_image: int, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
    image = 0.3 * torch.rand(3, size, size, generator=generator)
    labels = torch.randint(1, len(SHAPES), (per_image,), generator=generator)
    radii = size * (0.12 + 0.13 * torch.rand(per_image, generator=generator))
    centres = radii + (size - 2 * radii) * torch.rand(2, per_image, generator=generator)
    colours = 0.4 + 0.6 * torch.rand(per_image, 3, 1, generator=generator)
    y, x = torch.meshgrid(torch.arange(size) + 0.5, torch.arange(size) + 0.5, indexing="ij")
    dx = (x - centres[0, :, None, None]).abs() / radii[:, None, None]
    dy = (y - centres[1, :, None, None]) / radii[:, None, None]
    kinds = torch.stack(
        [dx.square() + dy.square() < 1, torch.maximum(dx, dy.abs()) < 0.9, (dy < 0.9) & (dx < (dy + 0.9) / 2)]
    )
    masks = kinds[labels - 1, torch.arange(per_image)]
    for mask, colour in zip(masks, colours, strict=True):
        image[:, mask] = colour
    hidden = masks.flip(0).cumsum(0).flip(0) - masks.int() > 0  # by a later shape
    masks = masks & ~hidden
    seen = masks.flatten(1).sum(1) >= SMALLEST
    masks = masks[seen]
    return image, {"boxes": boxes_of(masks), "labels": labels[seen], "masks": masks.to(torch.uint8)}
