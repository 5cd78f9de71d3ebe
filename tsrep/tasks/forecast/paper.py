"""The forecasting protocol of TS2Vec (Yue et al., AAAI 2022, section 4.2): ridge regression on the representation.

The input of the encoder is seven standardised calendar features and all columns. The representation of an origin, from
the origin and the `context` steps before it, is the input of one ridge regression per horizon, whose outputs are all
steps up to the horizon and all targets. Of thirteen penalties the one with the lowest root mean squared plus mean
absolute error on the validation part is selected. The regression is fitted on the training part without its first
`context` origins.

Two details are in the authors' code and not in the paper: of more than 100,000 rows a random sample of 100,000 is used,
and the windows of the first origins of a part reach back into the part before.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsrep.data import Scale, calendar_features
from tsrep.tasks.forecast.history import History, Part
from tsrep.tasks.forecast.ridge import Blocks, Ridge, RidgePath, pieces
from tsrep.tasks.forecast.samples import labels

Array = NDArray[Any]

PENALTIES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)
MOST_ROWS = 100_000


class PaperRecipe:
    """Input of the encoder and regressions on its representation, by the paper's protocol.

    Attributes
    ----------
    calendar_ : scale of the calendar features.
    ridges_ : the regression of each horizon, (D,) -> (horizon * k,).
    penalties_ : the selected penalty of each horizon.
    """

    def __init__(self, horizons: Sequence[int], context: int):
        self.horizons = horizons
        self.context = context

    def prepare(self, training: Sequence[History]) -> Self:
        """Fit what the encoder's input needs on the training parts."""
        calendars = pd.concat([calendar_features(history.index) for history in training])
        self.calendar_ = Scale.of(calendars.to_numpy())
        return self

    def encoder_input(self, history: History) -> Array:
        """(7 + c, t): calendar and values; without dates (c, t)."""
        calendar = calendar_features(history.index).to_numpy()
        return np.hstack([self.calendar_.apply(calendar), history.values]).T

    def fit(self, training: Sequence[Part], validation: Sequence[Part]) -> Self:
        """Select penalties on the validation parts, fit on the training parts; both are encoded."""
        self.ridges_: dict[int, Ridge] = {}
        self.penalties_: dict[int, float] = {}
        for horizon in self.horizons:
            path = RidgePath(_at_most(_blocks(training, horizon), MOST_ROWS))
            held_out = _blocks(validation, horizon)
            scores = {penalty: _score(path.fit(penalty), held_out) for penalty in PENALTIES}
            self.penalties_[horizon] = min(scores, key=scores.__getitem__)
            self.ridges_[horizon] = path.fit(self.penalties_[horizon])
        return self

    def at_distances(self, training: Sequence[Part], validation: Sequence[Part]) -> list[Self]:
        """The recipe fitted on training parts of three lengths, whose errors on the validation parts set the intervals.

        The calendar goes on in a line. So errors grow with the distance from the training part, and those of one
        regression have its slope in common. The three leave out none of the last rows of the training parts, half as
        many as the validation part has, and as many: every distance is then that of the next step or more.
        """
        if len(self.calendar_.mean) == 0:
            return [self]
        rows = [len(history) - first for history, first in validation]
        return [self, *(self._without_last([int(share * n) for n in rows], training) for share in (0.5, 1.0))]

    def _without_last(self, rows: Sequence[int], training: Sequence[Part]) -> Self:
        """The recipe with the same penalties, fitted without the last `rows` of each training part."""
        shorter = [_shortened(part, n, max(self.horizons)) for part, n in zip(training, rows, strict=True)]
        recipe = copy(self)
        recipe.ridges_ = {
            horizon: RidgePath(_at_most(_blocks(shorter, horizon), MOST_ROWS)).fit(penalty)
            for horizon, penalty in self.penalties_.items()
        }
        return recipe

    def choices(self, targets: Sequence[str]) -> pd.DataFrame:
        """The penalty of each horizon, which all targets share."""
        return pd.DataFrame(self.penalties_.items(), columns=["horizon", "penalty"])

    def forecast(self, history: History, origins: Array, horizon: int) -> Array:
        """(m, horizon, k) standardised values after each origin, by the regression of that horizon."""
        assert history.z is not None
        flat = self.ridges_[horizon].predict(history.z[origins])
        return flat.reshape(len(origins), horizon, -1)


def _shortened(part: Part, rows: int, horizon: int) -> Part:
    """A part without its last `rows`, but with at least half of its origins that have a whole horizon."""
    history, first = part
    origins = max(0, len(history) - first - horizon)
    return Part(history[: len(history) - min(rows, origins // 2)], first)


def _blocks(parts: Sequence[Part], horizon: int) -> Blocks:
    """Per part the representations and labels of the origins whose labels end within the history."""
    blocks = []
    for history, first in parts:
        assert history.z is not None
        stop = len(history) - horizon
        blocks.append((history.z[first:stop], labels(history.target_values, horizon)[first:stop]))
    return blocks


def _at_most(blocks: Blocks, rows: int) -> Blocks:
    """The blocks, or a random sample of `rows` of their rows if they have more."""
    sizes = [len(X) for X, _ in blocks]
    if sum(sizes) <= rows:
        return blocks
    drawn = np.sort(np.random.default_rng(0).choice(sum(sizes), rows, replace=False))
    starts = np.cumsum([0, *sizes])
    edges = np.searchsorted(drawn, starts)
    sampled = [drawn[a:b] - start for a, b, start in zip(edges, edges[1:], starts, strict=False)]
    return [(X[kept], Y[kept]) for (X, Y), kept in zip(blocks, sampled, strict=True)]


def _score(ridge: Ridge, blocks: Blocks) -> float:
    """Root mean squared plus mean absolute error over the known labels."""
    squared = absolute = 0.0
    count = 0
    for X, Y in pieces(blocks):
        error = Y - ridge.predict(X)
        squared += np.nansum(error**2)
        absolute += np.nansum(np.abs(error))
        count += int((~np.isnan(error)).sum())
    return float(np.sqrt(squared / count) + absolute / count) if count else np.inf
