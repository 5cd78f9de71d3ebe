"""`ImageSet`: images that are decoded when they are asked for, with their labels and what was skipped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol, overload

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from tsrep_vision.data.decode import as_seen, upright_size

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

    def digest(self) -> str:
        """SHA-256 that tells these objects from others."""

    def target(self, name: str, crowds: bool = False) -> dict[str, Tensor]:
        """See `ImageSet.target`."""

    def size(self, name: str) -> tuple[int, int]:
        """Height and width of an image."""


class ImageSet:
    """A sequence of images: `images[i]` decodes one, (C, H, W) uint8.

    Attributes
    ----------
    names : where an image lies within its source.
    labels : (n,) places in `classes`, int64; None without labels.
    classes : names of the classes.
    skipped : `Skipped` images: those left out when the source was read, and those that could not be decoded since, in
        this set or another one that was made from it.
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
        some.skipped = self.skipped
        return some

    def target(self, index: int, crowds: bool = False) -> dict[str, Tensor]:
        """The objects in an image: `boxes` (objects, 4), corners in pixels, `labels` (objects,) from 1 on, and `masks`
        (objects, H, W) uint8. Boxes without an area are left out.

        Parameters
        ----------
        crowds : whether regions with a crowd of objects are among them, for an evaluation: then `iscrowd` (objects,)
            says which they are.

        Raises
        ------
        ImageError
            A mask cannot be decoded.
        ValueError
            The source has no annotations.
        """
        if self.annotations is None:
            raise ValueError("the images have no annotations; wanted read_images(source, annotations=...)")
        return self.annotations.target(self.names[index], crowds)

    def verified(self) -> ImageSet:
        """The images that can be decoded, each tried once; the others are among the `skipped`.

        Raises
        ------
        ValueError
            There is none.
        """
        usable = []
        for row in range(len(self)):
            try:
                self[row]
                if self.annotations is not None:
                    self.target(row)
                usable.append(row)
            except ImageError as error:
                self.skip(row, error)
        if not usable:
            first = self.skipped[0]
            raise ValueError(f"source has no image that can be used; the first, {first.name}, {first.reason}")
        return self[np.array(usable, dtype=np.int64)]

    def skip(self, index: int, error: Exception) -> None:
        """Records an image that cannot be used."""
        entry = Skipped(self.names[index], str(error))
        if entry not in self.skipped:
            self.skipped.append(entry)

    def _decoded(self, name: str) -> Tensor:
        try:
            with self.store.open(name) as image:
                pixels = np.array(as_seen(image, self.channels, self.resize))
        except Exception as error:  # damaged files make Pillow raise many types of error
            raise ImageError(f"cannot be decoded: {error}") from error
        return torch.from_numpy(pixels.reshape(*pixels.shape[:2], self.channels)).permute(2, 0, 1)


def fault_of(store: Store, name: str, min_size: int, objects: Objects | None = None) -> str | None:
    """Why an image cannot be used, from its header alone; None: it can.

    Parameters
    ----------
    objects : objects in the images, whose masks have the size of their image.
    """
    try:
        with store.open(name) as image:
            width, height = upright_size(image)
    except Exception as error:
        return f"cannot be decoded: {error}"
    if min(width, height) < min_size:
        return f"has {width} x {height} pixels; wanted at least {min_size} per side"
    if objects is not None and objects.size(name) != (height, width):
        rows, columns = objects.size(name)
        return f"has {width} x {height} pixels; its annotations are of {columns} x {rows}"
    return None
