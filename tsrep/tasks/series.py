"""Long series in any container, read into one form.

Tables of all kinds are read by `tsrep.data.tables`; an array is taken as it is.

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

from tsrep.data import read_long, read_table
from tsrep.data.columns import quoted
from tsrep.data.frames import as_pandas
from tsrep.data.grid import following
from tsrep.data.plain import plain, real_numbers
from tsrep.data.table import ReadOptions, RegularTable
from tsrep.data.tables import ONLY, as_frame, is_table, read_tables
from tsrep.data.wording import worded_as_call

Floats = NDArray[np.float64]
Places = NDArray[np.intp]

CONTAINERS = "an array (t,) or (t, c), a pandas Series or DataFrame, a long table, or the path of a file"


MOST_LEARNT = 2**20
"""Steps of a series that a detector or a forecaster learns from: the last ones. More would need memory without end."""


@dataclass(frozen=True)
class RegularSeries:
    """One series with every step in place.

    values : (t, c), NaN where nothing was measured.
    index : (t,) dates or step numbers.
    columns : names of the channels.
    rows, steps : (n,) the places of its rows in the data given, and the step at which each of them is.
    named : False where the container had none and `columns` only counts the channels; the name of a pandas Series is
        not compared with others.
    """

    values: Floats
    index: pd.Index
    columns: list[str]
    rows: Places
    steps: Places
    named: bool = True

    def last(self, steps: int) -> RegularSeries:
        """The series without all but its last `steps` steps, and without the rows of the others."""
        first = max(0, len(self.values) - steps)
        kept = self.steps >= first
        return replace(
            self,
            values=self.values[first:],
            index=self.index[first:],
            rows=self.rows[kept],
            steps=self.steps[kept] - first,
        )

    @property
    def frame(self) -> pd.DataFrame:
        """(t, c), time down and channels across."""
        return pd.DataFrame(self.values, self.index, self.columns)


def read_series(
    data: Any, *, min_steps: int = 1, empty_columns: bool = False, argument: str = "X"
) -> dict[Hashable, RegularSeries]:
    """The series in `data` by name; a series that is given alone is called `ONLY`.

    Parameters
    ----------
    data : an array (t,) or (t, c), each row a step; or a table as `tsrep.data.tables.read_tables` takes it: the path of
        a file, a pandas Series or DataFrame with time down and channels across, or a long table (`unique_id`, `ds` and
        values), one series per `unique_id`. The time is in the index or in columns: dates, time differences or step
        numbers, text that reads as such included. Steps without a row are inserted as NaN.
    min_steps : a table with fewer rows is an error.
    empty_columns : True takes a column of a table without a value, False refuses it.
    argument : the name of `data` in messages.

    Raises
    ------
    ValueError
        Wrong shape, infinite values or text, no row, or times that repeat, are out of order, have no common step or
        cannot be read (`TableError`).
    TypeError
        `data` is not one of these containers.
    """
    data = as_pandas(data, argument)
    if not is_table(data):
        series = _of_array(data, argument)
        _check_values(series.values, argument)
        return {ONLY: series}
    options = ReadOptions(min_steps=min_steps, empty_columns=empty_columns)
    if isinstance(data, str | Path):
        return {name: _of_table(table) for name, table in read_tables(data, options).items()}
    frame = as_frame(data)
    if frame.size == 0:
        raise ValueError(f"{argument} has shape {frame.shape}; wanted at least one step and one channel")
    if frame.columns.is_unique:
        tables = read_tables(frame, options)
        return {name: _of_table(each, not isinstance(data, pd.Series)) for name, each in tables.items()}
    (table,) = read_tables(frame.set_axis(range(frame.shape[1]), axis=1), options).values()
    return {ONLY: replace(_of_table(table), columns=[str(name) for name in frame.columns])}


def open_file(data: Any, empty_columns: bool = False) -> Any:
    """The table in a file, long or on a regular index, if `data` is a path; otherwise `data` itself."""
    if not isinstance(data, str | Path):
        return as_pandas(data)
    long = read_long(data)
    if long is not None:
        return long
    with worded_as_call("read_table"):
        return read_table(data, min_steps=1, empty_columns=empty_columns)


def places_of_rows(
    series: Mapping[Hashable, RegularSeries],
) -> dict[Hashable, tuple[Places, Places]]:
    """For each series (rows, steps): its rows in the data it was read from, and the step at which each of them is."""
    return {name: (each.rows, each.steps) for name, each in series.items()}


def joined(history: Any, X: Any) -> Any:
    """`history` followed by `X`, in the container that both have, pandas for all frames; `X` alone for no `history`."""
    history, X = plain(as_pandas(history, "history")), plain(as_pandas(X))
    pandas = isinstance(X, pd.Series | pd.DataFrame)
    if history is None:
        return X if pandas else np.asarray(X, dtype=np.float64)
    if pandas:
        if type(history) is not type(X):
            raise TypeError(
                f"history is a {type(history).__name__}; wanted a {type(X).__name__}, as X is one"
            )
        numbered = all(each.index.equals(pd.RangeIndex(len(each))) for each in (history, X))
        return pd.concat([history, X], ignore_index=numbered)
    before, now = np.asarray(history, dtype=np.float64), np.asarray(X, dtype=np.float64)
    if before.shape[1:] != now.shape[1:]:
        raise ValueError(f"history has shape {before.shape} and X {now.shape}; wanted the same channels")
    return np.concatenate([before, now])


def future_index(index: pd.Index, horizon: int) -> pd.Index:
    """The `horizon` steps after a regular index."""
    return following(index, horizon)


def names_of_channels(series: Mapping[Hashable, RegularSeries]) -> list[str] | None:
    """The names that the channels of all series have; None where one has none, or others, or one name twice."""
    names = [each.columns if each.named else None for each in series.values()]
    known = names[0] is not None and len(set(names[0])) == len(names[0])
    return names[0] if known and all(each == names[0] for each in names) else None


def name_to_json(name: Hashable) -> str | int | float | bool | None:
    """The name of a series as JSON holds it.

    Raises
    ------
    ValueError
        It is neither text nor a number, so that a saved model would not have it.
    """
    plain = name.item() if isinstance(name, np.generic) else name
    if plain is None or isinstance(plain, str | int | float):
        return plain
    raise ValueError(f"a series is named {name!r}; wanted text or a number, to save it")


def in_message(name: Hashable, argument: str = "X") -> str:
    """How an error calls a series."""
    return argument if name == ONLY else f"the series {quoted(name)}"


def _of_array(data: Any, argument: str) -> RegularSeries:
    try:
        values = real_numbers(data, argument)
    except TypeError as error:
        raise TypeError(f"{argument} is a {type(data).__name__}; wanted {CONTAINERS}") from error
    columns = ["y"]
    if values.ndim == 1:
        values = values[:, None]
    elif values.ndim == 2:
        columns = [str(channel) for channel in range(values.shape[1])]
    else:
        raise ValueError(f"{argument} has shape {values.shape}; wanted one long series, (t,) or (t, c)")
    rows = np.arange(len(values))
    return RegularSeries(values, pd.RangeIndex(len(values)), columns, rows, rows, named=False)


def _of_table(table: RegularTable, named: bool = True) -> RegularSeries:
    frame = table.frame
    return RegularSeries(frame.to_numpy(), frame.index, list(frame.columns), table.rows, table.steps, named)


def _check_values(values: Floats, argument: str) -> None:
    if values.size == 0:
        raise ValueError(f"{argument} has shape {values.shape}; wanted at least one step and one channel")
    infinite = np.isinf(values).any(axis=1)
    if infinite.any():
        raise ValueError(
            f"{argument} is infinite at step {int(np.argmax(infinite))}; NaN marks a missing value"
        )
