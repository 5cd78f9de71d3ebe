"""`tsrep-vision segment`: images in, the objects in them out: COCO's JSON and pictures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import chain, count
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from tsrep_vision.cli.images import check_apart, report_objects, report_skipped
from tsrep_vision.cli.options import Device
from tsrep_vision.cli.results import checked_folder, write_json

IMAGES_AT_ONCE = 4


def segment(
    model: Annotated[
        Path,
        typer.Argument(
            help="Folder of `tsrep-vision segment-train`, or the file of torchvision's Mask R-CNN (COCO)."
        ),
    ],
    images: Annotated[Path, typer.Argument(help="An image, or a folder or zip file of images.")],
    annotations: Annotated[
        Path | None, typer.Option(help="JSON in COCO's format: its images alone are read, and scored.")
    ] = None,
    threshold: Annotated[
        float, typer.Option(help="Score from which an object is drawn; all are written.", min=0, max=1)
    ] = 0.5,
    pictures: Annotated[int, typer.Option(help="Pictures at most.", min=0)] = 12,
    device: Device = "auto",
    out: Annotated[Path, typer.Option(help="Folder for results.json and the pictures.")] = Path("segmented"),
) -> None:
    """Find the objects in images: class, score, box and mask of each, as COCO's results and as pictures."""
    from tsrep.train.runtime import launch
    from tsrep_vision.mask_rcnn import segment as segmented
    from tsrep_vision.mask_rcnn.evaluation import coco_entries
    from tsrep_vision.plots import plot_segmentation

    console = Console(highlight=False)
    place = launch(device).device
    found_by = _load(model)
    checked_folder(out)
    if annotations is None:
        check_apart(out, images)
    some, names, image_ids = _read(images, annotations)
    report_skipped(console, some)
    report_objects(console, some)
    if annotations is not None:
        _check_categories(found_by, some.annotations)
    entries: list[dict[str, Any]] = []
    drawn = _pictures_of(names[:pictures])
    objects_of = segmented(found_by.model.to(place), some, IMAGES_AT_ONCE)
    for row, objects in enumerate(objects_of):
        described = coco_entries(objects, image_ids[row], found_by.category_ids)
        entries += [{**entry, "file_name": names[row]} for entry in described]
        if row < len(drawn):
            figure = plot_segmentation([some[row]], [objects], threshold, found_by.classes)
            figure.savefig(out / drawn[row], dpi=150)
    (out / "results.json").write_text(json.dumps(entries) + "\n", encoding="utf-8")
    sure = sum(entry["score"] >= threshold for entry in entries)
    console.print(f"{len(some)} images, {sure} objects with a score of {threshold:g} or more")
    if annotations is not None:
        scores = _scores(some, image_ids, entries)
        write_json(out / "scores.json", scores)
        console.print("   ".join(f"{name} {value:.3f}" for name, value in scores.items()), soft_wrap=True)
    console.print(f"results: {out / 'results.json'}", soft_wrap=True)


def _pictures_of(names: Sequence[str]) -> list[str]:
    """File names of the pictures of images: their own, folders joined by "-", as PNG; no two are alike.

    Examples
    --------
    >>> _pictures_of(["a/b.png", "a-b.png", "b.jpg"])
    ['a-b.png', 'a-b-2.png', 'b.jpg.png']
    """
    found: list[str] = []
    for name in names:
        stem = name.replace("/", "-").removesuffix(".png")
        numbered = chain([stem], (f"{stem}-{number}" for number in count(2)))
        found.append(next(f"{each}.png" for each in numbered if f"{each}.png" not in found))
    return found


def _load(path: Path) -> Any:
    from tsrep_vision.mask_rcnn.saving import load_mask_rcnn, load_torchvision

    if path.is_file():
        return load_torchvision(path)
    return load_mask_rcnn(path / "model" if (path / "model").is_dir() else path)


def _check_categories(model: Any, annotations: Any) -> None:
    """Raises ValueError unless a class has one number in the model and in the annotations, and some class is in both.

    The background, which COCO does not number, is left aside.
    """
    known = list(zip(model.category_ids, model.classes, strict=True))[1:]
    given = list(zip(annotations.category_ids, annotations.classes, strict=True))[1:]
    for number, name in given:
        others = [pair for pair in known if number == pair[0] or name == pair[1]]
        if others and (number, name) not in known:
            raise ValueError(
                f"--annotations has {name!r} as category {number}; the model has {others[0][1]!r} as {others[0][0]}"
            )
    if not set(known) & set(given):
        raise ValueError(
            f"--annotations has no class of the model; wanted some of {', '.join(model.classes[1:])}"
        )


def _scores(images: Any, image_ids: list[int], found: list[dict[str, Any]]) -> dict[str, float]:
    """The average precision of what was found, by COCO's numbers of images and classes."""
    from tsrep_vision.mask_rcnn.evaluation import coco_entries, precision_of_entries

    truth, sizes = [], {}
    for row, image_id in enumerate(image_ids):
        target = images.target(row, crowds=True)
        truth += coco_entries(target, image_id, images.annotations.category_ids)
        sizes[image_id] = (target["masks"].shape[1], target["masks"].shape[2])
    return precision_of_entries(found, truth, sizes)


def _read(source: Path, annotations: Path | None) -> tuple[Any, list[str], list[int]]:
    """The images, their names and their numbers in the results."""
    from tsrep_vision.data import read_images
    from tsrep_vision.data.coco import Annotations

    some = read_images(source, annotations=annotations, verify=True)
    if isinstance(some.annotations, Annotations):
        return some, some.names, [some.annotations.image_ids[name] for name in some.names]
    return some, some.names, list(range(1, len(some) + 1))
