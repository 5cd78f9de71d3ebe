"""`SSGANImputer` as a method of the imputation tables."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from tsrep.bench.imputation.task import Array, Outcome, Task

DEFAULT: dict[str, Any] = {"recipe": "best"}
PAPER: dict[str, Any] = {"recipe": "paper"}
N_SAMPLES = 20


def imputer_of(seed: int, **settings: Any) -> Any:
    """An unfitted `SSGANImputer` with `settings`, otherwise `DEFAULT`."""
    from tsrep import SSGANImputer

    return SSGANImputer(**{**DEFAULT, **settings}, random_state=seed)


def ssgan(task: Task, labels: float = 1.0, **settings: Any) -> Outcome:
    """`SSGANImputer`, given the share `labels` of the labels where the set has some."""

    def held(panel: Array) -> Array:
        return np.asarray(
            (~np.isnan(panel)).any(axis=(1, 2))
        )  # an estimator refuses an instance without a value

    fitted, filled = held(task.train), held(task.test)
    y = None if task.y_train is None or not labels else some_labels(task.y_train[fitted], labels, task.seed)
    started = time.perf_counter()
    imputer = imputer_of(task.seed, **settings).fit(task.train[fitted], y)
    trained = time.perf_counter()
    imputed = np.zeros_like(task.test)
    imputed[filled] = imputer.transform(task.test[filled])
    samples = np.zeros((N_SAMPLES, *task.test.shape))
    samples[:, filled] = imputer.sample(task.test[filled], n_samples=N_SAMPLES)
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
    if y is not None and task.y_train is not None:
        notes["labels"] = labels
        outcome.classes = np.unique(task.y_train[fitted])[imputer.classes_]
        outcome.probabilities = np.full((len(filled), len(imputer.classes_)), 1 / len(imputer.classes_))
        outcome.probabilities[filled] = imputer.predict_proba(task.test[filled])
    return outcome


def some_labels(y: Array, share: float, seed: int) -> Array:
    """Class numbers, -1 except for a share drawn with `seed`, which has at least one instance of each class."""
    classes, numbers = np.unique(y, return_inverse=True)
    order = np.random.default_rng(seed).permutation(len(y))
    firsts = [order[np.argmax(numbers[order] == number)] for number in range(len(classes))]
    kept = np.unique([*firsts, *order[: round(share * len(y))]])
    hidden = np.full(len(y), -1)
    hidden[kept] = numbers[kept]
    return hidden
