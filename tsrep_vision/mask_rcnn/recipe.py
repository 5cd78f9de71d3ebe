"""How the papers train a Mask R-CNN: SGD on a ResNet, AdamW with layer decay on a ViT.

ResNet: He et al. (ICCV 2017, section 3.1): 0.02 per batch of 16, momentum 0.9, weight decay 1e-4, a tenth of the rate
from two thirds and from eight ninths of the training on. ViT: Li et al. (ECCV 2022, section 4): 1e-4 per batch of 64,
weight decay 0.1, a factor of 0.7 on the rate per block below the last, a tenth from 8/9 and from 26/27 on. Both warm up
linearly (1,000 and 250 steps), here over a tenth of a shorter training.

Departures: biases have no weight decay on a ViT. The rate grows in proportion to the batch on both.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import nn

from tsrep.train.optimised import Optimiser, adamw
from tsrep.train.schedule import Schedule, warm_up_drops
from tsrep_vision.mask_rcnn.vit import ViTPyramid
from tsrep_vision.pretrain import without_decay
from tsrep_vision.training import Training


class Recipe(NamedTuple):
    """A paper's numbers.

    Attributes
    ----------
    base_lr, images : learning rate for a batch of `images` images.
    weight_decay, layer_decay : of the optimiser; factor on the learning rate per block of a ViT.
    warm_up : steps at most.
    drops : shares of the training from which on the learning rate is a tenth of what it was.
    """

    optimiser: Optimiser
    base_lr: float
    images: int
    weight_decay: float
    layer_decay: float
    warm_up: int
    drops: tuple[float, ...]


RESNET = Recipe(partial(torch.optim.SGD, momentum=0.9), 0.02, 16, 1e-4, 1.0, 1000, (2 / 3, 8 / 9))
VIT = Recipe(adamw, 1e-4, 64, 0.1, 0.7, 250, (8 / 9, 26 / 27))


def recipe_of(model: nn.Module) -> Recipe:
    """The recipe for the model's backbone."""
    return VIT if isinstance(model.backbone, ViTPyramid) else RESNET


@dataclass(frozen=True)
class DetectionTraining(Training):
    """A `Training` whose learning rate falls in drops; `most_warm_up` steps of warm-up at most."""

    most_warm_up: int = 250
    drops: Sequence[float] = ()

    def schedule(self, steps: int) -> Schedule:
        """Learning rates of a training of `steps` steps."""
        warm_up = min(self.most_warm_up, round(self.warm_up * steps))
        return warm_up_drops(self.lr, warm_up, [round(drop * steps) for drop in self.drops])


def groups_of(network: nn.Module, weight_decay: float, layer_decay: float) -> list[dict[str, Any]]:
    """The optimiser's parameter groups: one per block's learning rate and weight decay.

    Block i of B has layer_decay^(B - i) of the learning rate, the patch embedding layer_decay^(B + 1), the rest all of
    it. A ViT's biases, norms and positions have no weight decay. Frozen parameters are left out.
    """
    of_vit = isinstance(network.backbone, ViTPyramid)
    depth = len(network.backbone.body.blocks) if of_vit else 0  # type: ignore[union-attr, arg-type]
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, weight in network.named_parameters():
        if weight.requires_grad:
            scale = layer_decay ** (depth + 1 - layer_of(name, depth)) if of_vit else 1.0
            decay = 0.0 if of_vit and without_decay(name, weight) else weight_decay
            groups.setdefault((scale, decay), []).append(weight)
    return [
        {"params": weights, "scale": scale, "weight_decay": decay}
        for (scale, decay), weights in groups.items()
    ]


def layer_of(name: str, depth: int) -> int:
    """0 of the patch embedding, 1 to `depth` of the blocks, `depth` + 1 of everything else, by a parameter's name.

    Examples
    --------
    >>> [layer_of(f"backbone.{name}", 12) for name in ("body.patch_embed.bias", "body.blocks.11.x", "pyramid.x")]
    [0, 12, 13]
    """
    if name.startswith("backbone.body.patch_embed."):
        return 0
    found = re.match(r"backbone\.body\.blocks\.(\d+)\.", name)
    return depth + 1 if found is None else int(found[1]) + 1
