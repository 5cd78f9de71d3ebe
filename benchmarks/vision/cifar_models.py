"""What the study of pre-training on CIFAR-10 compares: networks, what is changed in them, settings to choose from.

A change is one of the papers' own questions: the share that is hidden (MAE, He et al., CVPR 2022, figure 5), the target
(MaskFeat, Wei et al., CVPR 2022), and whether the loss counts visible patches too (SimMIM, Xie et al., CVPR 2022; MAE
reports about half a point less with it).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from tsrep_vision import MAE, MaskFeat, SimMIM
from tsrep_vision.mae import reconstruction_loss
from tsrep_vision.output import MaskedOutput
from tsrep_vision.pretrain import MAE_RATIO, MaskedModel
from tsrep_vision.seeding import seeded

NETWORK = {"image_size": 32, "patch_size": 4, "embed_dim": 128, "depth": 4, "num_heads": 4}
DECODER = {"decoder_dim": 64, "decoder_depth": 2, "decoder_heads": 4}  # of MAE
RATES = (5e-4, 1e-3, 2e-3)
PLAIN, UNTRAINED, ALL_PIXELS, PIXELS, TEACHER = "", "untrained", "all pixels", "pixels", "teacher"
RATIOS = (0.25, 0.5, 0.625, MAE_RATIO, 0.9)


@dataclass(frozen=True)
class Variant:
    """A change of a method. MaskFeat's teacher is the encoder of a MAE of the same seed, steps and batches."""

    trained: bool = True
    mask_ratio: float | None = None
    loss_on: str = "hidden"
    target: str | None = None


@dataclass(frozen=True)
class Settings:
    """What is chosen on the validation part: learning rates, and the form of MAE's target."""

    lr: float
    tuning_lr: float
    options: dict[str, Any] = field(default_factory=dict)


def ratio_name(ratio: float) -> str:
    """The variant of MAE that hides `ratio` of an image."""
    return PLAIN if ratio == MAE_RATIO else f"ratio {ratio:g}"


VARIANTS: dict[str, dict[str, Variant]] = {
    "mae": {
        PLAIN: Variant(),
        UNTRAINED: Variant(trained=False),
        **{ratio_name(ratio): Variant(mask_ratio=ratio) for ratio in RATIOS if ratio != MAE_RATIO},
        ALL_PIXELS: Variant(loss_on="all"),
    },
    "simmim": {PLAIN: Variant(), UNTRAINED: Variant(trained=False), ALL_PIXELS: Variant(loss_on="all")},
    "maskfeat": {
        PLAIN: Variant(),
        UNTRAINED: Variant(trained=False),
        PIXELS: Variant(target="pixels"),
        TEACHER: Variant(target="teacher"),
    },
}

# by the name of a cell of the validation part: the learning rate, and arguments of the model
PRETRAINING: dict[str, dict[str, tuple[float, dict[str, Any]]]] = {
    "mae": {
        f"lr {lr:g}{', normalised target' if normalised else ''}": (lr, {"normalise_target": normalised})
        for normalised in (False, True)
        for lr in RATES
    },
    **{method: {f"lr {lr:g}": (lr, {}) for lr in RATES} for method in ("simmim", "maskfeat")},
}
TUNING = {f"fine-tuning lr {lr:g}": lr for lr in RATES}


def make_model(
    method: str, variant: Variant, options: dict[str, Any], seed: int, teacher: nn.Module | None = None
) -> MaskedModel:
    """The model of a method and a variant with the random weights of `seed`.

    Parameters
    ----------
    options : arguments of the model that were chosen on the validation part.
    teacher : with the target "teacher" only.
    """
    with seeded(seed):
        if method == "mae":
            mae = MAE(**{**NETWORK, **DECODER, **options})
            if variant.loss_on == "all":
                mae.register_forward_hook(count_all_patches)
            return mae
        if method == "simmim":
            return SimMIM(**{**NETWORK, "loss_on": variant.loss_on, **options})
        return MaskFeat(**{**NETWORK, "target": variant.target or "hog", "teacher": teacher, **options})


def count_all_patches(model: MAE, arguments: tuple[Tensor, ...], output: MaskedOutput) -> MaskedOutput:
    """A forward hook of a MAE: its loss over all patches, visible ones too."""
    target = model.target(arguments[0])
    return output._replace(
        loss=reconstruction_loss(output.prediction, target, torch.ones_like(output.hidden))
    )
