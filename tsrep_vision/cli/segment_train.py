"""`tsrep-vision segment-train`: images with annotated objects in, a Mask R-CNN out."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from tsrep_vision.cli.images import report_objects, report_skipped
from tsrep_vision.cli.models import read_model
from tsrep_vision.cli.options import (
    TRAINING,
    Device,
    LearningRate,
    MaxEpochs,
    MaxSteps,
    Precision,
    Seed,
    Smoke,
    Workers,
)
from tsrep_vision.cli.results import SHOWN, checked_folder, console_of_first, write_history, write_json

SHAPES = (200, 40)  # generated images for training and for validation
SMOKE = (8, 4)
SMOKE_STEPS = 6
STEPS = 300  # of a training on generated shapes
TINY = {"lr": 2e-3, "layer_decay": 1.0, "weight_decay": 0.01, "max_norm": 1.0}
"""For the tiny model with random weights; the others are trained by the rules of their papers."""
JITTER = (0.1, 2.0)  # range of the scale


class Model(StrEnum):
    """The models by name: `tsrep_vision.mask_rcnn.saving.MAKERS`."""

    tiny = "tiny"
    vit = "vit"
    resnet50 = "resnet50"


class MaskLoss(StrEnum):
    """`tsrep_vision.mask_rcnn.losses.MASK_LOSSES`."""

    sigmoid = "sigmoid"
    softmax = "softmax"


class Roi(StrEnum):
    """`tsrep_vision.mask_rcnn.pooling.REGION_OPERATIONS`."""

    align = "align"
    pool = "pool"


def segment_train(
    source: Annotated[
        Path | None,
        typer.Argument(help="Folder or zip file of images; default: generated discs, squares and triangles."),
    ] = None,
    out: Annotated[
        Path, typer.Option(help="Folder for the model, numbers and pictures; a training there goes on.")
    ] = Path("segmenter"),
    annotations: Annotated[
        Path | None, typer.Option(help="JSON in COCO's format, in the source or elsewhere.")
    ] = None,
    validation: Annotated[
        Path | None, typer.Option(help="JSON of further images of the source, which are scored.")
    ] = None,
    model: Annotated[
        Model, typer.Option(help="tiny is for a CPU; vit is ViTDet's base size; resnet50 has a pyramid.")
    ] = Model.tiny,
    backbone: Annotated[
        Path | None,
        typer.Option(help="Pre-trained ViT: a folder of `tsrep-vision pretrain`, or a checkpoint file."),
    ] = None,
    freeze: Annotated[
        bool, typer.Option("--freeze", help="Leave the backbone's weights as they are.")
    ] = False,
    image_size: Annotated[
        int | None,
        typer.Option(help="Side of the images in pixels; default: 64, 1024 or 800 by the model.", min=16),
    ] = None,
    mask_loss: Annotated[
        MaskLoss, typer.Option(help="Whether the masks of classes compete (softmax) or not.")
    ] = MaskLoss.sigmoid,
    roi: Annotated[Roi, typer.Option(help="RoIAlign or RoIPool.")] = Roi.align,
    jitter: Annotated[
        bool, typer.Option("--jitter", help="Large-scale jitter from 0.1 to 2, in place of flips alone.")
    ] = False,
    max_epochs: MaxEpochs = None,
    max_steps: MaxSteps = None,
    batch_size: Annotated[int, typer.Option(help="Images per update.", min=1, rich_help_panel=TRAINING)] = 4,
    lr: LearningRate = None,
    workers: Workers = 0,
    device: Device = "auto",
    precision: Precision = "auto",
    seed: Seed = 0,
    smoke: Smoke = False,
) -> None:
    """Train a Mask R-CNN on annotated images, score it, save it.

    Without --max-epochs and --max-steps, 12 epochs, or 300 steps on generated shapes. The folder has `model/`,
    `history.json` and `curves.png`, and with validation `scores.json` and `found.png`.
    """
    from tsrep.train.runtime import is_first_process, launch_processes
    from tsrep_vision.mask_rcnn import train_mask_rcnn
    from tsrep_vision.mask_rcnn.saving import make, plan, save_mask_rcnn
    from tsrep_vision.pretrained import encoder_of
    from tsrep_vision.seeding import seeded

    console = console_of_first()
    if smoke:
        source, model, max_epochs, max_steps = None, Model.tiny, None, SMOKE_STEPS
    if source is None and max_epochs is None and max_steps is None:
        max_steps = STEPS
    launch_processes(device, precision)
    checked_folder(out)
    vit = None if backbone is None else encoder_of(read_model(backbone, smoke=False, seed=seed))
    images, validated, category_ids = _read(source, annotations, validation, SMOKE if smoke else SHAPES, seed)
    sets = [images] if validated is None else [images, validated]
    known = report_skipped(console, *sets)
    report_objects(console, *sets)
    options: dict[str, Any] = {
        "num_classes": len(images.classes),
        "mask_loss": mask_loss.value,
        "roi": roi.value,
    }
    if image_size is not None:
        options["min_size" if model is Model.resnet50 else "image_size"] = image_size
    chosen = plan(model.value, vit, **options)
    with seeded(seed):
        network = make(chosen, vit)
    weights = sum(weight.numel() for weight in network.parameters()) / 1e6
    console.print(
        f"{len(images)} images, {len(images.classes) - 1} classes, {weights:.1f} million parameters"
    )
    rules = TINY if model is Model.tiny and vit is None else {}
    history = train_mask_rcnn(
        network,
        images,
        max_epochs=max_epochs,
        max_steps=max_steps,
        batch_size=batch_size,
        jitter=JITTER if jitter else None,
        freeze=freeze,
        validation=validated,
        workers=workers,
        device=device,
        precision=precision,
        random_state=seed,
        verbose=int(console.is_terminal),
        checkpoint=out / "checkpoint",
        **{**rules, **({} if lr is None else {"lr": lr})},  # type: ignore[arg-type]
    )
    if not is_first_process():
        return
    report_skipped(console, *sets, known=known)
    save_mask_rcnn(out / "model", network, chosen, images.classes, category_ids)
    write_history(out, history)
    if validated is not None and history:
        _write_scores(out, history[-1], network, validated, console)
    console.print(f"model saved: {out / 'model'}\nnext: tsrep-vision segment {out} IMAGES", soft_wrap=True)


def _read(
    source: Path | None, annotations: Path | None, validation: Path | None, shapes: tuple[int, int], seed: int
) -> tuple[Any, Any, list[int]]:
    """Images for training and validation, and COCO's numbers of their classes."""
    from tsrep_vision.data import draw_shapes, read_images, with_objects
    from tsrep_vision.data.coco import Annotations
    from tsrep_vision.data.shapes import SHAPES as NAMES

    if source is None:
        if annotations is not None or validation is not None:
            raise ValueError("--annotations is given without a source; wanted a folder or zip file of images")
        train, test = (
            with_objects(*draw_shapes(count, 64, seed + part), NAMES) for part, count in enumerate(shapes)
        )
        return train, test, list(range(len(NAMES)))
    if annotations is None:
        raise ValueError("--annotations is missing; wanted a JSON file in COCO's format for the source")
    images = read_images(source, annotations=annotations)
    assert isinstance(images.annotations, Annotations)
    ids = images.annotations.category_ids
    if validation is None:
        return images, None, ids
    others = read_images(source, annotations=validation, verify=True)
    if others.classes != images.classes:
        raise ValueError(
            "--validation has other classes than --annotations; wanted the same, in the same order"
        )
    return images, others, ids


def _write_scores(out: Path, end: Any, network: Any, validated: Any, console: Console) -> None:
    """`scores.json`, and `found.png`: the objects found in the first images for validation."""
    from tsrep_vision.mask_rcnn import segment
    from tsrep_vision.plots import plot_segmentation

    some = [validated[row] for row in range(min(SHOWN, len(validated)))]
    figure = plot_segmentation(some, list(segment(network, some)), classes=validated.classes)
    figure.savefig(out / "found.png", dpi=150)
    scores = {name: value for name, value in end.items() if "_ap" in name}
    write_json(out / "scores.json", scores)
    console.print("   ".join(f"{name} {value:.3f}" for name, value in scores.items()), soft_wrap=True)
