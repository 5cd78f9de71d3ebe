"""Finds the time column of a table and reads it as dates or step numbers."""

from __future__ import annotations

import difflib
import re
import warnings
from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd

TIME_NAMES = re.compile(r"(date|time|timestamp|datetime|ds|ts|step|index)\b.*|.*(_|\b)(date|time|timestamp)$")
DATE_PARTS = ("year", "month", "day", "hour", "minute", "second")
EPOCH_UNITS = {
    "s": 1e9,
    "ms": 1e12,
    "us": 1e15,
    "ns": 1e18,
}  # lower ends of the ranges; seconds since 1970 from 2001 on

Frame = pd.DataFrame


class TableError(ValueError):
    """A table that is not a regular series of numbers; the message says where and how to fix it."""


def find_time(frame: Frame, named: str | None) -> tuple[list[Hashable], pd.Index]:
    """(columns of the time, its values): the column `named`, else the most likely; row numbers if there is no text."""
    if named is not None:
        column = column_called(frame, named)
        times = _times(frame[column])
        if times is None:
            raise TableError(f"the time column {named!r} cannot be read: {_unreadable_time(frame[column])}")
        return [column], times
    if (assembled := _assembled(frame)) is not None:
        return assembled
    dates = [c for c in frame if pd.api.types.is_datetime64_any_dtype(frame[c])]
    time_named = [c for c in frame if TIME_NAMES.match(str(c).strip().lower())]
    texts = [c for c in frame if is_text(frame[c])]
    for column in [*dates, *time_named, *texts]:
        times = _times(frame[column])
        if times is not None:
            return [column], times
        if column in time_named and column in texts:
            raise TableError(f"the time column {column!r} cannot be read: {_unreadable_time(frame[column])}")
    if texts:
        raise TableError(f"no column reads as a time among {listed(frame.columns)}: name the time column")
    return [], pd.RangeIndex(len(frame))


def _assembled(frame: Frame) -> tuple[list[Hashable], pd.Index] | None:
    """The columns year, month, day and smaller units combined to one time."""
    names = {str(column).strip().lower(): column for column in frame}
    parts = [part for part in DATE_PARTS if part in names]
    if parts[:3] != list(DATE_PARTS[:3]):
        return None
    columns = [names[part] for part in parts]
    dates = pd.to_datetime(frame[columns].set_axis(parts, axis=1), errors="coerce")
    return None if dates.isna().any() else (columns, pd.DatetimeIndex(dates))


def _times(column: pd.Series) -> pd.Index | None:
    """A column as dates or step numbers; None if it is neither."""
    if column.isna().any() or len(column) == 0:
        return None
    if pd.api.types.is_datetime64_any_dtype(column):
        return pd.DatetimeIndex(column)
    if pd.api.types.is_bool_dtype(column):
        return None
    if pd.api.types.is_numeric_dtype(column):
        return _times_of_numbers(column)
    return _dates_of_text(column.astype(str).str.strip())


def _times_of_numbers(column: pd.Series) -> pd.Index | None:
    values = column.to_numpy(dtype=float)
    if not np.isfinite(values).all():
        return None
    whole = (values == np.round(values)).all()
    if whole and (values >= 19000101).all() and (values <= 22001231).all():
        dates = pd.to_datetime(column.astype("int64").astype(str), format="%Y%m%d", errors="coerce")
        if dates.notna().all():
            return pd.DatetimeIndex(dates)
    for unit, least in EPOCH_UNITS.items():
        if (values >= least).all() and (values < 10 * least).all():
            if not whole:
                values, unit = 1000 * values, {"s": "ms", "ms": "us"}.get(unit, "ns")
            return pd.DatetimeIndex(np.round(values).astype("int64").astype(f"datetime64[{unit}]"))
    return pd.Index(column.astype("int64")) if whole else None


def _dates_of_text(text: pd.Series) -> pd.DatetimeIndex | None:
    """Text in any common format as dates; if day and month are ambiguous, the reading with more regular steps."""
    if not (text.str.count(r"\d") >= 4).all():
        return None
    offsets = text.str.contains(r"(?:Z|[+-]\d{2}:?\d{2})$", regex=True).any() and text.str.contains(":").any()
    readings = []
    for day_first in (False, True):
        for form in (None, "ISO8601"):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about guessing the format, which is intended here
                try:
                    dates = pd.to_datetime(text, format=form, dayfirst=day_first, utc=bool(offsets))
                except (ValueError, TypeError, OverflowError):
                    continue
            readings.append(pd.DatetimeIndex(dates))
            break
    return min(readings, key=_disorder, default=None)


def _disorder(index: pd.DatetimeIndex) -> tuple[int, int]:
    """Irregularity of dates: number of steps against the order, number of different step lengths."""
    steps = np.diff(index.asi8)
    return int(min((steps < 0).sum(), (steps > 0).sum())), len(np.unique(steps))


def _unreadable_time(column: pd.Series) -> str:
    if column.isna().any():
        return f"row {int(column.isna().to_numpy().argmax()) + 1} has none"
    if not is_text(column):
        return f"it holds {column.dtype}, such as {column.iloc[0]!r}"
    alone = [_times(column.iloc[[row]]) is None for row in range(min(len(column), 1000))]
    row = int(np.argmax(alone)) if any(alone) else 0
    return f"row {row + 1} holds {str(column.iloc[row])!r}"


def column_called(frame: Frame, name: str) -> Hashable:
    """The label of the column whose name, as text, is `name`."""
    names = {str(column): column for column in frame}
    if name in names:
        return names[name]
    lower = {known.lower(): known for known in names}
    alike = difflib.get_close_matches(name.lower(), lower, n=1, cutoff=0.5)
    hint = f"; did you mean {lower[alike[0]]!r}?" if alike else ""
    raise TableError(f"has no column {name!r} among {listed(frame.columns)}{hint}")


def is_text(column: pd.Series) -> bool:
    """Whether a column may hold text."""
    dtype = column.dtype
    return pd.api.types.is_object_dtype(dtype) or isinstance(dtype, pd.StringDtype | pd.CategoricalDtype)


def listed(names: Any) -> str:
    """The first eight names, for a message."""
    shown = [repr(str(name)) for name in names]
    return ", ".join(shown[:8]) + (f" and {len(shown) - 8} more" if len(shown) > 8 else "")
