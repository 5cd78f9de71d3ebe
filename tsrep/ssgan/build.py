"""The networks of a game, by name and size, with initial weights from a seed."""

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
from tsrep.train.processes import ALONE, Processes

if TYPE_CHECKING:
    from lightning.fabric import Fabric


NARROW_CHANNELS = 64  # number of channels up to which the networks are 64 wide, else 128


class Shape(NamedTuple):
    """Sizes of the networks; depth, heads and core are the interpolating generator's."""

    n_channels: int
    hidden_size: int
    depth: int
    n_heads: int
    core: str


def default_width(n_channels: int) -> int:
    """The hidden size if the parameter `hidden_size` is None."""
    return 64 if n_channels <= NARROW_CHANNELS else 128


def build_generator(name: str, shape: Shape) -> nn.Module:
    """The generator `name`, "interpolating" or "recurrent", with random weights."""
    if name == "recurrent":
        return RecurrentGenerator(shape.n_channels, shape.hidden_size)
    return InterpolatingGenerator(*shape)


def build_classifier(name: str, shape: Shape, n_classes: int) -> nn.Module:
    """The classifier `name`, "convolutional" or "recurrent", with random weights."""
    return CLASSIFIERS[name](shape.n_channels, shape.hidden_size, n_classes)


def build_game(
    settings: Settings,
    shape: Shape,
    n_classes: int,
    decaying: bool,
    borrowed: float,
    seed: int,
    fabric: Fabric,
    processes: Processes = ALONE,
) -> SSGANStep:
    """A game before its first step; no discriminator if its weight is 0, no classifier if `n_classes` is 0.

    `decaying` is the discriminator's, `borrowed` the step's `borrow_rate`.
    """
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
        processes=processes,
    )
