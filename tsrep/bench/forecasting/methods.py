"""The methods of the forecasting tables. Each takes a `Task` and returns an `Outcome`.

The two recipes of `RepresentationForecaster` with TS2Vec, trained and untrained; the second without any representation;
ridge regression on raw values; the last season again; and two networks of the literature, trained here.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from tsrep.bench.forecasting.task import Array, Task
from tsrep.data import FORECASTING_SETS
from tsrep.metrics import mae, mse
from tsrep.tasks import RepresentationForecaster

Forecast = Callable[[Array, int], Array]

PAPER, BEST = "paper", "best"  # the recipes of `RepresentationForecaster`
VALUES_PER_CALL = 2_000_000
"""Forecast values that a method is asked for at a time."""
TRAIN_LENGTH_STEPS = 500
SEASONS = {"h": 24, "15min": 96, "10min": 144, "D": 7, "W-TUE": 52}


class Errors(NamedTuple):
    """Errors at one horizon, over all origins, steps and columns."""

    mse: float
    mae: float


@dataclass
class Outcome:
    """Errors per horizon, `forecast(origin, horizon)` (horizon, c) standardised, further entries of the result line."""

    errors: list[Errors]
    forecast: Callable[[int, int], Array]
    notes: dict[str, Any] = field(default_factory=dict)


# Representations


def ts2vec_faithful(task: Task) -> Outcome:
    """TS2Vec with the authors' settings, and their ridge regression on its representation alone."""
    return _by_representation(task, _ts2vec(task), PAPER)


def ts2vec_best(task: Task) -> Outcome:
    """TS2Vec beside the raw lags: what `RepresentationForecaster` does unless told otherwise.

    Trained on windows of 500 steps, a few times what a causal representation sees, not of the authors' 3,000.
    """
    return _by_representation(task, _ts2vec(task, max_train_length=TRAIN_LENGTH_STEPS), BEST)


def untrained_faithful(task: Task) -> Outcome:
    """As `ts2vec_faithful` with the network's initial random weights."""
    return _by_representation(task, _ts2vec(task, max_steps=0), PAPER)


def untrained_best(task: Task) -> Outcome:
    """As `ts2vec_best` with the network's initial random weights."""
    return _by_representation(task, _ts2vec(task, max_steps=0), BEST)


def best_without(task: Task) -> Outcome:
    """As `ts2vec_best` without any representation: what the recipe is worth by itself."""
    return _by_representation(task, NoRepresentation(), BEST)


def ridge_on_lags(task: Task) -> Outcome:
    """The paper's protocol with the raw values of the window and the calendar of its last step as representation."""
    return _by_representation(task, RawWindow(task.frame.shape[1]), PAPER)


class NoRepresentation:
    """A representation without any component: (n, t, 0)."""

    def fit(self, X: Any) -> NoRepresentation:
        return self

    def encode_causal(self, X: Array, context: int) -> Array:
        return np.empty((len(X), X.shape[2], 0), dtype=np.float32)


class RawWindow:
    """The last `context` + 1 values of the last `columns` channels, and the other channels at the last step.

    A gap keeps its last value; before the first there is 0.
    """

    def __init__(self, columns: int):
        self.columns = columns

    def fit(self, X: Any) -> RawWindow:
        return self

    def encode_causal(self, X: Array, context: int) -> Array:
        own = pd.DataFrame(X[0, -self.columns :].T).ffill().fillna(0.0).to_numpy(dtype=np.float32)
        padded = np.concatenate([np.zeros((context, self.columns), np.float32), own])
        windows = np.lib.stride_tricks.sliding_window_view(padded, context + 1, axis=0)
        flat = windows.reshape(len(own), -1)
        return np.concatenate([flat, X[0, : -self.columns].T.astype(np.float32)], axis=1)[None]


def _ts2vec(task: Task, **settings: Any) -> Any:
    from tsrep import TS2Vec

    return TS2Vec(random_state=task.seed, **settings)


