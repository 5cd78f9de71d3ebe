"""Series as users have them (frames, a long table, a file), and as the forecaster works on them: arrays."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsrep.data import as_regular, is_long, read_long, read_table, split_long

Array = NDArray[Any]

ONLY = ""
"""The name of a series that is given alone."""


class Scale(NamedTuple):
    """What standardises the columns of one series: mean and deviation (c,), of what was observed."""

    mean: Array
    deviation: Array

    @classmethod
    def of(cls, values: Array) -> Self:
        """From (t, c). A column that does not vary has deviation 1; one that was never observed mean 0 too."""
        observed = ~np.isnan(values)
        count = np.maximum(observed.sum(axis=0), 1)
        mean = np.where(observed, values, 0.0).sum(axis=0) / count
        deviation = np.sqrt(np.where(observed, (values - mean) ** 2, 0.0).sum(axis=0) / count)
        return cls(mean, np.where(deviation > 1e-12 * np.maximum(np.abs(mean), 1e-300), deviation, 1.0))


@dataclass(frozen=True)
class History:
    """One series with its steps, standardised: time down, columns across.

    index : (t,) dates or step numbers.
    values : (t, c), NaN where there is a gap.
    targets, known : which columns are forecast, and which are known for the future too.
    scale : what the values were standardised by.
    z : (t, D) the representation of each step, once it was encoded.
    """

    index: pd.Index
    values: Array
    targets: tuple[int, ...]
    known: tuple[int, ...]
    scale: Scale
    z: Array | None = None

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, steps: slice) -> History:
        z = None if self.z is None else self.z[steps]
        return replace(self, index=self.index[steps], values=self.values[steps], z=z)

    def encoded(self, z: Array) -> History:
        return replace(self, z=z)

    @property
    def target_values(self) -> Array:
        """(t, k)."""
        return self.values[:, self.targets]

    def in_units(self, values: Array) -> Array:
        """Standardised values of the targets (..., k) in the units of the data."""
        return values * self.scale.deviation[list(self.targets)] + self.scale.mean[list(self.targets)]


class Part(NamedTuple):
    """A stretch of a history in which forecasts are made: from step `first` on, knowing what came before it."""

    history: History
    first: int


def read_series(data: Any, min_steps: int = 2) -> dict[Hashable, pd.DataFrame]:
    """Each series as a frame of floats on a regular index, by its name; one that is given alone is called `ONLY`.

    `data` is a Series or a frame with time down (its index, or a column of dates, says when), a long table
    (`unique_id`, `ds`, ...), or the path of a CSV or Parquet file. Rows before a series' first value are cut off, and a
    series of fewer than `min_steps` rows is an error.
    """
    if isinstance(data, str | Path):
        long = read_long(data)
        if long is not None:
            return read_series(long, min_steps)
        frames: dict[Hashable, pd.DataFrame] = {ONLY: read_table(data, min_steps=min_steps)}
    elif is_long(data):
        frames = split_long(data, min_steps)
    elif isinstance(data, pd.Series):
        frames = {ONLY: _regular(data.to_frame("y" if data.name is None else data.name), min_steps)}
    elif isinstance(data, pd.DataFrame):
        frames = {ONLY: _regular(data, min_steps)}
    else:
        raise TypeError(
            f"data is a {type(data).__name__}, wanted a pandas Series or DataFrame, a long table or a file's path"
        )
    firsts = {name: int(frame.notna().to_numpy().any(axis=1).argmax()) for name, frame in frames.items()}
    return {name: frame.iloc[firsts[name] :] for name, frame in frames.items()}


def _regular(frame: pd.DataFrame, min_steps: int) -> pd.DataFrame:
    """A frame on a regular index. Step numbers in the index count as the time unless they are merely 0, 1, 2, ..."""
    index = frame.index
    numbered = pd.api.types.is_integer_dtype(index.dtype) and not index.equals(pd.RangeIndex(len(index)))
    if not numbered:
        return as_regular(frame, min_steps=min_steps)
    named = frame.set_axis(pd.Index(index, name="step of the index"), axis=0).reset_index()
    regular = as_regular(named, time="step of the index", min_steps=min_steps)
    return regular.set_axis(regular.index.rename(index.name), axis=0)


def future_index(index: pd.Index, horizon: int) -> pd.Index:
    """The `horizon` steps that follow a regular index."""
    if isinstance(index, pd.DatetimeIndex):
        step: Any = index.freq or pd.infer_freq(index) or index[-1] - index[-2]
        return pd.date_range(index[-1], periods=horizon + 1, freq=step, name=index.name)[1:]
    step = int(index[1] - index[0]) if len(index) > 1 else 1
    start = int(index[-1]) + step
    return pd.RangeIndex(start, start + horizon * step, step, name=index.name)


def scales_of(
    frames: Mapping[Hashable, pd.DataFrame], stops: Mapping[Hashable, int]
) -> dict[Hashable, Scale]:
    """What standardises each series, from its rows before `stops`."""
    return {name: Scale.of(frame.to_numpy()[: stops[name]]) for name, frame in frames.items()}
