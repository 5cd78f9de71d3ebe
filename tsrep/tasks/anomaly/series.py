"""Long series as people have them, in the one form that the detector computes with."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsrep.data import as_regular, is_long

ONLY = ""
"""The name of a series that was given alone."""


class LongSeries(NamedTuple):
    """`values` (t, c) with every step of the rhythm, NaN where nothing was measured; `places` (rows,): at which step
    each given row stands."""

    values: NDArray[np.float64]
    places: NDArray[np.intp]


def read_series(X: Any) -> dict[Hashable, LongSeries]:
    """The series in `X` by name; one that is given alone is called `ONLY`.

    Parameters
    ----------
    X : array (t,) or (t, c); a pandas Series or DataFrame with time down and channels across; or a long table with the
        columns `unique_id`, `ds` and one or more of values, a series for each `unique_id`. Where the index (or `ds`)
        holds times, the steps that are missing among them are put in as NaN; otherwise each row is a step.

    Raises
    ------
    ValueError
        Not of these shapes, infinite values, text, times that repeat, are out of order or have no common step
        (a `TableError`), or no row.
    """
    if is_long(X):
        names = X["unique_id"].unique()
        return {name: _of_long(X, name) for name in names}
    if isinstance(X, pd.Series | pd.DataFrame):
        frame = X.to_frame() if isinstance(X, pd.Series) else X
        if isinstance(frame.index, pd.DatetimeIndex | pd.PeriodIndex):
            return {ONLY: _of_times(frame)}
        values = frame.to_numpy(dtype=np.float64, na_value=np.nan)
        return {ONLY: _checked(LongSeries(values, np.arange(len(frame))))}
    values = np.asarray(X, dtype=np.float64)
    if values.ndim == 1:
        values = values[:, None]
    if values.ndim != 2:
        raise ValueError(f"X has shape {values.shape}, wanted one long series, (t,) or (t, c)")
    return {ONLY: _checked(LongSeries(values, np.arange(len(values))))}


def as_plotted(X: Any) -> tuple[Any, NDArray[np.float64]]:
    """(times of the rows, values (rows, c)) of one series, for a figure."""
    if isinstance(X, pd.Series | pd.DataFrame):
        values = np.asarray(X, dtype=np.float64)
        times = X.index.to_timestamp() if isinstance(X.index, pd.PeriodIndex) else X.index
        return times, values.reshape(len(X), -1)
    values = np.asarray(X, dtype=np.float64)
    return np.arange(len(values)), values.reshape(len(values), -1)


def rows_of_series(X: Any) -> dict[Hashable, NDArray[np.intp]]:
    """Which rows of `X` belong to each series of `read_series(X)`."""
    if is_long(X):
        names = X["unique_id"].to_numpy()
        return {name: np.flatnonzero(names == name) for name in pd.unique(names)}
    return {ONLY: np.arange(len(X))}


def _of_long(table: pd.DataFrame, name: Hashable) -> LongSeries:
    rows = table[table["unique_id"] == name].drop(columns="unique_id").set_index("ds")
    if isinstance(rows.index, pd.DatetimeIndex | pd.PeriodIndex):
        return _of_times(rows)
    return _checked(LongSeries(rows.to_numpy(dtype=np.float64), np.arange(len(rows))))


def _of_times(frame: pd.DataFrame) -> LongSeries:
    regular = as_regular(frame, min_steps=1)
    index = frame.index.to_timestamp() if isinstance(frame.index, pd.PeriodIndex) else frame.index
    return _checked(LongSeries(regular.to_numpy(), regular.index.get_indexer(index)))


def _checked(series: LongSeries) -> LongSeries:
    if series.values.size == 0:
        raise ValueError(f"X has shape {series.values.shape}, wanted at least one step and one channel")
    if np.isinf(series.values).any():
        step = int(np.argmax(np.isinf(series.values).any(axis=1)))
        raise ValueError(f"X is infinite at step {step}; NaN marks a missing value")
    return series
