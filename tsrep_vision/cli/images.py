"""The images that a command reads: a folder, a zip or .npz file, or scikit-learn's digits; training and test parts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from tsrep_vision.data import ImageSet, Skipped

DIGITS = "digits"
TRAIN_FOLDERS, TEST_FOLDERS = ("train",), ("test", "val", "validation")
HELD_OUT = 5  # every fifth image of a class is a test image where the source has no test folder
SIDE = 32  # pixels, to which the 8 x 8 digits are enlarged


def read_source(
    source: str,
    split: str | None,
    channels: int = 3,
    resize: int | None = None,
    test: bool = False,
    out: Path | None = None,
) -> ImageSet:
    """The images of `split`; None: of the source's training (or test) folder, if it has one, or all.

    `out`, the folder to which the command writes, may not lie among them.
    """
    from tsrep_vision.data.read import folders_of, read_images

    if source == DIGITS:
        return _digits(split or ("test" if test else "train"), channels)
    if split is None:
        split = _first(TEST_FOLDERS if test else TRAIN_FOLDERS, folders_of(source))
    within = Path(source) / (split or "")
    check_apart(out, within if within.is_dir() else Path(source))
    return read_images(source, split, channels=channels, resize=resize)


def check_apart(out: Path | None, images: Path) -> None:
    """Raises ValueError if `out` lies in the folder `images`: pictures there would be read as images the next time."""
    if out is not None and out.resolve().is_relative_to(images.resolve()):
        raise ValueError(f"--out is {out}, in the folder of the images, {images}; wanted another place")


def read_pair(
    source: str,
    split: str | None,
    test_split: str | None,
    channels: int = 3,
    resize: int | None = None,
    out: Path | None = None,
) -> tuple[ImageSet, ImageSet]:
    """Training and test images with labels; where the source has no folder of test images, a fifth of each class.

    A class of one image has it in the training part.
    """
    from tsrep_vision.data.read import folders_of
    from tsrep_vision.evaluation import check_labels, places_of

    images = read_source(source, split, channels, resize, out=out)
    if source == DIGITS or test_split is not None or _first(TEST_FOLDERS, folders_of(source)):
        test = read_source(source, test_split, channels, resize, test=True, out=out)
        for part in (images, test):
            check_labels(part, "SOURCE")
        places_of(test, images.classes)  # a class that is in the test images alone is an error now
        return images, test
    check_labels(images, "SOURCE")
    return _divided(images)


def report_skipped(console: Console, *sets: ImageSet, known: Sequence[Skipped] = ()) -> list[Skipped]:
    """Says which images were left out, and why, but for those `known` before; returns all of them.

    What is damaged behind its header is found while the images are used, so a command calls this again at its end.
    """
    skipped = list(dict.fromkeys(entry for images in sets for entry in images.skipped))
    new = [entry for entry in skipped if entry not in known]
    for entry in new[:5]:
        console.print(f"left out: {entry.name}, which {entry.reason}", soft_wrap=True)
    if len(new) > 5:
        console.print(f"... and {len(new) - 5} more")
    return skipped


def report_objects(console: Console, *sets: ImageSet) -> None:
    """Says how many annotations of images in COCO's format are no objects."""
    from tsrep_vision.data.coco import Annotations

    for found in [images.annotations for images in sets]:
        if isinstance(found, Annotations) and found.n_left_out:
            console.print(
                f"left out: {found.n_left_out} of {found.n_annotations} annotations, which have no mask, or no area "
                "within their image",
                soft_wrap=True,
            )


def _divided(images: ImageSet) -> tuple[ImageSet, ImageSet]:
    """Training and test images: of each class every fifth is a test image, the second one first."""
    import numpy as np

    labels = np.asarray(images.labels)
    held_out = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        held_out[np.flatnonzero(labels == label)[1::HELD_OUT]] = True
    if not held_out.any():
        raise ValueError("SOURCE has one image of each class; wanted more, or --test-split")
    return images[np.flatnonzero(~held_out)], images[np.flatnonzero(held_out)]


def _first(names: tuple[str, ...], present: set[str]) -> str | None:
    return next((name for name in names if name in present), None)


def _digits(split: str, channels: int) -> ImageSet:
    import numpy as np
    import torch
    from sklearn.datasets import load_digits
    from torch.nn.functional import interpolate

    from tsrep_vision.data import read_images

    if split not in ("train", "test"):
        raise ValueError(f"split is {split!r}; wanted 'train' or 'test', of {DIGITS}")
    digits = load_digits()
    rows = np.arange(len(digits.target))
    chosen = rows[(rows % HELD_OUT == 0) == (split == "test")]
    grey = torch.from_numpy(digits.images[chosen] / 16)[:, None]
    pixels = (255 * interpolate(grey, (SIDE, SIDE), mode="bilinear")).round().byte()
    return read_images(pixels, labels=digits.target[chosen], channels=channels)
