"""Numbers as times: dates such as 20160701, years, time since 1970, days of a spreadsheet, or step numbers."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

EPOCH_UNITS = {"s": 1e9, "ms": 1e12, "us": 1e15, "ns": 1e18}
"""Lower ends of the ranges; seconds since 1970 from 2001 on."""
WRITTEN = (("%Y%m%d", 8), ("%Y%m%d%H", 10), ("%Y%m%d%H%M", 12), ("%Y%m%d%H%M%S", 14))
"""Dates written as one number, and their digits."""
YEARS = (1000, 2999)
FIRST_WRITTEN_YEAR, LAST_WRITTEN_YEAR = 1900, 2200
SPREADSHEET_DAYS = (20_000, 80_000)
"""Days since the end of 1899, from 1954 to 2119."""
OF_YEARS = re.compile(r"(year|years|yr|jahr|date|datum|ds|a[nñ]o|ann[eé]e|anno)\b", re.IGNORECASE)
OF_MONTHS = re.compile(r"(month|months|yearmonth|year_month|ym|period|date|datum|monat|ds)\b", re.IGNORECASE)
OF_DAYS = re.compile(r"(date|datum|day|datetime|timestamp|date.?time|fecha|data)\b", re.IGNORECASE)


def dates_of_numbers(values: Numbers, name: str) -> tuple[pd.DatetimeIndex, str] | None:
    """(dates, how they were read) of numbers (n,) without gaps in a column of that name; None if they are no dates.

    Examples
    --------
    >>> import numpy as np
    >>> dates_of_numbers(np.array([1885.0, 1886.0]), "Year")[1]
    'years'
    >>> dates_of_numbers(np.array([0.0, 0.02]), "time") is None
    True
    """
    whole = bool((values == np.round(values)).all())
    if whole:
        text = pd.Series(values.astype(np.int64).astype(str), dtype=object)
        for form, digits in WRITTEN:
            if (text.str.len() == digits).all() and (dates := _written(text, form)) is not None:
                return dates, f"numbers such as {text.iloc[0]}"
        of_months = OF_MONTHS.match(name) and (text.str.len() == 6).all()
        if of_months and (dates := _written(text, "%Y%m")) is not None:
            return dates, f"numbers such as {text.iloc[0]}"
        if OF_YEARS.match(name) and values.min() >= YEARS[0] and values.max() <= YEARS[1]:
            return pd.DatetimeIndex(pd.to_datetime(text, format="%Y")), "years"
    if (epochs := _epochs(values, whole)) is not None:
        return epochs
    low, high = SPREADSHEET_DAYS
    if OF_DAYS.match(name) and (values >= low).all() and (values <= high).all():
        return _spreadsheet_days(values), "days of a spreadsheet"
    return None


def _written(text: pd.Series, form: str) -> pd.DatetimeIndex | None:
    dates = pd.DatetimeIndex(pd.to_datetime(text, format=form, errors="coerce"))
    if dates.isna().any() or dates.year.min() < FIRST_WRITTEN_YEAR or dates.year.max() > LAST_WRITTEN_YEAR:
        return None
    return dates


def _epochs(values: Numbers, whole: bool) -> tuple[pd.DatetimeIndex, str] | None:
    """Time since 1970 in the unit that the median is in the range of; the others may be earlier, as clocks reset."""
    middle = float(np.median(values))
    for unit, least in EPOCH_UNITS.items():
        if least <= middle < 10 * least and values.min() >= 0 and values.max() < 10 * least:
            how = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}[unit]
            if not whole:
                values, unit = 1000 * values, {"s": "ms", "ms": "us"}.get(unit, "ns")
            stamps = np.round(values).astype(np.int64).astype(f"datetime64[{unit}]")
            return pd.DatetimeIndex(stamps), f"{how} since 1970"
    return None


def _spreadsheet_days(values: Numbers) -> pd.DatetimeIndex:
    """Fractions of days are rounded to what their decimals tell apart: hours, minutes, seconds or milliseconds."""
    decimals = next((d for d in range(7) if np.allclose(values, np.round(values, d), rtol=0, atol=1e-9)), 9)
    unit = {0: 86400.0, 1: 3600.0, 2: 3600.0, 3: 60.0, 4: 60.0, 5: 1.0, 6: 1.0}.get(decimals, 0.001)
    seconds = np.round(values * 86400 / unit) * unit
    if unit < 1 and np.abs(seconds - np.round(seconds)).max() < 0.005:
        seconds = np.round(seconds)
    origin = np.datetime64("1899-12-30", "ms")
    return pd.DatetimeIndex(origin + np.round(seconds * 1000).astype("timedelta64[ms]"))
