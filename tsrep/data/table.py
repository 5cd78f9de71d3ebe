"""A table with a time, from a file or a frame, as a regular frame: time down, one column per channel.

Everything that reads one series goes through `regular_table`: it finds the time, reads the numbers, puts the rows on a
regular grid, and says what it saw. A step without a row becomes a row of NaN; no row is lost. What cannot be read with
certainty raises an error that names the fault and how to fix it.
"""

from __future__ import annotations

import os
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsrep.data.columns import TableError, column_called, is_text, listed, one_or_several
from tsrep.data.file_format import FileFormat
from tsrep.data.files import RECOGNISED, open_table
from tsrep.data.grid import on_grid
from tsrep.data.numbers import numbers_of
from tsrep.data.summary import TableSummary
from tsrep.data.times import Time, find_time
from tsrep.data.wording import option

Frame = pd.DataFrame


@dataclass(frozen=True)
class ReadOptions:
    """How a table is read; see `read_table`."""

    time: str | Sequence[str] | None = None
    columns: str | Sequence[str] | None = None
    min_steps: int = 2
    sort: bool = False
    every: str | None = None
    missing: float | None = None
    day_first: bool | None = None
    empty_columns: bool = False
    written: FileFormat = RECOGNISED


@dataclass(frozen=True)
class RegularTable:
    """One series with every step in place.

    frame : (t, c) floats on a regular index, NaN where nothing was measured.
    steps : (n,) the step at which each of its rows is.
    summary : what was seen.
    rows : (n,) the places of its rows in the table that was given.
    """

    frame: Frame
    steps: NDArray[np.intp]
    summary: TableSummary
    rows: NDArray[np.intp]


def read_table(
    path: str | os.PathLike[str],
    *,
    time: str | Sequence[str] | None = None,
    columns: str | Sequence[str] | None = None,
    min_steps: int = 2,
    sort: bool = False,
    every: str | None = None,
    missing: float | None = None,
    day_first: bool | None = None,
    decimal: str | None = None,
    empty_columns: bool = False,
    sheet: str | None = None,
    separator: str | None = None,
    encoding: str | None = None,
) -> Frame:
    """A file with a time column as a frame of floats (t, c) on a regular index, NaN where nothing was measured.

    Parameters
    ----------
    path : `.csv`, `.tsv`, `.txt` (also compressed, as `.gz`, `.bz2`, `.xz` or `.zip`), `.parquet`, `.pq` or `.xlsx`.
    time : the time column, or several that are one time together, as a list or separated by commas; "none": the rows
        are numbered. None: dates count before time differences, and these before step numbers; a date and a time of the
        day, or a year, a month, ... are combined. Numbers may be seconds, milli-, micro- or nanoseconds since 1970,
        dates such as 20160701, years, days of a spreadsheet, or steps of an even width.
    columns : the column or columns to keep, in this order. None: all but the time and those that only count the rows.
    min_steps : least number of rows.
    sort : True sorts the rows by time and averages rows with the same time, instead of raising an error.
    every : a length of time such as "5min" or "1h", a step of the calendar such as "MS", or the width of numbered
        steps: the rows within each such step are averaged, for a table without a common step, in any order.
    missing : a number that marks a missing value, such as -9999.
    day_first : whether the day comes before the month in dates such as 01/02/2024. None: the more regular reading.
    decimal : "." or ",", the mark before the decimals. None: the one with which the numbers of the file read.
    empty_columns : True keeps a column without a value, False refuses it.
    sheet : the sheet of a workbook. None: the first visible one that is not empty.
    separator : what stands between the fields of a text file: a character, "tab" or "blanks". None: recognised.
    encoding : that of a text file, such as "utf-8" or "cp1252". None: recognised.

    Raises
    ------
    TableError
        A column with the name of a time that cannot be read, two rows for one time, rows out of order (newest first is
        turned round), no common step, more than half of the steps missing; dates, text or infinite values among the
        numbers, dates or numbers that read in two ways, a column without a value, fewer than `min_steps` rows; a file
        that is empty or no table.
    FileNotFoundError
        No such file.
    """
    path = Path(path)
    opened = open_table(path, FileFormat(separator, decimal, encoding, sheet))
    read = FileFormat(decimal=opened.decimal)
    options = ReadOptions(time, columns, min_steps, sort, every, missing, day_first, empty_columns, read)
    try:
        return regular_table(opened.frame, options).frame
    except TableError as error:
        raise TableError(f"{opened.name}: {error}") from error


