"""A table with a time column, from a CSV or Parquet file, as a regular frame: time down, one column per channel.

What can be inferred safely is inferred: the time column, the format of its dates, the separator of fields, and the step
between rows. Anything else raises an error that names the fault: two rows for one time, rows out of order, no common
step, text among the numbers, too few rows. A step without a row in the file becomes a row of NaN.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tsrep.data.grid import averaged, in_order, on_grid
from tsrep.data.times import TableError, column_called, find_time, is_text

ENDINGS = (".csv", ".tsv", ".txt", ".parquet", ".pq")
PACKED = (".gz", ".bz2", ".xz", ".zip")
MISSING_MARKS = ["?", "-", "--"]  # in addition to those of pandas: "", NA, NaN, null, ...

Frame = pd.DataFrame


def read_table(
    path: str | os.PathLike[str],
    *,
    time: str | None = None,
    columns: Sequence[str] | None = None,
    min_steps: int = 2,
    sort: bool = False,
    every: str | None = None,
    missing: float | None = None,
) -> Frame:
    """A file with a time column as a frame of floats (t, c) on a regular index, NaN where nothing was measured.

    Parameters
    ----------
    path : `.csv`, `.tsv`, `.txt` (also compressed, as `.gz`, `.bz2`, `.xz` or `.zip`), `.parquet` or `.pq`.
    time : name of the time column. None: a column of dates, else one with the name of a time, else the first text
        column that reads as dates. Its numbers may be seconds, milli-, micro- or nanoseconds since 1970, dates such as
        20160701, or step numbers. Columns called year, month and day (hour, minute, second) are combined. The rows of a
        table of numbers only are numbered 0, 1, 2, ...
    columns : the columns to keep, in this order. None: all except the time.
    min_steps : least number of rows.
    sort : True sorts the rows by time and averages rows with the same time, instead of raising an error.
    every : a length of time such as "5min" or "1h": the rows within each such step are averaged, for a table without a
        common step. Its rows need not be sorted.
    missing : a number that marks a missing value, such as -9999.

    Raises
    ------
    TableError
        No time column, a time that cannot be read, two rows for one time, rows out of order (newest first is
        reversed), no common step or more than half of the steps missing, text or infinite values among the numbers, a
        column without a value, fewer than `min_steps` rows; a file that is empty or not a table.
    FileNotFoundError
        No such file.
    """
    path = Path(path)
    frame = _open(path)
    try:
        return as_regular(
            frame,
            time=time,
            columns=columns,
            min_steps=min_steps,
            sort=sort,
            every=every,
            missing=missing,
        )
    except TableError as error:
        raise TableError(f"{path.name}: {error}") from error


def as_regular(
    frame: Frame,
    *,
    time: str | None = None,
    columns: Sequence[str] | None = None,
    min_steps: int = 2,
    sort: bool = False,
    every: str | None = None,
    missing: float | None = None,
) -> Frame:
    """The result of `read_table` for a frame in memory instead of a file; `frame` is not changed.

    A frame with a time index keeps it; otherwise the time column is found as `read_table` does.

    Examples
    --------
    >>> import pandas as pd
    >>> days = ["2026-01-01", "2026-01-02", "2026-01-04", "2026-01-05"]
    >>> as_regular(pd.DataFrame({"date": days, "load": [1, 2, 4, 5]}))["load"].tolist()
    [1.0, 2.0, nan, 4.0, 5.0]
    """
    if len(frame) < min_steps:
        raise TableError(f"holds {len(frame)} rows; wanted at least {min_steps}")
    if isinstance(frame.index, pd.DatetimeIndex | pd.PeriodIndex) and time is None:
        index: pd.Index = frame.index
        if isinstance(index, pd.PeriodIndex):
            index = index.to_timestamp()
        names: list[Hashable] = []
        values = frame
    else:
        names, index = find_time(frame, time)
        values = frame.drop(columns=names)
    values = _selected(values, columns)
    texts = [column for column in frame.columns.difference(names) if is_text(frame[column])]
    values = pd.DataFrame({str(column): _numbers(values[column]) for column in values}).set_axis(
        index, axis=0
    )
    if missing is not None:
        values = values.mask(values == missing)
    if every is not None:
        return averaged(values, every)
    return on_grid(in_order(values, sort, texts))


# The file


def _open(path: Path) -> Frame:
    stem = path.name.lower()
    for ending in PACKED:
        stem = stem.removesuffix(ending)
    if not stem.endswith(ENDINGS):
        raise TableError(
            f"{path.name or path} ends in none of {', '.join(ENDINGS)} ({', '.join(PACKED)} may follow)"
        )
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist" if not path.exists() else f"{path} is not a file")
    if stem.endswith((".parquet", ".pq")):
        return _open_parquet(path)
    try:
        try:
            frame = _open_text(path, "utf-8-sig")
        except UnicodeDecodeError:
            frame = _open_text(path, "latin-1")
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeError, EOFError, OSError) as error:
        raise TableError(f"{path.name} cannot be read as a table: {' '.join(str(error).split())}") from error
    return frame


def _open_parquet(path: Path) -> Frame:
    try:
        frame = pd.read_parquet(path)
    except ImportError as error:
        raise ImportError("reading Parquet needs pyarrow: pip install 'tsrep[parquet]'") from error
    except (ValueError, OSError) as error:
        raise TableError(f"{path.name} cannot be read as Parquet: {' '.join(str(error).split())}") from error
    return frame if isinstance(frame.index, pd.RangeIndex | pd.DatetimeIndex) else frame.reset_index()


def _open_text(path: Path, encoding: str) -> Frame:
    start = pd.read_csv(  # whole lines: this separator occurs in no text
        path, sep="\x1f", quoting=csv.QUOTE_NONE, header=None, dtype=str, nrows=20, encoding=encoding
    )
    separator = _separator(start[0].tolist())
    frame = pd.read_csv(path, sep=separator, encoding=encoding, na_values=MISSING_MARKS, low_memory=False)
    first = frame.columns[0]
    if str(first).startswith("Unnamed:") and frame[first].tolist() == list(range(len(frame))):
        frame = frame.drop(columns=first)  # the row numbers that pandas writes
    if separator != ",":
        for column in frame:
            if is_text(frame[column]):
                frame[column] = _decimal_commas(frame[column])
    return frame


def _separator(lines: Sequence[str]) -> str:
    """The character that splits the most lines into as many fields as the header; a comma if none does."""

    def matching_lines(mark: str) -> tuple[int, int]:
        counts = [line.count(mark) for line in lines]
        return (sum(count == counts[0] for count in counts), counts[0]) if counts[0] else (0, 0)

    return max((",", ";", "\t", "|"), key=matching_lines)


def _decimal_commas(column: pd.Series) -> pd.Series:
    """A text column of numbers such as 1,5 as floats; any other column unchanged."""
    text = column.dropna().astype(str).str.strip()
    if not text.str.fullmatch(r"[+-]?\d+(,\d+)?([eE][+-]?\d+)?").all():
        return column
    return column.astype(str).str.replace(",", ".").pipe(pd.to_numeric, errors="coerce")


# The values


def _selected(values: Frame, columns: Sequence[str] | None) -> Frame:
    if columns is not None:
        values = values[[column_called(values, name) for name in columns]]
    if values.shape[1] == 0:
        raise TableError("holds no column of values except the time")
    twice = values.columns[values.columns.duplicated()]
    if len(twice):
        raise TableError(f"has two columns called {str(twice[0])!r}")
    return values


def _numbers(column: pd.Series) -> Any:
    """(t,) floats, NaN where missing."""
    numbers = pd.to_numeric(column, errors="coerce")
    name = str(column.name)
    text = column.notna() & numbers.isna()
    if pd.api.types.is_datetime64_any_dtype(column) or text.any():
        row = int(text.to_numpy().argmax())
        raise TableError(
            f"column {name!r} holds text, {str(column.iloc[row])!r} in row {row + 1}; wanted numbers; "
            "name the columns to use (--columns in a shell) and leave it out"
        )
    values = numbers.to_numpy(dtype=float, na_value=np.nan)
    if np.isinf(values).any():
        raise TableError(
            f"column {name!r} holds an infinite value in row {int(np.isinf(values).argmax()) + 1}"
        )
    if np.isnan(values).all():
        raise TableError(
            f"column {name!r} holds no value; name the columns to use (--columns in a shell) and leave it out"
        )
    return values
