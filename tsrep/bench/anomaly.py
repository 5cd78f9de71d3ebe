"""One anomaly cell: a method on a series, from file to metrics; and the encoders that the cells of an archive share.

As in the TS2Vec paper one encoder serves all series of an archive: it is trained on their training parts, together.
In the cold start it is trained on none of them: on the classification set FordA, as in the paper, where that is found,
else on the training parts of all univariate classification sets that are.
"""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsrep.bench.cells import Cell
from tsrep.bench.detectors import DELAY, METHODS, SEEDLESS, Outcome, Task
from tsrep.data import (
    AnomalySeries,
    as_panel,
    find_anomaly,
    find_datasets,
    load_anomaly,
    load_dataset,
    ts2vec_preparation,
)
from tsrep.metrics import (
    adjust_to_delay,
    adjust_to_segments,
    auc_pr,
    peak_hits,
    precision_recall_f1,
    vus_pr,
    vus_roc,
)

Array = NDArray[Any]

COLD_START = "cold-start"
"""The variant of a cell whose encoder has seen no series of the archive; the first tenth of a series is not judged."""
TRAINING = "training"
"""The method of a cell that trains an encoder and judges nothing."""
UNIVARIATE = ("KPI", "NAB", "UCR")
TRAIN_LENGTH = 500
VUS_WINDOW = 100
PER_SET = 40  # instances of a classification set for the cold start


def evaluate(
    cell: Cell, root: Path | None = None, encoders: Path | None = None, max_steps: int | None = None
) -> dict[str, Any]:
    """Numbers of one cell: for each score of the method its metrics, the seconds, sizes; or those of a training."""
    if cell.method == TRAINING:
        return _training(cell, root, encoders, max_steps)
    archive, _, name = cell.dataset.partition("/")
    series = prepared(archive, name, root)
    start = len(series.labels) // 10 if cell.variant == COLD_START else series.train_length
    labels = series.labels[start:]
    shared = COLD_START if cell.variant == COLD_START else archive
    encoder = partial(
        archive_encoder, shared, cell.method, cell.seed, series.values.shape[1], root, encoders, max_steps
    )
    task = Task(series.values, start, cell.seed, cell.variant == COLD_START, encoder)
    outcomes = METHODS[cell.method](task)
    return {
        "scores": {score: judged(labels, outcome) for score, outcome in outcomes.items()},
        "archive": archive,
        "n_train": start,
        "n_test": len(labels),
        "n_channels": series.values.shape[1],
        "n_anomalous": int(labels.sum()),
        "missing": int(np.isnan(series.values).any(axis=1).sum()),
    }


def judged(labels: Array, outcome: Outcome) -> dict[str, Any]:
    """Metrics of one score. Where nothing is labelled, those of scores are None. `delay` and `segment` hold the counts
    (hits, alarms, anomalous steps) after adjustment, to be added up over series."""
    some = bool(labels.any()) and not labels.all()
    delayed = adjust_to_delay(labels, outcome.alarms, DELAY)
    whole = adjust_to_segments(labels, outcome.alarms)
    return {
        "vus_pr": vus_pr(labels, outcome.scores, VUS_WINDOW) if some else None,
        "vus_roc": vus_roc(labels, outcome.scores, VUS_WINDOW) if some else None,
        "auc_pr": auc_pr(labels, outcome.scores) if some else None,
        "peak_hits": peak_hits(labels, outcome.scores) if some else None,
        "f1": precision_recall_f1(labels, outcome.alarms).f1,
        "delay_adjusted_f1": precision_recall_f1(labels, delayed).f1,
        "counts": {
            kind: [int(np.sum(labels * alarms)), int(np.sum(alarms)), int(np.sum(labels))]
            for kind, alarms in (("raw", outcome.alarms), ("delay", delayed), ("segment", whole))
        },
        "seconds": round(outcome.seconds, 3),
    }


def prepared(archive: str, name: str, root: Path | None = None) -> AnomalySeries:
    """A series as the methods get it: KPI as the TS2Vec authors prepare it, the others as they are."""
    series = load_anomaly(archive, name, root)
    return ts2vec_preparation(series) if archive == "KPI" else series


