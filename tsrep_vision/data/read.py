"""`read_images`: one function for folders, zip files, COCO and arrays."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from tsrep_vision.data.coco import Annotations
from tsrep_vision.data.decode import MODES
from tsrep_vision.data.images import SMALLEST, ImageSet, Skipped, Store, fault_of
from tsrep_vision.data.stores import Arrays, Folder, Zip, is_image, shared_folder


def read_images(
    source: Any,
    split: str | None = None,
    *,
    labels: Any = None,
    annotations: str | Path | None = None,
    channels: int = 3,
    resize: int | None = None,
    min_size: int = SMALLEST,
    verify: bool = False,
) -> ImageSet:
    """The images of a source, with labels where there are any. They are decoded when they are asked for.

    Parameters
    ----------
    source : one of
        - an image file; or a folder, or a zip file, with image files in it. Where all lie in folders, the first folder
          below `split`, and below folders that all images share, is an image's class;
        - a `.npz` file with `images` and perhaps `labels`;
        - an array (n, H, W) or (n, H, W, C), or a tensor (n, C, H, W): uint8, or floats between 0 and 1.
    split : a folder within the source, or within the folders that all its images share: "train" for example. None:
        all of it. Not with `annotations`.
    labels : (n,) of an array or a tensor; None: without labels.
    annotations : a JSON file in COCO's format, in the source or elsewhere; its images alone are read, and
        `ImageSet.target` gives their objects. Its file names begin at the source.
    channels : 3 (colours) or 1 (grey).
    resize : the shorter side of larger images after decoding, in pixels; None: as they are.
    min_size : an image with a shorter side than this is skipped.
    verify : whether to decode every image once, to find damaged ones now. Else only their headers are read: what is
        damaged behind its header raises `ImageError` when it is asked for, and `ImageBatches` replaces it.

    Returns
    -------
    The images that can be used; `skipped` says which cannot, and why.

    Raises
    ------
    FileNotFoundError
        There is no such file or folder.
    ValueError
        The source is of another kind, it has no image that can be used, or an argument does not fit it.

    Examples
    --------
    >>> images = read_images(np.zeros((5, 32, 32), dtype=np.uint8), labels=[0, 1, 1, 0, 1])
    >>> len(images), images[0].shape, images.labels
    (5, torch.Size([3, 32, 32]), array([0, 1, 1, 0, 1]))
    """
    if channels not in MODES:
        raise ValueError(f"channels is {channels!r}; wanted 1 or 3")
    if resize is not None and (resize < min_size or annotations is not None):
        raise ValueError(f"resize is {resize!r}; wanted at least min_size, {min_size}, and no annotations")
    store, labels = _store_of(source, labels)
    beginning = _beginning(store.names, split)
    objects = None if annotations is None else _read_annotations(annotations, store)
    if objects is None:
        names: Sequence[str] = [name for name in store.names if name.startswith(beginning)]
        labels, classes = _labels_of(names, beginning) if labels is None else _numbered(labels)
    else:
        if split:
            raise ValueError(f"split is {split!r}; wanted None: the annotations say which images are meant")
        names, labels, classes = list(objects.image_ids), None, objects.classes
    if labels is not None and len(labels) != len(names):
        raise ValueError(f"labels has {len(labels)} entries; wanted one for each of {len(names)} images")
    if not names:
        raise ValueError(f"source has no image{f' in {beginning}' if split else ''}")
    faults = [fault_of(store, name, min_size, objects) for name in names]
    images = ImageSet(store, names, labels, classes, objects, channels, resize)
    usable = images[np.array([row for row, fault in enumerate(faults) if fault is None], dtype=np.int64)]
    usable.skipped = [
        Skipped(name, fault) for name, fault in zip(names, faults, strict=True) if fault is not None
    ]
    if len(usable) == 0:
        first = usable.skipped[0]
        raise ValueError(f"source has no image that can be used; the first, {first.name}, {first.reason}")
    return usable.verified() if verify else usable


def folders_of(source: str | Path) -> set[str]:
    """The folders of a folder or a zip file, below those that all its images share: "train" and "test" for example.

    Of a file of another kind, none.
    """
    path = Path(source)
    names = _store_of(path, None)[0].names if path.is_dir() or path.suffix.lower() == ".zip" else []
    shared = shared_folder(names)
    below = [name.removeprefix(shared) for name in names]
    return {name.split("/")[0] for name in below if "/" in name}


def _store_of(source: Any, labels: Any) -> tuple[Store, Any]:
    """The store, and the labels that were given or lie in it."""
    if isinstance(source, Tensor):
        return _of_tensor(source.detach().cpu()), labels
    if isinstance(source, np.ndarray):
        return Arrays(source), labels
    if not isinstance(source, str | Path):
        raise ValueError(f"source is a {type(source).__name__}; wanted a path, an array or a tensor")
    if labels is not None:
        raise ValueError("labels is given; wanted None for files, whose folders are the classes")
    path = Path(source)
    if path.is_dir():
        return Folder(path), None
    if not path.is_file():
        raise FileNotFoundError(f"{path} is neither a file nor a folder")
    if is_image(path.name):
        return Folder(path.parent, [path.name]), None
    if path.suffix.lower() == ".zip":
        return Zip(path), None
    if path.suffix.lower() == ".npz":
        with np.load(path) as arrays:
            if "images" not in arrays:
                raise ValueError(f"{path} has the arrays {sorted(arrays)}; wanted 'images' among them")
            return Arrays(arrays["images"]), arrays.get("labels")
    raise ValueError(f"{path} is neither an image, a folder, nor a .zip or .npz file")


def _of_tensor(images: Tensor) -> Arrays:
    if images.ndim == 4 and images.shape[1] not in MODES:
        raise ValueError(f"images has shape {tuple(images.shape)}; wanted (n, C, H, W) of a tensor, C 1 or 3")
    images = images.movedim(1, -1) if images.ndim == 4 else images
    return Arrays((images.float() if images.is_floating_point() else images).numpy())


def _beginning(names: Sequence[str], split: str | None) -> str:
    """How the names of a split's images begin."""
    folder = f"{split.strip('/')}/" if split else ""
    is_outermost = any(name.startswith(folder) for name in names)
    return folder if is_outermost else shared_folder(names) + folder


