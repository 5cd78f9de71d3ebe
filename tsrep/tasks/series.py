"""Long series in any container, read into one form.

`read_series` is the only reader: what a long series may come in, and how its steps are put in order, is decided here.

Shapes: t steps, c channels.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsrep.data import as_regular, is_long, read_long, read_table, split_long
from tsrep.data.long import ID, TIME

Floats = NDArray[np.float64]

ONLY = ""
"""The name of a series that is given alone."""

CONTAINERS = "an array (t,) or (t, c), a pandas Series or DataFrame, a long table, or the path of a file"


@dataclass(frozen=True)
class RegularSeries:
    """One series with every step in place.

    values : (t, c), NaN where nothing was measured.
    index : (t,) dates or step numbers.
    columns : names of the channels.
    named : False where the container had none and `columns` only counts the channels; the name of a pandas Series is
        not compared with others.
    """

    values: Floats
    index: pd.Index
    columns: list[str]
    named: bool = True

    @property
    def frame(self) -> pd.DataFrame:
        """(t, c), time down and channels across."""
        return pd.DataFrame(self.values, self.index, self.columns)


def read_series(
    data: Any, *, times: str = "any", min_steps: int = 1, empty_columns: bool = False, argument: str = "X"
) -> dict[Hashable, RegularSeries]:
    """The series in `data` by name; a series that is given alone is called `ONLY`.

    Parameters
    ----------
    data : an array (t,) or (t, c); a pandas Series or DataFrame with time down and channels across; a long table
        (columns `unique_id`, `ds` and values), one series per `unique_id`; or the path of a CSV or Parquet file with
        any of these tables.
    times : {"any", "dates"}
        What orders the rows in time and shows which steps are missing; missing steps are inserted as NaN. "any":
        dates or step numbers, in the index, in `ds` or in a time column, text that reads as dates included. "dates":
        an index (or `ds`) of type date or period only; otherwise every row is one step, in the order given.
    min_steps : a series with fewer rows is an error where its rows are ordered in time.
    empty_columns : True takes a column without a value, False refuses it where rows are ordered in time.
    argument : the name of `data` in messages.

    Raises
    ------
    ValueError
        Wrong shape, infinite values or text, no row, or times that repeat, are out of order or have no common step
        (`TableError`).
    TypeError
        `data` is not one of these containers.
    """
    if isinstance(data, str | Path):
        data = open_file(data, min_steps, empty_columns)
        if not is_long(data):
            return {ONLY: _of_frame(data)}
    if not is_long(data):
        return {ONLY: _read_one(data, times, min_steps, empty_columns, argument)}
    if times == "any":
        return {name: _of_frame(frame) for name, frame in split_long(data, min_steps, empty_columns).items()}
    tables = data.groupby(ID, sort=False)
    return {
        name: _read_one(table.drop(columns=ID).set_index(TIME), times, min_steps, empty_columns, argument)
        for name, table in tables
    }


def open_file(data: Any, min_steps: int = 1, empty_columns: bool = False) -> Any:
    """The table in a file, long or on a regular index, if `data` is a path; otherwise `data` itself."""
    if not isinstance(data, str | Path):
        return data
    long = read_long(data)
    if long is not None:
        return long
    return read_table(data, min_steps=min_steps, empty_columns=empty_columns)


def places_of_rows(
    data: Any, series: Mapping[Hashable, RegularSeries]
) -> dict[Hashable, tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Where the rows of `data` are in the series that `read_series(data, times="dates")` made of them.

    Returns
    -------
    For each series (rows, steps): its rows in `data`, and the step of the series at which each of them is.
    """
    long = is_long(data)
    dates = _dates(pd.Index(data[TIME]) if long else getattr(data, "index", None))
    names = data[ID].to_numpy() if long else np.full(len(data), ONLY)
    rows_of = pd.Series(np.arange(len(names))).groupby(names, sort=False).indices
    places = {}
    for name, regular in series.items():
        rows = np.asarray(rows_of.get(name, ()), dtype=np.intp)
        steps = np.arange(len(rows)) if dates is None else regular.index.get_indexer(dates[rows])
        places[name] = rows, steps
    return places


def joined(history: Any, X: Any) -> Any:
    """`history` followed by `X`, in the container that both have; `X` alone where `history` is None."""
    pandas = isinstance(X, pd.Series | pd.DataFrame)
    if history is None:
        return X if pandas else np.asarray(X, dtype=np.float64)
    if pandas:
        if type(history) is not type(X):
            raise TypeError(
                f"history is a {type(history).__name__}; wanted a {type(X).__name__}, as X is one"
            )
        return pd.concat([history, X])
    before, now = np.asarray(history, dtype=np.float64), np.asarray(X, dtype=np.float64)
    if before.shape[1:] != now.shape[1:]:
        raise ValueError(f"history has shape {before.shape} and X {now.shape}; wanted the same channels")
    return np.concatenate([before, now])


