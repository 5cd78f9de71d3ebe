"""Ranges of the parameters of `MaskedSeriesEncoder`, and the values of the recipes."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from torch import nn

from tsrep.base.parameters import Range, boolean, integer, is_number, number, one_of, out_of_range
from tsrep.masked.masks import KINDS, Mask
from tsrep.masked.patches import INPUTS
from tsrep.masked.simmim import HEADS
from tsrep.masked.targets import TARGETS
from tsrep.masked.targets.lost import LostFunction
from tsrep.masked.targets.scaled import LOSSES
from tsrep.masked.targets.target import Target

DESIGNS = ("mae", "simmim", "autoencoder")
ENCODERS = ("transformer", "ts2vec", "ssgan")
TOKENS = 32  # patches of a series, unless told otherwise


@dataclass(frozen=True)
class Settings:
    """The values of a recipe and of an encoder's kind, which parameters that are not None replace."""

    design: str
    encoder: Any
    target: Any
    mask: str
    mask_ratio: float | tuple[float, float]
    loss: str
    contrast_weight: float
    pool: Any
    max_steps: int
    n_components: int
    depth: int
    lr: float
    weight_decay: float
    max_norm: float | None
    warm_up: float
    average: bool
    batch_size: int

    @property
    def targets(self) -> tuple[Any, ...]:
        """The targets, one or several."""
        several = isinstance(self.target, list | tuple) and not isinstance(self.target, LostFunction)
        return tuple(self.target) if several else (self.target,)


RECIPES: dict[str, dict[str, Any]] = {
    "best": {  # MaskFeat's idea on TS2Vec's network, with features of random kernels (docs/findings.md)
        "design": "simmim",
        "encoder": "ts2vec",
        "target": "random_kernels",
        "mask": "random",
        "mask_ratio": (0.3, 0.8),
        "loss": "squared",
        "contrast_weight": 0.0,
        "pool": "rich",
        "max_steps": 1000,
    },
    "paper": {  # MAE (He et al., CVPR 2022): values of random patches, three quarters hidden
        "design": "mae",
        "encoder": "transformer",
        "target": "values",
        "mask": "random",
        "mask_ratio": 0.75,
        "loss": "squared",
        "contrast_weight": 0.0,
        "pool": "mean",
        "max_steps": 1000,
    },
}

CONVOLUTIONS = {  # TS2Vec's
    "n_components": 320,
    "depth": 10,
    "lr": 1e-3,
    "weight_decay": 0.01,
    "max_norm": None,
    "warm_up": 0.0,
    "average": True,
    "batch_size": 8,
}
TRANSFORMER = {  # MAE's rules, a small network
    "n_components": 128,
    "depth": 4,
    "lr": 1e-3,
    "weight_decay": 0.05,
    "max_norm": 1.0,
    "warm_up": 0.1,
    "average": False,
    "batch_size": 32,
}
GENERATOR = {  # the imputer's
    "n_components": 128,
    "depth": 2,
    "lr": 6e-3,
    "weight_decay": 0.3,
    "max_norm": 1.0,
    "warm_up": 0.05,
    "average": False,
    "batch_size": 32,
}


def resolved(estimator: Any) -> Settings:
    """The settings of an estimator: where a parameter is None, those of its recipe and of its encoder's kind.

    `design="mae"` and "autoencoder" take the Transformer where no encoder is given; another encoder than the
    recipe's is trained with `design="simmim"` where no design is given. A design that is given has its paper's target,
    the values, and so has SSGAN's generator.
    """
    recipe = RECIPES[estimator.recipe]
    names = [field.name for field in fields(Settings)]
    given = {name: getattr(estimator, name, None) for name in names}
    given = {name: value for name, value in given.items() if value is not None}
    of_tokens = given.get("design") in ("mae", "autoencoder")
    encoder = given.get("encoder", "transformer" if of_tokens else recipe["encoder"])
    kind = encoder if isinstance(encoder, str) else "given"
    changes: dict[str, Any] = {"encoder": encoder}
    if kind != recipe["encoder"]:
        changes["design"] = "simmim"
    if "design" in given or kind == "ssgan":
        changes["target"] = "values"
    if given.get("design") == "simmim":
        changes["loss"] = "absolute"
    sizes = {"transformer": TRANSFORMER, "ssgan": GENERATOR}.get(kind, CONVOLUTIONS)
    return Settings(**{**recipe, **sizes, **changes, **given})


