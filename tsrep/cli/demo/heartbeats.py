"""Heartbeats, forecast and watched for anomalies: TS2Vec on the recording of `recording.py`.

Forecasting: `RepresentationForecaster` learns from the first two thirds and then forecasts a third of a second at every
step of the rest. Two baselines see the same values: ridge regression on the raw lags, and the last heartbeat again.
Detection: `RepresentationAnomalyDetector` learns from the same part what is normal; the score is "nearest", made for
patterns that did not occur in training. The encoders see neither the rest nor the labels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsrep.cli.demo.recording import BATCH, PIECE, SAMPLING_RATE, read_electrocardiogram

OURS, LAGS, LAST_BEAT = "TS2Vec and raw values", "ridge on raw values", "the last beat again"
LEARNED_FROM = 5_000
HORIZON = 120
CONTEXT = 200
LONGEST_BEAT = 500  # steps within which the period of the heartbeat is searched

Say = Callable[[str], None]


@dataclass(frozen=True)
class Forecast:
    """`errors`: one row per method, mean absolute and mean squared error in mV and mV^2 over all origins of the last
    third. `shown`: the forecasts of each method from one origin; `past` and `came` the values before and after it."""

    errors: pd.DataFrame
    coverage: float
    level: float
    past: pd.Series
    came: pd.Series
    shown: Mapping[str, pd.DataFrame]
    seconds: Mapping[str, float]

    def summary(self) -> dict[str, Any]:
        """The entry in results.json."""
        errors = {str(name): row.to_dict() for name, row in self.errors.iterrows()}
        return {
            "horizon": HORIZON,
            "errors": errors,
            "coverage": self.coverage,
            "level": self.level,
            "seconds": dict(self.seconds),
        }


@dataclass(frozen=True)
class Watched:
    """The last third of the recording, from step LEARNED_FROM on: values, scores, alarms and labels, (t,) each."""

    values: NDArray[Any]
    scores: NDArray[Any]
    alarms: NDArray[Any]
    labels: NDArray[Any]
    threshold: float
    vus_pr: Mapping[str, float]
    seconds: Mapping[str, float]

    @property
    def true_alarms(self) -> int:
        """Number of alarms in the labelled stretch."""
        return int((self.alarms * self.labels).sum())

    def summary(self) -> dict[str, Any]:
        """The entry in results.json: everything but the arrays."""
        return {
            "alarms": int(self.alarms.sum()),
            "alarms_in_the_labelled_stretch": self.true_alarms,
            "vus_pr": dict(self.vus_pr),
            "seconds": dict(self.seconds),
        }


def forecast_heartbeats(seed: int, max_steps: int | None, say: Say, verbose: int) -> Forecast:
    """Learn, forecast at every step of the last third, and once more for the picture."""
    from tsrep.bench.forecasting.methods import RawWindow
    from tsrep.bench.stopwatch import Stopwatch
    from tsrep.tasks import RepresentationForecaster

    values, _ = read_electrocardiogram()
    series = pd.Series(values, name="mV")
    origin = LEARNED_FROM + (len(series) - LEARNED_FROM) // 2
    encoders = {OURS: (_encoder(seed, max_steps, verbose), "best"), LAGS: (RawWindow(1), "paper")}
    watch, errors, shown = Stopwatch(), {}, {}
    for name, (encoder, recipe) in encoders.items():
        say(f"forecasting: {name}")
        with watch(name):
            forecaster = RepresentationForecaster(encoder, HORIZON, CONTEXT, recipe=recipe)
            forecaster.fit(series[:LEARNED_FROM])
            row = forecaster.backtest(series, LEARNED_FROM).iloc[0]
            shown[name] = forecaster.predict(series[: origin + 1])
        errors[name] = {"mae": float(row["mae_raw"]), "mse": float(row["mse_raw"])}
        if name == OURS:
            coverage = float(row["coverage"])
    period = heartbeat(values[:LEARNED_FROM])
    errors[LAST_BEAT] = _errors_of_repeating(values, period)
    ahead = range(origin + 1, origin + 1 + HORIZON)
    again = values[origin + 1 - period + np.arange(HORIZON) % period]
    shown[LAST_BEAT] = pd.DataFrame({"mV": again}, pd.RangeIndex(ahead.start, ahead.stop))
    return Forecast(
        pd.DataFrame(errors).T,
        coverage,
        0.9,
        series[origin - 2 * HORIZON : origin],
        series[origin : origin + HORIZON],
        shown,
        watch.seconds,
    )


def watch_heartbeats(seed: int, max_steps: int | None, say: Say, verbose: int) -> Watched:
    """Learn what is normal, raise alarms in the last third."""
    from tsrep.bench.anomaly.baselines import moving_z_score
    from tsrep.bench.stopwatch import Stopwatch
    from tsrep.metrics import vus_pr
    from tsrep.tasks import RepresentationAnomalyDetector

    values, (first, last) = read_electrocardiogram()
    labels = np.zeros(len(values), dtype=int)
    labels[first:last] = 1
    watch = Stopwatch()
    say("learning what is normal")
    with watch("detection"):
        detector = RepresentationAnomalyDetector(
            _encoder(seed, max_steps, verbose), context=CONTEXT, score="nearest"
        )
        detector.fit(values[:LEARNED_FROM])
        say("scoring every step")
        new, past = values[LEARNED_FROM:], values[:LEARNED_FROM]
        scores = detector.decision_function(new, history=past)
        alarms = detector.predict(new, history=past)
    truth = labels[LEARNED_FROM:]
    z_scores = moving_z_score(values[:, None], LEARNED_FROM, seed)[LEARNED_FROM:]
    judged = {
        "TS2Vec, nearest": float(vus_pr(truth, scores)),
        "moving z-score": float(vus_pr(truth, z_scores)),
        "chance": float(truth.mean()),
    }
    threshold = cast(float, detector.threshold_)  # of one series
    return Watched(new, scores, alarms, truth, threshold, judged, watch.seconds)


def heartbeat(values: NDArray[Any]) -> int:
    """The lag, from a quarter of a second on, with the highest autocorrelation.

    Examples
    --------
    >>> import numpy as np
    >>> beats = np.zeros(2_000)
    >>> beats[::250] = 1.0
    >>> heartbeat(beats)
    250
    """
    centred = values - values.mean()
    lags = np.arange(int(SAMPLING_RATE / 4), LONGEST_BEAT)
    correlations = [np.mean(centred[lag:] * centred[:-lag]) for lag in lags]
    return int(lags[int(np.argmax(correlations))])


def _errors_of_repeating(values: NDArray[Any], period: int) -> dict[str, float]:
    origins = np.arange(LEARNED_FROM, len(values) - HORIZON)[:, None]
    ahead = np.arange(HORIZON)
    difference = values[origins + 1 + ahead] - values[origins + 1 - period + ahead % period]
    return {"mae": float(np.abs(difference).mean()), "mse": float((difference**2).mean())}


def _encoder(seed: int, max_steps: int | None, verbose: int) -> Any:
    from tsrep import TS2Vec

    return TS2Vec(
        max_train_length=PIECE, batch_size=BATCH, max_steps=max_steps, random_state=seed, verbose=verbose
    )
