"""Forecasts with intervals, as a forecaster of sktime."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sktime.forecasting.base import BaseForecaster

from tsrep.interop.sktime.encoder import TAGS, TakesEncoder, frozen_if_fitted, tiny_masked, tiny_ts2vec
from tsrep.interop.sktime.frames import PANELS, SERIES, as_instances, feature_names, instances_of
from tsrep.tasks import RepresentationForecaster

ID, TIME = "unique_id", "ds"
LEVEL = 0.9
"""Coverage of the intervals that the fit prepares."""
LONGEST_CONTEXT = 200
VALIDATION_SHARE = 0.25


class TSRepForecaster(TakesEncoder, BaseForecaster):
    """Forecasts from a representation of the steps before an origin, with conformal intervals.

    One encoder and one set of regressions are fitted on all series of a panel or hierarchy and on all their columns.
    Gaps are forecast like other steps. `X` holds columns that are known for the future.

    Parameters
    ----------
    encoder : "ts2vec", "masked", or an encoder with `fit(X)` and `encode_causal(X, context)`. A fitted one is used as
        it is.
    context : number of steps before an origin that its forecast is made from; None: a quarter of the longest series,
        at most 200.
    recipe : "best", the representation together with the raw lags, or "paper", TS2Vec's protocol, which takes no `X`.
    refit : True fits the regressions again on all rows, after the last quarter has selected them and set the intervals.
    max_steps : training steps of an encoder that is named; None: the encoder's default.
    random_state : seed of an encoder that is named, or that has none of its own.

    Attributes
    ----------
    forecaster_ : the fitted `tsrep.tasks.RepresentationForecaster`.

    Notes
    -----
    Intervals of 90 % are prepared by `fit`. For other coverages the regressions are fitted once more, on the same
    encodings. With too few rows for a coverage its interval is infinite.

    `update(y, update_params=True)` fits the regressions again and leaves the encoder. With `update_params=False` the
    next forecasts start from the new rows.

    Examples
    --------
    >>> from sktime.datasets import load_airline
    >>> from tsrep.interop.sktime import TSRepForecaster
    >>> forecaster = TSRepForecaster(context=12, max_steps=2, random_state=0)
    >>> forecaster.fit(load_airline(), fh=[1, 2, 3]).predict().index
    PeriodIndex(['1961-01', '1961-02', '1961-03'], dtype='period[M]')
    """

    _tags = {
        **TAGS,
        "y_inner_mtype": [SERIES, *PANELS],
        "X_inner_mtype": [SERIES, *PANELS],
        "capability:exogenous": True,
        "capability:insample": False,
        "capability:pred_int": True,
        "capability:pred_int:insample": False,
        "capability:non_contiguous_X": False,
        "capability:update": True,
        "capability:categorical_in_X": False,
        "requires-fh-in-fit": True,
    }

    def __init__(
        self,
        encoder: Any = "ts2vec",
        context: int | None = None,
        recipe: str = "best",
        refit: bool = False,
        max_steps: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.encoder = encoder
        self.context = context
        self.recipe = recipe
        self.refit = refit
        self.max_steps = max_steps
        self.random_state = random_state
        super().__init__()

    def _fit(self, y: pd.DataFrame, X: pd.DataFrame | None, fh: Any) -> Self:
        self._columns = list(y.columns)
        self._instances = instances_of(y)
        self._levels = y.index.names
        self._seen = self._table(y, X)
        self._ends = _last_times(as_instances(y))
        return self._refit(self._new_encoder())

    def _update(self, y: pd.DataFrame, X: pd.DataFrame | None = None, update_params: bool = True) -> Self:
        seen = pd.concat([self._seen, self._table(y, X)])
        self._seen = seen[~seen.duplicated([ID, TIME], keep="last")].sort_values(
            [ID, TIME], ignore_index=True
        )
        newer = _last_times(as_instances(y, self._instances))
        self._ends = pd.concat([self._ends, newer]).groupby(level=0).max()
        return self._refit(self.forecaster_.encoder_) if update_params else self

    def _refit(self, encoder: Any) -> Self:
        self._fitted_on = self._seen
        self._horizon = max(int(steps.max()) for steps, _ in self._horizons())
        self.forecaster_ = self._fitted(encoder, LEVEL)
        return self

    def _fitted(self, encoder: Any, level: float) -> RepresentationForecaster:
        """A forecaster of the rows of the last fit, with intervals of the coverage `level`."""
        table, horizon = self._fitted_on, self._horizon
        rows = int(table.groupby(ID).size().max())
        validation: float | int = VALIDATION_SHARE if rows * VALIDATION_SHARE >= horizon + 1 else horizon + 1
        reserved = max(rows // 4, horizon + 1) + horizon + 2
        context = max(1, min(LONGEST_CONTEXT, rows // 4, rows - reserved))
        forecaster = RepresentationForecaster(
            frozen_if_fitted(encoder),
            horizons=horizon,
            context=context if self.context is None else self.context,
            recipe=self.recipe,
            level=level,
            validation=validation,
            refit=self.refit,
        )
        known = [name for name in table.columns if name not in (ID, TIME, *self._targets)]
        return forecaster.fit(table, targets=self._targets, known=known)

    def _predict(self, fh: Any, X: pd.DataFrame | None) -> pd.DataFrame:
        ahead = self._ahead(self.forecaster_, X)
        return self._frame(ahead[self._targets].to_numpy(), self._columns)

    def _predict_interval(self, fh: Any, X: pd.DataFrame | None, coverage: list[float]) -> pd.DataFrame:
        centre = self._ahead(self.forecaster_, X)[self._targets].to_numpy()
        bounds = []
        for level in coverage:
            radius = self._radius(level, X) if level > 0 else np.zeros_like(centre)  # 0: the median
            bounds.append(np.stack([centre - radius, centre + radius], axis=-1))
        columns = pd.MultiIndex.from_product([self._columns, coverage, ["lower", "upper"]])
        return self._frame(np.stack(bounds, axis=2).reshape(len(centre), -1), columns)

    def _radius(self, level: float, X: pd.DataFrame | None) -> NDArray[np.float64]:
        """Half the width of the intervals of a coverage above 0 and below 1."""
        forecaster = self.forecaster_
        if level != LEVEL:
            forecaster = self._fitted(forecaster.encoder_, level)
        ahead = self._ahead(forecaster, X)
        upper = ahead[[f"{target}_upper" for target in self._targets]].to_numpy()
        return upper - ahead[self._targets].to_numpy()

    def _ahead(self, forecaster: RepresentationForecaster, X: pd.DataFrame | None) -> pd.DataFrame:
        """The forecasts at the steps of the horizon, series after series."""
        future = None if X is None else as_table(X, "x", self._instances)
        forecasts = forecaster.predict(self._seen, future).groupby(ID, sort=False)
        parts = []
        for (steps, _), (_, rows) in zip(self._horizons(), forecasts, strict=True):
            if steps.max() > len(rows):
                raise ValueError(
                    f"fh is {steps.max()} steps ahead; wanted at most {len(rows)}, as in the fit"
                )
            parts.append(rows.iloc[steps - 1])
        return pd.concat(parts)

    def _horizons(self) -> list[tuple[NDArray[np.int64], pd.Index]]:
        """The horizon of each series: steps after its end, and their times."""
        horizons = []
        for end in self._ends:
            cutoff = pd.Index([end])
            if isinstance(cutoff, pd.DatetimeIndex):
                cutoff = pd.DatetimeIndex(cutoff, freq=self.cutoff.freq)
            steps = self.fh.to_relative(cutoff).to_numpy().astype(np.int64)
            horizons.append((steps, self.fh.to_absolute_index(cutoff)))
        return horizons

    def _frame(self, values: NDArray[Any], columns: Any) -> pd.DataFrame:
        """Values at the steps of the horizon, series after series, with the index that sktime wants."""
        times = [index for _, index in self._horizons()]
        if self._instances is None:
            return pd.DataFrame(values, times[0], columns)
        labels = [
            (*(label if isinstance(label, tuple) else (label,)), time)
            for label, index in zip(self._instances, times, strict=True)
            for time in index
        ]
        return pd.DataFrame(values, pd.MultiIndex.from_tuples(labels, names=self._levels), columns)

    def _table(self, y: pd.DataFrame, X: pd.DataFrame | None) -> pd.DataFrame:
        """`y`, and `X` at its times, as a long table with the columns `unique_id`, `ds`, `y0`, ..., `x0`, ..."""
        table = as_table(y, "y", self._instances)
        if X is None:
            return table
        known = as_table(X.reindex(y.index), "x", self._instances)
        return pd.concat([table, known.drop(columns=[ID, TIME])], axis=1)

    @property
    def _targets(self) -> list[str]:
        """The names of the columns of `y` in the table."""
        return feature_names("y", len(self._columns))

    @classmethod
    def get_test_params(cls, parameter_set: str = "default") -> list[dict[str, Any]]:
        """Small settings for sktime's tests."""
        return [
            {"encoder": tiny_ts2vec(), "refit": True},
            {"encoder": tiny_masked(), "context": 1, "random_state": 0},
        ]


def as_table(frame: pd.DataFrame, name: str, instances: pd.Index | None) -> pd.DataFrame:
    """A series, panel or hierarchy as a long table with the columns `unique_id`, `ds`, `name`0, `name`1, ..."""
    index = as_instances(frame, instances).index
    numbers, time = index.get_level_values(0), index.get_level_values(1)
    if isinstance(time, pd.PeriodIndex):
        time = time.to_timestamp()
    values = pd.DataFrame(frame.to_numpy(dtype=np.float64), columns=feature_names(name, frame.shape[1]))
    return pd.concat([pd.DataFrame({ID: numbers, TIME: time}), values], axis=1)


def _last_times(panel: pd.DataFrame) -> pd.Series:
    """The last time of each instance of a panel."""
    return panel.index.get_level_values(1).to_series(panel.index.get_level_values(0)).groupby(level=0).max()
