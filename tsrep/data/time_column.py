"""One column as times: dates, time differences, or step numbers."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from tsrep.data.columns import all_match, is_text
from tsrep.data.dates import clock_times, dates_of_text
from tsrep.data.numbered_times import dates_of_numbers

LARGEST = 2.0**63
"""Numbers from here on are no times."""
DECIMAL_COMMA = r"[+-]?\d+(,\d+)?"
NUMBER = r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?"


def is_typed(column: pd.Series) -> bool:
    """Whether a column holds dates by its type: timestamps with or without a zone, periods, objects of dates."""
    dtype = column.dtype
    if pd.api.types.is_datetime64_any_dtype(dtype) or isinstance(dtype, pd.PeriodDtype):
        return True
    if not pd.api.types.is_object_dtype(dtype) and not isinstance(dtype, pd.ArrowDtype):
        return False
    return pd.api.types.infer_dtype(column, skipna=True) in ("date", "datetime", "datetime64", "period")


def read_times(
    column: pd.Series, day_first: bool | None, ordered: bool = True
) -> tuple[pd.Index, str] | None:
    """(times, how they were read) of a column; None if it holds neither dates nor steps.

    With `ordered`, numbers that are no dates are steps only if they rise or fall all the time.
    """
    if len(column) == 0 or column.isna().any():
        return None
    if is_typed(column):
        return _typed(column), ""
    if pd.api.types.is_timedelta64_dtype(column.dtype):
        return pd.TimedeltaIndex(column), ", time differences"
    if pd.api.types.is_bool_dtype(column.dtype):
        return None
    if not is_text(column):
        if not pd.api.types.is_numeric_dtype(column.dtype):
            return None
        return _of_numbers(column.to_numpy(dtype=float, na_value=np.nan), str(column.name), ordered)
    text = column.astype(str).str.strip()
    if all_match(text, DECIMAL_COMMA):
        text = text.str.replace(",", ".", regex=False)
    if all_match(text, NUMBER):
        return _of_numbers(text.astype(float).to_numpy(), str(column.name), ordered)
    dates = dates_of_text(text, day_first)
    return (dates, "") if dates is not None else _differences(text)


def _typed(column: pd.Series) -> pd.DatetimeIndex:
    if isinstance(column.dtype, pd.PeriodDtype):
        return pd.PeriodIndex(column).to_timestamp()
    if isinstance(column.dtype, pd.ArrowDtype):
        column = column.astype(object)
    objects = column.to_numpy() if pd.api.types.is_object_dtype(column.dtype) else None
    if objects is not None and isinstance(objects[0], pd.Period):
        return pd.PeriodIndex(objects).to_timestamp()
    mixed = objects is not None and len({getattr(each, "tzinfo", None) for each in objects}) > 1
    return pd.DatetimeIndex(pd.to_datetime(column, utc=mixed))


def _of_numbers(values: Any, name: str, ordered: bool) -> tuple[pd.Index, str] | None:
    if not (np.abs(values) < LARGEST).all():
        return None
    dates = dates_of_numbers(values, name)
    if dates is not None:
        return dates[0], f", {dates[1]}"
    differences = np.diff(values)
    if ordered and len(values) > 2 and (differences > 0).any() and (differences < 0).any():
        return None
    if (values == np.round(values)).all():
        return pd.Index(values.astype(np.int64)), ", step numbers"
    return pd.Index(values), ", numbers"


def _differences(text: pd.Series) -> tuple[pd.Index, str] | None:
    """Times of the day or differences such as "1 days 02:00:00" as time differences.

    Times of the day go on in the next day where they jump back by half a day and more.
    """
    clock = clock_times(text)
    if clock is not None:
        back = np.diff(clock, prepend=clock[:1]) < np.timedelta64(-12, "h")
        return clock + pd.to_timedelta(np.cumsum(back), unit="D"), ", times of the day without a date"
    if not text.str.contains(r"(?:\d\s*(?:days?|d|h|min|m|s|ms)\b|\d+:\d{2}:\d{2})", regex=True).all():
        return None
    differences = pd.to_timedelta(text, errors="coerce")
    return None if differences.isna().any() else (pd.TimedeltaIndex(differences), ", time differences")


def hours_of(column: pd.Series) -> pd.TimedeltaIndex | None:
    """Times of the day: text, or whole hours from 0 to 24."""
    if column.isna().any():
        return None
    if pd.api.types.is_timedelta64_dtype(column):
        return pd.TimedeltaIndex(column)
    if is_text(column):
        text = column.astype(str).str.strip()
        if not all_match(text, r"\d{1,2}(\.0+)?"):
            return clock_times(text)
        column = text
    hours = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    if not ((hours >= 0) & (hours <= 24) & (hours == np.round(hours))).all():
        return None
    return pd.TimedeltaIndex(hours.astype("timedelta64[h]").astype("timedelta64[s]"))


def why_not(column: pd.Series) -> str:
    if len(column) == 0:
        return "it is empty"
    if column.isna().any():
        return f"row {int(column.isna().to_numpy().argmax()) + 1} has none"
    if not is_text(column):
        return f"it holds {column.dtype}, such as {column.iloc[0]!r}, which do not rise or fall all the time"
    alone = [read_times(column.iloc[[row]], True) is None for row in range(min(len(column), 1000))]
    row = int(np.argmax(alone)) if any(alone) else 0
    wanted = "which is no date with a year, no time difference and no number"
    return f"row {row + 1} holds {str(column.iloc[row])!r}, {wanted}"


@lru_cache(maxsize=1024)
def looks_like_time(field: str) -> bool:
    """Whether a field of text is a date with a year, or a time of the day.

    Answers are kept, since the first lines of a file are read more than once.
    """
    text = pd.Series([field])
    return clock_times(text) is not None or dates_of_text(text, day_first=True) is not None
