"""`RepresentationForecaster`: forecasts of long series from any causal representation.

There are two recipes: the paper's protocol (`paper.py`), and the representation together with the raw lags (`best.py`).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from tsrep.base.fitting import atomic
from tsrep.base.parameters import check_unchanged, current_values
from tsrep.base.saving import Folder, SavedEstimator, Tensors, inner_from_folder, inner_to_folder
from tsrep.data import Scale, warn_of_fill_values
from tsrep.tasks.forecast.best import BestRecipe
from tsrep.tasks.forecast.errors import ErrorSums, backtest_errors
from tsrep.tasks.forecast.folder import (
    recipe_from_arrays,
    recipe_to_arrays,
    series_from_arrays,
    series_to_arrays,
)
from tsrep.tasks.forecast.history import History, Part
from tsrep.tasks.forecast.intervals import interval_radius
from tsrep.tasks.forecast.paper import PaperRecipe
from tsrep.tasks.forecast.parameters import (
    FIXED_BY_FIT,
    as_horizons,
    as_moment,
    check_forecaster,
    check_level,
    check_targets,
    check_values,
    choose_columns,
    known_values,
    long_enough,
    select_columns,
    validation_rows,
)
from tsrep.tasks.representation import as_panel_of_series, fit_encoder
from tsrep.tasks.series import MOST_LEARNT, ONLY, future_index, in_message, read_series
from tsrep.tasks.together import groups_with_progress, quiet, side_by_side

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[Any]

WARM_UP = 3
"""Contexts of history before an origin on which its forecast may depend."""
CONTEXTS_PER_WINDOW = 5
"""Contexts in a training window of an unfitted encoder."""
MOST_SERIES = 10_000
"""Series that the regressions learn from; of more, evenly spaced ones."""


class RepresentationForecaster(SavedEstimator):
    """Forecasts of one long series or several, with intervals, from a representation of the steps before an origin.

    Parameters
    ----------
    encoder : representation
        Any object with `fit(X)` on panels (n, c, t) and `encode_causal(X, context)`. A clone of it is fitted, with
        training windows that fit the context: with `recipe="best"`, a `max_train_length` of an unfitted encoder that is
        at its default becomes 5 * `context`.
    horizons : int or sequence of int
        Numbers of steps ahead. `predict` forecasts up to the longest; `backtest` gives the errors of each.
    context : int
        Number of steps before an origin that its representation and the lags depend on; 200 in the paper.
    recipe : {"best", "paper"}
        "best": the representation together with the raw lags, see `tsrep.tasks.forecast.best`. "paper": the protocol of
        TS2Vec, ridge regression on the representation alone, see `tsrep.tasks.forecast.paper`; the encoder keeps its
        training windows.
    level : float
        Share of values that the intervals should contain.
    validation : float or int
        The last rows of each series, a share or a number, on which candidates are selected and the width of the
        intervals is set. Columns are standardised by the rows before them.
    refit : bool
        True fits the selected regressions again on all rows, the validation part included; `recipe="best"` only. The
        intervals keep their width.
    context_across_split : bool
        True, as in the paper: the first forecasts of a part depend on the part before it. False encodes each part
        alone, in `backtest` too.
    prefit : bool
        True uses `encoder` itself, already fitted on such input.

    Attributes
    ----------
    encoder_ : the fitted encoder.
    recipe_ : the fitted recipe.
    columns_, targets_, known_ : names of the columns.
    scales_ : mean and deviation of the columns of each series.
    radii_ : per horizon the half width of the intervals, standardised, (horizon, targets).
    chosen_ : what was selected on the validation part, a DataFrame.

    Notes
    -----
    `data` is one series or several in any container that `tsrep.tasks.series.read_series` reads: a pandas Series or
    DataFrame with time down (dates at a regular step, or step numbers), an array (t,) or (t, c), a long table with the
    columns `unique_id`, `ds` and values, or the path of a CSV or Parquet file. Missing rows and values are gaps: they
    are forecast like other steps and enter no error. Of a series of more than 1,048,576 rows the last ones are learned
    from; of more than 10,000 series the regressions learn from 10,000, and the encoder from all.

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

    # Fitting

    @atomic
    def fit(
        self, data: Any, targets: str | Sequence[str] | None = None, known: str | Sequence[str] = ()
    ) -> Self:
        """Fit on one series or several.

        Parameters
        ----------
        data : see the class. Every column is an input.
        targets : column or columns to forecast. None: `y` of a long table, else all columns that are not in `known`.
            The columns of an array are called by their numbers.
        known : column or columns that are known for the future (a price, a holiday); `recipe="best"` only.

        Raises
        ------
        ValueError
            A parameter is out of range, a column is missing, or no series is long enough.
        """
        check_forecaster(self)
        frames = {name: frame.iloc[-MOST_LEARNT:] for name, frame in _read_frames(data, "data").items()}
        columns = choose_columns(frames, targets, known, self.recipe)
        self.columns_, self.targets_, self.known_ = columns
        self._fixed = current_values(self, FIXED_BY_FIT)
        stops = {
            name: len(frame) - validation_rows(self.validation, len(frame)) for name, frame in frames.items()
        }
        self.scales_ = {
            name: Scale.of(frame[self.columns_].to_numpy()[: stops[name]]) for name, frame in frames.items()
        }
        histories = {name: self._history(name, frame) for name, frame in frames.items()}
        horizons = as_horizons(self.horizons)
        enough = long_enough(histories, stops, self.context, horizons[-1])
        check_targets(enough, stops, self.context, self.targets_)

        recipe = self._recipe()
        self.recipe_ = recipe.prepare([history[: stops[name]] for name, history in enough.items()])
        training_inputs = [recipe.encoder_input(history[: stops[name]]) for name, history in enough.items()]
        self.encoder_ = fit_encoder(
            self.encoder,
            as_panel_of_series(training_inputs),
            prefit=self.prefit,
            window=CONTEXTS_PER_WINDOW * self.context if self.recipe == "best" else None,
            told=True,
        )
        learnt = list(enough)[:: -(-len(enough) // MOST_SERIES)]
        training, validation = self._parts(
            [enough[name] for name in learnt], [stops[name] for name in learnt]
        )
        recipe.fit(training, validation)
        judged = recipe.at_distances(training, validation) if isinstance(recipe, PaperRecipe) else [recipe]
        self.radii_ = {
            horizon: interval_radius(judged, validation, horizon, self.level) for horizon in horizons
        }
        if self.refit and isinstance(recipe, BestRecipe):
            recipe.refit([*training, *validation])
        last_rows = WARM_UP * self.context + 1
        self._ends = {name: frame[self.columns_].iloc[-last_rows:] for name, frame in frames.items()}
        return self

    def _parts(self, histories: Sequence[History], stops: Sequence[int]) -> tuple[list[Part], list[Part]]:
        """The training parts, without their first `context` origins, and the validation parts; all encoded."""
        if self.context_across_split:
            wholes = list(zip(self._encoded(histories), stops, strict=True))
            training = [Part(whole[:stop], self.context) for whole, stop in wholes]
            return training, [Part(whole, stop) for whole, stop in wholes]
        before = [history[:stop] for history, stop in zip(histories, stops, strict=True)]
        after = [history[stop:] for history, stop in zip(histories, stops, strict=True)]
        training = [Part(history, self.context) for history in self._encoded(before)]
        return training, [Part(history, 0) for history in self._encoded(after)]

    def _encoded(self, histories: Sequence[History]) -> Iterator[History]:
        """The histories with their representations; short ones are encoded together."""
        encoder = quiet(self.encoder_) if len(histories) > 1 else self.encoder_
        for group in groups_with_progress(self.encoder_, [len(each) for each in histories], "Encoding"):
            X = side_by_side([self.recipe_.encoder_input(history) for history in histories[group]])
            Z = np.asarray(encoder.encode_causal(X.astype(np.float32), context=self.context))
            for history, z in zip(histories[group], Z, strict=True):
                yield history.encoded(z[: len(history)])

    # Forecasting

    def predict(self, data: Any = None, future: Any = None) -> pd.DataFrame:
        """Forecasts of the steps after `data`, or after the data of `fit`, with their intervals.

        Parameters
        ----------
        data : the same columns as in `fit`, up to the last known step. Its last three contexts are used; fewer rows are
            possible. A series with a name that was not in `fit` is standardised by its rows in `data`. One that is
            given alone is standardised as the one that was fitted alone: it is taken for the same.
        future : the columns in `known` at the steps to forecast; time as in `data`.

        Returns
        -------
        A DataFrame with one row per step: for each target `name` its forecast, `name_lower` and `name_upper`. Rows of
        several series follow one another, with the columns `unique_id` and `ds` in front.
        """
        self._check_fitted()
        frames = self._ends if data is None else _read_frames(data, "data", empty_columns=True)
        ahead = {} if future is None else _read_frames(future, "future", min_steps=1)
        given = [self._history_to_forecast(name, frame) for name, frame in frames.items()]
        later = [
            self._steps_ahead(history, ahead.get(name)) for name, history in zip(frames, given, strict=True)
        ]
        forecasts = {
            name: self._predict_series(history, *steps)
            for name, history, steps in zip(frames, self._encoded(given), later, strict=True)
        }
        if list(forecasts) == [ONLY]:
            return forecasts[ONLY]
        return pd.concat(forecasts, names=["unique_id", "ds"]).reset_index()

    def _history_to_forecast(self, name: Hashable, frame: pd.DataFrame) -> History:
        """The last rows of a series, on which its forecast depends."""
        frame = select_columns(frame, self.columns_, "data").iloc[-(WARM_UP * self.context + 1) :]
        check_values(frame, self.targets_, in_message(name, "data"))
        history = self._history(name, frame)
        check_level(history, in_message(name, "data"))
        return history

    def _steps_ahead(self, history: History, future: pd.DataFrame | None) -> tuple[pd.Index, Array]:
        """The steps to forecast and their standardised values (horizon, c), NaN where they are not known."""
        index = future_index(history.index, max(as_horizons(self.horizons)))
        ahead = np.full((len(index), len(self.columns_)), np.nan)
        if self.known_:
            places = [self.columns_.index(name) for name in self.known_]
            ahead[:, places] = known_values(future, self.known_, index)
        return index, history.scale.apply(ahead)

    def _predict_series(self, history: History, index: pd.Index, ahead: Array) -> pd.DataFrame:
        """The forecast after an encoded history."""
        horizon = len(index)
        origin = np.array([len(history) - 1])
        history = history.followed_by(index, ahead)
        values, radius = np.empty((2, horizon, len(self.targets_)))
        done = 0
        for stop in as_horizons(self.horizons):
            values[done:stop] = self.recipe_.forecast(history, origin, stop)[0, done:]
            radius[done:stop] = self.radii_[stop][done:]
            done = stop
        names = [f"{target}{suffix}" for target in self.targets_ for suffix in ("", "_lower", "_upper")]
        bounds = np.stack(
            [history.in_units(bound) for bound in (values, values - radius, values + radius)], axis=-1
        )
        return pd.DataFrame(bounds.reshape(horizon, -1), index, names)

    def backtest(self, data: Any, start: Any, by_series: bool = False) -> pd.DataFrame:
        """Errors of the forecasts from every origin from `start` on that has a whole horizon after it.

        Parameters
        ----------
        data : the same columns as in `fit`, including the steps before `start`.
        start : the first origin, the last step that its forecast may depend on (a date, or a step number). A series
            that was not in `fit` is standardised by its rows up to there.
        by_series : True gives one row per series and horizon.

        Returns
        -------
        A DataFrame with one row per horizon: `horizon`, `mse` and `mae` (standardised as in `fit`), `mse_raw` and
        `mae_raw` (in units of the data), `coverage` (share of the values inside their interval) and `origins` (their
        number). Errors are means over origins, steps and targets without gaps.

        Raises
        ------
        ValueError
            No origin has a whole horizon after it.
        """
        self._check_fitted()
        horizons = as_horizons(self.horizons)
        errors = {
            name: self._errors(name, frame, start) for name, frame in _read_frames(data, "data").items()
        }
        groups: dict[Hashable, list[dict[int, ErrorSums]]] = {None: list(errors.values())}
        if by_series:
            groups = {name: [of_series] for name, of_series in errors.items()}
        rows = []
        for name, group in groups.items():
            for horizon in horizons:
                total = sum((of_series[horizon] for of_series in group), ErrorSums())
                rows.append({"unique_id": name, "horizon": horizon, **total.means()})
        table = pd.DataFrame(rows)
        if (table["origins"] == 0).all():
            raise ValueError(f"start is {start!r}; wanted a step with at least {horizons[0]} steps after it")
        return table if by_series else table.drop(columns="unique_id")

    def _errors(self, name: Hashable, frame: pd.DataFrame, start: Any) -> dict[int, ErrorSums]:
        """Errors of one series per horizon."""
        frame = select_columns(frame, self.columns_, "data")
        first = int(frame.index.searchsorted(as_moment(start, frame.index)))
        if first + min(self.radii_) >= len(frame):
            return {horizon: ErrorSums() for horizon in self.radii_}
        skipped = max(0, first - WARM_UP * self.context if self.context_across_split else first)
        given = self._history(name, frame, upto=first + 1)
        check_level(given, in_message(name, "data"))
        (history,) = self._encoded([given[skipped:]])
        return backtest_errors(self.recipe_, history, first - skipped, self.radii_)

    def plot(
        self,
        data: Any = None,
        future: Any = None,
        truth: Any = None,
        shown: int | None = None,
        title: str | None = None,
    ) -> Figure:
        """A figure with one panel per target: the last `shown` steps (None: two horizons) and the forecasts after them.

        `data` and `future` are as in `predict`, with one series; `truth` is the series after `data`, drawn beside the
        forecast.
        """
        from tsrep.plots import plot_forecast

        self._check_fitted()
        frames = self._ends if data is None else _read_frames(data, "data")
        if list(frames) != [ONLY]:
            raise ValueError(f"data has {len(frames)} series; wanted one")
        steps = shown or 2 * max(as_horizons(self.horizons))
        past = select_columns(frames[ONLY], self.targets_, "data").iloc[-steps:]
        after = None if truth is None else _read_frames(truth, "truth")[ONLY][self.targets_]
        return plot_forecast(
            past, self.predict(frames[ONLY], future), truth=after, level=self.level, title=title
        )

    # Input

    def _recipe(self) -> BestRecipe | PaperRecipe:
        recipe = BestRecipe if self.recipe == "best" else PaperRecipe
        return recipe(as_horizons(self.horizons), self.context)

    def _history(self, name: Hashable, frame: pd.DataFrame, upto: int | None = None) -> History:
        """The standardised series; one that was not in `fit` by its first `upto` rows, None: all."""
        values = frame[self.columns_].to_numpy(dtype=np.float64)
        warn_of_fill_values(values.T[None], in_message(name, "data"), self.columns_, stacklevel=5)
        scale = self.scales_.get(name) or Scale.of(values[:upto])
        targets, known = (tuple(map(self.columns_.index, names)) for names in (self.targets_, self.known_))
        return History(frame.index, scale.apply(values), targets, known, scale)

    @property
    def chosen_(self) -> pd.DataFrame:
        self._check_fitted()
        return self.recipe_.choices(self.targets_)

    def _check_fitted(self) -> None:
        """Raises if nothing was fitted, or if a parameter that decides on the forecasts has changed since."""
        check_is_fitted(self, "radii_")
        check_unchanged(self, self._fixed)

    # On disk

    def _to_folder(self) -> Folder:
        check_unchanged(self, self._fixed)
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
        forecaster._fixed = current_values(forecaster, FIXED_BY_FIT)
        forecaster.columns_, forecaster.targets_, forecaster.known_ = fitted["columns"]
        forecaster.recipe_ = recipe_from_arrays(forecaster._recipe(), fitted["recipe"], groups["recipe"])
        forecaster.scales_, forecaster._ends = series_from_arrays(
            fitted["series"], groups["series"], forecaster.columns_
        )
        forecaster.radii_ = {int(horizon): radius for horizon, radius in groups["intervals"].items()}
        return forecaster


def _read_frames(
    data: Any, argument: str, min_steps: int = 2, empty_columns: bool = False
) -> dict[Hashable, pd.DataFrame]:
    """Each series as a DataFrame on a regular index, from its first observed row on."""
    frames = {}
    all_series = read_series(data, min_steps=min_steps, empty_columns=empty_columns, argument=argument)
    for name, series in all_series.items():
        first = int((~np.isnan(series.values)).any(axis=1).argmax())
        frames[name] = series.frame.iloc[first:]
    return frames
