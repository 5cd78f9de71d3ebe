"""Text as dates: which day, month and year, at which time of the day, in which zone.

A date needs a year: "12:30" and "March 5" are none, and nothing is filled in. Where the day and the month may be either
of two numbers, the reading with the more regular steps counts, and two readings that are equally regular are an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsrep.data.columns import TableError, all_match
from tsrep.data.steps import step_of
from tsrep.data.wording import option

OFFSET = r"(?:Z|[+-]\d{2}:?\d{2}|[+-]\d{2})$"
CLOCK = r"(\d{1,2})[:.h](\d{2})(?:[:.](\d{2})(?:[.,](\d{1,9}))?)?\s*([AaPp]\.?[Mm]\.?)?"
DATE_AND_CLOCK = re.compile(rf"^(.*?\S)(?:[T\s,]+({CLOCK}))?$", re.ASCII)
COMPACT = r"\d{4}-?\d{2}-?\d{2}[T ]\d{2}(?:\d{2})*"
WEEKDAY = r"^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*[,.]?\s+"

FORMATS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"\d{4}([-/.])\d{1,2}\1\d{1,2}", ("%Y-%m-%d",)),
    (r"\d{1,2}([-/.])\d{1,2}\1\d{4}", ("%d-%m-%Y", "%m-%d-%Y")),
    (r"\d{1,2}([-/.])\d{1,2}\1\d{2}", ("%d-%m-%y", "%m-%d-%y", "%y-%m-%d")),
    (r"\d{1,2}([-/. ]*)[A-Za-z]{3,9}[-/., ]*\d{4}", ("%d-%b-%Y", "%d-%B-%Y")),
    (r"\d{1,2}([-/. ]*)[A-Za-z]{3,9}[-/., ]*\d{2}", ("%d-%b-%y", "%d-%B-%y")),
    (r"[A-Za-z]{3,9}([-. ]+)\d{1,2},? +\d{4}", ("%b-%d-%Y", "%B-%d-%Y")),
    (r"\d{8}", ("%Y%m%d",)),
    (r"\d{4}([-/.]|M)\d{1,2}", ("%Y-%m",)),
    (r"\d{1,2}([-/.])\d{4}", ("%m-%Y",)),
    (r"[A-Za-z]{3,9}([-/. ]+)\d{4}", ("%b-%Y", "%B-%Y")),
)
"""Shapes of dates and how they may be read, with "-" for any separator."""
QUARTERS = (r"(?P<year>\d{4})[- /]?Q(?P<quarter>[1-4])", r"Q(?P<quarter>[1-4])[- /]?(?P<year>\d{4})")
WEEK = r"(\d{4})-?W(\d{2})(?:-?([1-7]))?"
BETWEEN = re.compile(r"(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])|[-/., ]+")

Flags = NDArray[np.bool_]


def dates_of_text(text: pd.Series, day_first: bool | None = None) -> pd.DatetimeIndex | None:
    """Text (n,) as dates, None where not all of it reads as dates.

    Offsets such as +01:00 give UTC, unless the dates are at one time of the day by the clocks of the place only: then
    they are the local ones, without a zone.

    Raises
    ------
    TableError
        Day and month can be read in two ways that are equally regular; `day_first` says which one it is.

    Examples
    --------
    >>> import pandas as pd
    >>> dates_of_text(pd.Series(["31/12/2025 23:00", "01/01/2026 00:00"])).strftime("%d %b %Y %H h").tolist()
    ['31 Dec 2025 23 h', '01 Jan 2026 00 h']
    >>> dates_of_text(pd.Series(["12:30", "12:31"])) is None
    True
    """
    codes, unique = pd.factorize(text.astype(str).str.strip())
    values = pd.Series(unique, dtype=object).str.replace(r"\[[A-Za-z_/]+\]$|\s*(?:UTC|GMT)$", "Z", regex=True)
    values = values.str.replace(r"Z+$", "Z", regex=True)
    if (values.str.contains(OFFSET) & values.str.contains(r"\d[T ]\d{1,2}:", regex=True)).any():
        found = _with_offsets(values)
        return None if found is None else found[codes]
    readings = [(first, index[codes]) for first, index in _readings(values)]
    if day_first is not None and len({first for first, _ in readings}) > 1:
        readings = [reading for reading in readings if reading[0] in (day_first, None)]
    return _more_regular(readings)


def clock_times(text: pd.Series) -> pd.TimedeltaIndex | None:
    """Times of the day such as 23:59, 11:59:30.5 pm or 23.59.00 as time since midnight; None where one is none."""
    text = text.astype(str).str.strip()
    if not all_match(text, CLOCK):
        return None
    parts = text.str.extract(rf"^{CLOCK}$")
    hours, minutes, seconds = (parts[k].fillna("0").astype(int) for k in range(3))
    nanoseconds = parts[3].fillna("0").str.ljust(9, "0").astype("int64")
    half = parts[4].fillna("").str.lower().str[:1]
    if (hours > 24).any() or (minutes > 59).any() or (seconds > 59).any():
        return None
    hours = hours.where(half == "", hours % 12) + 12 * (half == "p")
    whole = (3600 * hours + 60 * minutes + seconds).astype("int64")
    if not nanoseconds.any():
        return pd.TimedeltaIndex(whole.to_numpy().astype("timedelta64[s]"))
    return pd.TimedeltaIndex((whole * 10**9 + nanoseconds).to_numpy().astype("timedelta64[ns]"))


def _with_offsets(values: pd.Series) -> pd.DatetimeIndex | None:
    try:
        utc = pd.DatetimeIndex(pd.to_datetime(values, format="ISO8601", utc=True))
    except (ValueError, OverflowError):
        return None
    if (utc.year < 1).any() or (utc.year > 9999).any():  # pandas holds them and cannot write them
        return None
    if values.str.contains(OFFSET).all() and len(utc) > 1:
        clocks = values.str.replace(OFFSET, "", regex=True)
        local = pd.DatetimeIndex(pd.to_datetime(clocks, format="ISO8601"))
        if _clocks(local) == 1 < _clocks(utc) and local.is_unique:
            return local
    return utc


def _clocks(dates: pd.DatetimeIndex) -> int:
    """Number of different times of the day."""
    return (dates - dates.normalize()).nunique()


def _readings(values: pd.Series) -> Iterator[tuple[bool | None, pd.DatetimeIndex]]:
    """(whether the day is first; None where it is certain, dates) of each way to read texts without an offset."""
    if all_match(values, COMPACT):
        yield None, pd.DatetimeIndex(pd.to_datetime(values, format="ISO8601", errors="coerce"))
        return
    parts = values.str.extract(DATE_AND_CLOCK)
    days = parts[0].str.replace(WEEKDAY, "", regex=True)
    clock = None
    if parts[1].notna().any():
        clock = clock_times(parts[1].fillna("00:00"))
        if clock is None:
            return
    for first, dates in _days(days):
        yield first, dates if clock is None else dates + clock


def _days(days: pd.Series) -> Iterator[tuple[bool | None, pd.DatetimeIndex]]:
    for pattern in QUARTERS:
        if all_match(days, pattern):
            quarter = days.str.extract(f"^{pattern}$")
            months = 3 * quarter["quarter"].astype(int) - 2
            yield None, _parsed(quarter["year"] + "-" + months.astype(str), "%Y-%m")
            return
    if all_match(days, WEEK):
        week = days.str.extract(f"^{WEEK}$")
        text = week[0] + "-" + week[1] + "-" + week[2].fillna("1")
        yield None, _parsed(text, "%G-%V-%u")
        return
    for shape, formats in FORMATS:
        if not all_match(days, shape):
            continue
        joined = days if shape == r"\d{8}" else days.str.replace("M", "-") if "|M" in shape else days
        joined = joined if shape == r"\d{8}" else joined.str.replace(BETWEEN, "-", regex=True)
        dotted = days.str.contains(".", regex=False).all()  # the day is first wherever dots are used
        for form in formats[:1] if dotted and "b" not in formats[0] else formats:
            dates = _parsed(joined, form)
            if dates.notna().all():
                ordered = len(formats) > 1 and "b" not in formats[0] and not dotted
                yield (form.startswith("%d") if ordered else None), dates
        return


def _parsed(text: pd.Series, form: str) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(pd.to_datetime(text, format=form, errors="coerce"))


def _more_regular(readings: list[tuple[bool | None, pd.DatetimeIndex]]) -> pd.DatetimeIndex | None:
    different: list[tuple[bool | None, pd.DatetimeIndex]] = []
    for first, index in readings:
        if index.notna().all() and not any(index.equals(other) for _, other in different):
            different.append((first, index))
    if len(different) < 2:
        return different[0][1] if different else None
    ranked = sorted(((_irregularity(index), index) for _, index in different), key=lambda pair: pair[0])
    if ranked[0][0] == ranked[1][0]:
        ways = " or ".join(f"from {index.min()} to {index.max()}" for _, index in ranked[:2])
        raise TableError(
            f"the dates can be read in two ways, {ways}: say which number is the day with "
            f"{option('day_first', True)} or {option('day_first', False)}"
        )
    return ranked[0][1]


def _irregularity(index: pd.DatetimeIndex) -> tuple[int, bool, bool, int]:
    """Times against the order; most steps missing, or no step at all; no step that pandas names; missing steps."""
    differences = np.diff(index.asi8)
    disorder = int(min((differences < 0).sum(), (differences > 0).sum()))
    times = index.unique().sort_values()
    step = step_of(times) if len(times) > 1 else None
    if step is None:
        return disorder, len(times) > 1, True, 0
    holes = int(step.positions()[-1]) + 1 - len(times)
    return disorder, holes > len(times), step.freq is None, holes
