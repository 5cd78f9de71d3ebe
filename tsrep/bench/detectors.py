"""What can stand in a row of the anomaly table. A method sees the training part, then scores the rest.

Each takes a `Task` and gives an outcome for each of its scores by name: TS2Vec and the untrained network have one for
each score of `tsrep.tasks.RepresentationAnomalyDetector`, the others one called "".
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsrep.bench import detection_baselines as baselines
from tsrep.tasks import ANOMALY_SCORES, RepresentationAnomalyDetector, deviation_threshold, raise_alarms

Array = NDArray[Any]
DELAY = 7


@dataclass(frozen=True)
class Task:
    """A series `values` (t, c) of which the first `start` steps are for training; `encoder` gives a fitted encoder."""

    values: Array
    start: int
    seed: int
    cold_start: bool
    encoder: Callable[[], Any]


@dataclass(frozen=True)
class Outcome:
    """(t - start,) scores and alarms of what comes after the training part, and the seconds that they took."""

    scores: Array
    alarms: Array
    seconds: float


class Remembering:
    """A fitted encoder that keeps the representations it has given, so that several scores of a series share them."""

    def __init__(self, encoder: Any) -> None:
        self.encoder = encoder
        self.kept: dict[tuple[str, int], tuple[Array, Array]] = {}

    def fit(self, X: Any, y: Any = None) -> Remembering:
        raise TypeError("the encoder is fitted and stays so")

    def encode_causal(self, X: Array, context: int, hide_last: bool = False) -> Array:
        return self.encode_causal_pair(X, context)[int(hide_last)]

    def encode_causal_pair(self, X: Array, context: int) -> tuple[Array, Array]:
        if len(X) > 1:  # the coarse scales of one score only
            return self.encoder.encode_causal_pair(X, context)
        key = hashlib.blake2b(np.ascontiguousarray(X).tobytes()).hexdigest(), context
        if key not in self.kept:
            self.kept[key] = self.encoder.encode_causal_pair(X, context)
        return self.kept[key]


def representation(task: Task) -> dict[str, Outcome]:
    """Every score of the detector on one encoder; the seconds of the first hold the encoding that others share."""
    encoder = Remembering(task.encoder())
    threshold = "running" if task.cold_start else "deviation"
    history, later = task.values[: task.start], task.values[task.start :]
    outcomes = {}
    for score in ANOMALY_SCORES:
        started = time.perf_counter()
        detector = RepresentationAnomalyDetector(
            encoder, score=score, prefit=True, threshold=threshold, delay=DELAY
        )
        detector.fit(history)
        scores = detector.decision_function(later, history=history)
        seconds = time.perf_counter() - started
        outcomes[score] = Outcome(scores, detector.predict(later, history=history), seconds)
    return outcomes


def baseline(score: Callable[[Array, int, int], Array], task: Task) -> dict[str, Outcome]:
    """A baseline's scores, with the paper's rule for alarms on them: above mean and four deviations of training."""
    started = time.perf_counter()
    scores = score(baselines.fill_gaps(task.values), task.start, task.seed)
    seconds = time.perf_counter() - started
    alarms = raise_alarms(scores, deviation_threshold(scores[: task.start]), DELAY)
    return {"": Outcome(scores[task.start :], alarms[task.start :], seconds)}


METHODS: dict[str, Callable[[Task], dict[str, Outcome]]] = {
    "ts2vec": representation,
    "untrained": representation,
    "moving-z": partial(baseline, baselines.moving_z_score),
    "isolation-forest": partial(baseline, baselines.isolation_forest),
    "matrix-profile": partial(baseline, baselines.matrix_profile),
    "random": partial(baseline, baselines.chance),
}
SEEDLESS = frozenset({"moving-z", "matrix-profile"})
ENCODERS = frozenset({"ts2vec", "untrained"})
