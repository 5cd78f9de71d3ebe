"""`RepresentationForecaster`: any representation that looks back only, turned into forecasts of long series.

Two recipes stand behind it: the paper's protocol (`paper.py`) and one that adds the raw lags (`best.py`). Nothing
here knows an encoder by name.
"""

from __future__ import annotations

import copy
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from tsrep.base.fitting import atomic
from tsrep.base.saving import Folder, SavedEstimator, Tensors, inner_from_folder, inner_to_folder
from tsrep.tasks.forecast.best import BestRecipe
from tsrep.tasks.forecast.errors import ErrorSums
from tsrep.tasks.forecast.folder import (
    recipe_from_arrays,
    recipe_to_arrays,
    series_from_arrays,
    series_to_arrays,
)
from tsrep.tasks.forecast.history import ONLY, History, Part, Scale, future_index, read_series
from tsrep.tasks.forecast.intervals import conformal_radius
from tsrep.tasks.forecast.paper import PaperRecipe
from tsrep.tasks.forecast.parameters import as_horizons, check_parameters, choose_columns, long_enough
from tsrep.tasks.forecast.samples import labels, thinned

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[Any]

ERRORS_FOR_INTERVALS = 2_000
VALUES_AT_ONCE = 20_000_000
WARM_UP = 3  # contexts of history before an origin that can still be felt in its forecast