def _read_annotations(file: str | Path, store: Store) -> Annotations:
    if isinstance(store, Arrays):
        raise ValueError("annotations is given; wanted None for arrays")
    assert isinstance(store, Folder | Zip)
    text = store.read(str(file))
    if text is None:
        if not Path(file).is_file():
            raise FileNotFoundError(f"{file} is a file neither in the source nor elsewhere")
        text = Path(file).read_bytes()
    return Annotations(text, str(file))


def _labels_of(names: Sequence[str], beginning: str) -> tuple[NDArray[np.int64] | None, list[str]]:
    """Labels and classes from the folders of images."""
    below = [name.removeprefix(beginning) for name in names]
    shared = shared_folder(below)
    below = [name.removeprefix(shared) for name in below]
    if not below or not all("/" in name for name in below):
        return None, []
    return _numbered([name.split("/")[0] for name in below])


def _numbered(labels: Any) -> tuple[NDArray[np.int64], list[str]]:
    if isinstance(labels, list | tuple) and len({isinstance(label, str) for label in labels}) > 1:
        raise ValueError(
            "labels has values of several types; wanted numbers or names"
        )  # NumPy would join them
    values = np.asarray(labels).reshape(-1)
    try:
        classes, numbers = np.unique(values, return_inverse=True)
    except TypeError as error:
        raise ValueError(f"labels has values of several types; wanted numbers or names ({error})") from error
    if classes.dtype.kind == "f" and np.isnan(classes).any():
        raise ValueError("labels has NaN; wanted a label for each image")
    return numbers.astype(np.int64), [str(name) for name in classes]
