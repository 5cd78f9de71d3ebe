"""One cell: a configuration fitted on a set with a seed, and what its features are worth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tsrep.bench.cells import Cell
from tsrep.bench.classification.evaluate import dataset_shape
from tsrep.bench.masked.filling import filling_errors
from tsrep.bench.masked.measures import measures, probe_accuracy
from tsrep.bench.masked.methods import Learned, features_by_layer, learn
from tsrep.bench.masked.studies import CONFIGURATIONS, HYDRA, MASKED, RAW, studies_with
from tsrep.bench.masked.task import MOST_TEST, MOST_TRAIN, Task, half, load
from tsrep.bench.stopwatch import Stopwatch

FINETUNE_STEPS = 150

DEAREST = {MASKED: 1.0, HYDRA: 0.3, RAW: 0.03}
"""Expected effort per value, about; a kind that is not here: 1."""


def evaluate(cell: Cell, root: Path | None = None, python: Path | None = None) -> dict[str, Any]:
    """The measures of each read-out, errors on hidden values, what the studies ask beside, seconds and sizes.

    Features without a read-out of their own stand under both.
    """
    configuration, task = CONFIGURATIONS[cell.method], load(cell.dataset, root)
    learned = learn(configuration, task, cell.seed, python)
    numbers: dict[str, Any] = {}
    for read_out, (train, test) in learned.features.items():
        found = measures(train, task.y_train, test, task.y_test, cell.seed)
        numbers |= {f"{read_out}_{name}": value for name, value in found.items()}
    if "rich" not in learned.features:
        numbers |= {name.replace("plain_", "rich_", 1): value for name, value in numbers.items()}
    return {
        **numbers,
        **_filling(configuration.kind, learned, task),
        **_asked(cell, learned, task),
        "half": half(cell.dataset),
        "dimensions": {name: train.shape[1] for name, (train, _) in learned.features.items()},
        "stage_seconds": learned.seconds,
        "n_train": len(task.X_train),
        "n_test": len(task.X_test),
        "n_channels": task.X_train.shape[1],
        "length": task.X_train.shape[2],
        "n_classes": int(task.y_train.max()) + 1,
        "settings": dict(configuration.settings),
        **learned.notes,
    }


def _filling(kind: str, learned: Learned, task: Task) -> dict[str, Any]:
    if kind != MASKED:
        return {}
    encoder = learned.encoder
    return filling_errors(task.X_train, task.X_test, lambda X, hidden: encoder.reconstruct(X, hidden=hidden))


def _asked(cell: Cell, learned: Learned, task: Task) -> dict[str, Any]:
    """Accuracy by layer and after fine-tuning, where a study with this configuration asks for them."""
    asking = studies_with(cell.method)
    found: dict[str, Any] = {}
    if any(study.by_layer for study in asking):
        found["probe_by_layer"] = [
            probe_accuracy(train, task.y_train, test, task.y_test)
            for train, test in features_by_layer(learned.encoder, task)
        ]
    if any(study.finetune for study in asking):
        watch = Stopwatch()
        with watch("finetune"):
            classifier = learned.encoder.finetune(
                task.X_train, task.y_train, max_steps=FINETUNE_STEPS, random_state=cell.seed
            )
        found["finetuned"] = float(classifier.score(task.X_test, task.y_test))
        learned.seconds |= watch.seconds
    return found


def expected_cost(cell: Cell, root: Path | None = None) -> float:
    """About the number of values that are computed on."""
    shape = dataset_shape(cell.dataset, root)
    series = min(shape.n_train, MOST_TRAIN) + min(shape.n_test, MOST_TEST)
    return series * shape.n_channels * shape.length * DEAREST.get(CONFIGURATIONS[cell.method].kind, 1.0)
