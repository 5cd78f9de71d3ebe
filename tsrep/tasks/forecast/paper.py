"""The forecasting protocol of TS2Vec (Yue et al., AAAI 2022, section 4.2): ridge regression on the representation.

The encoder sees seven standardised calendar features and all columns. The representation of an origin, from it and the
`context` steps before it, is the input of one ridge regression for each horizon, whose outputs are all steps to the
horizon and all targets. The penalty is the one of thirteen with the lowest root mean squared plus mean absolute error
on the validation part; the regression is fitted on the training part only, without its first `context` origins.

What the authors' code decides and the paper does not say is followed: of more than 100,000 rows as many are drawn at
random, and the windows of the first origins of a part reach back into the part before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsrep.data import calendar_features
from tsrep.tasks.forecast.history import History, Part, Scale
from tsrep.tasks.forecast.ridge import Blocks, Ridge, RidgePath, pieces
from tsrep.tasks.forecast.samples import labels

Array = NDArray[Any]

PENALTIES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)
MOST_ROWS = 100_000


class PaperRecipe:
    """What the encoder is given and what is made of its representation, by the paper's protocol.

    Attributes
    ----------
    calendar_ : Scale of the calendar features.
    ridges_ : the regression of each horizon, (D,) -> (horizon * k,).
    penalties_ : the penalty that was chosen for each horizon.
    """

    def __init__(self, horizons: Sequence[int], context: int):
        self.horizons = horizons
        self.context = context

    def prepare(self, training: Sequence[History]) -> Self:
        """Learn what the encoder's input needs, from the training parts."""
        calendars = pd.concat([calendar_features(history.index) for history in training])
        self.calendar_ = Scale.of(calendars.to_numpy())
        return self

    def encoder_input(self, history: History) -> Array:
        """(7 + c, t): calendar and values; without dates (c, t)."""
        calendar = calendar_features(history.index).to_numpy()
        return np.hstack([(calendar - self.calendar_.mean) / self.calendar_.deviation, history.values]).T

    def fit(self, training: Sequence[Part], validation: Sequence[Part]) -> Self:
        """Choose on the validation parts, learn from the training parts; both are encoded."""
        self.ridges_: dict[int, Ridge] = {}
        self.penalties_: dict[int, float] = {}
        for horizon in self.horizons:
            path = RidgePath(_at_most(_blocks(training, horizon), MOST_ROWS))
            chosen_on = _blocks(validation, horizon)
            scores = {penalty: _score(path.fit(penalty), chosen_on) for penalty in PENALTIES}
            self.penalties_[horizon] = min(scores, key=scores.__getitem__)
            self.ridges_[horizon] = path.fit(self.penalties_[horizon])
        return self

    def chosen(self, targets: Sequence[str]) -> pd.DataFrame:
        """The penalty of each horizon, which is one for all targets."""
        return pd.DataFrame(self.penalties_.items(), columns=["horizon", "penalty"])

    def forecast(self, history: History, origins: Array, horizon: int) -> Array:
        """(m, horizon, k) standardised values after each origin, by the regression of that horizon."""
        assert history.z is not None
        flat = self.ridges_[horizon].predict(history.z[origins])
        return flat.reshape(len(origins), horizon, -1)


def _blocks(parts: Sequence[Part], horizon: int) -> Blocks:
    """Representations and labels of every origin of the parts whose labels end within its history."""
    blocks = []
    for history, first in parts:
        assert history.z is not None
        stop = len(history) - horizon
        blocks.append((history.z[first:stop], labels(history.target_values, horizon)[first:stop]))
    return blocks


def _at_most(blocks: Blocks, rows: int) -> Blocks:
    """The blocks, or a random `rows` of their rows if there are more."""
    sizes = [len(X) for X, _ in blocks]
    if sum(sizes) <= rows:
        return blocks
    drawn = np.random.default_rng(0).choice(sum(sizes), rows, replace=False)
    starts = np.cumsum([0, *sizes])
    chosen = [
        np.sort(drawn[(drawn >= a) & (drawn < b)]) - a for a, b in zip(starts, starts[1:], strict=False)
    ]
    return [(X[kept], Y[kept]) for (X, Y), kept in zip(blocks, chosen, strict=True)]


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
