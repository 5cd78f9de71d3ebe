"""Rows of a table in the order of time, one per step of a regular index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from tsrep.data.times import TableError, listed

Frame = pd.DataFrame


def in_order(values: Frame, sort: bool, texts: Sequence[str]) -> Frame:
    """The rows sorted by time, oldest first, one per time."""
    index = values.index
    if sort:
        return values.groupby(level=0, sort=True).mean()
    if len(index) > 1 and index.is_monotonic_decreasing:
        values = values[::-1]
        index = values.index
    twice = index.duplicated()
    if twice.any():
        row = int(twice.argmax())
        hint = f"; if {listed(texts)} identifies several series, pass one series at a time" if texts else ""
        raise TableError(
            f"{int(twice.sum())} rows repeat a time, the first {index[row]}: keep one row per time, or average "
            f"them with sort=True (--sort in a shell){hint}"
        )
    if not index.is_monotonic_increasing:
        back = int(np.argmax(index[1:] < index[:-1])) + 1
        raise TableError(
            f"the rows are not sorted by time: {index[back - 1]} comes before {index[back]}; sort them, or "
            "pass sort=True (--sort in a shell)"
        )
    return values


def averaged(values: Frame, every: str) -> Frame:
    """Means of the rows within steps of the length `every`."""
    if not isinstance(values.index, pd.DatetimeIndex):
        raise TableError(f"every is {every!r}; wanted None, since the steps are numbered and have no dates")
    try:
        step = pd.Timedelta(every)
    except ValueError as error:
        raise TableError(f"every is {every!r}; wanted a length of time such as '5min' or '1h'") from error
    if not step > pd.Timedelta(0):
        raise TableError(f"every is {every!r}; wanted a length of time above 0")
    return values.sort_index().resample(step).mean()


def on_grid(values: Frame) -> Frame:
    """One row per step from the first to the last, NaN where the table has none."""
    index = values.index
    if len(index) < 2:
        return values
    if not isinstance(index, pd.DatetimeIndex):
        step = _common_step(index.to_numpy())
        if step is not None:
            grid: pd.Index = pd.RangeIndex(index[0], index[-1] + 1, step)
            return _filled(values, grid)
    else:
        frequency = _frequency(index)
        if frequency is not None:
            return _filled(values, pd.date_range(index[0], index[-1], freq=frequency))
    steps = pd.Series(np.diff(index.to_numpy()))
    raise TableError(
        f"the times have no common step (from {steps.min()} to {steps.max()}): name a step to average over, such as "
        "every='1h' (--every 1h in a shell)"
    )


def _filled(values: Frame, grid: pd.Index) -> Frame:
    if len(grid) > 2 * len(values):
        raise TableError(
            f"{len(grid) - len(values)} of {len(grid)} steps are missing when the step is {grid[1] - grid[0]}: name a "
            "coarser one to average over, such as every='1h' (--every 1h in a shell)"
        )
    return values.reindex(grid).set_axis(grid)


def _frequency(index: pd.DatetimeIndex) -> Any:
    """The calendar or clock frequency of the dates, None if there is none."""
    if len(index) > 2 and (named := pd.infer_freq(index)) is not None:
        return named
    step = _common_step(index.as_unit("ns").asi8)
    day = pd.Timedelta(days=1).value
    if step == day and (index.dayofweek < 5).all() and len(index) > 5:
        return "B"
    if step is not None and step < 28 * day:
        return pd.Timedelta(step, unit="ns")
    for named in ("MS", "ME"):
        if len(index.difference(pd.date_range(index[0], index[-1], freq=named))) == 0:
            return named
    return None if step is None else pd.Timedelta(step, unit="ns")


def _common_step(times: Any) -> int | None:
    """The most frequent difference of sorted integers if all others are multiples of it, else None."""
    steps, counts = np.unique(np.diff(times), return_counts=True)
    step = int(steps[counts.argmax()])
    return step if (steps % step == 0).all() else None
