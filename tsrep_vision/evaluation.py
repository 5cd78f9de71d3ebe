"""What a frozen network gives for images in their order: features, class scores, top-1 accuracy, the masked loss.

An image is seen once, the square in its middle, without augmentation. Images that cannot be decoded are left out and
recorded in `images.skipped`.

Shapes: n images, D width of the encoder, K classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tsrep.base.parameters import integer, out_of_range
from tsrep.train.runtime import launch_processes
from tsrep_vision.classifier import Classifier, check_pool, copied_encoder, pooled
from tsrep_vision.data import ImageBatch, ImageError, ImageSet, central_crop
from tsrep_vision.data.batches import as_batch
from tsrep_vision.pretrain import MaskedModel, MaskedObjective, as_images, training_ratio
from tsrep_vision.seeding import is_seed

BATCH = integer(1)


class Predictions(NamedTuple):
    """
    Attributes
    ----------
    labels : (n,) predicted places in the classifier's `classes`.
    expected : (n,) true places; None without labels.
    scores : (n, K) class scores.
    """

    labels: NDArray[np.int64]
    expected: NDArray[np.int64] | None
    scores: NDArray[np.float32]

    @property
    def accuracy(self) -> float:
        """Share of the images whose highest score is that of the true class (top-1)."""
        if self.expected is None:
            raise ValueError("the images have no labels; wanted some, to compare predictions with")
        return float((self.labels == self.expected).mean())


def features(
    model: nn.Module,
    images: Any,
    *,
    pool: str = "mean",
    batch_size: int = 256,
    device: str = "auto",
    precision: str = "auto",
) -> tuple[NDArray[np.float32], NDArray[np.int64] | None]:
    """Vectors of images by a frozen encoder, (n, D), and their labels (n,).

    Parameters
    ----------
    model : a `ViT`, a `Swin`, or a masked model around one.
    images : an `ImageSet`, or whatever `read_images` takes.
    pool : "mean" of the patches, or the "class" token.
    """
    encoder = copied_encoder(model)
    check_pool(pool, encoder)
    images, size = as_images(images, encoder.channels), encoder.image_size
    return outputs(encoder, lambda x: pooled(encoder, x, pool), images, size, batch_size, device, precision)


def predict(
    classifier: Classifier,
    images: Any,
    *,
    batch_size: int = 256,
    device: str = "auto",
    precision: str = "auto",
) -> Predictions:
    """Predictions of a classifier for images, whose labels are matched to its classes by name.

    Parameters
    ----------
    images : an `ImageSet`, or whatever `read_images` takes.

    Raises
    ------
    ValueError
        `classifier` is another model, or the images have a class that it does not know.
    """
    if not isinstance(classifier, Classifier):
        raise ValueError(f"classifier is a {type(classifier).__name__}; wanted a Classifier")
    images = as_images(images, classifier.encoder.channels)
    places = places_of(images, classifier.classes)
    scores, labels = outputs(
        classifier, classifier, images, classifier.encoder.image_size, batch_size, device, precision
    )
    expected = None if labels is None else places[labels]
    return Predictions(scores.argmax(1).astype(np.int64), expected, scores)


def accuracy(classifier: Classifier, images: Any, **options: Any) -> float:
    """Top-1 accuracy of a classifier on images with labels; the options are those of `predict`."""
    images = as_images(images, classifier.encoder.channels)
    check_labels(images, "images")
    return predict(classifier, images, **options).accuracy


def masked_loss(
    model: MaskedModel,
    images: Any,
    *,
    mask_ratio: float | None = None,
    batch_size: int = 256,
    device: str = "auto",
    precision: str = "auto",
    random_state: int = 0,
) -> float:
    """The mean loss of a masked model over images, with the same masks each time.

    Parameters
    ----------
    images : an `ImageSet`, or whatever `read_images` takes.
    mask_ratio : share of an image that is hidden; None: that of the training, 0.75 for a MAE.
    """
    if not is_seed(random_state):
        raise out_of_range("random_state", random_state, "an integer from 0 to 2 ** 63 - 1")
    images = as_images(images, model.encoder.channels)
    fabric = launch_processes(device, precision)
    objective = MaskedObjective(model, training_ratio(model, mask_ratio))
    generator = torch.Generator().manual_seed(random_state)
    total, count = 0.0, 0
    with torch.no_grad(), in_evaluation(model, fabric.device), fabric.autocast():
        for batch in ordered_batches(images, batch_size):
            crops = middle_of(batch, model, model.encoder.image_size, fabric.device)
            mask = objective.draw_mask(batch, generator).to(fabric.device)
            total += float(objective.losses(model, crops, mask)["loss"]) * len(crops)
            count += len(crops)
    return total / count


@torch.no_grad()
def outputs(
    network: nn.Module,
    function: Callable[[Tensor], Tensor],
    images: ImageSet,
    size: int,
    batch_size: int,
    device: str,
    precision: str,
) -> tuple[NDArray[np.float32], NDArray[np.int64] | None]:
    """`function` of the middle of each image, (n, ...), and the labels (n,) of the images that could be decoded."""
    fabric = launch_processes(device, precision)
    values, labels = [], []
    with in_evaluation(network, fabric.device), fabric.autocast():
        for batch in ordered_batches(images, batch_size):
            crops = middle_of(batch, network, size, fabric.device)
            values.append(function(crops).float().cpu())
            labels.append(batch.labels)
    known = [part for part in labels if part is not None]
    return torch.cat(values).numpy(), torch.cat(known).numpy() if known else None


def middle_of(batch: ImageBatch, network: nn.Module, size: int, device: torch.device) -> Tensor:
    """The square in the middle of each image on `device`, of the type of the network's weights: (n, C, S, S)."""
    dtype = next(network.parameters()).dtype
    return central_crop(batch.images.to(device), size, batch.sizes).to(dtype)


@contextmanager
def in_evaluation(network: nn.Module, device: torch.device) -> Iterator[None]:
    """The network is on `device` and in evaluation mode inside; afterwards it and each layer are as they were."""
    before, modes = next(network.parameters()).device, [(part, part.training) for part in network.modules()]
    network.to(device).eval()
    try:
        yield
    finally:
        network.to(before)
        for part, training in modes:
            part.training = training


def ordered_batches(images: ImageSet, batch_size: int) -> Iterator[ImageBatch]:
    """The images in their order.

    Raises
    ------
    ValueError
        `batch_size` is out of range, or none of the images can be decoded.
    """
    if not BATCH.holds(batch_size):
        raise out_of_range("batch_size", batch_size, BATCH.wanted)
    any_usable = False
    for start in range(0, len(images), batch_size):
        items: list[tuple[Tensor, int | None]] = []
        for row in range(start, min(start + batch_size, len(images))):
            try:
                items.append((images[row], None if images.labels is None else int(images.labels[row])))
            except ImageError as error:
                images.skip(row, error)
        if items:
            any_usable = True
            yield as_batch(items)
    if not any_usable:
        raise ValueError("none of the images can be decoded")


def places_of(images: ImageSet, classes: list[str]) -> NDArray[np.int64]:
    """For each class of the images its place in `classes`, by name."""
    unknown = [name for name in images.classes if name not in classes]
    if unknown:
        raise ValueError(f"images has the class {unknown[0]!r}; wanted some of {', '.join(classes)}")
    return np.array([classes.index(name) for name in images.classes], dtype=np.int64)


def check_labels(images: ImageSet, argument: str) -> None:
    if images.labels is None:
        raise ValueError(f"{argument} has no labels; wanted folders of classes, or an array with labels")
