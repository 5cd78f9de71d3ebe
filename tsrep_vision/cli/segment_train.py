"""`tsrep-vision segment-train`: images with annotated objects in, a Mask R-CNN out."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

SHAPES = (200, 40)  # generated images for training and for validation
SMOKE = (8, 4)
SMOKE_STEPS = 6
STEPS = 300  # of a training on generated shapes
TINY = {"lr": 2e-3, "layer_decay": 1.0, "weight_decay": 0.01, "max_norm": 1.0}
"""For the tiny model with random weights; the others are trained by the rules of their papers."""
MOST_VALIDATED = 8  # images in the picture


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
    max_epochs: Annotated[
        int | None, typer.Option(help="Epochs; default: 12, or 300 steps on generated shapes.", min=0)
    ] = None,
    max_steps: Annotated[int | None, typer.Option(help="Updates at most.", min=0)] = None,
    batch_size: Annotated[int, typer.Option(help="Images per update.", min=1)] = 4,
    lr: Annotated[
        float | None, typer.Option(help="Highest learning rate; default: the paper's rule.")
    ] = None,
    workers: Annotated[int, typer.Option(help="Threads that decode images.", min=0)] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")] = "auto",
    precision: Annotated[str, typer.Option(help="auto, 32, bf16 or 16.")] = "auto",
    seed: Annotated[int, typer.Option(help="Random seed of the training.", min=0)] = 0,
    out: Annotated[
        Path, typer.Option(help="Folder for the model, its history and its pictures; resumed if it exists.")
    ] = Path("segmenter"),
    smoke: Annotated[
        bool, typer.Option("--smoke", help="A few steps of a tiny model on a few shapes, to try it out.")
    ] = False,
) -> None:
    """Train a Mask R-CNN on annotated images, score it, save it.

    The folder has `model/`, `history.json`, `curves.png`, and with validation `scores.json` and `found.png`.
    """
    from tsrep.train.checkpoint import check_writable
    from tsrep.train.runtime import launch
    from tsrep_vision.mask_rcnn import train_mask_rcnn
    from tsrep_vision.mask_rcnn.saving import make, plan, save_mask_rcnn
    from tsrep_vision.step import seeded

    console = Console(highlight=False)
    if smoke:
        source, model, max_epochs, max_steps = None, Model.tiny, None, SMOKE_STEPS
    launch(device, precision)
    check_writable(out / "model", "out")
    images, validated, category_ids = _read(source, annotations, validation, SMOKE if smoke else SHAPES, seed)
    vit = None if backbone is None else read_backbone(backbone)
    options: dict[str, Any] = {
        "num_classes": len(images.classes),
        "mask_loss": mask_loss.value,
        "roi": roi.value,
    }
    if image_size is not None:
        options |= {"image_size": image_size} if model != Model.resnet50 else {"min_size": image_size}
    chosen = plan(model.value, vit, **options)
    with seeded(seed):
        network = make(chosen, vit)
    if source is None and max_epochs is None and max_steps is None:
        max_steps = STEPS
    own = TINY if model == Model.tiny and vit is None else {}
    settings = {**own, **({} if lr is None else {"lr": lr})}
    size = sum(weight.numel() for weight in network.parameters()) / 1e6
    console.print(f"{len(images)} images, {len(images.classes) - 1} classes, {size:.1f} million parameters")
    history = train_mask_rcnn(
        network,
        images,
        max_epochs=max_epochs,
        max_steps=max_steps,
        batch_size=batch_size,
        jitter=(0.1, 2.0) if jitter else None,
        freeze=freeze,
        validation=validated,
        workers=workers,
        device=device,
        precision=precision,
        random_state=seed,
        verbose=int(console.is_terminal),
        checkpoint=out / "checkpoint",
        **settings,  # type: ignore[arg-type]
    )
    save_mask_rcnn(out / "model", network, chosen, images.classes, category_ids)
    _write(out, history, network, validated, console)
    console.print(f"model saved: {out / 'model'}\nnext: tsrep-vision segment {out} IMAGES", soft_wrap=True)


def read_backbone(path: Path) -> Any:
    """The ViT in a folder that `tsrep-vision pretrain` wrote, or in a checkpoint file."""
    from tsrep_vision.pretrained import encoder_of, load_vit
    from tsrep_vision.saving import load

    return encoder_of(load(path)) if path.is_dir() else load_vit(path)


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
    others = read_images(source, annotations=validation)
    if others.classes != images.classes:
        raise ValueError(
            "--validation has other classes than --annotations; wanted the same, in the same order"
        )
    return images, others, ids


def _write(out: Path, history: Any, network: Any, validated: Any, console: Console) -> None:
    from tsrep_vision.mask_rcnn import segment
    from tsrep_vision.plots import plot_learning_curves, plot_segmentation

    (out / "history.json").write_text(json.dumps(history, indent=1) + "\n", encoding="utf-8")
    if history:
        plot_learning_curves(history).savefig(out / "curves.png", dpi=150)
    if validated is None:
        return
    some = [validated[row] for row in range(min(MOST_VALIDATED, len(validated)))]
    plot_segmentation(some, list(segment(network, some)), classes=validated.classes).savefig(
        out / "found.png", dpi=150
    )
    scores = {name: value for name, value in (history or [{}])[-1].items() if "_ap" in name}
    (out / "scores.json").write_text(json.dumps(scores, indent=1) + "\n", encoding="utf-8")
    console.print("   ".join(f"{name} {value:.3f}" for name, value in scores.items()))
