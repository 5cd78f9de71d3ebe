"""Many series in one table: long (`unique_id`, `ds`, `y`: one row per series and time) or wide (one column per series).

The names are those of Nixtla's libraries, which most long tables use.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Hashable
from pathlib import Path

import pandas as pd

from tsrep.data.columns import TableError
from tsrep.data.table import as_regular

ID, TIME, VALUE = "unique_id", "ds", "y"


def is_long(data: object) -> bool:
    """Whether `data` is a frame with the columns `unique_id` and `ds`."""
    return isinstance(data, pd.DataFrame) and {ID, TIME} <= set(data.columns)


def read_long(path: str | os.PathLike[str]) -> pd.DataFrame | None:
    """The table in a CSV or Parquet file with the columns `unique_id` and `ds`; None if it is not such a file.

    `ds` is parsed as dates if it holds text.
    """
    path = Path(path)
    name = path.name.lower()
    if not path.is_file():
        return None
    if name.endswith((".parquet", ".pq")):
        long = pd.read_parquet(path)
    elif name.removesuffix(".gz").endswith(".csv"):
        with (gzip.open if name.endswith(".gz") else open)(path, "rb") as file:
            header = file.readline().decode("utf-8", errors="replace").strip()
        if not {ID, TIME} <= {part.strip(' "') for part in header.split(",")}:
            return None
        long = pd.read_csv(path)
    else:
        return None
    if not is_long(long):
        return None
    if not pd.api.types.is_numeric_dtype(long[TIME]):
        long[TIME] = pd.to_datetime(long[TIME])
    return long


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
        raise TableError(f"series {row[ID]!r} has two rows for {row[TIME]}")
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
        A series has two rows for one time, rows out of order, no common step, text, or fewer rows than
        `min_steps`; the message names it.
    """
    _check_columns(long, (ID, TIME))
    series: dict[Hashable, pd.DataFrame] = {}
    for name, rows in long.groupby(ID, sort=False):
        try:
            series[name] = as_regular(
                rows.drop(columns=ID), time=TIME, min_steps=min_steps, empty_columns=empty_columns
            )
        except TableError as error:
            raise TableError(f"series {name!r}: {error}") from error
    if not series:
        raise TableError("the long table has no rows")
    return series


def _check_columns(long: pd.DataFrame, required: tuple[str, ...]) -> None:
    missing = [name for name in required if name not in long.columns]
    if missing:
        raise TableError(
            f"a long table needs the columns {', '.join(required)}; {', '.join(missing)} is missing"
        )