def archive_encoder(
    shared: str,
    method: str,
    seed: int,
    channels: int,
    root: Path | None,
    encoders: Path | None,
    max_steps: int | None,
) -> Any:
    """The fitted encoder: the untrained network, the one kept in the folder `encoders`, or one trained now and kept."""
    from tsrep import TS2Vec, load

    if method == "untrained":
        return TS2Vec(max_steps=0, random_state=seed).fit(np.zeros((1, channels, 2)))
    kept = None if encoders is None else encoders / f"{shared}-seed{seed}"
    if kept is not None and kept.is_dir():
        return load(kept)
    panel = cold_start_panel(root) if shared == COLD_START else training_panel(shared, root)
    encoder = TS2Vec(max_train_length=TRAIN_LENGTH, max_steps=max_steps, random_state=seed).fit(panel)
    if kept is not None:
        encoder.save(kept)
    return encoder


def training_panel(archive: str, root: Path | None = None) -> Array:
    """(n, c, t) the training parts of an archive's series, standardised each, NaN-padded at the end."""
    parts = []
    for name in find_anomaly(root)[archive]:
        train = prepared(archive, name, root).train
        deviation = np.nanstd(train, axis=0)
        parts.append(((train - np.nanmean(train, axis=0)) / np.where(deviation > 0, deviation, 1)).T)
    return as_panel(parts)


def cold_start_panel(root: Path | None = None) -> Array:
    """(n, 1, t) series of classification sets, standardised each: FordA if found, else the first 40 of each UCR set,
    cut at 500 steps."""
    found = find_datasets(root)["UCR"]
    names = ["FordA"] if "FordA" in found else found
    limit = None if names == ["FordA"] else PER_SET
    parts = []
    for name in names:
        panel = as_panel(load_dataset(name, split="train", root=root)[0])[:limit, :, :TRAIN_LENGTH]
        deviation = np.nanstd(panel, axis=2, keepdims=True)
        scaled = (panel - np.nanmean(panel, axis=2, keepdims=True)) / np.where(deviation > 0, deviation, 1)
        parts += list(scaled)
    return as_panel(parts)


def _training(cell: Cell, root: Path | None, encoders: Path | None, max_steps: int | None) -> dict[str, Any]:
    encoder = archive_encoder(cell.dataset, "ts2vec", cell.seed, 0, root, encoders, max_steps)
    history = encoder.history_
    return {
        "archive": cell.dataset,
        "steps": len(history),
        "last_loss": float(history[-1]["loss"]) if history else None,
        "max_train_length": TRAIN_LENGTH,
    }


def anomaly_cells(
    datasets: list[str], methods: list[str], settings: list[str], seeds: list[int]
) -> tuple[list[Cell], list[Cell]]:
    """(trainings, cells): each series ("archive/name") with every method in every setting, and the trainings before.

    A method without randomness is measured once. Only univariate archives have a cold start.
    """
    trainings, cells = [], []
    for seed in seeds:
        for setting in settings:
            fitting = [c for c in datasets if setting != COLD_START or c.split("/")[0] in UNIVARIATE]
            variant = COLD_START if setting == COLD_START else ""
            if "ts2vec" in methods and fitting:
                shared = [COLD_START] if variant else sorted({dataset.split("/")[0] for dataset in fitting})
                trainings += [Cell("anomaly", one, TRAINING, seed) for one in shared]
            cells += [
                Cell("anomaly", dataset, method, seed, variant)
                for dataset in fitting
                for method in methods
                if seed == seeds[0] or method not in SEEDLESS
            ]
    return trainings, cells


def expected_cost(cell: Cell, root: Path | None = None) -> float:
    """Rough effort of a cell, for the order of a run: by length and method."""
    archive, _, name = cell.dataset.partition("/")
    weight = {"ts2vec": 30, "untrained": 30, "matrix-profile": 20, "isolation-forest": 3}.get(cell.method, 1)
    return weight * float(_size(archive, name, root))


@cache
def _size(archive: str, name: str, root: Path | None) -> int:
    return load_anomaly(archive, name, root).values.size
