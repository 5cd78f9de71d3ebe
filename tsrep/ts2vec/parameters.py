"""What each parameter of `TS2Vec` may be."""

from __future__ import annotations

from typing import Any

import numpy as np

from tsrep.ts2vec.augment import AUGMENTATIONS
from tsrep.ts2vec.build import BACKBONES
from tsrep.ts2vec.masks import MASKS
from tsrep.ts2vec.objective import PAIRS
from tsrep.ts2vec.pooling import POOLINGS

RECIPES = ("paper",)

INTEGER = (int, np.integer)
NUMBER = (int, float, np.integer, np.floating)

_CHOICES: dict[str, tuple[Any, ...]] = {
    "pooling": tuple(POOLINGS),
    "recipe": RECIPES,
    "mask": tuple(MASKS),
    "positive_pairs": PAIRS,
    "augmentation": (None, *AUGMENTATIONS),
    "backbone": BACKBONES,
}
_AT_LEAST = {
    "n_components": 1,
    "hidden_channels": 1,
    "depth": 0,
    "batch_size": 1,
    "temporal_unit": 0,
    "max_train_length": 1,
    "checkpoint_every": 1,
}
_AT_LEAST_OR_NONE = {"max_steps": 0, "max_epochs": 0, "patience": 1}


def check_parameters(estimator: Any) -> None:
    """Raises `ValueError` that names the first parameter out of its range, what it is and what was wanted."""
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
    if not isinstance(estimator.lr, NUMBER) or not estimator.lr > 0:
        raise ValueError(f"lr is {estimator.lr!r}; wanted a number above 0")
    for name, excluded in (("alpha", None), ("validation_fraction", 1)):
        value = getattr(estimator, name)
        if not isinstance(value, NUMBER) or not 0 <= value <= 1 or value == excluded:
            raise ValueError(f"{name} is {value!r}; wanted a number from 0 to 1")
    if estimator.patience is not None and estimator.validation_fraction == 0:
        raise ValueError("patience waits for a validation loss: set validation_fraction above 0 as well")
