"""A Mask R-CNN as a folder: safetensors weights, what made the model as JSON, and the names of its classes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from torch import nn

from tsrep.train.checkpoint import ModelFileError, read_folder, write_folder
from tsrep_vision import saving
from tsrep_vision.mask_rcnn.resnet import MaskRCNN, mask_rcnn_resnet50_fpn
from tsrep_vision.mask_rcnn.tiny import mask_rcnn_tiny
from tsrep_vision.mask_rcnn.vit import mask_rcnn_vit
from tsrep_vision.pretrained import encoder_of
from tsrep_vision.seeding import seeded

CLASS = "tsrep_vision.mask_rcnn.resnet:MaskRCNN"
MAKERS: dict[str, Callable[..., MaskRCNN]] = {
    "tiny": mask_rcnn_tiny,
    "vit": mask_rcnn_vit,
    "resnet50": mask_rcnn_resnet50_fpn,
}


class Segmenter(NamedTuple):
    """A model and what its labels mean.

    Attributes
    ----------
    model : in evaluation mode where it was loaded.
    classes : names by label, the background first.
    category_ids : COCO's number of each label; the labels where none are known.
    """

    model: MaskRCNN
    classes: Sequence[str]
    category_ids: Sequence[int]


class Plan(NamedTuple):
    """How a model is made, ready for JSON.

    Attributes
    ----------
    maker : a name in `MAKERS`.
    options : its arguments; a `backbone` among them is what `tsrep_vision.saving.describe` says of it.
    """

    maker: str
    options: dict[str, Any]


def plan(maker: str, backbone: nn.Module | None = None, **options: Any) -> Plan:
    """The plan of a model, with the ViT in `backbone` if one is given.

    Raises
    ------
    ValueError
        `maker` is unknown, or `backbone` has no ViT or is given for a ResNet.
    """
    if maker not in MAKERS:
        raise ValueError(f"maker is {maker!r}; wanted one of {', '.join(map(repr, MAKERS))}")
    if backbone is None:
        return Plan(maker, options)
    if maker == "resnet50":
        raise ValueError("backbone is given with maker 'resnet50'; wanted 'tiny' or 'vit', which take a ViT")
    return Plan(maker, {**options, "backbone": saving.describe(encoder_of(backbone))})


def make(plan: Plan, backbone: nn.Module | None = None) -> MaskRCNN:
    """The model of a plan; the ViT in it has the weights of `backbone`, or random ones."""
    options = dict(plan.options)
    if "backbone" in options:
        options["backbone"] = saving.build(options["backbone"]) if backbone is None else backbone
    return MAKERS[plan.maker](**options)


def save_mask_rcnn(
    path: str | Path, model: MaskRCNN, plan: Plan, classes: Sequence[str], category_ids: Sequence[int]
) -> None:
    """Writes a model to the folder `path`; an earlier one there is replaced.

    Raises
    ------
    FileExistsError
        `path` holds something else than a saved model.
    """
    config = {"class": CLASS, "maker": plan.maker, "parameters": plan.options}
    names = {"classes": list(classes), "category_ids": list(category_ids)}
    write_folder(path, {**config, **names}, {"model": model.state_dict()})


def load_mask_rcnn(path: str | Path) -> Segmenter:
    """What `save_mask_rcnn` wrote, on the CPU and in evaluation mode.

    Raises
    ------
    ModelFileError
        The folder is missing, damaged or foreign, or does not fit this version.
    """
    config, tensors = read_folder(path)
    try:
        with seeded(0):  # weights that are replaced
            model = make(Plan(config["maker"], config["parameters"]))
        model.load_state_dict(tensors["model"])
        return Segmenter(model.eval(), config["classes"], config["category_ids"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ModelFileError(f"{path} holds no Mask R-CNN of this version: {error}") from error


def load_torchvision(checkpoint: str | Path | Mapping[str, Any]) -> Segmenter:
    """torchvision's `maskrcnn_resnet50_fpn` with its published weights of COCO (V1), from a file or a state dict.

    Raises
    ------
    ModelFileError
        The file cannot be read safely, or holds other weights.
    """
    from torchvision.models.detection import MaskRCNN_ResNet50_FPN_Weights

    classes = MaskRCNN_ResNet50_FPN_Weights.COCO_V1.meta["categories"]
    with seeded(0):  # weights that are replaced
        model = mask_rcnn_resnet50_fpn(len(classes), checkpoint, frozen_norm=True, norm_eps=0.0)
    return Segmenter(model.eval(), classes, range(len(classes)))
