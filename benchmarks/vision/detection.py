"""Mask R-CNN that over-fits a hundred images of COCO, its ViT with random weights or pre-trained by MAE on them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from tsrep_vision import MAE, mask_rcnn_vit
from tsrep_vision.data import ImageSet, read_images
from tsrep_vision.mask_rcnn.train import train_mask_rcnn
from tsrep_vision.pretrain import pretrain

RANDOM, PRETRAINED = "random weights", "pre-trained by MAE"


@dataclass(frozen=True)
class Study:
    """Sizes and lengths of both trainings; the defaults are those of a GPU and take it about two minutes each."""

    images: int = 100
    image_size: int = 320
    patch_size: int = 16
    embed_dim: int = 384
    depth: int = 12
    num_heads: int = 6
    channels: int = 256
    batch: int = 10
    steps: int = 1200
    evaluate_every: int = 200
    lr: float = 3e-4
    pretraining_batch: int = 100
    pretraining_steps: int = 1500
    workers: int = 0
    device: str = "cuda"
    precision: str = "bf16"

    def vit(self) -> dict[str, int]:
        """The sizes of the ViT."""
        names = ("image_size", "patch_size", "embed_dim", "depth", "num_heads")
        return {name: getattr(self, name) for name in names}

    def runtime(self) -> dict[str, Any]:
        """What both trainings take: where, how, and what was drawn."""
        where = {"device": self.device, "precision": self.precision, "workers": self.workers}
        return {**where, "random_state": 0}


def coco(path: Path, annotations: str, count: int) -> ImageSet:
    """The first `count` images that the annotations name."""
    return read_images(path, annotations=annotations)[:count]


def over_fit(images: ImageSet, backbone: str, study: Study, folder: Path) -> dict[str, Any]:
    """Trains on the images and scores on the same: mask AP50 along the way, and seconds until a threshold.

    Parameters
    ----------
    backbone : `RANDOM` or `PRETRAINED`.
    folder : of the checkpoints, from which a stopped run is continued.

    Returns
    -------
    "ap50", the last; "curve", (step, seconds, mask AP50) at every evaluation; "pretraining_seconds".
    """
    vit, taken = None, 0.0
    if backbone == PRETRAINED:
        vit, taken = pretrained(images, study, folder)
    model = mask_rcnn_vit(
        len(images.classes),
        backbone=vit,
        channels=study.channels,
        **({"image_size": study.image_size} if vit is not None else study.vit()),
    )
    history = train_mask_rcnn(
        model,
        images,
        max_steps=study.steps,
        batch_size=study.batch,
        lr=study.lr,
        layer_decay=1.0,
        max_norm=1.0,
        validation=images,
        evaluate_every=study.evaluate_every,
        checkpoint=folder / backbone.replace(" ", "-"),
        **study.runtime(),
    )
    curve = [(each["step"], each["seconds"], each["mask_ap50"]) for each in history if "mask_ap50" in each]
    return {"ap50": curve[-1][2], "curve": curve, "pretraining_seconds": taken}


def pretrained(images: ImageSet, study: Study, folder: Path) -> tuple[nn.Module, float]:
    """A MAE that was trained on the images without their objects, and the seconds that it took."""
    mae = MAE(**study.vit(), decoder_dim=study.embed_dim, decoder_depth=4, decoder_heads=study.num_heads)
    history = pretrain(
        mae,
        images,
        max_steps=study.pretraining_steps,
        batch_size=study.pretraining_batch,
        lr=5e-4,
        checkpoint=folder / "mae",
        **study.runtime(),
    )
    return mae, history[-1]["seconds"]