def _by_representation(task: Task, encoder: Any, recipe: str) -> Outcome:
    started = time.perf_counter()
    forecaster = RepresentationForecaster(
        encoder, task.horizons, task.context, recipe=recipe, validation=task.validation - task.train
    ).fit(task.frame.iloc[: task.validation])
    fitted = time.perf_counter()
    table = forecaster.backtest(task.frame, task.frame.index[task.first])
    ended = time.perf_counter()
    scale = forecaster.scales_[""]

    def forecast(origin: int, horizon: int) -> Array:
        known = task.frame.iloc[: origin + 1]
        values = forecaster.predict(known)[list(map(str, task.frame.columns))].to_numpy()[:horizon]
        return (values - scale.mean) / scale.deviation

    notes: dict[str, Any] = {
        "stage_seconds": {"fit": round(fitted - started, 2), "backtest": round(ended - fitted, 2)},
        "coverage": table["coverage"].round(4).tolist(),
        "chosen": forecaster.chosen_.round(6).to_dict("list"),
    }
    if hasattr(forecaster.encoder_, "history_"):
        history = forecaster.encoder_.history_
        notes["steps"] = len(history)
        notes["last_loss"] = float(history[-1]["loss"]) if history else None
    errors = [Errors(*row) for row in table[["mse", "mae"]].to_numpy().tolist()]
    return Outcome(errors, forecast, notes)


# Without a representation


def seasonal_naive(task: Task) -> Outcome:
    """The last season again: a day of hours or minutes, a week of days, a year of weeks."""
    values = pd.DataFrame(task.scaled).ffill().fillna(0.0).to_numpy()
    season = SEASONS[FORECASTING_SETS[task.name].step]

    def predict(origins: Array, horizon: int) -> Array:
        ahead = np.arange(horizon) % season
        return values[origins[:, None] - season + 1 + ahead]

    return _evaluated(task, predict, {"season": season})


def dlinear(task: Task) -> Outcome:
    """DLinear (Zeng et al., AAAI 2023), trained here."""
    return _by_network(task, "dlinear")


def patchtst(task: Task) -> Outcome:
    """PatchTST (Nie et al., ICLR 2023), tsai's network, trained here."""
    return _by_network(task, "patchtst")


def _by_network(task: Task, name: str) -> Outcome:
    from tsrep.bench.forecasting.networks import LOOKBACK_STEPS, train_network

    started = time.perf_counter()
    lookback = min(LOOKBACK_STEPS, task.train // 5)
    values = pd.DataFrame(task.scaled).ffill().fillna(0.0).to_numpy(dtype=np.float32)
    networks = {
        horizon: train_network(name, task.scaled, task.train, task.validation, lookback, horizon, task.seed)
        for horizon in task.horizons
    }

    def predict(origins: Array, horizon: int) -> Array:
        return networks[horizon].predict(values, origins)

    notes = {
        "lookback": lookback,
        "steps": [network.steps for network in networks.values()],
        "stage_seconds": {"fit": round(time.perf_counter() - started, 2)},
    }
    return _evaluated(task, predict, notes)


def _evaluated(task: Task, predict: Forecast, notes: dict[str, Any]) -> Outcome:
    """Errors of `predict(origins, horizon)` -> (m, horizon, c), a few origins at a time."""
    scaled = task.scaled
    errors = []
    for horizon in task.horizons:
        windows = np.lib.stride_tricks.sliding_window_view(scaled[1:], horizon, axis=0).swapaxes(1, 2)
        at_once = max(1, VALUES_PER_CALL // (horizon * scaled.shape[1]))
        origins = task.origins(horizon)
        totals = np.zeros(3)
        for start in range(0, len(origins), at_once):
            some = origins[start : start + at_once]
            truth = windows[some]
            predicted = predict(some, horizon)
            count = int((~np.isnan(truth)).sum())
            if count:
                totals += count * np.array([mse(truth, predicted), mae(truth, predicted), 1.0])
        errors.append(Errors(float(totals[0] / totals[2]), float(totals[1] / totals[2])))
    return Outcome(errors, lambda origin, horizon: predict(np.array([origin]), horizon)[0], notes)


METHODS: dict[str, Callable[[Task], Outcome]] = {
    "ts2vec-best": ts2vec_best,
    "ts2vec-faithful": ts2vec_faithful,
    "untrained-best": untrained_best,
    "untrained-faithful": untrained_faithful,
    "best-without": best_without,
    "ridge-lags": ridge_on_lags,
    "seasonal-naive": seasonal_naive,
    "dlinear": dlinear,
    "patchtst": patchtst,
}
SEEDLESS = frozenset({"best-without", "ridge-lags", "seasonal-naive"})
"""Methods that draw nothing at random."""
