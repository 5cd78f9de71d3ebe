"""COCO's average precision of boxes and masks, computed by pycocotools."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

THRESHOLD = 0.5  # of a mask's probability


def average_precision(
    detections: Sequence[dict[str, Tensor]], targets: Sequence[dict[str, Tensor]]
) -> dict[str, float]:
    """Average precision over the classes that occur in `targets`, per image as `mask_rcnn_vit` gives and takes them.

    Parameters
    ----------
    detections : `boxes` (found, 4), `labels`, `scores` (found,) and `masks` (found, 1, H, W), probabilities, per image.
    targets : `boxes` (objects, 4), `labels` (objects,) and `masks` (objects, H, W) per image.

    Returns
    -------
    "box_ap" and "mask_ap", the mean over thresholds of the overlap from 0.5 to 0.95; "box_ap50", "box_ap75",
    "mask_ap50" and "mask_ap75", at one threshold. NaN without any object.

    Raises
    ------
    ImportError
        pycocotools is not installed.
    """
    try:
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval
    except ImportError as error:
        raise ImportError(
            f"average precision needs pycocotools; install it with: pip install 'tsrep[vision]' ({error})"
        ) from error
    if len(detections) != len(targets):
        raise ValueError(f"detections has {len(detections)} images; targets has {len(targets)}")
    truth = _entries(targets, masks_of_target)
    found = _entries(detections, masks_of_detection)
    classes = sorted({entry["category_id"] for entry in [*truth, *found]})
    content = {
        "images": [
            {"id": number, "height": target["masks"].shape[1], "width": target["masks"].shape[2]}
            for number, target in enumerate(targets)
        ],
        "categories": [{"id": number} for number in classes],
        "annotations": truth,
    }
    values: dict[str, float] = {}
    for name, kind in (("box", "bbox"), ("mask", "segm")):
        precision = np.full(3, np.nan)
        if truth and not found:
            precision[:] = 0.0
        elif truth:
            with contextlib.redirect_stdout(io.StringIO()):
                true, guess = COCO(), COCO()
                true.dataset, guess.dataset = content, {**content, "annotations": found}
                true.createIndex()
                guess.createIndex()
                evaluation = COCOeval(true, guess, kind)
                evaluation.evaluate()
                evaluation.accumulate()
                evaluation.summarize()
            precision = evaluation.stats[:3]
        values |= {f"{name}_ap{at}": float(p) for at, p in zip(("", "50", "75"), precision, strict=True)}
    return values


def masks_of_target(target: dict[str, Tensor]) -> Tensor:
    return target["masks"]


def masks_of_detection(detection: dict[str, Tensor]) -> Tensor:
    return detection["masks"][:, 0] >= THRESHOLD


def _entries(images: Sequence[dict[str, Tensor]], masks_of: Any) -> list[dict[str, Any]]:
    """Objects of all images in COCO's format, numbered from 1 on (COCOeval takes 0 for no match)."""
    from pycocotools import mask as run_lengths

    entries: list[dict[str, Any]] = []
    for number, image in enumerate(images):
        boxes, masks = image["boxes"].cpu(), masks_of(image).cpu().to(torch.uint8).numpy()
        scores = image.get("scores", torch.ones(len(boxes))).cpu().tolist()
        for box, label, mask, score in zip(
            boxes.tolist(), image["labels"].tolist(), masks, scores, strict=True
        ):
            left, top, right, bottom = box
            runs = run_lengths.encode(np.asfortranarray(mask))
            entry = {
                "id": len(entries) + 1,
                "image_id": number,
                "category_id": label,
                "segmentation": runs,
                "score": score,
            }
            box = [left, top, right - left, bottom - top]
            entries.append({**entry, "bbox": box, "area": float(run_lengths.area(runs)), "iscrowd": 0})
    return entries
