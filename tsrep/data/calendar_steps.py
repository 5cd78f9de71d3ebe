"""Steps of the calendar: certain days of each week or month, by the clocks of a zone.

LocalDays   dates at one time of the day
WholeDays   every day, every second day, ...
Weekdays    certain days of each week: business days, for example
MonthDays   certain days of each month, or of every k-th one: the 15th, the last day, the last Friday, ...
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Days = NDArray[Any]  # datetime64[D]

DAY = np.timedelta64(1, "D")
DAY_NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
BUSINESS_DAYS = (True,) * 5 + (False,) * 2
ORDINALS = ("first", "second", "third", "fourth", "fifth")
SHORTEST_MONTH = 28
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
LAST = 31
"""The day of the month that stands for the last one."""
MOST_DAYS = 3
"""Days of a month that a step may consist of."""
LEAST_PERIODS = 3
"""Weeks or months from which on a pattern of several days in each of them is believed."""


@dataclass(frozen=True)
class LocalDays:
    """Dates at one time of the day, by the clocks of their zone.

    days : (n,) datetime64[D], each once.
    time : the time of the day.
    index : the dates themselves.
    """

    days: Days
    time: np.timedelta64
    index: pd.DatetimeIndex

    @classmethod
    def of(cls, index: pd.DatetimeIndex) -> LocalDays | None:
        """None if the dates are at several times of the day, or two on one day.

        A time that the clocks leave out, as midnight in some zones, counts as what it was moved from.
        """
        wall = index.tz_localize(None).to_numpy()
        days = wall.astype("datetime64[D]")
        times = wall - days
        values, counts = np.unique(times, return_counts=True)
        local = cls(days, values[counts.argmax()], index)
        moved = times != local.time
        if moved.any() and (index.tz is None or (local.at(days[moved]) != index[moved]).any()):
            return None
        return local if (np.diff(days) > np.timedelta64(0, "D")).all() else None

    def at(self, days: Days) -> pd.DatetimeIndex:
        """The dates of other days, at the same time of the day in the same zone."""
        unit = self.index.unit
        wall = pd.DatetimeIndex((days.astype(f"datetime64[{unit}]") + self.time), name=self.index.name)
        if self.index.tz is None:
            return wall
        return wall.tz_localize(
            self.index.tz, nonexistent="shift_forward", ambiguous=np.ones(len(wall), dtype=bool)
        )


def freq_of_days(days: int, index: pd.DatetimeIndex) -> str:
    """Whole weeks or days as pandas names them.

    >>> freq_of_days(14, pd.DatetimeIndex(["2026-01-06"]))
    '2W-TUE'
    """
    return f"{days // 7}W-{DAY_NAMES[index[0].weekday()].upper()}" if days % 7 == 0 else f"{days}D"


@dataclass(frozen=True)
class WholeDays:
    """A whole number of days, by the clocks of a zone."""

    local: LocalDays
    width: int

    @classmethod
    def fitted(cls, local: LocalDays) -> WholeDays | None:
        """The smallest number of days between two dates if it divides all others."""
        differences = np.diff(local.days).astype(np.int64)
        width = int(differences.min())
        return None if (differences % width).any() else cls(local, width)

    @property
    def name(self) -> str:
        return f"{self.width} days 00:00:00"

    @property
    def freq(self) -> str | None:
        return freq_of_days(self.width, self.local.index)

    def positions(self) -> Ints:
        return (self.local.days - self.local.days[0]).astype(np.int64) // self.width

    def times(self, start: int, stop: int) -> pd.Index:
        return self.local.at(self.local.days[0] + self.width * np.arange(start, stop) * DAY)


@dataclass(frozen=True)
class Weekdays:
    """Certain days of each week; `mask` (7,) from Monday on."""

    local: LocalDays
    mask: tuple[bool, ...]

    @classmethod
    def fitted(cls, local: LocalDays) -> Weekdays | None:
        """Monday to Friday where no date is on a weekend, else the days of the week that are ever seen."""
        seen = np.bincount(_weekday(local.days), minlength=7) > 0
        weeks = (local.days[-1] - local.days[0]) / (7 * DAY)
        if not seen[5:].any() and len(local.days) > 5:
            return cls(local, BUSINESS_DAYS)
        if 2 <= seen.sum() <= 6 and weeks >= LEAST_PERIODS:
            return cls(local, tuple(map(bool, seen)))
        return None

    @property
    def name(self) -> str:
        if self.freq == "B":
            return "business day"
        return "week, on " + ", ".join(day for day, used in zip(DAY_NAMES, self.mask, strict=True) if used)

    @property
    def freq(self) -> str | None:
        return "B" if self.mask == BUSINESS_DAYS else None

    def positions(self) -> Ints:
        days = self.local.days
        return np.busday_count(days[0], days, weekmask=self.mask).astype(np.int64)

    def times(self, start: int, stop: int) -> pd.Index:
        days = np.busday_offset(self.local.days[0], np.arange(start, stop), weekmask=self.mask)
        return self.local.at(days)


@dataclass(frozen=True)
class MonthDays:
    """Certain days of every `months`-th month; `days` are of one kind or, with `months` 1, of several."""

    local: LocalDays
    months: int
    days: tuple[DayOfMonth, ...]
    rank: float

    @classmethod
    def fitted(cls, local: LocalDays) -> Iterator[tuple[float, MonthDays]]:
        """(rank, step) of each kind of days that holds every date."""
        months = local.days.astype("datetime64[M]")
        for rank, days in _kinds(local.days):
            step = _common_divisor(months) if len(days) == 1 else 1
            if step is None:
                continue
            fitted = cls(local, step, days, rank)
            if fitted._places() is not None:
                yield rank, fitted

    @property
    def name(self) -> str:
        width = {1: "month", 3: "quarter", 12: "year"}.get(self.months, f"{self.months} months")
        return f"{width}, on {' and '.join(day.name for day in self.days)}"

    @property
    def freq(self) -> str | None:
        letters = {("day", 1): "S", ("day", LAST): "E", ("business", 1): "S", ("business", -1): "E"}
        letter = letters.get(self.days[0].key) if len(self.days) == 1 else None
        if letter is None:
            return None
        prefix = "B" if self.days[0].key[0] == "business" else ""
        month = MONTHS[self.local.index[0].month - 1]
        if self.months % 12 == 0:
            return f"{self.months // 12}{prefix}Y{letter}-{month}"
        if self.months == 3:
            return f"{prefix}Q{letter}-{month}"
        return f"{self.months}{prefix}M{letter}"

    def positions(self) -> Ints:
        places = self._places()
        assert places is not None
        return places

    def times(self, start: int, stop: int) -> pd.Index:
        kinds = len(self.days)
        within = self._first() + np.arange(start, stop)
        months = self.local.days[0].astype("datetime64[M]") + self.months * (within // kinds)
        table = np.stack([day.in_months(months) for day in self.days])
        return self.local.at(table[within % kinds, np.arange(len(within))])

    def _first(self) -> int:
        """Which of the days of its month the first date is."""
        month = self.local.days[:1].astype("datetime64[M]")
        return next(k for k, day in enumerate(self.days) if day.in_months(month)[0] == self.local.days[0])

    def _places(self) -> Ints | None:
        """(n,) positions; None if a date is on none of the days."""
        months = self.local.days.astype("datetime64[M]")
        table = np.stack([day.in_months(months) for day in self.days])
        held = table == self.local.days
        if not held.any(axis=0).all():
            return None
        since = (months - months[0]).astype(np.int64) // self.months
        places = len(self.days) * since + held.argmax(axis=0)
        return np.asarray(places - places[0])


@dataclass(frozen=True)
class DayOfMonth:
    """A day in each month.

    key : ("day", 1 to 31), 31 the last one, a day that a month lacks is its last; ("business", 1 or -1), the first or
        last from Monday to Friday; ("weekday", day of the week, number), number 0 the first, -1 the last.
    """

    key: tuple[Any, ...]

    @property
    def name(self) -> str:
        kind, *rest = self.key
        if kind == "day":
            return "the last day" if rest[0] == LAST else f"day {rest[0]}"
        if kind == "business":
            return f"the {'first' if rest[0] == 1 else 'last'} business day"
        day = pd.Timestamp(2024, 1, 1 + rest[0]).day_name()
        return f"the {'last' if rest[1] < 0 else ORDINALS[rest[1]]} {day}"

    def in_months(self, months: Days) -> Days:
        """(n,) the day in each of the months (n,)."""
        first = months.astype("datetime64[D]")
        last = (months + 1).astype("datetime64[D]") - DAY
        kind, *rest = self.key
        if kind == "day":
            return np.minimum(first + (rest[0] - 1) * DAY, last)
        if kind == "business":
            edge, roll = (first, "forward") if rest[0] == 1 else (last, "backward")
            return np.busday_offset(edge, 0, roll=roll)  # type: ignore[call-overload]
        weekday, number = rest
        if number < 0:
            return last - (_weekday(last) - weekday) % 7 * DAY
        return first + ((weekday - _weekday(first)) % 7 + 7 * number) * DAY


def _kinds(days: Days) -> Iterator[tuple[float, tuple[DayOfMonth, ...]]]:
    """(rank, days of the month) that may hold all of `days`."""
    months = days.astype("datetime64[M]")
    numbers = (days - months.astype("datetime64[D]")).astype(np.int64) + 1
    ends = days == (months + 1).astype("datetime64[D]") - DAY
    late = numbers >= SHORTEST_MONTH
    found = sorted({int(number) for number in numbers[~late]})
    if late.any():
        found.append(LAST if ends[late].all() else int(numbers.max()))
    enough = len(np.unique(months)) >= LEAST_PERIODS and len(days) >= 2 * len(found)
    if len(found) == 1 or (len(found) <= MOST_DAYS and enough):
        rank = 1 if found in ([1], [LAST]) else 3 if len(found) == 1 else 4
        yield rank, tuple(DayOfMonth(("day", number)) for number in found)
    yield 3.1, (DayOfMonth(("business", 1)),)
    yield 3.1, (DayOfMonth(("business", -1)),)
    weekdays = np.unique(_weekday(days))
    if len(weekdays) == 1:
        for number in (-1, *np.unique((numbers - 1) // 7).tolist()[:1]):
            yield 3.2, (DayOfMonth(("weekday", int(weekdays[0]), int(number))),)


def _common_divisor(months: Days) -> int | None:
    """The smallest number of months between two dates if it divides all others."""
    differences = np.diff(months).astype(np.int64)
    smallest = int(differences.min())
    return None if smallest < 1 or (differences % smallest).any() else smallest


def _weekday(days: Days) -> Ints:
    """Monday 0 to Sunday 6."""
    return (days.astype(np.int64) + 3) % 7
