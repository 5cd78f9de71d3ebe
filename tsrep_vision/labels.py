"""Images with labels for training and testing, and a fraction of the labels, drawn per class."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsrep.base.parameters import number, out_of_range
from tsrep_vision.data import ImageSet
from tsrep_vision.evaluation import check_labels, places_of
from tsrep_vision.pretrain import as_images


def labelled_sets(
    train_images: Any, test_images: Any, channels: int, fraction: float, seed: int
) -> tuple[ImageSet, ImageSet | None]:
    """The fraction of the training images that is used, and the test images if there are any.

    Raises
    ------
    ValueError
        Images have no labels, a test image is of a class that no training image has, or `fraction` is out of range.
    """
    train = labelled_fraction(as_images(train_images, channels), fraction, seed)
    if test_images is None:
        return train, None
    test = as_images(test_images, channels)
    check_labels(test, "test_images")
    places_of(test, train.classes)
    return train, test


def labelled_fraction(images: ImageSet, fraction: float, seed: int) -> ImageSet:
    """The share `fraction` of the images of each class, at least one, drawn at random.

    Raises
    ------
    ValueError
        The images have no labels or fewer than two classes, or `fraction` is not above 0 to 1.

    Examples
    --------
    >>> from tsrep_vision.data import read_images
    >>> images = read_images(np.zeros((12, 8, 8), dtype=np.uint8), labels=[0] * 8 + [1] * 4)
    >>> labelled_fraction(images, 0.5, seed=0).labels
    array([0, 0, 0, 0, 1, 1])
    """
    if not number(above=0, at_most=1).holds(fraction):
        raise out_of_range("label_fraction", fraction, "a number above 0 to 1")
    check_labels(images, "train_images")
    assert images.labels is not None
    if len(np.unique(images.labels)) < 2:
        raise ValueError("train_images has one class; wanted two or more")
    return images if fraction == 1 else images[rows_of_fraction(images.labels, fraction, seed)]


def rows_of_fraction(labels: NDArray[np.int64], fraction: float, seed: int) -> NDArray[np.int64]:
    """The rows drawn, in ascending order."""
    generator = np.random.default_rng([seed, 2])
    rows = []
    for label in np.unique(labels):
        of_class = np.flatnonzero(labels == label)
        count = max(1, round(fraction * len(of_class)))
        rows.append(generator.permutation(of_class)[:count])
    return np.sort(np.concatenate(rows))
