"""Sums of forecast errors over many origins, from which their means are made at the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass
class ErrorSums:
    """Sums over the values that were observed, and how many there were."""

    squared: float = 0.0
    absolute: float = 0.0
    squared_raw: float = 0.0
    absolute_raw: float = 0.0
    within: int = 0
    values: int = 0
    origins: int = 0

    def add(self, truth: Array, predicted: Array, radius: Array, unit: Array) -> None:
        """Count the forecasts of m origins: `truth` (NaN: a gap) and `predicted` (m, h, k), `radius` (h, k) of the
        intervals, all standardised, and the `unit` (k,) that a standardised 1 is in the data."""
        observed = ~np.isnan(truth)
        error = np.where(observed, truth - predicted, 0.0)
        if np.isnan(error).any():
            raise ValueError("a forecast is NaN where the truth is known")
        raw = error * unit
        self.squared += float((error**2).sum())
        self.absolute += float(np.abs(error).sum())
        self.squared_raw += float((raw**2).sum())
        self.absolute_raw += float(np.abs(raw).sum())
        self.within += int(((np.abs(error) <= radius) & observed).sum())
        self.values += int(observed.sum())
        self.origins += len(truth)

    def __add__(self, other: ErrorSums) -> ErrorSums:
        return ErrorSums(*(a + b for a, b in zip(vars(self).values(), vars(other).values(), strict=True)))

    def means(self) -> dict[str, float]:
        """`mse`, `mae`, `mse_raw`, `mae_raw`, `coverage` and the number of `origins`; NaN without observations."""
        n = self.values or np.nan
        return {
            "mse": self.squared / n,
            "mae": self.absolute / n,
            "mse_raw": self.squared_raw / n,
            "mae_raw": self.absolute_raw / n,
            "coverage": self.within / n,
            "origins": self.origins,
        }
