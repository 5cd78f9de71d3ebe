"""`recipe="best"`: the representation together with the raw lags, all relative to the last value.

Differences from the paper's protocol, and their reasons:

* A forecast is the last value plus a change. The features of the regression are the last `context` values of the target
  minus the last one, and its labels are the changes that follow, so a new level of the series is no extrapolation.
* The input of the encoder is each column minus its moving level (an exponentially weighted mean over a quarter of the
  context), and the position in the day, the week and the year instead of plain calendar numbers, for the same reason.
* The representation is added to the lags with a weight; the weight 0 leaves it out. Weight and penalty are selected on
  the validation part per stretch of steps ahead (1 to 6, 7 to 12, 13 to 24, ...) and not per horizon, so the forecast
  of a step does not depend on the horizon. The representation is used where it is significantly better (`choice.py`).
* Dimensions of the representation are clipped to their range in training.
* Columns that are known for the future have a linear effect at their own step, which is subtracted from the target
  first and added back last.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsrep.data import Scale, cycle_features, cycles_within
from tsrep.tasks.forecast.choice import Candidate, choose, spans_of, stretch_edges
from tsrep.tasks.forecast.history import History, Part
from tsrep.tasks.forecast.ridge import Blocks, Ridge, RidgePath
from tsrep.tasks.forecast.samples import held, labels, moving_level, thinned, windows

Array = NDArray[Any]

PENALTIES = tuple(10.0 ** (half / 2) for half in range(-2, 11))
WEIGHTS = (0.0, 0.1, 0.3, 1.0)
TRAINING_ORIGINS = 40_000
VALIDATION_ORIGINS = 1_000


class Stretch(NamedTuple):
    """Steps `start` + 1 to `stop` ahead of one target: the selected candidate, its validation error, the regression."""

    start: int
    stop: int
    weight: float
    penalty: float
    error: float
    ridge: Ridge | None = None


class BestRecipe:
    """Input of the encoder and regressions on its representation and the lags.

    Attributes
    ----------
    cycles_ : which of day, week and year each training part contains at least twice.
    deviation_ : (c,) standard deviation of the columns minus their moving level.
    effects_ : (g, k) effects of the known columns on the targets.
    stretches_ : per target the stretches from the next step to the longest horizon.
    """

    def __init__(self, horizons: Sequence[int], context: int):
        self.horizons = horizons
        self.context = context
        self.span = max(2, context // 4)

    def prepare(self, training: Sequence[History]) -> Self:
        """Fit what the encoder's input and the targets need on the training parts."""
        within = [cycles_within(history.index) for history in training]
        self.cycles_ = tuple(cycle for cycle in within[0] if all(cycle in other for other in within))
        changes = np.concatenate([self._changes(history.values) for history in training])
        self.deviation_ = Scale.of(changes).deviation
        targets, known = list(training[0].targets), list(training[0].known)
        observed = np.concatenate([~np.isnan(history.target_values).any(axis=1) for history in training])
        self.effects_ = np.zeros((len(known), len(targets)))
        if known:
            path = RidgePath([(changes[observed][:, known], changes[observed][:, targets])])
            self.effects_ = path.fit(1.0).weights
        return self

    def encoder_input(self, history: History) -> Array:
        """(2 * cycles + c, t). Gaps keep the last value; a step without any observed column is missing."""
        cycles = cycle_features(history.index, self.cycles_).to_numpy()
        values = self._changes(history.values) / self.deviation_
        measured = [column for column in range(values.shape[1]) if column not in history.known]
        values[np.isnan(history.values[:, measured]).all(axis=1)] = np.nan
        return np.hstack([cycles, values]).T

    def fit(self, training: Sequence[Part], validation: Sequence[Part]) -> Self:
        """Select candidates on the validation parts, fit on the training parts; both are encoded."""
        seen = np.concatenate([history.z[first:] for history, first in training if history.z is not None])
        self.z_scale_ = Scale.of(seen)
        standard = self.z_scale_.apply(seen)
        self.z_range_ = standard.min(axis=0, initial=0.0), standard.max(axis=0, initial=0.0)
        self.stretches_: list[list[Stretch]] = []
        for target in range(len(training[0].history.targets)):
            selected = self._choose(target, training, validation)
            self.stretches_.append([self._fit_stretch(target, stretch, training) for stretch in selected])
        return self

    def refit(self, parts: Sequence[Part]) -> Self:
        """Fit the selected candidates on other parts."""
        for target, stretches in enumerate(self.stretches_):
            self.stretches_[target] = [self._fit_stretch(target, stretch, parts) for stretch in stretches]
        return self

    def forecast(self, history: History, origins: Array, horizon: int) -> Array:
        """(m, horizon, k) standardised forecasts. Known columns need values at the steps after the origins, too."""
        predicted = np.empty((len(origins), horizon, len(history.targets)))
        for target, stretches in enumerate(self.stretches_):
            features: dict[float, Array] = {}
            for stretch in stretches:
                if stretch.start < horizon and stretch.ridge is not None:
                    if stretch.weight not in features:
                        features[stretch.weight], level = self._features(
                            history, target, origins, stretch.weight
                        )
                    changes = stretch.ridge.predict(features[stretch.weight]) + level[:, None]
                    stop = min(stretch.stop, horizon)
                    predicted[:, stretch.start : stop, target] = changes[:, : stop - stretch.start]
        if history.known:
            effects = held(history.values[:, history.known]) @ self.effects_
            predicted += labels(effects, horizon)[origins].reshape(predicted.shape)
        return predicted

    def choices(self, targets: Sequence[str]) -> pd.DataFrame:
        """One row per target and stretch: `weight` of the representation, `penalty`, and the standardised mean squared
        error on the validation part."""
        rows = [
            {
                "target": target,
                "first": stretch.start + 1,
                "last": stretch.stop,
                "weight": stretch.weight,
                "penalty": stretch.penalty,
                "validation_mse": stretch.error,
            }
            for target, stretches in zip(targets, self.stretches_, strict=True)
            for stretch in stretches
        ]
        return pd.DataFrame(rows)

    # Features and labels of a regression

    def _features(self, history: History, target: int, origins: Array, weight: float) -> tuple[Array, Array]:
        """(m, d) lags minus the last value, cycles and the weighted representation; (m,) the last value."""
        lags = windows(held(self._target(history, target))[:, 0], origins, self.context + 1)
        level = lags[:, -1]
        blocks = [
            lags[:, :-1] - level[:, None],
            cycle_features(history.index, self.cycles_).to_numpy()[origins],
        ]
        if weight:
            assert history.z is not None
            z = self.z_scale_.apply(history.z[origins])
            blocks.append(weight * np.clip(z, *self.z_range_))
        return np.hstack(blocks), level

    def _target(self, history: History, target: int) -> Array:
        """(t, 1) a target minus the effects of the known columns."""
        values = history.target_values[:, [target]]
        if history.known:
            values = values - held(history.values[:, history.known]) @ self.effects_[:, [target]]
        return values

    def _changes(self, values: Array) -> Array:
        """(t, c) each column minus its moving level; gaps keep the last value."""
        filled = held(values)
        return filled - moving_level(filled, self.span)

    # Selection and fit

    def _choose(self, target: int, training: Sequence[Part], validation: Sequence[Part]) -> list[Stretch]:
        """Per stretch the weight and the penalty, by the squared errors on the validation parts."""
        horizon = max(self.horizons)
        stretches = list(pairwise(stretch_edges(horizon)))
        rows = [_origins(part, horizon, TRAINING_ORIGINS // len(training)) for part in training]
        later_rows = [_origins(part, 1, VALIDATION_ORIGINS // len(validation) + 1) for part in validation]
        candidates: list[list[Candidate]] = [[] for _ in stretches]
        for weight in WEIGHTS:
            path = RidgePath(self._blocks(target, training, rows, (0, horizon), weight))
            if not path.complete:
                path.fit(float(np.median(PENALTIES)), tolerance=1e-2)
            blocks = self._blocks(target, validation, later_rows, (0, horizon), weight)
            for penalty in PENALTIES:
                errors = _squared_errors(path.solve(penalty), blocks, stretches)
                for of_stretch, squared in zip(candidates, errors, strict=True):
                    of_stretch.append(Candidate(weight, penalty, squared))
        selected = []
        for (start, stop), of_stretch in zip(stretches, candidates, strict=True):
            best = choose(of_stretch, spans_of(later_rows, stop))
            selected.append(Stretch(start, stop, best.weight, best.penalty, best.mean))
        return selected

    def _fit_stretch(self, target: int, stretch: Stretch, parts: Sequence[Part]) -> Stretch:
        rows = [_origins(part, stretch.stop, TRAINING_ORIGINS // len(parts)) for part in parts]
        blocks = self._blocks(target, parts, rows, (stretch.start, stretch.stop), stretch.weight)
        return stretch._replace(ridge=RidgePath(blocks).fit(stretch.penalty))

    def _blocks(
        self, target: int, parts: Sequence[Part], rows: Sequence[Array], steps: tuple[int, int], weight: float
    ) -> Blocks:
        """Per part the features of the origins in `rows`, and the changes at the steps ahead `steps`."""
        blocks = []
        for (history, _), origins in zip(parts, rows, strict=True):
            features, level = self._features(history, target, origins, weight)
            later = labels(self._target(history, target), steps[1])[origins, steps[0] :]
            blocks.append((features, later - level[:, None]))
        return blocks


def _origins(part: Part, steps: int, most: int) -> Array:
    """At most `most` origins of a part with `steps` more steps in its history."""
    return thinned(np.arange(part.first, len(part.history) - steps), most)


def _squared_errors(ridge: Ridge, blocks: Blocks, stretches: Sequence[tuple[int, int]]) -> list[Array]:
    """Per stretch (m,) mean squared errors over the known steps, NaN where none is known."""
    squared = np.concatenate([(Y - ridge.predict(X)) ** 2 for X, Y in blocks])
    known = ~np.isnan(squared)
    squared[~known] = 0.0
    means = []
    for start, stop in stretches:
        count = known[:, start:stop].sum(axis=1)
        total = squared[:, start:stop].sum(axis=1)
        means.append(np.where(count > 0, total / np.maximum(count, 1), np.nan))
    return means