def future_index(index: pd.Index, horizon: int) -> pd.Index:
    """The `horizon` steps after a regular index."""
    if isinstance(index, pd.DatetimeIndex):
        step: Any = index.freq or pd.infer_freq(index) or index[-1] - index[-2]
        return pd.date_range(index[-1], periods=horizon + 1, freq=step, name=index.name)[1:]
    step = int(index[1] - index[0]) if len(index) > 1 else 1
    start = int(index[-1]) + step
    return pd.RangeIndex(start, start + horizon * step, step, name=index.name)


def names_of_channels(series: Mapping[Hashable, RegularSeries]) -> list[str] | None:
    """The names that the channels of all series have; None where one has none, or others, or one name twice."""
    names = [each.columns if each.named else None for each in series.values()]
    known = names[0] is not None and len(set(names[0])) == len(names[0])
    return names[0] if known and all(each == names[0] for each in names) else None


def in_message(name: Hashable, argument: str = "X") -> str:
    """How an error calls a series."""
    return argument if name == ONLY else f"the series {name!r}"


def _read_one(data: Any, times: str, min_steps: int, empty_columns: bool, argument: str) -> RegularSeries:
    """One series that is no long table."""
    frame = data
    if isinstance(data, pd.Series):
        frame = data.to_frame("y" if data.name is None else data.name)
    if not isinstance(frame, pd.DataFrame):
        series = _of_array(data, argument)
    elif _dates(frame.index) is not None:
        series = _of_frame(as_regular(frame, min_steps=min_steps, empty_columns=empty_columns))
    elif times == "any":
        series = _of_frame(_on_step_numbers(frame, min_steps, empty_columns))
    else:
        values = frame.to_numpy(dtype=np.float64, na_value=np.nan)
        series = RegularSeries(values, frame.index, [str(column) for column in frame.columns])
    _check_values(series.values, argument)
    return replace(series, named=False) if isinstance(data, pd.Series) else series


def _of_array(data: Any, argument: str) -> RegularSeries:
    try:
        values = np.asarray(data, dtype=np.float64)
    except TypeError as error:
        raise TypeError(f"{argument} is a {type(data).__name__}; wanted {CONTAINERS}") from error
    columns = ["y"]
    if values.ndim == 1:
        values = values[:, None]
    elif values.ndim == 2:
        columns = [str(channel) for channel in range(values.shape[1])]
    else:
        raise ValueError(f"{argument} has shape {values.shape}; wanted one long series, (t,) or (t, c)")
    return RegularSeries(values, pd.RangeIndex(len(values)), columns, named=False)


def _of_frame(frame: pd.DataFrame) -> RegularSeries:
    """A frame of floats that is on a regular index."""
    return RegularSeries(frame.to_numpy(), frame.index, list(frame.columns))


def _on_step_numbers(frame: pd.DataFrame, min_steps: int, empty_columns: bool) -> pd.DataFrame:
    """A frame without an index of dates on a regular index.

    Integers in the index are step numbers, unless they only count the rows (0, 1, 2, ...): then a time column is looked
    for.
    """
    index = frame.index
    if not pd.api.types.is_integer_dtype(index.dtype) or index.equals(pd.RangeIndex(len(index))):
        return as_regular(frame, min_steps=min_steps, empty_columns=empty_columns)
    step = "step of the index"
    with_steps = frame.set_axis(pd.Index(index, name=step), axis=0).reset_index()
    regular = as_regular(with_steps, time=step, min_steps=min_steps, empty_columns=empty_columns)
    return regular.set_axis(regular.index.rename(index.name), axis=0)


def _dates(index: pd.Index | None) -> pd.DatetimeIndex | None:
    """An index of dates or periods as dates; None for any other."""
    if isinstance(index, pd.PeriodIndex):
        return index.to_timestamp()
    return index if isinstance(index, pd.DatetimeIndex) else None


def _check_values(values: Floats, argument: str) -> None:
    if values.size == 0:
        raise ValueError(f"{argument} has shape {values.shape}; wanted at least one step and one channel")
    infinite = np.isinf(values).any(axis=1)
    if infinite.any():
        raise ValueError(
            f"{argument} is infinite at step {int(np.argmax(infinite))}; NaN marks a missing value"
        )
