"""The recipe beyond the paper: the representation and the raw lags together, everything relative to the last value.

What it does otherwise than the paper's protocol, and why:

* A forecast is the last value plus a change. The regression sees the last `context` values of the target relative to
  the last one, and learns the changes that follow, so that a level never seen in training is no extrapolation.
* The encoder sees each column less its moving level (an exponentially weighted mean over a quarter of the context),
  and the places in the day, the week and the year instead of plain calendar numbers, for the same reason.
* The representation stands beside the lags with a weight of its own; the weight 0 leaves it out. Weight and penalty
  are chosen on the validation part, for stretches of steps ahead (1 to 6, 7 to 12, 13 to 24, ...) rather than for a
  horizon, so that the forecast for a step does not depend on how far the user looks. The representation counts where
  it is clearly better than none (`choice.py`).
* Beyond what was seen in training a dimension of the representation is held at the nearest value that was.
* Columns that are known for the future act through a linear effect at their own step, which is taken out of the target
  before all of this and put back after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsrep.data import cycle_features, cycles_within
from tsrep.tasks.forecast.choice import Candidate, choose, spans_of, stretch_edges
from tsrep.tasks.forecast.history import History, Part, Scale
from tsrep.tasks.forecast.ridge import Blocks, Ridge, RidgePath
from tsrep.tasks.forecast.samples import held, labels, moving_level, thinned, windows

Array = NDArray[Any]

PENALTIES = tuple(10.0 ** (half / 2) for half in range(-2, 11))
WEIGHTS = (0.0, 0.1, 0.3, 1.0)
MOST_ROWS = 40_000
CHOSEN_ON = 1_000


class Stretch(NamedTuple):
    """Steps `start` + 1 to `stop` ahead of one target: what was chosen for them, and the regression."""

    start: int
    stop: int
    weight: float
    penalty: float
    error: float
    ridge: Ridge | None = None


class BestRecipe:
    """What the encoder is given and what is made of its representation, by the recipe of this module.

    Attributes
    ----------
    cycles_ : which of day, week and year the training parts go round twice.
    deviation_ : (c,) of the columns once their moving level is taken out.
    effects_ : (g, k) of the known columns on the targets.
    stretches_ : for each target the regressions, from the next step to the longest horizon.
    """

    def __init__(self, horizons: Sequence[int], context: int):
        self.horizons = horizons
        self.context = context
        self.span = max(2, context // 4)

    def prepare(self, training: Sequence[History]) -> Self:
        """Learn what the encoder's input and the targets need, from the training parts."""
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
        """(2 * cycles + c, t). A step without any observed column is missing; other gaps keep their last value."""
        cycles = cycle_features(history.index, self.cycles_).to_numpy()
        values = self._changes(history.values) / self.deviation_
        own = [column for column in range(values.shape[1]) if column not in history.known]
        values[np.isnan(history.values[:, own]).all(axis=1)] = np.nan
        return np.hstack([cycles, values]).T

    def fit(self, training: Sequence[Part], validation: Sequence[Part]) -> Self:
        """Choose on the validation parts, learn from the training parts; both are encoded."""
        seen = np.concatenate([history.z[first:] for history, first in training if history.z is not None])
        self.z_scale_ = Scale.of(seen)
        standard = (seen - self.z_scale_.mean) / self.z_scale_.deviation
        self.z_range_ = standard.min(axis=0, initial=0.0), standard.max(axis=0, initial=0.0)
        self.stretches_: list[list[Stretch]] = []
        for target in range(len(training[0].history.targets)):
            chosen = self._choose(target, training, validation)
            self.stretches_.append([self._learn(target, stretch, training) for stretch in chosen])
        return self

    def refit(self, parts: Sequence[Part]) -> Self:
        """Learn what was chosen from other parts."""
        for target, stretches in enumerate(self.stretches_):
            self.stretches_[target] = [self._learn(target, stretch, parts) for stretch in stretches]
        return self

    def forecast(self, history: History, origins: Array, horizon: int) -> Array:
        """(m, horizon, k) standardised values after each origin. Known columns must be there for the steps after it."""
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

    def chosen(self, targets: Sequence[str]) -> pd.DataFrame:
        """A row for each target and stretch of steps: `weight` of the representation, `penalty`, and the mean squared
        error on the validation part, standardised."""
        rows = [
            {
                "target": target,
                "first": one.start + 1,
                "last": one.stop,
                "weight": one.weight,
                "penalty": one.penalty,
                "validation_mse": one.error,
            }
            for target, stretches in zip(targets, self.stretches_, strict=True)
            for one in stretches
        ]
        return pd.DataFrame(rows)

    # What one regression sees

    def _features(self, history: History, target: int, origins: Array, weight: float) -> tuple[Array, Array]:
        """Lags relative to the last value, cycles and the weighted representation (m, d); the last value (m,)."""
        lags = windows(held(self._target(history, target))[:, 0], origins, self.context + 1)
        level = lags[:, -1]
        blocks = [
            lags[:, :-1] - level[:, None],
            cycle_features(history.index, self.cycles_).to_numpy()[origins],
        ]
        if weight:
            assert history.z is not None
            z = (history.z[origins] - self.z_scale_.mean) / self.z_scale_.deviation
            blocks.append(weight * np.clip(z, *self.z_range_))
        return np.hstack(blocks), level

    def _target(self, history: History, target: int) -> Array:
        """(t, 1): a target without the effects of the known columns."""
        values = history.target_values[:, [target]]
        if history.known:
            values = values - held(history.values[:, history.known]) @ self.effects_[:, [target]]
        return values

    def _changes(self, values: Array) -> Array:
        """(t, c): each column less its moving level; a gap keeps its last value."""
        filled = held(values)
        return filled - moving_level(filled, self.span)

    # Choosing and learning

    def _choose(self, target: int, training: Sequence[Part], validation: Sequence[Part]) -> list[Stretch]:
        """The weight and the penalty for each stretch of steps, by the squared errors on the validation parts."""
        horizon = max(self.horizons)
        stretches = list(pairwise(stretch_edges(horizon)))
        rows = [_origins(part, horizon, MOST_ROWS // len(training)) for part in training]
        later_rows = [_origins(part, 1, CHOSEN_ON // len(validation) + 1) for part in validation]
        candidates: list[list[Candidate]] = [[] for _ in stretches]
        for weight in WEIGHTS:
            path = RidgePath(self._blocks(target, training, rows, (0, horizon), weight))
            if not path.complete:
                path.fit(float(np.median(PENALTIES)), tolerance=1e-2)
            blocks = self._blocks(target, validation, later_rows, (0, horizon), weight)
            for penalty in PENALTIES:
                errors = _squared_errors(path.solve(penalty), blocks, stretches)
                for found, one in zip(candidates, errors, strict=True):
                    found.append(Candidate(weight, penalty, one))
        chosen = []
        for (start, stop), found in zip(stretches, candidates, strict=True):
            best = choose(found, spans_of(later_rows, stop))
            chosen.append(Stretch(start, stop, best.weight, best.penalty, best.mean))
        return chosen

    def _learn(self, target: int, stretch: Stretch, parts: Sequence[Part]) -> Stretch:
        rows = [_origins(part, stretch.stop, MOST_ROWS // len(parts)) for part in parts]
        blocks = self._blocks(target, parts, rows, (stretch.start, stretch.stop), stretch.weight)
        return stretch._replace(ridge=RidgePath(blocks).fit(stretch.penalty))

    def _blocks(
        self, target: int, parts: Sequence[Part], rows: Sequence[Array], steps: tuple[int, int], weight: float
    ) -> Blocks:
        """Features and the changes that followed, for chosen origins of each part and steps ahead."""
        blocks = []
        for (history, _), origins in zip(parts, rows, strict=True):
            features, level = self._features(history, target, origins, weight)
            later = labels(self._target(history, target), steps[1])[origins, steps[0] :]
            blocks.append((features, later - level[:, None]))
        return blocks


def _origins(part: Part, steps: int, most: int) -> Array:
    """At most `most` origins of a part whose next `steps` steps lie within its history."""
    return thinned(np.arange(part.first, len(part.history) - steps), most)


def _squared_errors(ridge: Ridge, blocks: Blocks, stretches: Sequence[tuple[int, int]]) -> list[Array]:
    """For each stretch of steps (m,) means over the steps that are known, NaN where none is."""
    squared = np.concatenate([(Y - ridge.predict(X)) ** 2 for X, Y in blocks])
    known = ~np.isnan(squared)
    squared[~known] = 0.0
    means = []
    for start, stop in stretches:
        count = known[:, start:stop].sum(axis=1)
        total = squared[:, start:stop].sum(axis=1)
        means.append(np.where(count > 0, total / np.maximum(count, 1), np.nan))
    return means
