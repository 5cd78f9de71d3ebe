"""Images in memory with the objects in them, as `read_images` gives those of files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import torch
from PIL import Image
from torch import Tensor

from tsrep.base.parameters import out_of_range
from tsrep_vision.data.images import ImageSet

FIELDS = ("boxes", "labels", "masks")


class Pictures:
    """A store of images (3, H, W) of any sizes, named by their numbers."""

    def __init__(self, images: Sequence[Tensor]):
        self.images = images
        self.names = [str(number) for number in range(len(images))]

    def open(self, name: str) -> Image.Image:
        image = self.images[int(name)]
        pixels = image if image.dtype == torch.uint8 else (image * 255).round().to(torch.uint8)
        return Image.fromarray(pixels.cpu().permute(1, 2, 0).contiguous().numpy())


class Targets:
    """The objects of the images of `Pictures`."""

    def __init__(self, targets: Sequence[Mapping[str, Tensor]]):
        self.targets = targets

    def digest(self) -> str:
        """SHA-256 of boxes, labels and masks."""
        hashed = hashlib.sha256()
        for target in self.targets:
            for field in FIELDS:
                hashed.update(str(tuple(target[field].shape)).encode())
                hashed.update(target[field].cpu().contiguous().numpy().data)
        return hashed.hexdigest()

    def target(self, name: str, crowds: bool = False) -> dict[str, Tensor]:
        """A copy, see `ImageSet.target`; there are no crowds."""
        target = {field: self.targets[int(name)][field].clone() for field in FIELDS}
        return {**target, "iscrowd": torch.zeros_like(target["labels"])} if crowds else target

    def size(self, name: str) -> tuple[int, int]:
        """Height and width of an image."""
        height, width = self.targets[int(name)]["masks"].shape[1:]
        return height, width


def with_objects(
    images: Sequence[Tensor], targets: Sequence[Mapping[str, Tensor]], classes: Sequence[str] | None = None
) -> ImageSet:
    """Images and targets in memory as a set; images are kept with 8 bits per channel.

    Parameters
    ----------
    images : (3, H, W) each, uint8 or floats between 0 and 1.
    targets : per image `boxes` (objects, 4), corners in pixels, `labels` (objects,) from 1 on and `masks`
        (objects, H, W), 1 or True where the object is.
    classes : names by label, the background first; None: numbers.

    Raises
    ------
    ValueError
        Images and targets do not fit one another, or values are out of range.

    Examples
    --------
    >>> from tsrep_vision.data import draw_shapes
    >>> images = with_objects(*draw_shapes(5, size=64))
    >>> len(images), images[0].dtype, images.target(0)["masks"].shape
    (5, torch.uint8, torch.Size([2, 64, 64]))
    """
    if len(images) != len(targets) or len(images) == 0:
        raise ValueError(
            f"images has {len(images)} images and targets {len(targets)}; wanted as many, at least one"
        )
    for number, (image, target) in enumerate(zip(images, targets, strict=True)):
        _check(number, image, target)
    most = max((int(target["labels"].max()) for target in targets if len(target["labels"])), default=0)
    if classes is None:
        classes = ["background", *map(str, range(1, most + 1))]
    if isinstance(classes, str):
        raise out_of_range("classes", classes, "a list of names")
    if most >= len(classes):
        raise ValueError(f"classes has {len(classes)} names; wanted one for each label up to {most}")
    store = Pictures(images)
    return ImageSet(store, store.names, classes=classes, annotations=Targets(targets))


def _check(number: int, image: Tensor, target: Mapping[str, Tensor]) -> None:
    check_values(image, f"images[{number}]")
    if image.ndim != 3 or len(image) != 3:
        raise ValueError(f"images[{number}] has shape {tuple(image.shape)}; wanted (3, H, W)")
    for field in FIELDS:
        if field not in target:
            raise ValueError(f"targets[{number}] lacks {field!r}; wanted {', '.join(FIELDS)}")
        if not isinstance(target[field], Tensor):
            kind = type(target[field]).__name__
            raise ValueError(f"targets[{number}][{field!r}] is a {kind}; wanted a tensor")
    objects, shape = len(target["labels"]), tuple(target["masks"].shape)
    if shape != (objects, *image.shape[1:]) or tuple(target["boxes"].shape) != (objects, 4):
        raise ValueError(
            f"targets[{number}] has masks of shape {shape} and boxes of {tuple(target['boxes'].shape)}; "
            f"wanted {(objects, *image.shape[1:])} and {(objects, 4)}"
        )
    if target["labels"].dtype != torch.int64 or bool((target["labels"] < 1).any()):
        raise ValueError(f"targets[{number}]['labels'] is {target['labels']}; wanted int64 numbers from 1 on")
    if bool(((target["masks"] != 0) & (target["masks"] != 1)).any()):
        low, high = target["masks"].min().item(), target["masks"].max().item()
        raise ValueError(f"targets[{number}]['masks'] has values from {low} to {high}; wanted 0 and 1")
    left, top, right, bottom = target["boxes"].unbind(1)
    height, width = image.shape[1:]
    inside = (left < right) & (top < bottom) & (right > 0) & (bottom > 0) & (left < width) & (top < height)
    if not bool(inside.all()):
        row = int(inside.int().argmin())
        raise ValueError(
            f"targets[{number}]['boxes'] has {target['boxes'][row].tolist()}; wanted left < right and top < bottom, "
            f"in part within the {width} x {height} pixels of the image"
        )


def check_values(image: Tensor, name: str = "images") -> None:
    """Raises ValueError unless an image is a tensor of uint8, or of floats between 0 and 1."""
    if not isinstance(image, Tensor):
        raise ValueError(f"{name} is a {type(image).__name__}; wanted a tensor")
    if image.dtype == torch.uint8:
        return
    low, high = float(image.min()), float(image.max())
    if not (image.is_floating_point() and low >= 0 and high <= 1):
        raise ValueError(
            f"{name} has {image.dtype} values from {low:.3g} to {high:.3g}; wanted uint8, or floats between 0 and 1"
        )
