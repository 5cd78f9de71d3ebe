"""One anomaly cell: a method on a series, from file to metrics; or the training of an encoder that cells share."""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from tsrep.bench.anomaly.encoders import archive_encoder, prepared
from tsrep.bench.anomaly.methods import METHODS
from tsrep.bench.anomaly.task import (
    COLD_START,
    DELAY_STEPS,
    TRAIN_LENGTH_STEPS,
    TRAINING,
    VUS_WINDOW_STEPS,
    Array,
    Outcome,
    Task,
)
from tsrep.bench.cells import Cell
from tsrep.data import load_anomaly
from tsrep.metrics import (
    adjust_to_delay,
    adjust_to_segments,
    auc_pr,
    peak_hits,
    precision_recall_f1,
    vus_pr,
    vus_roc,
)


def evaluate(
    cell: Cell, root: Path | None = None, encoders: Path | None = None, max_steps: int | None = None
) -> dict[str, Any]:
    """Numbers of one cell: the metrics of each score of the method, seconds, sizes; or those of a training.

    `encoders` is the folder in which trained encoders are kept; `max_steps` their training steps.
    """
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
    """Metrics of one score; without labels of both classes, those that need none but the alarms.

    The entries of "counts" are the numbers of (hits, alarms, anomalous steps): raw, and after each adjustment.
    """
    both = bool(labels.any()) and not labels.all()
    delayed = adjust_to_delay(labels, outcome.alarms, DELAY_STEPS)
    whole = adjust_to_segments(labels, outcome.alarms)
    return {
        "vus_pr": vus_pr(labels, outcome.scores, VUS_WINDOW_STEPS) if both else None,
        "vus_roc": vus_roc(labels, outcome.scores, VUS_WINDOW_STEPS) if both else None,
        "auc_pr": auc_pr(labels, outcome.scores) if both else None,
        "peak_hits": peak_hits(labels, outcome.scores) if both else None,
        "f1": precision_recall_f1(labels, outcome.alarms).f1,
        "delay_adjusted_f1": precision_recall_f1(labels, delayed).f1,
        "counts": {
            kind: [int(np.sum(labels * alarms)), int(np.sum(alarms)), int(np.sum(labels))]
            for kind, alarms in (("raw", outcome.alarms), ("delay", delayed), ("segment", whole))
        },
        "seconds": round(outcome.seconds, 3),
    }


def _training(cell: Cell, root: Path | None, encoders: Path | None, max_steps: int | None) -> dict[str, Any]:
    encoder = archive_encoder(cell.dataset, "ts2vec", cell.seed, 0, root, encoders, max_steps)
    history = encoder.history_
    return {
        "archive": cell.dataset,
        "steps": len(history),
        "last_loss": float(history[-1]["loss"]) if history else None,
        "max_train_length": TRAIN_LENGTH_STEPS,
    }


def expected_cost(cell: Cell, root: Path | None = None) -> float:
    """Rough effort of a cell, for the order of a run: by length and method."""
    archive, _, name = cell.dataset.partition("/")
    weight = {"ts2vec": 30, "untrained": 30, "matrix-profile": 20, "isolation-forest": 3}.get(cell.method, 1)
    return weight * float(_size(archive, name, root))


@cache
def _size(archive: str, name: str, root: Path | None) -> int:
    return load_anomaly(archive, name, root).values.size
