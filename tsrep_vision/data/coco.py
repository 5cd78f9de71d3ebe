"""Annotations of objects in COCO's JSON format (Lin et al., ECCV 2014). Masks are decoded with pycocotools.

Categories keep their order and are numbered from 1 on; 0 is the background.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tsrep_vision.data.images import ImageError

TRIANGLE = 6  # numbers of the smallest polygon; pycocotools takes four numbers for a box


class Annotations:
    """The objects of images by file name.

    Attributes
    ----------
    classes : "background", then the categories' names.
    category_ids : COCO's own number of each class, 0 for the background: to write results in its format.
    image_ids : file name -> COCO's number of an image.
    n_annotations, n_left_out : all annotations; those of them that are no objects, since they have no mask, or no area
        within their image.

    Parameters
    ----------
    text : the JSON.
    source : its name, for errors.

    Raises
    ------
    ValueError
        It is not COCO's format, two images or categories have one id, two images one file name, or there are
        annotations but no objects.
    """

    def __init__(self, text: bytes, source: str):
        self._digest = hashlib.sha256(text).hexdigest()
        try:
            content = json.loads(text)
            images = _by("id", content["images"], "images")
            categories = {
                number: category["name"]
                for number, category in _by("id", content["categories"], "categories").items()
            }
            self.image_ids = {
                name: image["id"] for name, image in _by("file_name", content["images"], "images").items()
            }
            self._sizes = {i["file_name"]: (int(i["height"]), int(i["width"])) for i in images.values()}
            self._labels = {number: label for label, number in enumerate(categories, start=1)}
            self._objects: dict[str, list[_Object]] = defaultdict(list)
            for entry in content["annotations"]:
                name = images[entry["image_id"]]["file_name"]
                if (found := self._object(entry, *self._sizes[name])) is not None:
                    self._objects[name].append(found)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            reason = error if isinstance(error, ValueError) else repr(error)
            raise ValueError(f"{source} is not JSON in COCO's format: {reason}") from error
        self.n_annotations = len(content["annotations"])
        self.n_left_out = self.n_annotations - sum(map(len, self._objects.values()))
        if self.n_annotations and self.n_left_out == self.n_annotations:
            raise ValueError(
                f"{source} has {self.n_annotations} annotations; wanted some with a mask, and with a box of some area "
                "within its image"
            )
        self.category_ids = [0, *categories]
        self.classes = ["background", *categories.values()]

    def digest(self) -> str:
        """SHA-256 of the JSON."""
        return self._digest

    def size(self, name: str) -> tuple[int, int]:
        """Height and width of an image."""
        return self._sizes[name]

    def target(self, name: str, crowds: bool = False) -> dict[str, Tensor]:
        """See `ImageSet.target`."""
        height, width = self._sizes[name]
        objects = [each for each in self._objects[name] if crowds or not each.is_crowd]
        masks = [_mask(each.segmentation, height, width) for each in objects]
        target = {
            "boxes": torch.tensor([each.box for each in objects]).view(-1, 4),
            "labels": torch.tensor([each.label for each in objects], dtype=torch.int64),
            "masks": torch.from_numpy(np.array(masks, dtype=np.uint8).reshape(-1, height, width)),
        }
        if crowds:
            target["iscrowd"] = torch.tensor([each.is_crowd for each in objects], dtype=torch.int64)
        return target

    def _object(self, entry: dict[str, Any], height: int, width: int) -> _Object | None:
        """What an annotation says; None unless it has a mask, and its box an area within the image."""
        limits = np.array([width, height, width, height], dtype=np.float32)
        left, top, across, down = entry["bbox"]
        corners = np.array([left, top, left + across, top + down], dtype=np.float32).clip(0, limits)
        segmentation = entry.get("segmentation")
        if isinstance(segmentation, list):
            segmentation = [polygon for polygon in segmentation if len(polygon) >= TRIANGLE]
        label = self._labels[entry["category_id"]]
        if not segmentation or not (corners[2:] > corners[:2]).all():
            return None
        return _Object(corners.tolist(), label, bool(entry.get("iscrowd")), segmentation)


def _by(key: str, entries: list[dict[str, Any]], kind: str) -> dict[Any, dict[str, Any]]:
    """The entries by the value of `key`, of which no two are alike."""
    found: dict[Any, dict[str, Any]] = {}
    for each in entries:
        if each[key] in found:
            raise ValueError(f"two of its {kind} have the {key} {each[key]!r}")
        found[each[key]] = each
    return found


class _Object(NamedTuple):
    """Corners of the box within the image, label, whether it is a crowd, and COCO's form of the mask."""

    box: list[float]
    label: int
    is_crowd: bool
    segmentation: Any


def _mask(segmentation: Any, height: int, width: int) -> NDArray[np.uint8]:
    """(height, width), from polygons or run lengths.

    Raises
    ------
    ImageError
        It cannot be decoded, or is the mask of an image of another size.
    """
    try:
        from pycocotools import mask
    except ImportError as error:
        raise ImportError(
            f"masks need pycocotools; install it with: pip install 'tsrep[vision]' ({error})"
        ) from error
    try:
        if isinstance(segmentation, list):
            found = mask.decode(mask.merge(mask.frPyObjects(segmentation, height, width)))
        elif isinstance(segmentation["counts"], list):
            found = mask.decode(mask.frPyObjects(segmentation, *segmentation["size"]))
        else:
            found = mask.decode(segmentation)
    except Exception as error:  # pycocotools raises many types of error
        raise ImageError(f"has a mask that cannot be decoded: {error!r}") from error
    if found.shape != (height, width):
        rows, columns = found.shape
        raise ImageError(f"has {width} x {height} pixels; one of its masks has {columns} x {rows}")
    return cast(NDArray[np.uint8], found)
