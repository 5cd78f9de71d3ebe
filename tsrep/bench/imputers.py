"""What can stand in a column of an imputation table. Each takes a `Task` and returns an `Outcome`.

Rules that learn nothing, scikit-learn's imputers on rows of simultaneous values, `SSGANImputer` with its settings
varied, and networks of PyPOTS in an interpreter of their own. A method learns from the training part (the peers stop
early by the validation part), and fills the test part; labels are those of the training part.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsrep.bench.imputation_task import Task

Array = NDArray[Any]

ROWS = 12_000
"""Rows that scikit-learn's imputers learn from at most, drawn with the cell's seed."""
COLUMNS, NEAREST = 100, 30
"""With more columns than the first, the iterative imputer regresses on the second number of most alike ones."""
SAMPLES = 20


@dataclass
class Outcome:
    """`imputed` (n, c, t) the test part without gaps; samples of it (s, n, c, t) and class probabilities (n, k) where a
    method has them; what a reader of the result line should know."""

    imputed: Array
    notes: dict[str, Any] = field(default_factory=dict)
    samples: Array | None = None
    probabilities: Array | None = None
    classes: Array | None = None


# Rules


def mean(task: Task) -> Outcome:
    """The mean of the channel in the training part, which is 0."""
    return Outcome(np.nan_to_num(task.test))


def locf(task: Task) -> Outcome:
    """The last observed value; before the first one the first; the mean where a channel of an instance has none."""
    return Outcome(last_observed(task.test))


def linear(task: Task) -> Outcome:
    """A straight line between the values before and after; beyond the outermost, that; the mean where there is none."""
    return Outcome(interpolated(task.test))


def last_observed(panel: Array) -> Array:
    """`panel` (n, c, t) as `locf` fills it."""
    before, after = _neighbours(panel)
    return _taken(panel, np.where(before >= 0, before, after))


def interpolated(panel: Array) -> Array:
    """`panel` (n, c, t) as `linear` fills it."""
    length = panel.shape[-1]
    before, after = _neighbours(panel)
    first = np.where(before >= 0, before, after)
    second = np.where(after < length, after, before)
    apart = np.maximum(second - first, 1)
    share = np.clip((np.arange(length) - first) / apart, 0.0, 1.0)
    return (1 - share) * _taken(panel, first) + share * _taken(panel, second)


def _neighbours(panel: Array) -> tuple[Array, Array]:
    """The steps of the observed values at or before, and at or after, each step; -1 and t where there is none."""
    steps, length = np.arange(panel.shape[-1]), panel.shape[-1]
    observed = ~np.isnan(panel)
    before = np.maximum.accumulate(np.where(observed, steps, -1), axis=-1)
    after = np.minimum.accumulate(np.where(observed, steps, length)[..., ::-1], axis=-1)[..., ::-1]
    return before, after


def _taken(panel: Array, steps: Array) -> Array:
    inside = np.clip(steps, 0, panel.shape[-1] - 1)
    return np.nan_to_num(np.take_along_axis(panel, inside, axis=-1))


# scikit-learn, on rows


def knn(task: Task) -> Outcome:
    """The mean of the five most alike rows, by the values that both have."""
    from sklearn.impute import KNNImputer

    return _by_rows(task, KNNImputer(keep_empty_features=True), lags=False)


def iterative(task: Task) -> Outcome:
    """Each channel by Bayesian ridge regression on the others at the same step, ten rounds."""
    return _by_rows(task, None, lags=False)


def iterative_lags(task: Task) -> Outcome:
    """The same, on all channels at the step before and the step after too."""
    return _by_rows(task, None, lags=True)


def _by_rows(task: Task, imputer: Any, lags: bool) -> Outcome:
    train, test = (_rows(panel, lags) for panel in (task.train, task.test))
    notes: dict[str, Any] = {"rows": len(train)}
    if len(train) > ROWS:
        train = train[np.sort(np.random.default_rng(task.seed).permutation(len(train))[:ROWS])]
        notes = {"rows": ROWS, "subsampled": True}
    if imputer is None:
        from sklearn.experimental import enable_iterative_imputer  # noqa: F401
        from sklearn.impute import IterativeImputer

        nearest = NEAREST if train.shape[1] > COLUMNS else None
        imputer = IterativeImputer(
            random_state=task.seed, n_nearest_features=nearest, keep_empty_features=True
        )
        notes["nearest_columns"] = nearest
    n, channels, length = task.test.shape
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*Early stopping criterion not reached")  # ten rounds are meant
        imputer.fit(train)
    notes["stage_seconds"] = {"fit": round(time.perf_counter() - started, 2)}
    filled = imputer.transform(test)[:, :channels].reshape(n, length, channels).transpose(0, 2, 1)
    return Outcome(np.where(np.isnan(task.test), filled, task.test), notes)


def _rows(panel: Array, lags: bool) -> Array:
    """(n * t, c) the values of each step; with `lags` (n * t, 3 c): after them those of the step before and after."""
    parts = [panel]
    if lags:
        edge = np.full((*panel.shape[:2], 1), np.nan)
        parts += [
            np.concatenate([edge, panel[..., :-1]], axis=-1),
            np.concatenate([panel[..., 1:], edge], axis=-1),
        ]
    side_by_side = np.concatenate(parts, axis=1)
    return side_by_side.transpose(0, 2, 1).reshape(-1, side_by_side.shape[1])


# SSGAN


def ssgan(task: Task, labels: float = 1.0, **settings: Any) -> Outcome:
    """`SSGANImputer`, given the share `labels` of the labels where the set has some."""
    from tsrep import SSGANImputer

    def held(panel: Array) -> Array:
        return np.asarray(
            (~np.isnan(panel)).any(axis=(1, 2))
        )  # an estimator refuses an instance without a value

    fitted, filled = held(task.train), held(task.test)
    y = None if task.y_train is None or not labels else some_labels(task.y_train[fitted], labels, task.seed)
    started = time.perf_counter()
    imputer = SSGANImputer(random_state=task.seed, **settings).fit(task.train[fitted], y)
    trained = time.perf_counter()
    imputed = np.zeros_like(task.test)
    imputed[filled] = imputer.transform(task.test[filled])
    samples = np.zeros((SAMPLES, *task.test.shape))
    samples[:, filled] = imputer.sample(task.test[filled], n_samples=SAMPLES)
    notes: dict[str, Any] = {
        "settings": settings,
        "steps": len(imputer.history_),
        "rescues": imputer.rescues_,
        "stage_seconds": {
            "fit": round(trained - started, 2),
            "impute": round(time.perf_counter() - trained, 2),
        },
        "fallback": int(np.sum(getattr(imputer, "fallback_", 0))),
    }
    outcome = Outcome(imputed, notes, samples)
    if y is not None:
        notes["labels"] = labels
        outcome.classes = imputer.classes_
        outcome.probabilities = np.full((len(filled), len(imputer.classes_)), 1 / len(imputer.classes_))
        outcome.probabilities[filled] = imputer.predict_proba(task.test[filled])
    return outcome


def some_labels(y: Array, share: float, seed: int) -> Array:
    """Class numbers, -1 but for a share drawn with `seed`, at least one of each class."""
    classes, numbers = np.unique(y, return_inverse=True)
    order = np.random.default_rng(seed).permutation(len(y))
    firsts = [order[np.argmax(numbers[order] == number)] for number in range(len(classes))]
    kept = np.unique([*firsts, *order[: round(share * len(y))]])
    hidden = np.full(len(y), -1)
    hidden[kept] = numbers[kept]
    return hidden


METHODS: dict[str, Callable[[Task], Outcome]] = {
    "mean": mean,
    "locf": locf,
    "linear": linear,
    "knn": knn,
    "iterative": iterative,
    "iterative-lags": iterative_lags,
    "ssgan": ssgan,
    "ssgan-three-networks": partial(ssgan, n_networks=3),
    "ssgan-paper": partial(ssgan, preset="paper"),
    # one ingredient changed
    **{f"ssgan-adversary-{weight}": partial(ssgan, adversarial_weight=weight) for weight in (0.1, 1.0)},
    "ssgan-no-hiding": partial(ssgan, hide_rate=0.0),
    "ssgan-recurrent": partial(ssgan, generator="recurrent"),
    "ssgan-recurrent-core": partial(ssgan, core="recurrent"),
    "ssgan-no-classifier": partial(ssgan, classifier_weight=0.0),
    **{f"ssgan-labels-{share}": partial(ssgan, labels=share / 100) for share in (0, 5, 10, 50)},
    "ssgan-paper-hint": partial(ssgan, preset="paper", reminder="hint"),
    "ssgan-paper-no-reminder": partial(ssgan, preset="paper", reminder=None),
    **{
        f"ssgan-paper-reminder-{rate}": partial(ssgan, preset="paper", reminder_rate=rate / 100)
        for rate in (0, 40, 100)
    },
    "ssgan-paper-no-adversary": partial(ssgan, preset="paper", adversarial_weight=0.0),
    "ssgan-paper-generator": partial(ssgan, preset="paper", adversarial_weight=0.0, labels=0.0),  # BRITS
    "ssgan-paper-no-classifier": partial(ssgan, preset="paper", classifier_weight=0.0),
}
SLOW = frozenset({"knn", "iterative", "iterative-lags"})
"""Measured with one seed on large sets."""
