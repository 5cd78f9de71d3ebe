"""COCO's average precision of boxes and masks, computed by pycocotools."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy as np
import torch
from torch import Tensor

THRESHOLD = 0.5  # of a mask's probability


def average_precision(
    detections: Iterable[Mapping[str, Tensor]], targets: Sequence[Mapping[str, Tensor]]
) -> dict[str, float]:
    """Average precision over the classes that occur in `targets`, per image as `mask_rcnn_vit` gives and takes them.

    Parameters
    ----------
    detections : `boxes` (found, 4), `labels`, `scores` (found,) and `masks` (found, 1, H, W), probabilities, per
        image; they may come one by one, as `segment` gives them.
    targets : `boxes` (objects, 4), `labels` (objects,) and `masks` (objects, H, W) per image. What is found within an
        object whose `iscrowd` (objects,) is true does not count, neither for nor against; without it there are none.

    Returns
    -------
    "box_ap" and "mask_ap", the mean over thresholds of the overlap from 0.5 to 0.95; "box_ap50", "box_ap75",
    "mask_ap50" and "mask_ap75", at one threshold. NaN without any object, or with crowds alone.

    Raises
    ------
    ImportError
        pycocotools is not installed.
    """
    if isinstance(detections, Sequence) and len(detections) != len(targets):
        raise ValueError(f"detections has {len(detections)} images; targets has {len(targets)}")
    found: list[dict[str, Any]] = []
    truth: list[dict[str, Any]] = []
    sizes: dict[int, tuple[int, int]] = {}
    for image_id, (detection, target) in enumerate(zip(detections, targets, strict=True)):
        found += coco_entries(detection, image_id)
        truth += coco_entries(target, image_id)
        sizes[image_id] = (target["masks"].shape[1], target["masks"].shape[2])
    return precision_of_entries(found, truth, sizes)


def precision_of_entries(
    found: Sequence[dict[str, Any]], truth: Sequence[dict[str, Any]], sizes: Mapping[int, tuple[int, int]]
) -> dict[str, float]:
    """`average_precision` of what `coco_entries` gave for detections and for targets.

    Parameters
    ----------
    sizes : height and width of the images by their numbers.
    """
    COCO, COCOeval = _pycocotools("coco").COCO, _pycocotools("cocoeval").COCOeval
    numbered = [  # COCOeval takes 0 for no match
        [{"iscrowd": 0, **entry, "id": number} for number, entry in enumerate(entries, start=1)]
        for entries in (truth, found)
    ]
    content = {
        "images": [{"id": number, "height": h, "width": w} for number, (h, w) in sizes.items()],
        "categories": [{"id": label} for label in sorted({e["category_id"] for e in [*truth, *found]})],
    }
    any_object = any(not entry.get("iscrowd") for entry in truth)
    values: dict[str, float] = {}
    for name, kind in (("box", "bbox"), ("mask", "segm")):
        precision = np.full(3, np.nan)
        if any_object and not found:
            precision[:] = 0.0
        elif any_object:
            with contextlib.redirect_stdout(io.StringIO()):
                true, guess = COCO(), COCO()
                for some, entries in zip((true, guess), numbered, strict=True):
                    some.dataset = {**content, "annotations": entries}
                    some.createIndex()
                evaluation = COCOeval(true, guess, kind)
                evaluation.evaluate()
                evaluation.accumulate()
                evaluation.summarize()
            precision = evaluation.stats[:3]
        values |= {f"{name}_ap{at}": float(p) for at, p in zip(("", "50", "75"), precision, strict=True)}
    return values


def coco_entries(
    objects: Mapping[str, Tensor], image_id: int, category_ids: Sequence[int] | None = None
) -> list[dict[str, Any]]:
    """The objects of one image as COCO's JSON of results has them: a box is a corner and a size, a mask run lengths.

    Parameters
    ----------
    objects : detections or a target, see `average_precision`; without `scores` each has 1. Only with `iscrowd` the
        entries have it.
    image_id : COCO's number of the image.
    category_ids : COCO's number of each label; None: the labels.

    Raises
    ------
    ImportError
        pycocotools is not installed.
    """
    run_lengths = _pycocotools("mask")
    masks = objects["masks"] if objects["masks"].ndim == 3 else objects["masks"][:, 0] >= THRESHOLD
    scores = objects.get("scores", torch.ones(len(masks)))
    entries = []
    crowds = (
        [{"iscrowd": value} for value in objects["iscrowd"].tolist()]
        if "iscrowd" in objects
        else [{}] * len(masks)
    )
    for box, label, mask, score, crowd in zip(
        objects["boxes"].tolist(),
        objects["labels"].tolist(),
        masks.cpu().to(torch.uint8).numpy(),
        scores.tolist(),
        crowds,
        strict=True,
    ):
        left, top, right, bottom = box
        runs = run_lengths.encode(np.asfortranarray(mask))
        entries.append(
            {
                "image_id": image_id,
                "category_id": label if category_ids is None else category_ids[label],
                "bbox": [left, top, right - left, bottom - top],
                "score": score,
                "segmentation": {"size": list(runs["size"]), "counts": runs["counts"].decode()},
                "area": float(run_lengths.area(runs)),
                **crowd,
            }
        )
    return entries


def _pycocotools(module: str) -> Any:
    try:
        return import_module(f"pycocotools.{module}")
    except ImportError as error:
        raise ImportError(
            f"masks in the format of COCO need pycocotools; install it with: pip install 'tsrep[vision]' ({error})"
        ) from error
