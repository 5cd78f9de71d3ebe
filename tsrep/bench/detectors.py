"""What can stand in a row of the anomaly table. A method sees the training part, then scores the rest.

Each takes a `Task` and gives an outcome for each of its scores by name: TS2Vec and the untrained network have one for
each score of `tsrep.tasks.RepresentationAnomalyDetector`, the others one called "". A score with `AHEAD` in its name is
the mean of a step's and of those after it, the mean of the `REACHES`, which is for a series that is finished; every
method but chance has it, so that the smoothing is not taken for a merit of the method.
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
from tsrep.tasks import (
    ANOMALY_SCORES,
    RepresentationAnomalyDetector,
    deviation_threshold,
    mean_ahead,
    raise_alarms,
)

Array = NDArray[Any]
DELAY = 7
REACHES = (0, 16, 50, 100)
"""Steps of the means that look ahead, of which the mean is taken, since nobody knows how long an anomaly lasts: none,
the window of `pooled`, and up to the widest buffer of VUS-PR."""
AHEAD = "looking ahead"


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
        key = hashlib.blake2b(np.ascontiguousarray(X).tobytes()).hexdigest(), context
        if key not in self.kept:
            self.kept[key] = self.encoder.encode_causal_pair(X, context)
        return self.kept[key]


def representation(of_interest: tuple[str, ...], task: Task) -> dict[str, Outcome]:
    """These scores of the detector on one encoder; the seconds of the first hold the encoding that others share."""
    encoder = Remembering(task.encoder())
    threshold = "running" if task.cold_start else "deviation"
    history, later = task.values[: task.start], task.values[task.start :]
    outcomes = {}
    for score in of_interest:
        for ahead in (0, REACHES):
            started = time.perf_counter()
            detector = RepresentationAnomalyDetector(
                encoder, score=score, prefit=True, look_ahead=ahead, threshold=threshold, delay=DELAY
            )
            detector.fit(history)
            scores, alarms = detector.scores_and_alarms(later, history=history)
            name = f"{score}, {AHEAD}" if ahead else score
            outcomes[name] = Outcome(scores, alarms, time.perf_counter() - started)
    return outcomes


def baseline(
    score: Callable[[Array, int, int], Array], task: Task, centred: bool = False
) -> dict[str, Outcome]:
    """A baseline's scores, with the paper's rule for alarms on them: above mean and four deviations of training.

    `centred`: the means take half of their steps from before, for a score that stands at the middle of what it judges.
    """
    started = time.perf_counter()
    scores = score(baselines.fill_gaps(task.values), task.start, task.seed)
    seconds = time.perf_counter() - started

    def outcome(part: Callable[[Array], Array]) -> Outcome:
        over_all = part(scores)
        threshold = deviation_threshold(part(scores[: task.start]))
        alarms = raise_alarms(over_all, threshold, DELAY)
        return Outcome(over_all[task.start :], alarms[task.start :], seconds)

    def smoothed(part: Array) -> Array:
        means = []
        for reach in REACHES:
            late = reach // 2 if centred else 0
            put_off = np.concatenate([np.full(late, part[0]), part])[: len(part)]
            means.append(mean_ahead(put_off, reach))
        return np.mean(means, axis=0)

    return {"": outcome(lambda part: part), AHEAD: outcome(smoothed)}


def chance(task: Task) -> dict[str, Outcome]:
    """`baseline` of random numbers."""
    return {"": baseline(baselines.chance, task)[""]}


SLOW = ("scales",)
"""Scores that cost three encodings of a series where the others together cost one: a method of their own."""
QUICK = tuple(score for score in ANOMALY_SCORES if score not in SLOW)

METHODS: dict[str, Callable[[Task], dict[str, Outcome]]] = {
    "ts2vec": partial(representation, QUICK),
    "untrained": partial(representation, QUICK),
    "ts2vec-scales": partial(representation, SLOW),
    "moving-z": partial(baseline, baselines.moving_z_score),
    "isolation-forest": partial(baseline, baselines.isolation_forest),
    "matrix-profile": partial(baseline, baselines.matrix_profile, centred=True),
    "random": chance,
}
SEEDLESS = frozenset({"moving-z", "matrix-profile"})
