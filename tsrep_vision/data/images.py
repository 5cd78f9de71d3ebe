"""`ImageSet`: images that are decoded when they are asked for, with their labels and what was skipped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol, overload

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

MODES = {1: "L", 3: "RGB"}
SMALLEST = 8  # pixels of an image's shorter side


class Skipped(NamedTuple):
    """An image that is left out, and why."""

    name: str
    reason: str


class ImageError(ValueError):
    """An image that cannot be decoded."""


class Store(Protocol):
    """Where images lie."""

    @property
    def names(self) -> Sequence[str]:
        """All of them, in order."""

    def open(self, name: str) -> Image.Image:
        """The image, of which perhaps only the header was read."""


class Objects(Protocol):
    """The objects in images, by the images' names."""

    def target(self, name: str) -> dict[str, Tensor]:
        """See `ImageSet.target`."""


class ImageSet:
    """A sequence of images: `images[i]` decodes one, (C, H, W) uint8.

    Attributes
    ----------
    names : where an image lies within its source.
    labels : (n,) places in `classes`, int64; None without labels.
    classes : names of the classes.
    skipped : `Skipped` images: those left out when the source was read, and those that `ImageBatches` could not decode.
    """

    def __init__(
        self,
        store: Store,
        names: Sequence[str],
        labels: NDArray[np.int64] | None = None,
        classes: Sequence[str] = (),
        annotations: Objects | None = None,
        channels: int = 3,
        resize: int | None = None,
    ):
        self.store, self.names = store, list(names)
        self.labels, self.classes = labels, list(classes)
        self.annotations = annotations
        self.channels, self.resize = channels, resize
        self.skipped: list[Skipped] = []

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, index: int) -> Tensor: ...

    @overload
    def __getitem__(self, index: slice | Sequence[int] | NDArray[np.integer]) -> ImageSet: ...

    def __getitem__(self, index: int | slice | Sequence[int] | NDArray[np.integer]) -> Tensor | ImageSet:
        """One image, (C, H, W) uint8; or a set of some of them.

        Raises
        ------
        ImageError
            The image cannot be decoded.
        """
        if isinstance(index, int | np.integer):
            return self._decoded(self.names[index])
        rows = np.arange(len(self))[index]
        labels = None if self.labels is None else self.labels[rows]
        names = [self.names[row] for row in rows]
        some = ImageSet(self.store, names, labels, self.classes, self.annotations, self.channels, self.resize)
        some.skipped = list(self.skipped)
        return some

    def target(self, index: int) -> dict[str, Tensor]:
        """The objects in an image: `boxes` (objects, 4), corners in pixels, `labels` (objects,) from 1 on, and `masks`
        (objects, H, W) uint8. Crowds and boxes without an area are left out.

        Raises
        ------
        ValueError
            The source has no annotations.
        """
        if self.annotations is None:
            raise ValueError("the images have no annotations; wanted read_images(source, annotations=...)")
        return self.annotations.target(self.names[index])

    def skip(self, index: int, error: Exception) -> None:
        """Records an image that cannot be used."""
        entry = Skipped(self.names[index], str(error))
        if entry not in self.skipped:
            self.skipped.append(entry)

    def _decoded(self, name: str) -> Tensor:
        try:
            with self.store.open(name) as image:
                if self.resize is not None:
                    image.draft(
                        MODES[self.channels], (self.resize, self.resize)
                    )  # a JPEG at a fraction of its size
                pixels = np.array(_resized(image.convert(MODES[self.channels]), self.resize))
        except Exception as error:  # damaged files make Pillow raise many types of error
            raise ImageError(f"cannot be decoded: {error}") from error
        return torch.from_numpy(pixels.reshape(*pixels.shape[:2], self.channels)).permute(2, 0, 1)


def fault_of(store: Store, name: str, min_size: int, verify: bool) -> str | None:
    """Why an image cannot be used, from its header alone unless `verify`; None: it can."""
    try:
        with store.open(name) as image:
            width, height = image.size
            if verify:
                image.load()
    except Exception as error:
        return f"cannot be decoded: {error}"
    if min(width, height) < min_size:
        return f"has {width} x {height} pixels; wanted at least {min_size} per side"
    return None


def _resized(image: Image.Image, shorter: int | None) -> Image.Image:
    """With a shorter side of `shorter` pixels (bicubic, antialiased), if it is longer than that."""
    if shorter is None or min(image.size) <= shorter:
        return image
    scale = shorter / min(image.size)
    width, height = (round(side * scale) for side in image.size)
    return image.resize((width, height), Image.Resampling.BICUBIC)
