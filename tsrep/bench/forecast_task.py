"""The two protocols of the forecasting tables, and what a method is given.

`forecasting` is the TS2Vec paper's: 60/20/20 % (ETT 12/4/4 months), the paper's horizons, every origin of the test part
whose horizon ends within it. `long-horizon` is the one that most later papers use: 70/10/20 %, other horizons, a longer
look back, and every window counts, the last batch too. Errors are those of standardised values.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsrep.data import load_forecasting, long_horizon_parts, ts2vec_parts

Array = NDArray[Any]

UNIVARIATE, MULTIVARIATE = "univariate", "multivariate"
SETTINGS = (UNIVARIATE, MULTIVARIATE)
TARGET = "OT"


class Protocol(NamedTuple):
    """`parts` of a set by name and rows, `horizons` and `context` by name, the default cells, and whether the first
    forecast is made at the last step before the test part (or at its first)."""

    title: str
    parts: Callable[[str, int], tuple[slice, slice, slice]]
    horizons: Callable[[str], tuple[int, ...]]
    context: Callable[[str], int]
    cells: tuple[tuple[str, str], ...]
    before: bool


def paper_horizons(name: str) -> tuple[int, ...]:
    """Those of the TS2Vec paper; illness, which is too short for them, has those of the long-horizon literature."""
    if name == "illness":
        return 24, 36, 48, 60
    return (24, 48, 168, 336, 720) if name.startswith("ETTh") else (24, 48, 96, 288, 672)


def long_horizons(name: str) -> tuple[int, ...]:
    return (24, 36, 48, 60) if name == "illness" else (96, 192, 336, 720)


PROTOCOLS = {
    "forecasting": Protocol(
        "Forecasting by the TS2Vec paper's protocol: error on standardised values",
        ts2vec_parts,
        paper_horizons,
        lambda name: 200,
        (
            ("ETTh1", UNIVARIATE),
            ("exchange", UNIVARIATE),
            ("illness", UNIVARIATE),
            ("ETTm1", UNIVARIATE),
            ("weather", UNIVARIATE),
            ("ETTh1", MULTIVARIATE),
            ("ETTm1", MULTIVARIATE),
        ),
        before=False,
    ),
    "long-horizon": Protocol(
        "Long horizons: error on standardised values",
        long_horizon_parts,
        long_horizons,
        lambda name: 104 if name == "illness" else 336,
        (
            ("ETTh1", MULTIVARIATE),
            ("exchange", MULTIVARIATE),
            ("illness", MULTIVARIATE),
            ("ETTm1", MULTIVARIATE),
        ),
        before=True,
    ),
}


@dataclass(frozen=True)
class Task:
    """What a method is given. `frame` (t, c) ends with the test part; the method learns from the rows before `train`,
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


def make_task(protocol: str, name: str, setting: str, seed: int, root: Path | None = None) -> Task:
    rules = PROTOCOLS[protocol]
    frame = load_forecasting(name, root)
    train, validation, test = rules.parts(name, len(frame))
    frame = frame.iloc[: test.stop]
    return Task(
        name,
        frame[[TARGET]] if setting == UNIVARIATE else frame,
        train.stop,
        validation.stop,
        test.start - rules.before,
        rules.horizons(name),
        rules.context(name),
        seed,
    )
