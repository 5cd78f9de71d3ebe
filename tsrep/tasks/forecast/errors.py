"""Errors of forecasts over many origins, as sums that add up over blocks of origins and over series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsrep.tasks.forecast.history import Forecasts, History
from tsrep.tasks.forecast.samples import labels

Array = NDArray[Any]

VALUES_PER_BLOCK = 20_000_000


@dataclass
class ErrorSums:
    """Sums over the observed values, and their number."""

    squared: float = 0.0
    absolute: float = 0.0
    squared_raw: float = 0.0
    absolute_raw: float = 0.0
    within: int = 0
    values: int = 0
    origins: int = 0

    def add(self, truth: Array, predicted: Array, radius: Array, unit: Array) -> None:
        """Adds the forecasts of m origins.

        Parameters
        ----------
        truth, predicted : (m, h, k) standardised; NaN in `truth` is a gap.
        radius : (h, k) half width of the intervals, standardised.
        unit : (k,) a standardised 1 in the units of the data.
        """
        observed = ~np.isnan(truth)
        error = np.where(observed, truth - predicted, 0.0)
        if np.isnan(error).any():
            raise ValueError("a forecast is NaN where the true value is known")
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
        """`mse`, `mae`, `mse_raw`, `mae_raw`, `coverage` and the number of `origins`; NaN without observed values."""
        n = self.values or np.nan
        return {
            "mse": self.squared / n,
            "mae": self.absolute / n,
            "mse_raw": self.squared_raw / n,
            "mae_raw": self.absolute_raw / n,
            "coverage": self.within / n,
            "origins": self.origins,
        }


def backtest_errors(
    recipe: Forecasts, history: History, first: int, radii: Mapping[int, Array]
) -> dict[int, ErrorSums]:
    """For each horizon in `radii` the errors at every origin from step `first` of an encoded history on."""
    unit = history.scale.deviation[list(history.targets)]
    sums = {}
    for horizon, radius in radii.items():
        sums[horizon] = ErrorSums()
        truth = labels(history.target_values, horizon)
        block = max(1, VALUES_PER_BLOCK // truth.shape[1])
        stop = len(history) - horizon
        for begin in range(first, stop, block):
            origins = np.arange(begin, min(begin + block, stop))
            predicted = recipe.forecast(history, origins, horizon)
            sums[horizon].add(truth[origins].reshape(predicted.shape), predicted, radius, unit)
    return sums
