"""Finds the time of a table, in its index or in its columns, and reads it as dates, time differences or step numbers.

Dates count before time differences, and these before fractions and step numbers. A column that has the name of a time
and does not read as one is an error: it never becomes a channel.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tsrep.data.columns import TableError, column_called, is_text, listed, one_or_several
from tsrep.data.dates import dates_of_text
from tsrep.data.time_column import NUMBER, hours_of, is_typed, read_times, why_not
from tsrep.data.wording import option

TIME_NAMES = re.compile(
    r"(date|time|timestamp|datetime|ds|ts|step|index|datum|zeit|uhrzeit|zeitstempel|fecha|period|duration|elapsed"
    r"|unnamed: 0)\b.*|.*(_|\b)(date|time|timestamp|datetime)$|date.?time.*"
)
SHORT_NAMES = re.compile(r"(t|seconds|sec|secs)(\b.*)?$")
"""Of a time if it reads as one, else of a channel."""
CALENDAR_NAMES = re.compile(r"(year|month|quarter|week|jahr|monat|year.?month|day)s?$")
COUNTER_NAMES = re.compile(
    r"(index|unnamed: \d+(\.\d+)*|level_0|no|nr|id|#|row|rownames|row.?(number|id|names?))$"
)
CLOCK_NAMES = re.compile(r"(time|hour|hours|hr|hh|uhrzeit|zeit|hora|heure|clock|stunde|time.?of.?day)\b.*")
LARGEST_PART = 1e4
DATE_PARTS = ("year", "month", "day", "hour", "minute", "second")
NO_TIME = "none"
"""The name that says that a table has no time column."""

Frame = pd.DataFrame
Dated = (pd.DatetimeIndex, pd.TimedeltaIndex)


@dataclass(frozen=True)
class Time:
    """The time of a table.

    index : (n,) dates, time differences, or numbers.
    columns : the columns that it is in.
    where : where it was found and how it was read.
    left_out : columns that only count the rows.
    """

    index: pd.Index
    columns: tuple[Hashable, ...] = ()
    where: str = "no time: the rows are numbered"
    left_out: tuple[Hashable, ...] = ()


def find_time(frame: Frame, named: str | Sequence[str] | None = None, day_first: bool | None = None) -> Time:
    """The time of the rows of `frame` (n, c).

    Parameters
    ----------
    named : the time column, or several that are one time together, as a list or separated by commas; "none": the rows
        are numbered. None: the index if it holds times, else the most likely columns, else the index if it holds step
        numbers.
    day_first : whether the day comes before the month where both are numbers. None: the more regular reading.

    Raises
    ------
    TableError
        The time that is named or has the name of one cannot be read; a row has none.
    """
    if named is not None:
        return _named(frame, named, day_first)
    index = frame.index
    counts_rows = index.equals(pd.RangeIndex(len(index)))
    if not counts_rows and not pd.api.types.is_numeric_dtype(index.dtype):
        times = read_times(_as_column(index), day_first)
        if times is not None:
            return Time(times[0].rename(index.name), where=f"the index{times[1]}")
    found = next((time for time in _in_columns(frame, day_first) if time is not None), None)
    if found is not None and (_is_dated(found.index) or counts_rows):
        return _without_counters(frame, found)
    if not counts_rows:
        return Time(_of_index(index, day_first), where="the index")
    _refuse_unread(frame, day_first)
    return Time(pd.RangeIndex(len(frame)))


def times_of_series(column: pd.Series, day_first: bool | None = None) -> pd.Index:
    """The times of the rows of a long table, in which one series follows another.

    Raises
    ------
    TableError
        The column cannot be read as dates, time differences or step numbers, or a row has no time.
    """
    times = read_times(column, day_first, ordered=False)
    if times is None:
        raise TableError(f"the time column {str(column.name)!r} cannot be read: {why_not(column)}")
    return times[0]


def series_time(frame: Frame) -> Time | None:
    """The time of a frame that is one long series; None if its rows are instances.

    A frame is one series where its index holds dates, time differences or fractions, text that reads as dates included,
    or its rows are numbered and a column holds dates.
    """
    index = frame.index
    if isinstance(index, pd.MultiIndex) or len(index) == 0:
        return None
    if isinstance(index, pd.PeriodIndex | pd.DatetimeIndex | pd.TimedeltaIndex):
        return Time(index, where="the index")
    if index.equals(pd.RangeIndex(len(index))):
        found = (time for time in _in_columns(frame, None) if time is not None and _is_dated(time.index))
        return next(found, None)
    if pd.api.types.is_integer_dtype(index.dtype) or index.isna().any():
        return None
    times = read_times(_as_column(index), None)
    return None if times is None else Time(times[0].rename(index.name), where=f"the index{times[1]}")


def may_be_time(name: str) -> bool:
    """Whether a column may be a time by its name."""
    patterns = (TIME_NAMES, CALENDAR_NAMES, SHORT_NAMES, CLOCK_NAMES)
    return any(pattern.match(name.strip().lower()) for pattern in patterns)


def _is_dated(index: pd.Index) -> bool:
    return isinstance(index, Dated)


def _as_column(index: pd.Index) -> pd.Series:
    return pd.Series(index, name="index" if index.name is None else index.name)


def _of_index(index: pd.Index, day_first: bool | None) -> pd.Index:
    """Numbers in an index as dates where they are such, else as step numbers."""
    if index.isna().any():
        raise TableError(
            f"the index has no time in row {int(index.isna().argmax()) + 1}; wanted one in every row"
        )
    times = read_times(_as_column(index), day_first, ordered=False)
    if times is None:
        shown = ", ".join(repr(value) for value in index[:3])
        raise TableError(
            f"the index holds {index.dtype}, {shown} ...; wanted dates or step numbers, or reset_index(drop=True) "
            "to number the rows"
        )
    return times[0].rename(index.name)


def _named(frame: Frame, named: str | Sequence[str], day_first: bool | None) -> Time:
    known = [str(name) for name in frame.columns]
    if isinstance(named, str) and named not in known:
        if named.lower() == NO_TIME:
            return Time(pd.RangeIndex(len(frame)), where="none, as asked: the rows are numbered")
        if named in map(str, frame.index.names):
            return Time(_of_index(frame.index, day_first), where=f"the index {named!r}")
        named = [name.strip() for name in named.split(",")] if "," in named else [named]
    names = one_or_several(named, known, "time")
    columns = [column_called(frame, name) for name in names]
    if len(columns) == 1:
        times = read_times(frame[columns[0]], day_first)
        if times is None:
            raise TableError(f"the time column {names[0]!r} cannot be read: {why_not(frame[columns[0]])}")
        return _of_column(columns[0], *times)
    together = _parts(frame[columns]) or _date_and_clock(frame, columns[0], columns[1], day_first)
    if together is None:
        raise TableError(
            f"the columns {listed(names)} are no time together; wanted a date and a time of the day, "
            "or year, month, ..."
        )
    return together


# Columns, the most likely first


def _in_columns(frame: Frame, day_first: bool | None) -> Iterator[Time | None]:
    if not frame.columns.is_unique:
        return
    names = {column: str(column).strip().lower() for column in frame}
    typed = [c for c in frame if is_typed(frame[c])]
    texts = [c for c in frame if is_text(frame[c]) and c not in typed]
    patterns = (TIME_NAMES, CALENDAR_NAMES, SHORT_NAMES)
    like_time = [c for c in frame if any(pattern.match(names[c]) for pattern in patterns)]
    words = [c for c in texts if not _starts_with_number(frame[c])]
    clocks = [c for c in frame if CLOCK_NAMES.match(names[c])]
    for column in sorted(typed, key=lambda c: c not in like_time):
        yield _with_clock(frame, column, clocks, day_first)
    for column in [c for c in words if c in like_time]:
        yield _with_clock(frame, column, clocks, day_first)
    yield _parts(frame)
    for column in [c for c in words if c not in like_time]:
        yield _with_clock(frame, column, clocks, day_first)
    numbers = [c for c in like_time if c not in words and c not in typed]
    for column in numbers:
        yield _with_clock(frame, column, clocks, day_first)
    others = [c for c in frame if c in words or pd.api.types.is_timedelta64_dtype(frame[c])]
    for column in sorted(others, key=lambda c: c not in like_time):
        yield _single(frame, column, day_first)
    for column in numbers:
        if not CALENDAR_NAMES.match(names[column]):
            yield _single(frame, column, day_first)


def _single(frame: Frame, column: Hashable, day_first: bool | None) -> Time | None:
    times = read_times(frame[column], day_first)
    return None if times is None else _of_column(column, *times)


def _of_column(column: Hashable, times: pd.Index, how: str) -> Time:
    return Time(times.rename(column), (column,), f"column {str(column)!r}{how}")


def _with_clock(
    frame: Frame, column: Hashable, clocks: Sequence[Hashable], day_first: bool | None
) -> Time | None:
    """A column of dates, with the column of the times of the day where there is one and the dates have none."""
    for clock in clocks:
        if clock != column and (is_text(frame[clock]) or frame[column].duplicated().any()):
            together = _date_and_clock(frame, column, clock, day_first)
            if together is not None:
                return together
    time = _single(frame, column, day_first)
    return time if time is not None and isinstance(time.index, pd.DatetimeIndex) else None


def _date_and_clock(frame: Frame, date: Hashable, clock: Hashable, day_first: bool | None) -> Time | None:
    """Dates in one column, without a time of the day, and the times of the day in another."""
    hours = hours_of(frame[clock])
    if hours is None or frame[date].isna().any():
        return None
    if is_text(frame[date]) and not is_typed(frame[date]):  # together they tell the day from the month
        clocks = pd.Series(hours.total_seconds().astype(int), frame.index)
        text = frame[date].astype(str).str.strip() + clocks.map(
            lambda s: f" {s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}"
        )
        index = dates_of_text(text, day_first)
        fractions = hours - hours.floor("s")
    else:
        dates = _single(frame, date, day_first)
        if dates is None or not isinstance(dates.index, pd.DatetimeIndex):
            return None
        index, fractions = dates.index, hours
        if (index != index.normalize()).any():
            return None
    if index is None:
        return None
    index = pd.DatetimeIndex(index + fractions, name="time")
    return Time(index, (date, clock), f"columns {str(date)!r} and {str(clock)!r} together")


def _parts(frame: Frame) -> Time | None:
    """The columns year, month, day and smaller units combined to one time; those after the year may be absent."""
    names = {str(column).strip().lower(): column for column in frame}
    parts = [part for part in DATE_PARTS if part in names]
    if len(parts) < 2 or parts != list(DATE_PARTS[: len(parts)]):
        return None
    columns = tuple(names[part] for part in parts)
    numbers = frame[list(columns)].apply(pd.to_numeric, errors="coerce").set_axis(parts, axis=1)
    numbers = numbers.where(numbers.abs() < LARGEST_PART)
    day = numbers["day"] if "day" in parts else 1
    dates = pd.DatetimeIndex(pd.to_datetime(numbers[parts[:2]].assign(day=day), errors="coerce"))
    if dates.isna().any() or numbers.isna().any(axis=None):
        return None
    if len(parts) > 3:
        seconds = sum(numbers[part] * width for part, width in zip(parts[3:], (3600, 60, 1), strict=False))
        dates = dates + pd.to_timedelta(seconds, unit="s")
    return Time(pd.DatetimeIndex(dates, name="time"), columns, f"columns {listed(columns)} together")


def _starts_with_number(column: pd.Series) -> bool:
    known = column.dropna()
    return len(known) > 0 and re.fullmatch(NUMBER, str(known.iloc[0]).strip()) is not None


# What is left


def _without_counters(frame: Frame, found: Time) -> Time:
    """The time, and the columns that only count the rows."""
    counters = [
        c
        for c in frame
        if c not in found.columns and COUNTER_NAMES.match(str(c).strip().lower()) and _counts(frame[c])
    ]
    return Time(found.index, found.columns, found.where, tuple(counters))


def _counts(column: pd.Series) -> bool:
    """Whether a column holds whole numbers that rise or fall by one."""
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    if len(numbers) < 2 or not np.isfinite(numbers).all():
        return False
    differences = np.diff(numbers)
    return bool((differences == 1).all() or (differences == -1).all())


def _refuse_unread(frame: Frame, day_first: bool | None) -> None:
    """Raises where there is no time and a column has the name of one, or there is text."""
    texts = [c for c in frame if is_text(frame[c])]
    for column in frame:
        name = str(column).strip().lower()
        if TIME_NAMES.match(name) or (CALENDAR_NAMES.match(name) and column in texts):
            raise TableError(
                f"the time column {str(column)!r} cannot be read: {why_not(frame[column])}; name another time column, "
                f"or {option('time', 'none')} to count the rows"
            )
    if texts:
        raise TableError(
            f"no column reads as a time among {listed(frame.columns)}: name the time column with {option('time')}"
        )