def as_regular(
    frame: Frame,
    *,
    time: str | Sequence[str] | None = None,
    columns: str | Sequence[str] | None = None,
    min_steps: int = 2,
    sort: bool = False,
    every: str | None = None,
    missing: float | None = None,
    day_first: bool | None = None,
    decimal: str | None = None,
    empty_columns: bool = False,
) -> Frame:
    """The result of `read_table` for a frame in memory instead of a file; `frame` is not changed.

    A frame whose index holds dates, time differences or periods, text that reads as dates included, keeps it; otherwise
    the time column is found as `read_table` does. Without one, numbers in the index are step numbers.

    Examples
    --------
    >>> import pandas as pd
    >>> days = ["2026-01-01", "2026-01-02", "2026-01-04", "2026-01-05"]
    >>> as_regular(pd.DataFrame({"date": days, "load": [1, 2, 4, 5]}))["load"].tolist()
    [1.0, 2.0, nan, 4.0, 5.0]
    """
    written = FileFormat(decimal=decimal)
    options = ReadOptions(time, columns, min_steps, sort, every, missing, day_first, empty_columns, written)
    return regular_table(frame, options).frame


def regular_table(frame: Frame, options: ReadOptions, time: Time | None = None) -> RegularTable:
    """A frame (n, c) as a regular table; `time`, where it is known already, is the time of its rows."""
    _check_rows(len(frame), options)
    if isinstance(frame.columns, pd.MultiIndex):
        frame = frame.set_axis(frame.columns.to_flat_index(), axis=1)
    twice = frame.columns[frame.columns.astype(str).duplicated()]
    if len(twice):
        raise TableError(f"has two columns called {str(twice[0])!r}")
    if time is None:
        time = find_time(frame, options.time, options.day_first)
    selected = _selected(frame, time, options.columns)
    texts = [str(name) for name in frame if name not in time.columns and is_text(frame[name])]
    values = np.column_stack([numbers_of(selected[name], options.written.decimal) for name in selected])
    return placed_on_grid(values, [str(name) for name in selected], time, options, texts)


def placed_on_grid(
    values: NDArray[np.float64],
    columns: list[str],
    time: Time,
    options: ReadOptions,
    texts: Sequence[str] = (),
) -> RegularTable:
    """Numbers (n, c) as a regular table; `texts` are columns of text, which may tell several series apart."""
    _check_rows(len(values), options)
    if not options.empty_columns:
        _refuse_empty(values, columns)
    table = Frame(values, time.index, columns)
    if options.missing is not None:
        table = table.mask(table == options.missing)
    grid = on_grid(table, sort=options.sort, every=options.every, texts=texts)
    if len(grid.frame) < options.min_steps:
        raise TableError(
            f"holds {len(grid.frame)} steps of {options.every}; wanted at least {options.min_steps}"
        )
    summary = _summary(len(values), time, options, grid.frame, grid.step)
    return RegularTable(grid.frame, grid.steps, summary, np.arange(len(values)))


def _selected(frame: Frame, time: Time, columns: str | Sequence[str] | None) -> Frame:
    """The columns of values."""
    if columns is None:
        values = frame.drop(columns=[*time.columns, *time.left_out])
    else:
        values = frame.drop(columns=list(time.columns))
        names = one_or_several(columns, [str(name) for name in values], "columns")
        values = values[[column_called(values, name) for name in names]]
    if values.shape[1] == 0:
        raise TableError("holds no column of values except the time")
    return values


def _check_rows(rows: int, options: ReadOptions) -> None:
    if rows < options.min_steps:
        raise TableError(f"holds {rows} rows; wanted at least {options.min_steps}")


def _refuse_empty(values: NDArray[np.float64], columns: list[str]) -> None:
    for place, name in enumerate(columns):
        if np.isnan(values[:, place]).all():
            raise TableError(
                f"column {name!r} holds no value; leave it out, or name the columns to use with {option('columns')}"
            )


def _summary(rows: int, time: Time, options: ReadOptions, regular: Frame, step: str | None) -> TableSummary:
    notes = []
    left_out: tuple[Hashable, ...] = time.left_out if options.columns is None else ()
    if left_out:
        notes.append(
            f"{listed(left_out)} only counts the rows and is left out ({option('columns')} to keep it)"
        )
    index: Any = regular.index
    absent = len(regular) - min(rows, len(regular))
    return TableSummary(
        rows=rows,
        columns=list(regular.columns),
        time=time.where,
        first=index[0] if len(index) else None,
        last=index[-1] if len(index) else None,
        step=step,
        steps=len(regular),
        absent=absent,
        missing=int(np.isnan(regular.to_numpy()).any(axis=1).sum()),
        notes=tuple(notes),
    )
