"""The methods of the anomaly table. A method sees the training part of a series, then scores the rest.

Each takes a `Task` and gives an outcome for each of its scores by name: TS2Vec and the untrained network have one for
each score of `tsrep.tasks.RepresentationAnomalyDetector`, the others one called "". A score with `AHEAD` in its name is
the mean of the scores of a step and of later ones, the mean over `AHEAD_STEPS`, for series that are complete; every
method but chance has it, so that the smoothing is not taken for a merit of the method.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from tsrep.bench.anomaly import baselines
from tsrep.bench.anomaly.task import AHEAD, AHEAD_STEPS, DELAY_STEPS, Array, Outcome, Task
from tsrep.bench.gaps import fill_gaps
from tsrep.tasks import (
    ANOMALY_SCORES,
    RepresentationAnomalyDetector,
    deviation_threshold,
    mean_ahead,
    raise_alarms,
)


class CachedEncoder:
    """A fitted encoder that caches its representations, so that the scores of a series share them."""

    def __init__(self, encoder: Any) -> None:
        self.encoder = encoder
        self.cache: dict[tuple[str, int], tuple[Array, Array]] = {}

    def fit(self, X: Any, y: Any = None) -> CachedEncoder:
        raise TypeError("the encoder is fitted and stays so")

    def encode_causal(self, X: Array, context: int, hide_last: bool = False) -> Array:
        return self.encode_causal_pair(X, context)[int(hide_last)]

    def encode_causal_pair(self, X: Array, context: int) -> tuple[Array, Array]:
        key = hashlib.blake2b(np.ascontiguousarray(X).tobytes()).hexdigest(), context
        if key not in self.cache:
            self.cache[key] = self.encoder.encode_causal_pair(X, context)
        return self.cache[key]


def representation(score_names: tuple[str, ...], task: Task) -> dict[str, Outcome]:
    """Scores of the detector on one encoder; the seconds of the first one hold the encoding that the others share."""
    encoder = CachedEncoder(task.encoder())
    threshold = "running" if task.cold_start else "deviation"
    history, later = task.values[: task.start], task.values[task.start :]
    outcomes = {}
    for score in score_names:
        for ahead in (0, AHEAD_STEPS):
            started = time.perf_counter()
            detector = RepresentationAnomalyDetector(
                encoder, score=score, prefit=True, look_ahead=ahead, threshold=threshold, delay=DELAY_STEPS
            )
            detector.fit(history)
            scores, alarms = detector.scores_and_alarms(later, history=history)
            name = f"{score}, {AHEAD}" if ahead else score
            outcomes[name] = Outcome(scores, alarms, time.perf_counter() - started)
    return outcomes


def baseline(
    score: Callable[[Array, int, int], Array], task: Task, centred: bool = False
) -> dict[str, Outcome]:
    """Scores of a baseline and the paper's rule for alarms: above mean plus four deviations of the training part.

    `centred`: the means take half of their steps from before, for a score that stands at the middle of its window.
    """
    started = time.perf_counter()
    filled = np.ascontiguousarray(fill_gaps(task.values.T[None])[0].T)
    scores = score(filled, task.start, task.seed)
    seconds = time.perf_counter() - started

    def outcome(smooth: Callable[[Array], Array]) -> Outcome:
        all_scores = smooth(scores)
        threshold = deviation_threshold(smooth(scores[: task.start]))
        alarms = raise_alarms(all_scores, threshold, DELAY_STEPS)
        return Outcome(all_scores[task.start :], alarms[task.start :], seconds)

    def mean_over_later(part: Array) -> Array:
        means = []
        for reach in AHEAD_STEPS:
            late = reach // 2 if centred else 0
            put_off = np.concatenate([np.full(late, part[0]), part])[: len(part)]
            means.append(mean_ahead(put_off, reach))
        return np.mean(means, axis=0)

    return {"": outcome(lambda scores: scores), AHEAD: outcome(mean_over_later)}


def chance(task: Task) -> dict[str, Outcome]:
    """`baseline` of random numbers."""
    return {"": baseline(baselines.chance, task)[""]}


SLOW = ("scales",)
"""Scores that take three encodings of a series where the others together take one: a method of their own."""
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
"""Methods that draw nothing at random."""