def check(estimator: Any) -> None:
    """Raises the ValueError of a combination that cannot be: each parameter is in its range already."""
    settings = resolved(estimator)
    tokens = isinstance(settings.encoder, str) and settings.encoder == "transformer"
    if settings.design in ("mae", "autoencoder") and not tokens:
        named = settings.encoder if isinstance(settings.encoder, str) else type(settings.encoder).__name__
        raise ValueError(
            f"design is {settings.design!r} and encoder {named!r}; wanted design='simmim' or encoder='transformer': "
            "a convolution or a recurrent network cannot leave hidden steps out of its input"
        )
    if settings.design == "mae" and settings.contrast_weight > 0:
        raise ValueError(
            f"contrast_weight is {settings.contrast_weight!r}; wanted 0 with design='mae', whose encoder sees the "
            "visible patches only: two views have no vectors of the same patches to contrast"
        )
    if estimator.decoder_attention == "cross" and estimator.loss_on == "all":
        raise ValueError("loss_on is 'all'; wanted 'hidden' with decoder_attention='cross'")
    generator = isinstance(settings.encoder, str) and settings.encoder == "ssgan"
    if generator and settings.n_components % (2 * estimator.n_heads):
        wanted = f"a multiple of 2 * n_heads = {2 * estimator.n_heads} with encoder='ssgan'"
        raise out_of_range("n_components", settings.n_components, wanted)
    if estimator.head == "deep" and not tokens:
        raise out_of_range("head", estimator.head, "'linear' or 'mlp' with an encoder of steps")


def mask_of(estimator: Any) -> Mask:
    """The mask of an estimator's parameters."""
    settings = resolved(estimator)
    return Mask(settings.mask, settings.mask_ratio, estimator.mask_span, bool(estimator.shared_mask))


def patch_length_for(steps: int) -> int:
    """The patch length with which a series of `steps` steps has about `TOKENS` patches."""
    return max(1, round(steps / TOKENS))


def share(value: Any) -> bool:
    """Whether `value` is a number above 0 and below 1, or two that ascend."""
    pair = value if isinstance(value, list | tuple) else (value, value)
    return len(pair) == 2 and all(is_number(each) and 0 < each < 1 for each in pair) and pair[0] <= pair[1]


def _span(value: Any) -> bool:
    if value is None:
        return True
    pair = value if isinstance(value, list | tuple) else (value, value)
    return len(pair) == 2 and all(is_number(each) and each >= 1 for each in pair) and pair[0] <= pair[1]


def _target(value: Any) -> bool:
    named = isinstance(value, str) and value in (*TARGETS, "teacher")
    return (
        named
        or isinstance(value, LostFunction)
        or (isinstance(value, type) and issubclass(value, Target))
        or _function(value)
    )


def _function(value: Any) -> bool:
    return callable(value) and not isinstance(value, str | type)


def _targets(value: Any) -> bool:
    several = isinstance(value, list | tuple) and not isinstance(value, LostFunction)
    return all(map(_target, value)) and len(value) > 0 if several else _target(value)


def _encoder(value: Any) -> bool:
    if isinstance(value, str):
        return value in ENCODERS
    return isinstance(value, nn.Module) or hasattr(value, "get_params")


def _inputs(value: Any) -> bool:
    if isinstance(value, str) or not np.iterable(value):
        return False
    names = list(value)
    return bool(names) and all(isinstance(name, str) and name in INPUTS for name in names)


def _none(allowed: Range) -> Range:
    return Range(f"{allowed.wanted}, or None", lambda value: value is None or allowed.holds(value))


RANGES: dict[str, Range] = {
    "recipe": one_of(*RECIPES),
    "design": one_of(None, *DESIGNS),
    "encoder": _none(
        Range(f"one of {list(ENCODERS)}, a fitted encoder or imputer, or a torch module", _encoder)
    ),
    "target": _none(
        Range(
            f"one of {[*TARGETS, 'teacher']}, a Target, a function of patches, or a list of these", _targets
        )
    ),
    "mask": one_of(None, *KINDS),
    "mask_ratio": _none(Range("a number between 0 and 1, or two that ascend", share)),
    "mask_span": Range("a number of at least 1, two that ascend, or None", _span),
    "shared_mask": boolean(),
    "patch_length": integer(1, none=True),
    "n_components": integer(1, none=True),
    "hidden_channels": integer(1),
    "depth": integer(0, none=True),
    "n_heads": integer(1),
    "inputs": Range(f"a list of some of {list(INPUTS)}", _inputs),
    "decoder_depth": integer(0),
    "decoder_width": integer(2),
    "decoder_attention": one_of("self", "cross"),
    "head": one_of(*HEADS),
    "loss": one_of(None, *LOSSES),
    "loss_on": one_of("hidden", "all"),
    "contrast_weight": number(0, none=True),
    "teacher_momentum": number(0, 1),
    "variance_weight": number(0),
    "max_train_length": integer(1, none=True),
    "batch_size": integer(1, none=True),
    "lr": number(above=0, none=True),
}
