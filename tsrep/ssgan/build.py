"""The networks of a game, by name and size, with weights that a seed decides."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import nn

from tsrep.base.training import initial_weights
from tsrep.ssgan.brits import RecurrentGenerator
from tsrep.ssgan.classifier import CLASSIFIERS
from tsrep.ssgan.discriminator import Discriminator
from tsrep.ssgan.interpolating import InterpolatingGenerator
from tsrep.ssgan.parameters import Settings
from tsrep.ssgan.step import SSGANStep

if TYPE_CHECKING:
    from lightning.fabric import Fabric


MANY_CHANNELS = 64


class Shape(NamedTuple):
    """Sizes of the networks; depth, heads and core are the interpolating generator's."""

    n_channels: int
    hidden_size: int
    depth: int
    n_heads: int
    core: str


def default_width(n_channels: int) -> int:
    """`hidden_size` where it is None."""
    return 64 if n_channels <= MANY_CHANNELS else 128


def build_generator(kind: str, shape: Shape) -> nn.Module:
    """`kind` is "interpolating" or "recurrent"."""
    if kind == "recurrent":
        return RecurrentGenerator(shape.n_channels, shape.hidden_size)
    return InterpolatingGenerator(*shape)


def build_classifier(kind: str, shape: Shape, n_classes: int) -> nn.Module:
    """`kind` is "convolutional" or "recurrent"."""
    return CLASSIFIERS[kind](shape.n_channels, shape.hidden_size, n_classes)


def build_game(
    settings: Settings,
    shape: Shape,
    n_classes: int,
    decaying: bool,
    borrowed: float,
    seed: int,
    fabric: Fabric,
) -> SSGANStep:
    """A game before its first step: without a discriminator where its weight is 0, without a classifier where there are
    no classes. `decaying` is the discriminator's, `borrowed` the step's `borrow_rate`."""
    discriminator = None
    with initial_weights(seed):
        generator = build_generator(settings.generator, shape)
        if settings.adversarial_weight > 0:
            discriminator = Discriminator(shape.n_channels, shape.hidden_size, decaying)
        classifier = build_classifier(settings.classifier, shape, n_classes) if n_classes else None
    return SSGANStep(
        generator,
        discriminator,
        classifier,
        lr=settings.lr,
        randomness=torch.Generator().manual_seed(seed),
        fabric=fabric,
        adversarial_weight=settings.adversarial_weight,
        classifier_weight=settings.classifier_weight,
        discriminator_steps=settings.discriminator_steps,
        reminder_rate=settings.reminder_rate,
        borrow_rate=borrowed,
        weight_decay=settings.weight_decay,
        max_norm=settings.max_norm,
    )
