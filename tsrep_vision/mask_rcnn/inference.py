"""The objects that a Mask R-CNN finds in images, a few images at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from tsrep_vision.data.images import ImageSet
from tsrep_vision.data.memory import check_values
from tsrep_vision.evaluation import in_evaluation

BATCH = 4  # images


def segment(
    model: nn.Module, images: ImageSet | Sequence[Tensor], batch_size: int = BATCH
) -> Iterator[dict[str, Tensor]]:
    """`boxes` (objects, 4), `labels`, `scores` (objects,) and `masks` (objects, 1, H, W), probabilities, per image.

    They come one image after the other, on the CPU, since the masks of many images would fill the memory. The model
    computes on the device where it is; its mode is left as it is.

    Parameters
    ----------
    images : (3, H, W) each, uint8 or floats between 0 and 1.

    Raises
    ------
    ImageError
        An image cannot be decoded.
    ValueError
        `batch_size` is below 1, or an image has another shape or other values.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}; wanted at least 1")
    return _segmented(model, images, batch_size)


def _segmented(
    model: nn.Module, images: ImageSet | Sequence[Tensor], batch_size: int
) -> Iterator[dict[str, Tensor]]:
    weight = next(model.parameters())
    for first in range(0, len(images), batch_size):
        some = [as_floats(images[row]) for row in range(first, min(first + batch_size, len(images)))]
        with torch.no_grad(), in_evaluation(model, weight.device):
            found = model([image.to(weight) for image in some])
        yield from ({name: value.cpu() for name, value in objects.items()} for objects in found)


def as_floats(image: Tensor) -> Tensor:
    """An image (3, H, W) as floats between 0 and 1; uint8 is divided by 255, other ones raise ValueError."""
    check_values(image)
    if image.ndim != 3 or len(image) != 3:
        raise ValueError(f"images has one of shape {tuple(image.shape)}; wanted (3, H, W)")
    return image / 255 if image.dtype == torch.uint8 else image
