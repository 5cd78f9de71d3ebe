"""COCO's annotations as they come: crowds, boxes outside, broken masks; scored as pycocotools scores the file."""

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tsrep_vision.data import ImageSet, ObjectBatches, read_images
from tsrep_vision.data.coco import Annotations
from tsrep_vision.mask_rcnn import average_precision
from tsrep_vision.mask_rcnn.evaluation import coco_entries

pytest.importorskip("pycocotools")
SIDE = 40
SQUARE = [4, 4, 16, 4, 16, 16, 4, 16]


def entry(number: int, segmentation: Any, bbox: list[float], image: int = 1, **more: Any) -> dict[str, Any]:
    area = bbox[2] * bbox[3]
    given = {"id": number, "image_id": image, "category_id": 7, "bbox": bbox, "segmentation": segmentation}
    return {"iscrowd": 0, "area": area, **given, **more}


def runs_of(rows: slice, columns: slice, side: int = SIDE) -> dict[str, Any]:
    """A rectangle as uncompressed run lengths, column by column, as COCO has its crowds."""
    mask = np.zeros((side, side), dtype=np.uint8)
    mask[rows, columns] = 1
    flat = np.concatenate([[0], mask.T.reshape(-1), [2]])
    ends = np.flatnonzero(np.diff(flat))
    counts = np.diff(np.concatenate([[0], ends]))
    return {"size": [side, side], "counts": counts.tolist()}


def written(folder: Path, entries: list[dict[str, Any]], **changed: Any) -> Path:
    """Two noisy images of 40 x 40 pixels and their JSON."""
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(0)
    for number in (1, 2):
        pixels = rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    images = [{"id": n, "file_name": f"{n}.png", "height": SIDE, "width": SIDE} for n in (1, 2)]
    content = {"images": images, "annotations": entries, "categories": [{"id": 7, "name": "cat"}]}
    (folder / "objects.json").write_text(json.dumps({**content, **changed}))
    return folder


def opened(folder: Path) -> ImageSet:
    return read_images(folder, annotations="objects.json")


def test_boxes_are_cut_at_the_image_and_nothing_without_an_area_is_an_object(tmp_path: Path) -> None:
    beyond = [-5, 30, 50, 30, 50, 60, -5, 60]
    entries = [
        entry(1, [beyond], [-5, 30, 55, 30]),
        entry(2, [SQUARE], [60, 4, 12, 12]),
        entry(3, [SQUARE], [4, 4, 0, 12]),
        entry(4, [SQUARE], [39.9999999, 4, 12, 12]),
        entry(5, [], [4, 4, 12, 12]),
        entry(6, [[4, 4, 8, 8]], [4, 4, 4, 4]),
        entry(7, [SQUARE, [1, 1]], [4, 4, 12, 12]),
    ]
    images = opened(written(tmp_path, entries))
    target = images.target(0)
    assert target["boxes"].tolist() == [[0, 30, 40, 40], [4, 4, 16, 16]]
    assert target["masks"].flatten(1).sum(1).tolist() == [400, 144]
    assert images.target(1)["masks"].shape == (0, SIDE, SIDE)


def test_scores_are_those_of_pycocotools_with_crowds(tmp_path: Path) -> None:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    crowd = runs_of(slice(20, 38), slice(10, 38))
    entries = [entry(1, [SQUARE], [4, 4, 12, 12]), entry(2, crowd, [10, 20, 28, 18], iscrowd=1)]
    folder = written(tmp_path, entries)
    images = opened(folder)
    assert [len(images.target(0)["labels"]), len(images.target(0, crowds=True)["labels"])] == [1, 2]
    assert images.target(0, crowds=True)["iscrowd"].tolist() == [0, 1]
    corners = torch.tensor([[22, 12, 30, 30], [4, 4, 16, 16], [4, 4, 15, 12]])
    masks = torch.zeros(3, 1, SIDE, SIDE)
    for mask, (left, top, right, bottom) in zip(masks, corners.tolist(), strict=True):
        mask[0, top:bottom, left:right] = 1
    corners[0, 1], masks[0, 0, :20] = 20, 0  # within the crowd
    found = {
        "boxes": corners.float(),
        "labels": torch.ones(3, dtype=torch.int64),
        "scores": torch.tensor([0.9, 0.8, 0.7]),
        "masks": masks,
    }
    nothing = {name: value[:0] for name, value in found.items()}
    ours = average_precision([found, nothing], [images.target(row, crowds=True) for row in range(2)])
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(folder / "objects.json"))
        evaluation = COCOeval(truth, truth.loadRes(coco_entries(found, 1, [0, 7])), "segm")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    assert ours["mask_ap"] == pytest.approx(evaluation.stats[0]) == pytest.approx(1.0)
    counted_against = average_precision([found, nothing], [images.target(row) for row in range(2)])
    assert counted_against["mask_ap"] == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("found", [0, 1])
