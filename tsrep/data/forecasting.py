"""Public forecasting sets by name, and the training, validation and test parts used in the literature.

ETT (electricity transformers; Zhou et al., AAAI 2021), exchange rates, the weather at Jena and influenza-like illness
in the USA. A set is read from its commonly distributed CSV file, plain or gzipped, in the folder itself or in one of
its subfolders.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from tsrep.data.archive import ROOT_VARIABLE, DatasetNotFoundError
from tsrep.data.formats import DatasetFileError
from tsrep.data.text_files import DAMAGED

TARGET = "OT"
"""Target of the univariate setting: the oil temperature of ETT, the last column of the other sets."""

Parts = tuple[slice, slice, slice]


@dataclass(frozen=True)
class ForecastingSet:
    """The file of a forecasting set.

    Attributes
    ----------
    file : its name.
    step : time between two rows, as pandas names it.
    months : number of rows in a month of 30 days, by which ETT is split; None: the set is split by shares.
    gap : number that marks a missing value.
    """

    file: str
    step: str
    months: int | None = None
    gap: float | None = None


FORECASTING_SETS: Mapping[str, ForecastingSet] = {
    "ETTh1": ForecastingSet("ETTh1.csv", "h", months=30 * 24),
    "ETTh2": ForecastingSet("ETTh2.csv", "h", months=30 * 24),
    "ETTm1": ForecastingSet("ETTm1.csv", "15min", months=30 * 24 * 4),
    "ETTm2": ForecastingSet("ETTm2.csv", "15min", months=30 * 24 * 4),
    "exchange": ForecastingSet("exchange_rate.csv", "D"),
    "weather": ForecastingSet("weather.csv", "10min", gap=-9999.0),
    "illness": ForecastingSet("national_illness.csv", "W-TUE"),
}
"""The sets that `load_forecasting` reads, by name: file, step, length of a month, value that marks a gap."""


def load_forecasting(name: str, root: str | os.PathLike[str] | None = None) -> pd.DataFrame:
    """A forecasting set as a frame of floats (t, c) on a regular DatetimeIndex: raw values, NaN in gaps.

    The file is searched for under `root`, else under the folder of the environment variable `TSREP_DATA`. In the
    weather file -9999 marks a gap, one time occurs twice (the second row is dropped) and nine times are absent (they
    become rows of NaN). So the frame has 52,704 rows, the ten-minute steps of a year; the file has 52,696.

    Raises
    ------
    DatasetNotFoundError
        No such file; a `FileNotFoundError`.
    DatasetFileError
        The file is damaged or not such a table; a `ValueError`.
    ValueError
        `name` is not in `FORECASTING_SETS`.
    """
    described = _set_called(name)
    path = _find(described.file, root)
    if path is None:
        place = root or os.environ.get(ROOT_VARIABLE) or "(no folder)"
        raise DatasetNotFoundError(
            f"No {described.file} or {described.file}.gz for the set {name!r} under {place}. "
            f"Give its folder as root, or set ${ROOT_VARIABLE}."
        )
    try:
        frame = pd.read_csv(path, index_col=0, encoding_errors="replace")
        frame.index = pd.DatetimeIndex(pd.to_datetime(frame.index), name="date")
        frame = frame.astype(np.float64)
    except (ValueError, *DAMAGED) as error:
        reason = f"no table of dates and numbers ({' '.join(str(error).split())[:200]})"
        raise DatasetFileError(reason, str(path)) from error
    if described.gap is not None:
        frame = frame.replace(described.gap, np.nan)
    return frame[~frame.index.duplicated()].asfreq(described.step)


def find_forecasting(root: str | os.PathLike[str] | None = None) -> list[str]:
    """Names of the forecasting sets that `load_forecasting` finds."""
    return [name for name, described in FORECASTING_SETS.items() if _find(described.file, root) is not None]


def ts2vec_parts(name: str, rows: int) -> Parts:
    """Training, validation and test rows of the TS2Vec paper: ETT 12, 4 and 4 months of 30 days; others 60/20/20 %.

    The rows of ETT after 20 months are not used.
    """
    months = _set_called(name).months
    if months is not None:
        return _parts(12 * months, 16 * months, 20 * months)
    return _parts(int(0.6 * rows), int(0.8 * rows), rows)


def long_horizon_parts(name: str, rows: int) -> Parts:
    """Those of the long-horizon literature (Wu et al., NeurIPS 2021): ETT as in `ts2vec_parts`, others 70/10/20 %."""
    if _set_called(name).months is not None:
        return ts2vec_parts(name, rows)
    return _parts(int(0.7 * rows), rows - int(0.2 * rows), rows)


def _parts(train: int, validation: int, test: int) -> Parts:
    return slice(0, train), slice(train, validation), slice(validation, test)


def _set_called(name: str) -> ForecastingSet:
    if name not in FORECASTING_SETS:
        raise ValueError(f"name is {name!r}; wanted one of {', '.join(FORECASTING_SETS)}")
    return FORECASTING_SETS[name]


def _find(file: str, root: str | os.PathLike[str] | None) -> Path | None:
    """Prefers the plain file to the gzipped one, and the folder itself to its subfolders."""
    place = root if root is not None else os.environ.get(ROOT_VARIABLE)
    if not place or not Path(place).is_dir():
        return None
    folders = [Path(place), *sorted(entry for entry in Path(place).iterdir() if entry.is_dir())]
    paths = [folder / name for folder in folders for name in (file, f"{file}.gz")]
    return next((path for path in paths if path.is_file()), None)
