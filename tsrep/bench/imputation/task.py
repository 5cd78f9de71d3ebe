"""What an imputer is given and gives back: the parts of a set in standard deviations, with values taken away.

A variant names pattern and per cent of the observed values that are taken away: "mcar10", "block50". In the pattern
`mcar` every value goes with that chance by itself, drawn from `RandomState(100 + seed)` for the training, 200 + seed
for the validation and 300 + seed for the test part over arrays (n, t, c). The other patterns are those of
`tsrep.data.missing`. Mean and deviation are those of the training part before anything is taken away. Errors are taken
over what was taken away from the test part.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsrep.data import load_imputation, missing

Array = NDArray[Any]

PATTERNS: dict[str, Callable[..., Array] | None] = {
    "mcar": None,  # drawn here
    "block": partial(missing.blocks, length=10),
    "channel": missing.channels,
    "ends": missing.ends,
    "mar": missing.mar,
    "mnar": missing.mnar,
}
FIRST_SEEDS = {"train": 100, "validation": 200, "test": 300}


@dataclass(frozen=True)
class Task:
    """`train`, `validation`, `test` (n, c, t): what a method sees, NaN where nothing was measured or it was taken away.
    `validation_truth` and `test_truth` have what was taken away. An instance may hold no value at all."""

    name: str
    seed: int
    train: Array
    validation: Array
    test: Array
    validation_truth: Array
    test_truth: Array
    y_train: Array | None
    y_test: Array | None

    @property
    def held_out(self) -> Array:
        """Where a value of the test part was taken away."""
        return np.isnan(self.test) & ~np.isnan(self.test_truth)


@dataclass
class Outcome:
    """`imputed` (n, c, t) is the test part without gaps; `samples` (s, n, c, t) and class `probabilities` (n, k) where
    a method has them; `notes` are further entries of the result line."""

    imputed: Array
    notes: dict[str, Any] = field(default_factory=dict)
    samples: Array | None = None
    probabilities: Array | None = None
    classes: Array | None = None


def make_task(name: str, variant: str, seed: int, root: Path | None = None) -> Task:
    """ValueError where `variant` is not a pattern and a percentage."""
    pattern, rate = read_variant(variant)
    whole = load_imputation(name, root)
    mean, deviation = _moments(whole.train)
    truths = {part: (getattr(whole, part) - mean) / deviation for part in FIRST_SEEDS}
    seen = {
        part: _taken_away(truth, pattern, rate, FIRST_SEEDS[part] + seed) for part, truth in truths.items()
    }
    return Task(
        name, seed, **seen, validation_truth=truths["validation"], test_truth=truths["test"],
        y_train=whole.y_train, y_test=whole.y_test,
    )  # fmt: skip


def read_variant(variant: str) -> tuple[str, float]:
    """("mcar", 0.1) of "mcar10"."""
    match = re.fullmatch(r"([a-z]+)(\d{1,2})", variant)
    if not match or match[1] not in PATTERNS or not int(match[2]):
        patterns = ", ".join(PATTERNS)
        raise ValueError(f"variant is {variant!r}; wanted one of {patterns} and per cent, mcar10 for example")
    return match[1], int(match[2]) / 100


def _taken_away(truth: Array, pattern: str, rate: float, seed: int) -> Array:
    take = PATTERNS[pattern]
    if take is not None:
        return take(truth, rate, seed)
    n, channels, length = truth.shape
    gone = np.random.RandomState(seed).rand(n, length, channels).transpose(0, 2, 1) < rate
    return np.where(gone, np.nan, truth)


def _moments(train: Array) -> tuple[Array, Array]:
    """Mean and deviation of each channel, (c, 1); 0 and 1 for one that was never observed or does not vary."""
    observed = ~np.isnan(train)
    count = np.maximum(observed.sum(axis=(0, 2)), 1)[:, None]
    mean = np.nansum(train, axis=(0, 2))[:, None] / count
    deviation = np.sqrt(np.nansum((train - mean) ** 2, axis=(0, 2))[:, None] / count)
    return mean, np.where(deviation > 1e-12, deviation, 1.0)
