"""Steps of a regular time axis: of an even width, or of the calendar.

`step_of` finds the step whose grid holds every given time with the fewest holes. Nothing is inferred from the name of
a frequency, so no time is ever moved to another one.

Even        a constant width, also where the times are rounded to few decimals

The steps of the calendar are in `calendar_steps.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsrep.data.calendar_steps import (
    SHORTEST_MONTH,
    LocalDays,
    MonthDays,
    Weekdays,
    WholeDays,
    freq_of_days,
)

Ints = NDArray[np.int64]

DECIMALS = 9
"""Decimals up to which numbers are taken as they are written."""
LEAST_TICKS = 10
"""An even width is found in times that are rounded to at most this part of it."""
ROUNDING = 0.75
"""Largest distance of a rounded time from the line of even ones, in units of the last decimal."""


class Step(Protocol):
    """How the steps of an axis follow one another, from a first time on."""

    @property
    def name(self) -> str:
        """The step in words: "0 days 01:00:00", "month, on day 15"."""

    @property
    def freq(self) -> str | None:
        """The frequency as pandas names it, if it has a name."""

    def positions(self) -> Ints:
        """(n,) the step at which each of the times is; the first is 0."""

    def times(self, start: int, stop: int) -> pd.Index:
        """The times of the steps from `start` to before `stop`."""


def step_of(index: pd.Index) -> Step | None:
    """The step of increasing times; None if there is none.

    Parameters
    ----------
    index : (n,) n >= 2, dates with or without a zone, time differences, or numbers; increasing, each time once.

    Examples
    --------
    >>> import pandas as pd
    >>> step_of(pd.DatetimeIndex(["2010-02-26", "2010-03-26", "2010-04-30"])).name
    'month, on the last Friday'
    >>> step_of(pd.Index([0.0, 0.33, 0.67, 1.33])).positions().tolist()
    [0, 1, 2, 4]
    """
    ranked = [(int(step.positions()[-1]), rank, step) for rank, step in _candidates(index)]
    return min(ranked, key=lambda candidate: candidate[:2])[2] if ranked else None


def with_freq(index: pd.Index, step: Step) -> pd.Index:
    """A regular index of dates or time differences with the frequency of its step, where pandas knows it."""
    if step.freq is None or not isinstance(index, pd.DatetimeIndex | pd.TimedeltaIndex):
        return index
    try:
        return type(index)(index, freq=step.freq)
    except ValueError:  # local midnights that a change of clocks moved
        return index


def _candidates(index: pd.Index) -> Iterator[tuple[float, Step]]:
    """(rank, step) of the steps whose grid holds every time; a lower rank is the more usual reading."""
    ticks = Ticks.of(index)
    even = Even.fitted(ticks)
    if even is not None:
        yield _rank_of_width(index, even.width), even
    if not isinstance(index, pd.DatetimeIndex) or (local := LocalDays.of(index)) is None:
        return
    if index.tz is not None and (days := WholeDays.fitted(local)) is not None:
        yield -1, days
    if (weekdays := Weekdays.fitted(local)) is not None:
        yield 2.5, weekdays
    yield from MonthDays.fitted(local)


def _rank_of_width(index: pd.Index, width: float) -> float:
    if not isinstance(index, pd.DatetimeIndex):
        return 0
    days = width * pd.Timedelta(1, unit=index.unit) / pd.Timedelta(days=1)
    if days < SHORTEST_MONTH:
        return 0
    return 2 if days % 7 == 0 else 5


# An even width


@dataclass(frozen=True)
class Ticks:
    """Times as integers.

    values : (n,) int64.
    index : the times themselves.
    scale : ticks per unit, for numbers with decimals.
    """

    values: Ints
    index: pd.Index
    scale: float = 1.0

    @classmethod
    def of(cls, index: pd.Index) -> Ticks:
        """Dates and time differences in their own unit, numbers in units of their last decimal."""
        if isinstance(index, pd.DatetimeIndex | pd.TimedeltaIndex):
            return cls(np.asarray(index.asi8), index)
        numbers = index.to_numpy()
        if numbers.dtype.kind in "iu":
            return cls(numbers.astype(np.int64), index)
        for decimals in range(DECIMALS + 1):
            scaled = numbers * 10.0**decimals
            if np.allclose(scaled, np.rint(scaled), rtol=1e-14, atol=1e-6):
                return cls(np.rint(scaled).astype(np.int64), index, 10.0**decimals)
        scale = 1e6 / np.diff(numbers).min()
        return cls(np.rint((numbers - numbers[0]) * scale).astype(np.int64), index - index[0], scale)

    def back(self, values: Ints) -> pd.Index:
        """Ticks as times."""
        index = self.index
        if isinstance(index, pd.DatetimeIndex):
            dates = pd.DatetimeIndex(values.view(f"datetime64[{index.unit}]"), name=index.name)
            return dates if index.tz is None else dates.tz_localize("UTC").tz_convert(index.tz)
        if isinstance(index, pd.TimedeltaIndex):
            return pd.TimedeltaIndex(values.view(f"timedelta64[{index.unit}]")).rename(index.name)
        if self.scale == 1.0 and index.dtype.kind in "iu":
            return pd.Index(values, name=index.name)
        return pd.Index(values / self.scale, name=index.name)


@dataclass(frozen=True)
class Even:
    """Steps of a constant width, in ticks."""

    ticks: Ticks
    width: float
    steps: Ints
    rounded: bool

    @classmethod
    def fitted(cls, ticks: Ticks) -> Even | None:
        """The width that all differences are multiples of and some are equal to, up to one unit of rounding."""
        differences = np.diff(ticks.values)
        smallest = int(differences.min())
        if not (differences % smallest).any():
            return cls(ticks, smallest, _from_zero(differences // smallest), False)
        if ticks.index.dtype.kind in "iu":
            return None
        width = float(np.median(differences[differences < 1.5 * smallest]))
        unit = _last_decimal(differences)
        if width < LEAST_TICKS * unit:
            return None
        steps = _from_zero(np.rint(differences / width).astype(np.int64))
        values = ticks.values - ticks.values[0]
        slope, offset = np.polyfit(steps.astype(float), values.astype(float), 1)
        if np.abs(values - (offset + slope * steps)).max() > ROUNDING * unit + 1e-9 * values[-1]:
            return None
        return cls(ticks, float(slope), steps, True)

    @property
    def name(self) -> str:
        index = self.ticks.index
        if isinstance(index, pd.DatetimeIndex | pd.TimedeltaIndex):
            return str(pd.Timedelta(round(self.width), unit=index.unit))
        return f"{self.width / self.ticks.scale:.9g}"

    @property
    def freq(self) -> str | None:
        index = self.ticks.index
        if self.rounded or not isinstance(index, pd.DatetimeIndex | pd.TimedeltaIndex):
            return None
        width = pd.Timedelta(int(self.width), unit=index.unit)
        utc = not isinstance(index, pd.DatetimeIndex) or index.tz is None or str(index.tz) == "UTC"
        if utc and width % pd.Timedelta(days=1) == pd.Timedelta(0):
            return (
                freq_of_days(width.days, index) if isinstance(index, pd.DatetimeIndex) else f"{width.days}D"
            )
        return str(pd.tseries.frequencies.to_offset(width).freqstr)

    def positions(self) -> Ints:
        return self.steps

    def times(self, start: int, stop: int) -> pd.Index:
        steps = np.arange(start, stop, dtype=np.int64)
        since = np.rint(self.width * steps).astype(np.int64) if self.rounded else int(self.width) * steps
        return self.ticks.back(self.ticks.values[0] + since)


def _last_decimal(differences: Ints) -> int:
    """The power of ten that all differences are multiples of."""
    unit = 1
    while not (differences % (10 * unit)).any():
        unit *= 10
    return unit


def _from_zero(differences: Ints) -> Ints:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(differences)])
