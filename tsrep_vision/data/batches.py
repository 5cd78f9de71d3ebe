"""Batches of images for the training loop: a function of (seed, epoch) and the images alone.

Images of a batch may differ in size. They are stacked in the largest height and width, each continued by its last row
and column, so that interpolation at its border sees no other value.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Generic, NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tsrep_vision.data.images import ImageError, ImageSet

Item = TypeVar("Item")


class ImageBatch(NamedTuple):
    """
    Attributes
    ----------
    images : (B, C, H, W) uint8, stacked.
    sizes : (B, 2), height and width of each image within its H x W.
    labels : (B,) int64; None without labels.
    first, whole : where several processes share a batch, the place of these images in it and its size.
    """

    images: Tensor
    sizes: Tensor
    labels: Tensor | None
    first: int
    whole: int


class ObjectBatch(NamedTuple):
    """
    Attributes
    ----------
    images : (3, H, W) per image, between 0 and 1.
    targets : `boxes`, `labels` and `masks` per image, see `ImageSet.target`.
    """

    images: list[Tensor]
    targets: list[dict[str, Tensor]]


class ShuffledBatches(ABC, Generic[Item]):
    """Shuffled batches of nearly equal size, none larger than `batch_size`: the base of the two classes below.

    An image that cannot be decoded goes to `images.skipped`; the next one in the epoch's order that can takes its
    place, so that a batch keeps its size.

    Parameters
    ----------
    images : the images.
    batch_size, seed : instances per batch at most; seed of the order.
    workers : threads that decode; the next batch is decoded while the last one is used. 0: no threads.
    process, processes : the share of a batch that this process decodes, of how many.

    Raises
    ------
    ValueError
        `batch_size` or `workers` is out of range, or a batch has fewer images than there are processes.
    """

    def __init__(
        self,
        images: ImageSet,
        batch_size: int,
        seed: int,
        workers: int = 0,
        process: int = 0,
        processes: int = 1,
    ):
        if batch_size < 1:
            raise ValueError(f"batch_size is {batch_size}; wanted at least 1")
        if workers < 0:
            raise ValueError(f"workers is {workers}; wanted at least 0")
        self.images, self.seed, self.workers = images, seed, workers
        self.per_epoch = -(-len(images) // batch_size)
        self.process, self.processes = process, processes
        if smallest_batch(len(images), batch_size) < processes:
            raise ValueError(
                f"batch_size is {batch_size}; wanted one image for each of {processes} processes"
            )
        self._recording = Lock()

    def _whole(self) -> list[range]:
        """The places of each batch of an epoch."""
        return _split(range(len(self.images)), self.per_epoch)

    def _epoch(self, number: int, skip: int) -> Iterator[list[Item]]:
        order = np.random.default_rng([self.seed, number]).permutation(len(self.images))
        places = [_split(whole, self.processes)[self.process] for whole in self._whole()[skip:]]
        if self.workers == 0 or not places:
            for batch in places:
                yield [self._usable(order, place) for place in batch]
            return
        with ThreadPoolExecutor(self.workers) as threads:

            def begin(batch: range) -> list[Future[Item]]:
                return [threads.submit(self._usable, order, place) for place in batch]

            waiting = [begin(batch) for batch in places[:1]]
            for following in [*places[1:], None]:
                current = waiting.pop()
                if following is not None:
                    waiting.append(begin(following))
                yield [item.result() for item in current]

    def _usable(self, order: NDArray[np.int64], place: int) -> Item:
        """The item at a place of the epoch's order, or the next that can be decoded."""
        for step in range(len(order)):
            row = int(order[(place + step) % len(order)])
            try:
                return self._item(row)
            except ImageError as error:
                with self._recording:
                    self.images.skip(row, error)
        raise ValueError("none of the images can be decoded")

    @abstractmethod
    def _item(self, row: int) -> Item:
        """The decoded item in `row`; ImageError where it is damaged."""


class ImageBatches(ShuffledBatches[tuple[Tensor, int | None]]):
    """Batches of images and labels: `ImageBatch`. The parameters are those of `ShuffledBatches`.

    Examples
    --------
    >>> from tsrep_vision.data import read_images
    >>> images = read_images(np.zeros((10, 32, 28), dtype=np.uint8), labels=np.arange(10))
    >>> batches = ImageBatches(images, batch_size=4, seed=0)
    >>> [batch.images.shape[0] for batch in batches.epoch(0)], batches.per_epoch
    ([4, 3, 3], 3)
    """

    def epoch(self, number: int, skip: int = 0) -> Iterator[ImageBatch]:
        """The batches of epoch `number`, without its first `skip`."""
        for items, whole in zip(self._epoch(number, skip), self._whole()[skip:], strict=True):
            first = _split(whole, self.processes)[self.process].start - whole.start
            yield as_batch(items, first, len(whole))

    def _item(self, row: int) -> tuple[Tensor, int | None]:
        return self.images[row], None if self.images.labels is None else int(self.images.labels[row])


class ObjectBatches(ShuffledBatches[tuple[Tensor, dict[str, Tensor]]]):
    """Batches of images and the objects in them: `ObjectBatch`. The parameters are those of `ShuffledBatches`."""

    def epoch(self, number: int, skip: int = 0) -> Iterator[ObjectBatch]:
        """The batches of epoch `number`, without its first `skip`."""
        for items in self._epoch(number, skip):
            yield ObjectBatch([image for image, _ in items], [target for _, target in items])

    def _item(self, row: int) -> tuple[Tensor, dict[str, Tensor]]:
        return self.images[row] / 255, self.images.target(row)


def smallest_batch(count: int, batch_size: int) -> int:
    """Images in the smallest of the batches into which `count` images are divided.

    Examples
    --------
    >>> smallest_batch(10, 4), smallest_batch(11, 2)
    (3, 1)
    """
    return count // -(-count // batch_size)


def as_batch(
    items: Sequence[tuple[Tensor, int | None]], first: int = 0, whole: int | None = None
) -> ImageBatch:
    """Images and their labels as a batch, or as the share of one of `whole` images that begins at `first`."""
    images, sizes = stack([image for image, _ in items])
    labels = [label for _, label in items if label is not None]
    whole = len(items) if whole is None else whole
    return ImageBatch(images, sizes, torch.tensor(labels) if labels else None, first, whole)


def stack(images: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Images (C, h, w) of any sizes as (B, C, H, W), continued by their last row and column; and their sizes (B, 2)."""
    sizes = torch.tensor([image.shape[1:] for image in images])
    height, width = sizes.amax(0).tolist()
    rows, columns = torch.arange(height), torch.arange(width)

    def continued(image: Tensor) -> Tensor:
        if image.shape[1:] == (height, width):
            return image
        h, w = image.shape[1:]
        return image[:, rows.clamp(max=h - 1)][:, :, columns.clamp(max=w - 1)]

    return torch.stack([continued(image) for image in images]), sizes


def _split(places: range, parts: int) -> list[range]:
    """`parts` ranges of nearly equal length, as `numpy.array_split` has them."""
    ends = np.cumsum([0, *(len(part) for part in np.array_split(places, parts))]) + places.start
    return [range(int(a), int(b)) for a, b in zip(ends[:-1], ends[1:], strict=True)]
