"""What a method of the forecasting tables is given. Errors are those of standardised values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsrep.bench.forecasting.protocols import UNIVARIATE, Protocol
from tsrep.data import load_forecasting

Array = NDArray[Any]

TARGET = "OT"


@dataclass(frozen=True)
class Task:
    """A set under a protocol. `frame` (t, c) ends with the test part; a method learns from the rows before `train`,
    chooses on those before `validation`, and forecasts after the origins `first`, `first` + 1, ..."""

    name: str
    frame: pd.DataFrame
    train: int
    validation: int
    first: int
    horizons: tuple[int, ...]
    context: int
    seed: int

    @property
    def scaled(self) -> Array:
        """(t, c) standardised by the training rows, NaN where there is a gap."""
        values = self.frame.to_numpy(dtype=np.float64)
        deviation = np.nanstd(values[: self.train], axis=0)
        return (values - np.nanmean(values[: self.train], axis=0)) / np.where(deviation > 0, deviation, 1.0)

    def origins(self, horizon: int) -> Array:
        """Every origin whose horizon ends within the test part."""
        return np.arange(self.first, len(self.frame) - horizon)


def make_task(protocol: Protocol, name: str, setting: str, seed: int, root: Path | None = None) -> Task:
    frame = load_forecasting(name, root)
    train, validation, test = protocol.parts(name, len(frame))
    frame = frame.iloc[: test.stop]
    return Task(
        name,
        frame[[TARGET]] if setting == UNIVARIATE else frame,
        train.stop,
        validation.stop,
        test.start - protocol.before,
        protocol.horizons(name),
        protocol.context(name),
        seed,
    )
