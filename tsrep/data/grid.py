"""Rows of a table in the order of time, one per step of a regular index; every row knows its step.

No row is lost and no hole closes up: the index holds every time that is given. The steps are counted before any memory
is asked for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsrep.data.columns import TableError, listed
from tsrep.data.steps import Step, step_of, with_freq
from tsrep.data.wording import option

Frame = pd.DataFrame
Ints = NDArray[np.intp]

LEAST_SHARE = 0.5
"""Share of the steps that rows must be there for."""
LEAST_SHARE_AVERAGED = 0.01
"""The same where the width of the steps was named."""
FREE_STEPS = 1000
"""Steps of a named width that are not looked at."""
MOST_COUNTED = 2.0**53
"""Up to which floats hold all whole numbers."""


@dataclass(frozen=True)
class Grid:
    """A regular table.

    frame : (t, c) floats, one row per step, NaN where there is none.
    steps : (n,) the step at which each of the given rows is.
    step : the step in words; None for a table of one row.
    """

    frame: Frame
    steps: Ints
    step: str | None


def on_grid(
    values: Frame, *, sort: bool = False, every: str | None = None, texts: Sequence[str] = ()
) -> Grid:
    """Rows (n, c), whose index are their times, on a regular index.

    Parameters
    ----------
    values : floats; the index holds dates, time differences or numbers.
    sort : True takes rows in any order and averages those with the same time.
    every : the width of the steps, a length of time or a number: the rows within each step are averaged.
    texts : columns of text that may tell several series apart, for the message.

    Raises
    ------
    TableError
        Rows out of order (newest first is turned round), two rows for one time, no common step, or a step so small that
        most of them are missing.
    """
    index = values.index
    if every is not None:
        return _averaged(values, every)
    order = np.arange(len(index))
    if sort:
        order = index.argsort()
    elif len(index) > 1 and index.is_monotonic_decreasing:
        order = order[::-1]
    times, rows = index[order], values.iloc[order]
    if not sort:
        _check_order(times, texts)
    first = np.ones(len(times), dtype=bool)
    first[1:] = np.asarray(times[1:] != times[:-1])
    groups = np.cumsum(first) - 1
    if not first.all():
        rows = rows.groupby(groups).mean()
    grid = _placed(rows.set_axis(times[first], axis=0))
    steps = np.empty(len(index), dtype=np.intp)
    steps[order] = grid.steps[groups]
    return Grid(grid.frame, steps, grid.step)


def following(index: pd.Index, count: int) -> pd.Index:
    """The `count` steps after a regular index.

    Examples
    --------
    >>> import pandas as pd
    >>> following(pd.DatetimeIndex(["2026-01-30", "2026-02-27"]), 2).strftime("%d %b").tolist()
    ['27 Mar', '24 Apr']
    """
    if isinstance(index, pd.DatetimeIndex) and index.freq is not None:
        return pd.date_range(index[-1], periods=count + 1, freq=index.freq, name=index.name)[1:]
    step = step_of(index) if len(index) > 1 else None
    if step is None:
        start = int(index[-1]) + 1
        return pd.RangeIndex(start, start + count, name=index.name)
    last = int(step.positions()[-1])
    after = step.times(last + 1, last + 1 + count)
    return as_range(after) if after.dtype.kind == "i" and count > 1 else after


def _check_order(index: pd.Index, texts: Sequence[str]) -> None:
    """Raises where two rows have one time, or one is earlier than the row before it."""
    twice = index.duplicated()
    if twice.any():
        row = int(twice.argmax())
        hint = f"; if {listed(texts)} identifies several series, pass one series at a time" if texts else ""
        raise TableError(
            f"{int(twice.sum())} rows repeat a time, the first {index[row]}: keep one row per time, or average "
            f"them with {option('sort', True)}{hint}"
        )
    if not index.is_monotonic_increasing:
        back = int(np.argmax(index[1:] < index[:-1])) + 1
        raise TableError(
            f"the rows are not sorted by time: {index[back - 1]} comes before {index[back]}; sort them, for "
            f"example with {option('sort', True)}"
        )


def _placed(values: Frame) -> Grid:
    """Increasing rows on the steps that `step_of` finds."""
    index = values.index
    if len(index) < 2:
        return Grid(values, np.zeros(len(index), dtype=np.intp), None)
    step = step_of(index)
    if step is None:
        widths = pd.Series(np.diff(index.to_numpy()))
        raise TableError(
            f"the times have no common step (from {widths.min()} to {widths.max()}): name a step to average over, "
            f"such as {_example(index)}, {_count_rows()}"
        )
    steps = step.positions()
    count = int(steps[-1]) + 1
    if len(index) < LEAST_SHARE * count:
        raise TableError(
            f"{count - len(index)} of {count} steps are missing when the step is {step.name}"
            f"{_gap(index)}: name a coarser one to average over, such as {_example(index)}, {_count_rows()}"
        )
    return Grid(_filled(values, step, steps, count), steps.astype(np.intp), step.name)


def _filled(values: Frame, step: Step, steps: NDArray[Any], count: int) -> Frame:
    table = np.full((count, values.shape[1]), np.nan)
    table[steps] = values.to_numpy()
    regular, given = step.times(0, count), values.index
    if isinstance(regular, pd.DatetimeIndex) and isinstance(
        given, pd.DatetimeIndex
    ):  # the given times stand as they are given
        exact = regular.asi8.copy()
        exact[steps] = given.asi8
        if (exact != regular.asi8).any():
            regular = _dates(exact, given)
    elif regular.dtype.kind == "i":
        regular = as_range(regular)
    return Frame(table, with_freq(regular, step), values.columns)


def as_range(index: pd.Index) -> pd.RangeIndex:
    """Evenly spaced integers, at least two, as a range."""
    width = int(index[1] - index[0])
    return pd.RangeIndex(int(index[0]), int(index[-1]) + 1, width, name=index.name)


def _dates(ticks: NDArray[np.int64], like: pd.DatetimeIndex) -> pd.DatetimeIndex:
    dates = pd.DatetimeIndex(ticks.view(f"datetime64[{like.unit}]"), name=like.name)
    return dates if like.tz is None else dates.tz_localize("UTC").tz_convert(like.tz)


def _gap(index: pd.Index) -> str:
    """Names the two rows between which most of the time passes, if there are such."""
    widths = np.diff(index.to_numpy())
    place = int(widths.argmax())
    if widths[place] <= 0.5 * (index[-1] - index[0]):
        return ""
    return f", because {index[place]} is followed by {index[place + 1]} (a wrong time?)"


def _example(index: pd.Index) -> str:
    if isinstance(index, pd.DatetimeIndex | pd.TimedeltaIndex):
        return option("every", "1h")
    return option("every", f"{np.median(np.diff(index.to_numpy())):.3g}")


def _count_rows() -> str:
    return f"or count the rows as steps with {option('time', 'none')}"


# A width that is named


def _averaged(values: Frame, every: str) -> Grid:
    """Means of the rows within steps of the width `every`."""
    order = values.index.argsort()
    rows = values.iloc[order]
    if isinstance(rows.index, pd.DatetimeIndex | pd.TimedeltaIndex):
        width = _width(rows.index, every)
        rows = rows.set_axis(_as_fine_as(rows.index, width, every), axis=0)
        bins = rows.resample(width)
        frame, steps = bins.mean(), np.repeat(np.arange(len(bins.size())), bins.size())
    else:
        frame, steps = _bins_of_numbers(rows, every)
    back = np.empty(len(steps), dtype=np.intp)
    back[order] = steps
    return Grid(frame, back, every)


def _width(index: Any, every: str) -> Any:
    """`every` as pandas takes it, if it makes no more steps than there may be."""
    wanted = "wanted a length of time such as '5min' or '1h', or a step of the calendar such as 'MS' or 'QS'"
    try:
        width: Any = pd.Timedelta(every)
        if width > pd.Timedelta(0) and width % pd.Timedelta(days=1) == pd.Timedelta(0):
            width = pd.offsets.Day(width.days)  # by the clocks of the zone
    except ValueError:
        try:
            width = pd.tseries.frequencies.to_offset(every)
        except ValueError as error:
            raise TableError(f"every is {every!r}; {wanted}") from error
    first, last = pd.Timestamp(0) + index[[0, -1]] if isinstance(index, pd.TimedeltaIndex) else index[[0, -1]]
    try:
        longer, several = first + width, first + width + width + width
    except (ValueError, OverflowError) as error:
        raise TableError(f"every is {every!r}, which leads to times beyond those that can be held") from error
    if not longer > first:
        raise TableError(f"every is {every!r}; wanted a length of time above 0")
    shortest = (several - longer) / 2
    _check_count(index, int((last - first) / shortest) + 1, every)
    return width


def _as_fine_as(index: Any, width: Any, every: str) -> Any:
    """Dates or time differences in a unit in which a fixed width is a whole number; pandas cuts it off otherwise."""
    if not isinstance(width, pd.Timedelta | pd.offsets.Tick):
        return index
    units: Any = ("s", "ms", "us", "ns")
    for unit in units[units.index(index.unit) :]:
        if pd.Timedelta(width) % pd.Timedelta(1, unit) == pd.Timedelta(0):
            try:
                return index.as_unit(unit)
            except pd.errors.OutOfBoundsDatetime as error:
                raise TableError(
                    f"every is {every!r}; wanted a length of seconds for times so far apart"
                ) from error
    return index


def _bins_of_numbers(rows: Frame, every: str) -> tuple[Frame, NDArray[Any]]:
    numbers = rows.index.to_numpy(dtype=float)
    try:
        width = float(every)
    except ValueError:
        width = 0.0
    if not 0 < width < np.inf:
        raise TableError(
            f"every is {every!r}; wanted a number above 0, since the steps are numbered and have no dates"
        )
    if not (numbers[-1] - numbers[0]) / width < MOST_COUNTED or not np.isfinite(numbers / width).all():
        raise TableError(f"every is {every!r}, which makes more steps than can be counted")
    numbered = np.floor(np.round(numbers / width, 9))
    steps = (numbered - numbered[0]).astype(np.int64)
    count = int(steps[-1]) + 1
    _check_count(rows.index, count, every)
    edges = np.round(width * (numbered[0] + np.arange(count)), 9)
    whole = (edges == np.round(edges)).all() and np.abs(edges).max() < MOST_COUNTED
    index = pd.Index(edges.astype(np.int64) if whole else edges)
    means = rows.groupby(steps).mean().reindex(range(count))
    return means.set_axis(index.rename(rows.index.name), axis=0), steps


def _check_count(index: pd.Index, count: int, every: str) -> None:
    if count > FREE_STEPS and len(index) < LEAST_SHARE_AVERAGED * count:
        raise TableError(f"every is {every!r}, which makes {count} steps of {len(index)} rows{_gap(index)}")
