"""Many series in one table: long (`unique_id`, `ds`, `y`: one row per series and time) or wide (one column per series).

The names are those of Nixtla's libraries, which most long tables use; they may stand in the columns or in the index.
Ids of a text file stay text: "007" and "NA" are names like others.
"""

from __future__ import annotations

import os
from collections.abc import Hashable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsrep.data.columns import TableError, column_called, is_text, one_or_several, quoted
from tsrep.data.file_format import FileFormat
from tsrep.data.files import ID, TEXTS, TableFile, header_of, open_table
from tsrep.data.numbers import numbers_of
from tsrep.data.table import ReadOptions, RegularTable, placed_on_grid, regular_table
from tsrep.data.text_files import PACKED
from tsrep.data.times import Time, times_of_series
from tsrep.data.wording import worded_as_call

TIME, VALUE = "ds", "y"


def is_long(data: object) -> bool:
    """Whether `data` is a frame with `unique_id` and `ds` among its columns or the levels of its index."""
    return isinstance(data, pd.DataFrame) and {ID, TIME} <= {*data.columns, *data.index.names}


def with_columns(long: pd.DataFrame) -> pd.DataFrame:
    """A long table with `unique_id` and `ds` among the columns, its rows numbered."""
    levels = [name for name in long.index.names if name in (ID, TIME)]
    return long.reset_index(level=levels).reset_index(drop=True) if levels else long.reset_index(drop=True)


def read_long(
    path: str | os.PathLike[str],
    *,
    day_first: bool | None = None,
    decimal: str | None = None,
    sheet: str | None = None,
    separator: str | None = None,
    encoding: str | None = None,
) -> pd.DataFrame | None:
    """The table in a file with the columns `unique_id` and `ds`; None if it is not such a file.

    `ds` holds dates where it reads as dates. The arguments are those of `read_table`.

    Raises
    ------
    TableError
        The file is damaged, or a row has no time or no id.
    """
    opened = open_long(Path(path), FileFormat(separator, decimal, encoding, sheet), day_first)
    return None if opened is None else opened.frame


def open_long(path: Path, written: FileFormat, day_first: bool | None = None) -> TableFile | None:
    """The result of `read_long`, with what was done to read it."""
    if not path.is_file():
        return None
    name = path.name.lower()
    for ending in PACKED:
        name = name.removesuffix(ending)
    if name.endswith(TEXTS) and not {ID, TIME} <= set(header_of(path, written)):
        return None
    opened = open_table(path, written)
    long = opened.frame
    if not is_long(long):
        return None
    long = with_columns(long)
    try:
        return replace(opened, frame=long.assign(**{TIME: _times(long, day_first)}))
    except TableError as error:
        raise TableError(f"{opened.name}: {error}") from error


def to_long(wide: pd.DataFrame) -> pd.DataFrame:
    """A wide frame (time down, one column per series) as rows (`unique_id`, `ds`, `y`), series after series.

    Examples
    --------
    >>> import pandas as pd
    >>> wide = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]}, index=pd.date_range("2026-01-01", periods=2))
    >>> to_long(wide)["unique_id"].tolist(), to_wide(to_long(wide)).equals(wide.rename_axis("ds"))
    (['a', 'a', 'b', 'b'], True)
    """
    named = wide.rename_axis(index=TIME, columns=None)
    return named.reset_index().melt(id_vars=TIME, var_name=ID, value_name=VALUE)[[ID, TIME, VALUE]]


def to_wide(long: pd.DataFrame, values: str = VALUE) -> pd.DataFrame:
    """A wide frame (time down, one column per series), NaN where a series has no row. The inverse of `to_long`.

    Raises
    ------
    ValueError
        A series has two rows for one time, or a column is missing.
    """
    _check_columns(long, (ID, TIME, values))
    twice = long.duplicated([ID, TIME])
    if twice.any():
        row = long[twice].iloc[0]
        raise TableError(f"series {quoted(row[ID])} has two rows for {row[TIME]}")
    order = pd.unique(long[ID])
    return long.pivot(index=TIME, columns=ID, values=values)[order].rename_axis(columns=None)


def split_long(
    long: pd.DataFrame, min_steps: int = 2, empty_columns: bool = False
) -> dict[Hashable, pd.DataFrame]:
    """Each series of a long table as a frame of floats on a regular index, all columns but `unique_id` and `ds`.

    `min_steps` and `empty_columns` are as in `as_regular`.

    Raises
    ------
    TableError
        A row has no id or no time; a series has two rows for one time, rows out of order, no common step, text, or
        fewer rows than `min_steps`; the message names it.
    """
    tables = split_tables(long, ReadOptions(min_steps=min_steps, empty_columns=empty_columns))
    return {name: table.frame for name, table in tables.items()}


@worded_as_call("as_regular")  # of one series at a time
def split_tables(long: pd.DataFrame, options: ReadOptions) -> dict[Hashable, RegularTable]:
    """Each series of a long table as a regular table, with the places of its rows."""
    long = with_columns(long)
    _check_columns(long, (ID, TIME))
    if len(long) == 0:
        raise TableError("the long table has no rows")
    index = _times(long, options.day_first)
    values = long.drop(columns=[ID, TIME])
    if options.columns is not None:
        names = one_or_several(options.columns, [str(name) for name in values], "columns")
        values = values[[column_called(values, name) for name in names]]
    texts = {
        name: numbers_of(values[name], options.written.decimal) for name in values if is_text(values[name])
    }
    values = values.assign(**{str(name): numbers for name, numbers in texts.items()})
    columns = [str(name) for name in values]
    numbers = _numbers(values)
    options = replace(options, columns=None)
    series: dict[Hashable, RegularTable] = {}
    for name, rows in long.groupby(ID, sort=False).indices.items():
        time = Time(index[rows], where=f"column {TIME!r}")
        try:
            table = (
                regular_table(values.iloc[rows], options, time)
                if numbers is None
                else placed_on_grid(numbers[rows], columns, time, options)
            )
        except TableError as error:
            raise TableError(f"series {quoted(name)}: {error}") from error
        series[name] = replace(table, rows=np.asarray(rows, dtype=np.intp))
    return {name: series[name] for name in pd.unique(long[ID])}


def _numbers(values: pd.DataFrame) -> NDArray[np.float64] | None:
    """(n, c) the numbers of all rows, read together; None where there is a fault, which is told of its series."""
    if not len(values.columns) or values.columns.astype(str).has_duplicates:
        return None
    try:
        return np.column_stack([numbers_of(values[name]) for name in values])
    except TableError:
        return None


def _times(long: pd.DataFrame, day_first: bool | None) -> pd.Index:
    """(n,) the times of all rows, read together; every row has an id."""
    if long[ID].isna().any():
        raise TableError(f"row {int(long[ID].isna().to_numpy().argmax()) + 1} has no {ID}")
    return times_of_series(long[TIME], day_first)


def _check_columns(long: pd.DataFrame, required: tuple[str, ...]) -> None:
    missing = [name for name in required if name not in long.columns]
    if missing:
        raise TableError(
            f"a long table needs the columns {', '.join(required)}; {', '.join(missing)} is missing"
        )
