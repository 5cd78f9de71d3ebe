"""A standardised series as the recipes use it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsrep.data import Scale

Array = NDArray[Any]


@dataclass(frozen=True)
class History:
    """One standardised series, time down and columns across.

    index : (t,) dates or step numbers.
    values : (t, c), NaN where there is a gap.
    targets, known : which columns are forecast, and which are known for the future.
    scale : the scale of the values.
    z : (t, D) the representation of each step, once it is encoded.
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
        """The same history with the representation `z` (t, D)."""
        return replace(self, z=z)

    def followed_by(self, index: pd.Index, values: Array) -> History:
        """An encoded history with later steps, standardised `values` (m, c), that have no representation."""
        assert self.z is not None
        nothing = np.full((len(values), self.z.shape[1]), np.nan, self.z.dtype)
        times = self.index.append(index)
        return replace(
            self, index=times, values=np.vstack([self.values, values]), z=np.vstack([self.z, nothing])
        )

    @property
    def target_values(self) -> Array:
        """(t, k)."""
        return self.values[:, self.targets]

    def in_units(self, values: Array) -> Array:
        """Standardised values of the targets (..., k) in the units of the data."""
        return values * self.scale.deviation[list(self.targets)] + self.scale.mean[list(self.targets)]


class Part(NamedTuple):
    """A part of a series: forecasts are made from step `first` of the history on, and know the steps before it."""

    history: History
    first: int


class Forecasts(Protocol):
    """A fitted recipe: standardised forecasts (m, horizon, k) after each of m origins of an encoded history."""

    def forecast(self, history: History, origins: Array, horizon: int) -> Array: ...
