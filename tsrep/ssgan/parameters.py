"""What each parameter of `SSGANImputer` may be, and the values of the recipes."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from tsrep.ssgan.classifier import CLASSIFIERS
from tsrep.ssgan.cores import CORES
from tsrep.ssgan.reminder import KINDS

INTEGER = (int, np.integer)
NUMBER = (int, float, np.integer, np.floating)
GENERATORS = ("interpolating", "recurrent")


@dataclass(frozen=True)
class Settings:
    """The values of a recipe; a parameter that is not None replaces them."""

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
    longest_gradient: float | None
    anneal: bool
    fallback: bool
    max_steps: int | None
    max_epochs: int | None


def best() -> Settings:
    """What measures best: interpolation and a residual, observed values hidden while training."""
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
        longest_gradient=1.0,
        anneal=True,
        fallback=True,
        max_steps=1600,
        max_epochs=500,
    )


def paper() -> Settings:
    """The paper's, as far as others quote them (see `tsrep.ssgan.step`); epochs and rate as in the authors' code."""
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
        longest_gradient=None,
        anneal=False,
        fallback=False,
        max_steps=None,
        max_epochs=50,
    )


RECIPES = {"best": best, "paper": paper}

_CHOICES: dict[str, tuple[Any, ...]] = {
    "recipe": tuple(RECIPES),
    "generator": (None, *GENERATORS),
    "classifier": (None, *CLASSIFIERS),
    "core": CORES,
    "reminder": KINDS,
}
_AT_LEAST = {"n_networks": 1, "depth": 1, "n_heads": 1, "window_length": 2, "batch_size": 1}
_AT_LEAST_OR_NONE = {
    "hidden_size": 2,
    "discriminator_steps": 1,
    "patience": 1,
    "max_steps": 0,
    "max_epochs": 0,
}
_NOT_NEGATIVE_OR_NONE = ("adversarial_weight", "classifier_weight")


def resolved(estimator: Any) -> Settings:
    """The settings of a fit: those of the recipe, replaced where a parameter of the estimator is not None.

    Raises
    ------
    ValueError
        A parameter is out of its range; it is named, with what it is and what was wanted.
    """
    _check(estimator)
    chosen = RECIPES[estimator.recipe]()
    given = {
        field.name: value
        for field in fields(Settings)
        if (value := getattr(estimator, field.name, None)) is not None
    }
    if estimator.max_steps is not None or estimator.max_epochs is not None:
        given |= {"max_steps": estimator.max_steps, "max_epochs": estimator.max_epochs}
    if estimator.reminder is None:
        given["reminder_rate"] = 0.0
    return replace(chosen, **given)


def _check(estimator: Any) -> None:
    for name, choices in _CHOICES.items():
        value = getattr(estimator, name)
        if value not in choices:
            raise ValueError(f"{name} is {value!r}; wanted one of {list(choices)}")
    for name, least in (_AT_LEAST | _AT_LEAST_OR_NONE).items():
        value = getattr(estimator, name)
        if value is None and name in _AT_LEAST_OR_NONE:
            continue
        if not isinstance(value, INTEGER) or isinstance(value, bool) or value < least:
            raise ValueError(f"{name} is {value!r}; wanted an integer of at least {least}")
    width = 64 if estimator.hidden_size is None else estimator.hidden_size
    if width % 2 or width % estimator.n_heads:
        wanted = f"an even multiple of n_heads, {estimator.n_heads}"
        raise ValueError(f"hidden_size is {width}; wanted {wanted}")
    if estimator.lr is not None and not (isinstance(estimator.lr, NUMBER) and estimator.lr > 0):
        raise ValueError(f"lr is {estimator.lr!r}; wanted a number above 0")
    for name in _NOT_NEGATIVE_OR_NONE:
        value = getattr(estimator, name)
        if value is not None and not (isinstance(value, NUMBER) and 0 <= value < np.inf):
            raise ValueError(f"{name} is {value!r}; wanted a number of at least 0")
    rate = estimator.reminder_rate
    if rate is not None and not (isinstance(rate, NUMBER) and 0 <= rate <= 1):
        raise ValueError(f"reminder_rate is {rate!r}; wanted a number from 0 to 1")
    share = estimator.validation_fraction
    if not (isinstance(share, NUMBER) and 0 <= share < 1):
        raise ValueError(f"validation_fraction is {share!r}; wanted a number from 0 to below 1")
    _check_hide_rate(estimator.hide_rate)


def _check_hide_rate(rate: Any) -> None:
    ends = rate if isinstance(rate, tuple | list) and len(rate) == 2 else (rate, rate)
    numbers = all(isinstance(end, NUMBER) for end in ends)
    if rate is not None and not (numbers and 0 <= ends[0] <= ends[1] < 1):
        raise ValueError(f"hide_rate is {rate!r}; wanted a share below 1, or the two ends of a range of them")
