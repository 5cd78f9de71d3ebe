"""Ranges of the parameters of `SSGANImputer`, and the values of the recipes."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from torch import nn

from tsrep.base.parameters import (
    Range,
    boolean,
    check_parameters,
    integer,
    is_number,
    number,
    one_of,
    out_of_range,
    verbosity,
)
from tsrep.base.training import FABRIC
from tsrep.ssgan.classifier import CLASSIFIERS
from tsrep.ssgan.cores import CORES
from tsrep.ssgan.reminder import KINDS

GENERATORS = ("interpolating", "recurrent")


@dataclass(frozen=True)
class Settings:
    """The values of a recipe, which parameters that are not None replace."""

    generator: str
    classifier: str
    adversarial_weight: float
    classifier_weight: float
    discriminator_steps: int
    reminder_rate: float
    hide_rate: float | tuple[float, float]
    borrow_gaps: bool
    pretrain_epochs: int
    lr: float
    weight_decay: float
    max_norm: float | None
    anneal: bool
    fallback: bool
    max_steps: int | None
    max_epochs: int | None


def best() -> Settings:
    """The recipe with the lowest error: interpolation and a residual, with observed values hidden in training."""
    return Settings(
        generator="interpolating",
        classifier="convolutional",
        adversarial_weight=0.0,
        classifier_weight=0.01,
        discriminator_steps=1,
        reminder_rate=0.8,
        hide_rate=(0.05, 0.6),
        borrow_gaps=True,
        pretrain_epochs=0,
        lr=6e-3,
        weight_decay=0.3,
        max_norm=1.0,
        anneal=True,
        fallback=True,
        max_steps=1600,
        max_epochs=500,
    )


def paper() -> Settings:
    """The paper's recipe, as far as others quote it (see `tsrep.ssgan.step`); epochs and rate of the authors' code."""
    return Settings(
        generator="recurrent",
        classifier="recurrent",
        adversarial_weight=5.0,
        classifier_weight=1.0,
        discriminator_steps=5,
        reminder_rate=0.8,
        hide_rate=0.0,
        borrow_gaps=False,
        pretrain_epochs=5,
        lr=1e-3,
        weight_decay=0.0,
        max_norm=None,
        anneal=False,
        fallback=False,
        max_steps=None,
        max_epochs=50,
    )


RECIPES = {"best": best, "paper": paper}

RANGES = {
    "recipe": one_of(*RECIPES),
    "generator": one_of(None, *GENERATORS),
    "classifier": one_of(None, *CLASSIFIERS),
    "core": one_of(*CORES),
    "start": Range("a torch module, or None", lambda value: value is None or isinstance(value, nn.Module)),
    "reminder": one_of(*KINDS),
    "n_networks": integer(1),
    "depth": integer(1),
    "n_heads": integer(1),
    "window_length": integer(2),
    "batch_size": integer(1),
    "checkpoint_every": integer(1),
    "fabric": FABRIC,
    "hidden_size": integer(2, none=True),
    "discriminator_steps": integer(1, none=True),
    "patience": integer(1, none=True),
    "max_steps": integer(0, none=True),
    "max_epochs": integer(0, none=True),
    "lr": number(above=0, none=True),
    "adversarial_weight": number(0, none=True),
    "classifier_weight": number(0, none=True),
    "reminder_rate": number(0, 1, none=True),
    "validation_fraction": number(0, below=1),
    "fallback": boolean(none=True),
    "add_indicator": boolean(),
    "warm_start": boolean(),
    "verbose": verbosity(),
}


def resolved(estimator: Any) -> Settings:
    """The settings of a fit: those of the recipe, replaced by the estimator's parameters that are not None.

    Raises
    ------
    ValueError
        A parameter is out of its range.
    """
    _check(estimator)
    recipe = RECIPES[estimator.recipe]()
    overrides = {
        field.name: value
        for field in fields(Settings)
        if (value := getattr(estimator, field.name, None)) is not None
    }
    if estimator.max_steps is not None or estimator.max_epochs is not None:
        overrides |= {"max_steps": estimator.max_steps, "max_epochs": estimator.max_epochs}
    if estimator.reminder is None:
        overrides["reminder_rate"] = 0.0
    return replace(recipe, **overrides)


def _check(estimator: Any) -> None:
    check_parameters(estimator, RANGES)
    width = 64 if estimator.hidden_size is None else estimator.hidden_size
    if width % 2 or width % estimator.n_heads:
        raise out_of_range("hidden_size", width, f"an even multiple of n_heads, {estimator.n_heads}")
    rate = estimator.hide_rate
    ends = rate if isinstance(rate, tuple | list) and len(rate) == 2 else (rate, rate)
    if rate is not None and not (all(map(is_number, ends)) and 0 <= ends[0] <= ends[1] < 1):
        raise out_of_range("hide_rate", rate, "a share below 1, or the two ends of a range of shares")