def test_crowds_alone_have_no_score(tmp_path: Path, found: int) -> None:
    crowd = entry(1, runs_of(slice(2, 9), slice(2, 9)), [2, 2, 7, 7], iscrowd=1)
    target = opened(written(tmp_path, [crowd])).target(0, crowds=True)
    detection = {
        "boxes": target["boxes"][:found],
        "labels": target["labels"][:found],
        "scores": torch.ones(found),
        "masks": target["masks"][:found, None].float(),
    }
    assert all(np.isnan(value) for value in average_precision([detection], [target]).values())


@pytest.mark.parametrize(
    ("segmentation", "reason"),
    [
        (runs_of(slice(2, 9), slice(2, 9), side=30), "has 40 x 40 pixels; one of its masks has 30 x 30"),
        ({"size": [SIDE, SIDE]}, "has a mask that cannot be decoded: KeyError"),
        ({"size": [SIDE, SIDE], "counts": 3}, "has a mask that cannot be decoded: "),
    ],
)
def test_an_image_with_a_broken_mask_is_skipped(tmp_path: Path, segmentation: Any, reason: str) -> None:
    entries = [entry(1, segmentation, [2, 2, 7, 7]), entry(2, [SQUARE], [4, 4, 12, 12], image=2)]
    images = opened(written(tmp_path, entries))
    assert len(images) == 2
    [batch] = ObjectBatches(images, 2, seed=0).epoch(0)
    assert [len(target["labels"]) for target in batch.targets] == [1, 1]
    assert [each.name for each in images.skipped] == ["1.png"] and images.skipped[0].reason.startswith(reason)
    assert opened(tmp_path).verified().names == ["2.png"]


def test_an_image_of_another_size_than_its_annotations_is_skipped(tmp_path: Path) -> None:
    written(tmp_path, [entry(1, [SQUARE], [4, 4, 12, 12])])
    Image.new("RGB", (50, SIDE)).save(tmp_path / "2.png")
    images = opened(tmp_path)
    assert images.names == ["1.png"]
    assert images.skipped == [("2.png", "has 50 x 40 pixels; its annotations are of 40 x 40")]


@pytest.mark.parametrize(
    "broken",
    [
        {"annotations": [{**entry(1, [SQUARE], [4, 4, 12, 12]), "bbox": [4, 4, 12]}]},
        {"annotations": [entry(1, [SQUARE], [4, 4, 12, 12], category_id=8)]},
        {"annotations": [entry(1, [SQUARE], [4, 4, 12, 12], image=9)]},
        {"annotations": [{"image_id": 1}]},
        {"annotations": None},
        {"images": [{"id": 1}]},
        {"categories": [{"id": 7, "name": "cat"}, {"id": 7, "name": "dog"}]},
    ],
)
def test_what_is_not_the_format_is_an_error_at_once(tmp_path: Path, broken: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="objects.json is not JSON in COCO's format"):
        opened(written(tmp_path, [], **broken))


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ({"id": 1, "file_name": "2.png"}, "two of its images have the id 1"),
        ({"id": 2, "file_name": "1.png"}, "two of its images have the file_name '1.png'"),
    ],
)
def test_images_with_one_number_or_one_name_are_an_error(
    tmp_path: Path, second: dict[str, Any], message: str
) -> None:
    images = [{"height": SIDE, "width": SIDE, **each} for each in ({"id": 1, "file_name": "1.png"}, second)]
    with pytest.raises(ValueError, match=message):
        opened(written(tmp_path, [entry(1, [SQUARE], [4, 4, 12, 12])], images=images))


def test_annotations_without_any_mask_are_an_error(tmp_path: Path) -> None:
    boxes = [entry(1, [], [4, 4, 12, 12]), entry(2, [], [4, 4, 12, 12], image=2)]
    with pytest.raises(ValueError, match=r"objects.json has 2 annotations; wanted some with a mask"):
        opened(written(tmp_path, boxes))
    some = opened(written(tmp_path, [*boxes, entry(3, [SQUARE], [4, 4, 12, 12])])).annotations
    assert isinstance(some, Annotations) and (some.n_annotations, some.n_left_out) == (3, 2)
    none = opened(written(tmp_path, [])).annotations
    assert isinstance(none, Annotations) and none.n_left_out == 0