class RepresentationForecaster(SavedEstimator):
    """Forecasts of one long series or of many, from a representation of what came before.

    Parameters
    ----------
    encoder : representation
        Anything with `fit(X)` on panels (n, c, t) and `encode_causal(X, context)`. A clone of it is fitted.
    horizons : int or sequence of int
        How many steps ahead. `predict` forecasts up to the longest; `backtest` tells the errors of each.
    context : int
        Steps before an origin that its representation (and the lags) look back, 200 in the paper.
    recipe : {"best", "paper"}
        "best": the representation and the raw lags together, see `tsrep.tasks.forecast.best`. "paper": the protocol
        of TS2Vec, ridge regression on the representation alone, see `tsrep.tasks.forecast.paper`.
    level : float
        The share of values that the intervals shall hold.
    validation : float or int
        The last rows of each series, a share or a number, that choose between candidates and set the width of the
        intervals. Everything is standardised by the rows before them.
    refit : bool
        True learns the chosen regressions again from all rows, the validation part too; `recipe="best"` only. The
        intervals keep the width that they had before.
    context_across_split : bool
        True, as in the paper: the first forecasts of a part look back into the part before it. False encodes each part
        alone, in `backtest` too.
    prefit : bool
        True keeps `encoder`, already fitted on such input, as it is.

    Attributes
    ----------
    encoder_ : the fitted encoder.
    recipe_ : what the recipe learned.
    columns_, targets_, known_ : names of the columns.
    scales_ : mean and deviation of the columns of each series.
    radii_ : for each horizon how far the intervals reach, standardised, (horizon, targets).
    chosen_ : what was chosen on the validation part, a frame.

    Notes
    -----
    Data are a pandas Series or DataFrame with time down (dates at a regular step, or step numbers), a long table with
    the columns `unique_id`, `ds` and values, or the path of a CSV or Parquet file. Missing rows and values are gaps:
    they are forecast like others and count in no error.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from tsrep import TS2Vec
    >>> hours = pd.date_range("2026-01-01", periods=600, freq="h")
    >>> load = pd.Series(np.sin(np.arange(600) * np.pi / 12), hours, name="load")
    >>> encoder = TS2Vec(n_components=8, depth=3, max_steps=5, random_state=0)
    >>> forecaster = RepresentationForecaster(encoder, horizons=24, context=48).fit(load)
    >>> forecaster.predict().round(1).iloc[[5, 17]]
                         load  load_lower  load_upper
    2026-01-26 05:00:00   1.0         1.0         1.0
    2026-01-26 17:00:00  -1.0        -1.0        -1.0
    """

    def __init__(
        self,
        encoder: Any,
        horizons: int | Sequence[int] = (24, 48, 168),
        context: int = 200,
        recipe: str = "best",
        level: float = 0.9,
        validation: float | int = 0.25,
        refit: bool = False,
        context_across_split: bool = True,
        prefit: bool = False,
    ) -> None:
        self.encoder = encoder
        self.horizons = horizons
        self.context = context
        self.recipe = recipe
        self.level = level
        self.validation = validation
        self.refit = refit
        self.context_across_split = context_across_split
        self.prefit = prefit

    # Learning

    @atomic
    def fit(self, data: Any, targets: str | Sequence[str] | None = None, known: Sequence[str] = ()) -> Self:
        """Learn from one series or several.

        Parameters
        ----------
        data : see the class. Every column is an input.
        targets : columns to forecast. None: `y` of a long table, else all that are not in `known`.
        known : columns that are known for the future too (a price, a holiday); `recipe="best"` only.

        Raises
        ------
        ValueError
            A parameter is out of range, a column is missing, or no series is long enough.
        """
        check_parameters(self)
        frames = read_series(data)
        columns = choose_columns(frames, targets, known, self.recipe)
        self.columns_, self.targets_, self.known_ = columns
        stops = {name: len(frame) - self._validation_rows(len(frame)) for name, frame in frames.items()}
        self.scales_ = {
            name: Scale.of(frame[self.columns_].to_numpy()[: stops[name]]) for name, frame in frames.items()
        }
        histories = {name: self._history(name, frame) for name, frame in frames.items()}
        horizons = as_horizons(self.horizons)
        enough = long_enough(histories, stops, self.context, horizons[-1])

        recipe = self._recipe()
        self.recipe_ = recipe.prepare([history[: stops[name]] for name, history in enough.items()])
        if self.prefit:
            self.encoder_ = self.encoder
        else:
            panel = [recipe.encoder_input(history[: stops[name]]) for name, history in enough.items()]
            own = clone(self.encoder) if hasattr(self.encoder, "get_params") else copy.deepcopy(self.encoder)
            self.encoder_ = own.fit(panel[0][None] if len(panel) == 1 else panel)
        parts = [self._parts(history, stops[name]) for name, history in enough.items()]
        training, validation = [part[0] for part in parts], [part[1] for part in parts]
        recipe.fit(training, validation)
        self.radii_ = {horizon: self._radius(validation, horizon) for horizon in horizons}
        if self.refit and isinstance(recipe, BestRecipe):
            recipe.refit([*training, *validation])
        kept = WARM_UP * self.context + 1
        self._ends = {name: frame[self.columns_].iloc[-kept:] for name, frame in frames.items()}
        return self

    def _parts(self, history: History, stop: int) -> tuple[Part, Part]:
        """The training part, whose first forecasts lack a whole context and are left out, and the validation part."""
        if self.context_across_split:
            whole = self._encoded(history)
            return Part(whole[:stop], self.context), Part(whole, stop)
        return Part(self._encoded(history[:stop]), self.context), Part(self._encoded(history[stop:]), 0)

    def _encoded(self, history: History) -> History:
        X = self.recipe_.encoder_input(history)[None].astype(np.float32)
        return history.encoded(np.asarray(self.encoder_.encode_causal(X, context=self.context))[0])

    def _radius(self, validation: Sequence[Part], horizon: int) -> Array:
        """(horizon, k) from the errors on the validation parts."""
        errors = []
        for history, first in validation:
            origins = thinned(np.arange(first, len(history) - 1), ERRORS_FOR_INTERVALS // len(validation) + 1)
            predicted = self.recipe_.forecast(history, origins, horizon)
            errors.append(
                labels(history.target_values, horizon)[origins].reshape(predicted.shape) - predicted
            )
        return conformal_radius(np.concatenate(errors), self.level)

    # Forecasting

    def predict(self, data: Any = None, future: Any = None) -> pd.DataFrame:
        """Forecasts of the steps that follow `data`, or what was fitted on, with their intervals.

        Parameters
        ----------
        data : the same columns as in `fit`, up to the last step that is known. Three contexts of it matter, and less
            is possible. A series that was not fitted on is standardised by what is given of it.
        future : the columns that are `known`, for the steps to forecast; time as in `data`.

        Returns
        -------
        A frame with a row for each step: for each target `name` its forecast, `name_lower` and `name_upper`. For a long
        table the rows lie under one another, with `unique_id` and `ds` in front.
        """
        check_is_fitted(self, "radii_")
        frames = self._ends if data is None else read_series(data)
        ahead = {} if future is None else read_series(future, min_steps=1)
        forecasts = {name: self._predict_one(name, frame, ahead.get(name)) for name, frame in frames.items()}
        if list(forecasts) == [ONLY]:
            return forecasts[ONLY]
        return pd.concat(forecasts, names=["unique_id", "ds"]).reset_index()

    def _predict_one(self, name: Hashable, frame: pd.DataFrame, future: pd.DataFrame | None) -> pd.DataFrame:
        horizon = max(as_horizons(self.horizons))
        frame = self._input(frame).iloc[-(WARM_UP * self.context + 1) :]
        index = future_index(frame.index, horizon)
        ahead = pd.DataFrame(np.nan, index, self.columns_)
        if self.known_:
            ahead[self.known_] = self._known_values(future, index)
        history = self._history(name, pd.concat([frame, ahead]))
        z = self._encoded(history[: len(frame)]).z
        assert z is not None
        history = history.encoded(np.vstack([z, np.full((horizon, z.shape[1]), np.nan, z.dtype)]))
        values, radius = np.empty((2, horizon, len(self.targets_)))
        done = 0
        for reached in as_horizons(self.horizons):
            ahead_of_now = self.recipe_.forecast(history, np.array([len(frame) - 1]), reached)[0]
            values[done:reached], radius[done:reached] = ahead_of_now[done:], self.radii_[reached][done:]
            done = reached
        names = [f"{target}{suffix}" for target in self.targets_ for suffix in ("", "_lower", "_upper")]
        bounds = np.stack(
            [history.in_units(bound) for bound in (values, values - radius, values + radius)], axis=-1
        )
        return pd.DataFrame(bounds.reshape(horizon, -1), index, names)

    def _known_values(self, future: pd.DataFrame | None, index: pd.Index) -> Array:
        if future is None:
            raise ValueError(
                f"future is missing: wanted {', '.join(self.known_)} for {index[0]} to {index[-1]}"
            )
        absent = [name for name in self.known_ if name not in future.columns]
        if absent:
            raise ValueError(f"future lacks the column {absent[0]!r}")
        values = future.reindex(index)[self.known_]
        if values.isna().any(axis=None):
            step = values.index[values.isna().any(axis=1)][0]
            raise ValueError(
                f"future has no value at {step}; wanted every step from {index[0]} to {index[-1]}"
            )
        return values.to_numpy()

    def backtest(self, data: Any, start: Any, by_series: bool = False) -> pd.DataFrame:
        """Errors of the forecasts that would have been made from `start` on, at every step whose horizon is known.

        Parameters
        ----------
        data : the same columns as in `fit`, with what came before `start`.
        start : the first origin: the last step that its forecast may know (a date, or a step number).
        by_series : True gives each series of a long table rows of its own.

        Returns
        -------
        A frame with a row for each horizon: `horizon`, `mse` and `mae` (standardised as in `fit`), `mse_raw` and
        `mae_raw` (in units of the data), `coverage` (share of the values within their interval) and `origins`. All are
        means over origins, steps and targets; gaps count nowhere.

        Raises
        ------
        ValueError
            No origin has all of a horizon after it.
        """
        check_is_fitted(self, "radii_")
        sums = {
            (name, horizon): one
            for name, frame in read_series(data).items()
            for horizon, one in self._errors(name, frame, start).items()
        }
        names = list(dict.fromkeys(name for name, _ in sums)) if by_series else [None]
        rows = []
        for name in names:
            for horizon in as_horizons(self.horizons):
                counted = [one for (of, h), one in sums.items() if h == horizon and name in (None, of)]
                rows.append({"unique_id": name, "horizon": horizon, **sum(counted, ErrorSums()).means()})
        table = pd.DataFrame(rows)
        if (table["origins"] == 0).all():
            raise ValueError(
                f"no step from start={start!r} on has {as_horizons(self.horizons)[0]} steps after it"
            )
        return table if by_series else table.drop(columns="unique_id")

    def _errors(self, name: Hashable, frame: pd.DataFrame, start: Any) -> dict[int, ErrorSums]:
        """Of one series, for each horizon."""
        frame = self._input(frame)
        first = int(frame.index.searchsorted(pd.Timestamp(start) if isinstance(start, str) else start))
        sums = {horizon: ErrorSums() for horizon in as_horizons(self.horizons)}
        if first + min(sums) >= len(frame):
            return sums
        skipped = max(0, first - WARM_UP * self.context if self.context_across_split else first)
        history = self._encoded(self._history(name, frame)[skipped:])
        unit = history.scale.deviation[list(history.targets)]
        for horizon, one in sums.items():
            truth = labels(history.target_values, horizon)
            at_once = max(1, VALUES_AT_ONCE // truth.shape[1])
            for begin in range(first - skipped, len(history) - horizon, at_once):
                origins = np.arange(begin, min(begin + at_once, len(history) - horizon))
                predicted = self.recipe_.forecast(history, origins, horizon)
                one.add(truth[origins].reshape(predicted.shape), predicted, self.radii_[horizon], unit)
        return sums

    def plot(
        self,
        data: Any = None,
        future: Any = None,
        truth: Any = None,
        shown: int | None = None,
        title: str | None = None,
    ) -> Figure:
        """A figure of the last `shown` steps (None: twice the horizon) and the forecasts after them, a panel a target.

        `data` and `future` as in `predict`, of one series; `truth` is what came, drawn beside the forecast.
        """
        from tsrep.plots import plot_forecast

        check_is_fitted(self, "radii_")
        frames = self._ends if data is None else read_series(data)
        if list(frames) != [ONLY]:
            raise ValueError(f"data holds {len(frames)} series, wanted one")
        steps = shown or 2 * max(as_horizons(self.horizons))
        past = self._input(frames[ONLY])[self.targets_].iloc[-steps:]
        came = None if truth is None else read_series(truth)[ONLY][self.targets_]
        return plot_forecast(
            past, self.predict(frames[ONLY], future), truth=came, level=self.level, title=title
        )

    # Input

    def _recipe(self) -> BestRecipe | PaperRecipe:
        kind = BestRecipe if self.recipe == "best" else PaperRecipe
        return kind(as_horizons(self.horizons), self.context)

    def _history(self, name: Hashable, frame: pd.DataFrame) -> History:
        values = frame[self.columns_].to_numpy(dtype=np.float64)
        scale = self.scales_.get(name) or Scale.of(values)
        targets, known = (tuple(map(self.columns_.index, names)) for names in (self.targets_, self.known_))
        return History(frame.index, (values - scale.mean) / scale.deviation, targets, known, scale)

    def _input(self, frame: pd.DataFrame) -> pd.DataFrame:
        absent = [name for name in self.columns_ if name not in frame.columns]
        if absent:
            raise ValueError(f"data lacks the column {absent[0]!r} that the forecaster was fitted with")
        return frame[self.columns_]

    def _validation_rows(self, rows: int) -> int:
        if isinstance(self.validation, int | np.integer):
            return int(self.validation)
        return rows - int(rows * (1 - self.validation))

    @property
    def chosen_(self) -> pd.DataFrame:
        check_is_fitted(self, "radii_")
        return self.recipe_.chosen(self.targets_)

    # On disk

    def _to_folder(self) -> Folder:
        encoder, tensors = inner_to_folder(self.encoder_, "encoder")
        described, of_recipe = recipe_to_arrays(self.recipe_)
        series, of_series = series_to_arrays(self.scales_, self._ends)
        groups = {
            "recipe": of_recipe,
            "series": of_series,
            "intervals": {str(horizon): radius for horizon, radius in self.radii_.items()},
        }
        tensors |= {
            group: {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}
            for group, arrays in groups.items()
        }
        columns = [self.columns_, self.targets_, self.known_]
        fitted = {"columns": columns, "recipe": described, "series": series}
        return {**self._description("encoder"), "encoder": encoder, "fitted": fitted}, tensors

    @classmethod
    def _from_folder(cls, config: dict[str, Any], tensors: Tensors) -> Self:
        encoder = inner_from_folder(config["encoder"], tensors, "encoder")
        forecaster = cls(encoder, **config["parameters"])
        groups = {
            group: {name: tensor.numpy() for name, tensor in tensors[group].items()}
            for group in ("recipe", "series", "intervals")
        }
        fitted = config["fitted"]
        forecaster.encoder_ = encoder
        forecaster.columns_, forecaster.targets_, forecaster.known_ = fitted["columns"]
        forecaster.recipe_ = recipe_from_arrays(forecaster._recipe(), fitted["recipe"], groups["recipe"])
        forecaster.scales_, forecaster._ends = series_from_arrays(
            fitted["series"], groups["series"], forecaster.columns_
        )
        forecaster.radii_ = {int(horizon): radius for horizon, radius in groups["intervals"].items()}
        return forecaster
