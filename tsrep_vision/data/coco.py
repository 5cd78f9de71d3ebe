"""Annotations of objects in COCO's JSON format (Lin et al., ECCV 2014). Masks are decoded with pycocotools.

Categories keep their order and are numbered from 1 on; 0 is the background.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

import numpy as np
import torch
from torch import Tensor


class Annotations:
    """The objects of images by file name.

    Attributes
    ----------
    classes : "background", then the categories' names.
    category_ids : COCO's own number of each class, 0 for the background: to write results in its format.
    image_ids : file name -> COCO's number of an image.

    Parameters
    ----------
    text : the JSON.
    source : its name, for errors.

    Raises
    ------
    ValueError
        It is not COCO's format.
    """

    def __init__(self, text: bytes, source: str):
        try:
            content = json.loads(text)
            images = {image["id"]: image for image in content["images"]}
            categories = {category["id"]: category["name"] for category in content["categories"]}
            self._objects: dict[str, list[dict[str, Any]]] = defaultdict(list)
            for entry in content["annotations"]:
                self._objects[images[entry["image_id"]]["file_name"]].append(entry)
            self.image_ids = {image["file_name"]: number for number, image in images.items()}
            self._sizes = {i["file_name"]: (int(i["height"]), int(i["width"])) for i in images.values()}
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{source} is not JSON in COCO's format: {error!r}") from error
        self.category_ids = [0, *categories]
        self.classes = ["background", *categories.values()]
        self._labels = {category: number for number, category in enumerate(self.category_ids)}

    def target(self, name: str) -> dict[str, Tensor]:
        """See `ImageSet.target`."""
        height, width = self._sizes[name]
        rows = [entry for entry in self._objects[name] if _is_object(entry, height, width)]
        masks = [_mask(entry["segmentation"], height, width) for entry in rows]
        corners = np.array([entry["bbox"] for entry in rows], dtype=np.float32).reshape(-1, 4)
        corners[:, 2:] += corners[:, :2]
        limits = np.array([width, height, width, height], dtype=np.float32)
        return {
            "boxes": torch.from_numpy(corners.clip(0, limits)),
            "labels": torch.tensor([self._labels[e["category_id"]] for e in rows], dtype=torch.int64),
            "masks": torch.from_numpy(np.array(masks, dtype=np.uint8).reshape(-1, height, width)),
        }


def _is_object(entry: dict[str, Any], height: int, width: int) -> bool:
    """Whether it is one object with a mask, and its box has an area within the image."""
    left, top, across, down = entry["bbox"]
    inside = min(left + across, width) > max(left, 0) and min(top + down, height) > max(top, 0)
    return not entry.get("iscrowd") and inside and bool(entry.get("segmentation"))


def _mask(segmentation: Any, height: int, width: int) -> np.ndarray[Any, Any]:
    """(height, width) uint8, from polygons or run lengths."""
    try:
        from pycocotools import mask
    except ImportError as error:
        raise ImportError(
            f"masks need pycocotools; install it with: pip install 'tsrep[vision]' ({error})"
        ) from error
    if isinstance(segmentation, list):
        return mask.decode(mask.merge(mask.frPyObjects(segmentation, height, width)))
    if isinstance(segmentation["counts"], list):
        segmentation = mask.frPyObjects(segmentation, height, width)
    return mask.decode(segmentation)
