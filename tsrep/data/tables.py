"""The one door for tables: files and frames, wide or long, of pandas and of other libraries.

All tasks, the imputer and the shell read tables through `read_tables`.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from tsrep.data.columns import TableError
from tsrep.data.files import ID, open_table
from tsrep.data.frames import as_pandas, is_frame
from tsrep.data.long import TIME, is_long, split_tables
from tsrep.data.table import ReadOptions, RegularTable, regular_table
from tsrep.data.wording import worded_as_call

NAMES_OF_SERIES = frozenset({ID, "uniqueid", "item_id", "series_id", "series", "ts_id", "id"})
"""Names, in lower case, that a column of names of series has elsewhere."""
ONLY = ""
"""The name of a series that is given alone."""


def read_tables(data: Any, options: ReadOptions) -> dict[Hashable, RegularTable]:
    """The series in `data` by name, each on a regular index with what was seen; one that is alone is called `ONLY`.

    Parameters
    ----------
    data : the path of a file; a pandas Series or DataFrame with time down and channels across; a long table, or a frame
        whose index has the levels series and time; or a frame of polars, Arrow or another library with `to_pandas`.

    Raises
    ------
    TableError
        See `tsrep.data.read_table`.
    TypeError
        `data` is no table.
    """
    if not isinstance(data, str | Path):
        return _read(as_frame(data), options, "as_regular")
    with worded_as_call("read_table"):
        opened = open_table(Path(data), options.written)
    options = replace(options, written=replace(options.written, decimal=opened.decimal))
    try:
        tables = _read(opened.frame, options, "read_table")
    except TableError as error:
        raise TableError(f"{opened.name}: {error}") from error
    return {
        name: replace(table, summary=replace(table.summary, notes=(*opened.notes, *table.summary.notes)))
        for name, table in tables.items()
    }


def as_frame(data: Any) -> pd.DataFrame:
    """A table as a pandas frame, as it is; the times of a file are not read yet.

    Raises
    ------
    TypeError
        `data` is no table.
    """
    if isinstance(data, str | Path):
        return open_table(Path(data)).frame
    data = as_pandas(data, "data")
    if isinstance(data, pd.Series):
        data = data.to_frame("y" if data.name is None else data.name)
    if not isinstance(data, pd.DataFrame):
        raise TypeError(f"data is a {type(data).__name__}; wanted a table")
    return data


def is_table(data: Any) -> bool:
    """Whether `data` is a table or the path of one, and no array or list."""
    return isinstance(data, str | Path) or is_frame(data)


def _read(frame: pd.DataFrame, options: ReadOptions, function: str) -> dict[Hashable, RegularTable]:
    """The series in a frame; `function` is the public one that reads a single series from such data with options."""
    if isinstance(frame.index, pd.MultiIndex) and frame.index.nlevels == 2 and not is_long(frame):
        frame = frame.rename_axis(index=[ID, TIME])
    if is_long(frame):
        return split_tables(frame, options)
    try:
        with worded_as_call(function):
            return {ONLY: regular_table(frame, options)}
    except TableError as error:
        names = [str(name) for name in frame if str(name).lower() in NAMES_OF_SERIES]
        if names:
            raise TableError(
                f"{error}; if {names[0]!r} names the series, call it {ID} and the time {TIME}"
            ) from error
        raise
