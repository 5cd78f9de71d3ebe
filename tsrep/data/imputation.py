"""Public sets with gaps, or for artificial gaps, by name: windows as panels, in training, validation and test parts.

PhysioNet2012  set A of the PhysioNet/CinC challenge 2012: 4000 stays in intensive care, 48 hourly steps, 36 series,
               four of five values missing; the label says whether the patient died in hospital. Values of one hour are
               averaged; 48:00 belongs to the last hour. The five entries that are or may be static (age, gender,
               height, type of unit, weight) are left out. 60/20/20 % of the records, in a fixed random order
               (`RandomState(0)`). Read from `physionet2012/`: `set-a_long.csv` (RecordID, Time, Parameter, Value: the
               challenge's files one after another) and `Outcomes-a.txt`.
Beijing        air quality at twelve stations (UCI), hourly 2013-03-01 to 2017-02-28: the eleven numbers of each station
               as 132 channels, days of 24 steps, 60/20/20 % by time. Read from `PRSA_multisite/`.
KDD2018        air quality at 35 stations in Beijing (KDD Cup 2018), hourly, six pollutants each as 210 channels, days
               of 24 steps, 60/20/20 % by time. Read from all `*.csv` in `KDD2018/`; the commonly distributed files
               are a part of the competition's.
ETTh1          electricity transformers (see `load_forecasting`), seven channels in windows of 48 hours: the first 14
               months, the next five, the rest.
BasicMotions   six motion sensors of the UEA archive, four motions as labels.
GunPoint, ItalyPowerDemand
               of the UCR archive, one channel, two classes.
               The training part of these three is split into three quarters for training and the rest for
               validation (`RandomState(0)`); the test part is unchanged.

Any file may be gzipped. Windows do not overlap, and steps that do not fill a window at the end are dropped.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsrep.data.archive import ROOT_VARIABLE, DatasetNotFoundError, load_dataset
from tsrep.data.forecasting import load_forecasting
from tsrep.data.formats import DatasetFileError
from tsrep.data.text_files import DAMAGED

Array = NDArray[Any]

RECORD_HOURS = 48
STATIC = ("Age", "Gender", "Height", "ICUType", "Weight")


@dataclass(frozen=True)
class ImputationSet:
    """A set in three parts.

    Attributes
    ----------
    channels : names of the channels.
    train, validation, test : panels (n, c, t) of raw values, NaN where nothing was measured; an instance may have no
        value at all.
    y_train, y_validation, y_test : labels of the instances, (n,); None if the set has none.
    """

    name: str
    channels: tuple[str, ...]
    train: Array
    validation: Array
    test: Array
    y_train: Array | None = None
    y_validation: Array | None = None
    y_test: Array | None = None


def load_imputation(name: str, root: str | os.PathLike[str] | None = None) -> ImputationSet:
    """A set of `IMPUTATION_SETS`, searched for under `root`, else in the folder of the variable `TSREP_DATA`.

    It is read once and kept in memory; each call returns copies.

    Raises
    ------
    DatasetNotFoundError
        Its files were not found; a `FileNotFoundError`.
    DatasetFileError
        Its files are damaged; a `ValueError`.
    ValueError
        `name` is not in `IMPUTATION_SETS`.
    """
    if name not in IMPUTATION_SETS:
        raise ValueError(f"name is {name!r}; wanted one of {', '.join(IMPUTATION_SETS)}")
    place = root if root is not None else os.environ.get(ROOT_VARIABLE)
    cached = _read(name, None if place is None else Path(place))
    copies: dict[str, Any] = {k: v.copy() for k, v in vars(cached).items() if isinstance(v, np.ndarray)}
    return replace(cached, **copies)


def find_imputation(root: str | os.PathLike[str] | None = None) -> list[str]:
    """Names of the sets that `load_imputation` finds. Only sets of other archives are read for this."""
    place = root if root is not None else os.environ.get(ROOT_VARIABLE)
    names = []
    for name in IMPUTATION_SETS:
        try:
            if name in FOLDERS:
                _folder(name, None if place is None else Path(place))
            else:
                load_imputation(name, place)
        except DatasetNotFoundError:
            continue
        names.append(name)
    return names


@cache
def _read(name: str, root: Path | None) -> ImputationSet:
    try:
        return IMPUTATION_SETS[name](root)
    except DatasetNotFoundError:
        raise
    except (KeyError, ValueError, IndexError, *DAMAGED) as error:
        reason = f"its files cannot be read ({type(error).__name__}: {' '.join(str(error).split())[:200]})"
        raise DatasetFileError(reason, name) from error


def _physionet(root: Path | None) -> ImputationSet:
    folder = _folder("PhysioNet2012", root)
    rows = pd.read_csv(
        _file(folder, "set-a_long.csv"),
        dtype={"RecordID": "int64", "Time": "category", "Parameter": "category", "Value": "float64"},
    )
    outcomes = pd.read_csv(_file(folder, "Outcomes-a.txt"), index_col="RecordID")["In-hospital_death"]
    records = np.sort(rows["RecordID"].unique())
    channels = tuple(sorted(set(rows["Parameter"].cat.categories) - set(STATIC)))
    panel = _hourly_means(rows, records, channels)
    died = outcomes.reindex(records)
    if died.isna().any():
        raise ValueError(f"no outcome of record {died.index[died.isna()][0]}")
    order = np.random.RandomState(0).permutation(len(records))
    parts = np.split(order, [int(0.6 * len(order)), int(0.8 * len(order))])
    labels = [died.to_numpy(dtype=np.int64)[part] for part in parts]
    return ImputationSet("PhysioNet2012", channels, *(panel[part] for part in parts), *labels)


def _hourly_means(rows: pd.DataFrame, records: Array, channels: tuple[str, ...]) -> Array:
    """Means (record, channel, hour), NaN for an hour without values."""
    clock = rows["Time"].cat.categories
    hours = np.minimum([int(time[:-3]) for time in clock], RECORD_HOURS - 1)[rows["Time"].cat.codes]
    channel = pd.Index(channels).get_indexer(rows["Parameter"].cat.categories)[rows["Parameter"].cat.codes]
    shape = (len(records), len(channels), RECORD_HOURS)
    used = (channel >= 0) & rows["Value"].notna().to_numpy()
    record = np.searchsorted(records, rows["RecordID"].to_numpy()[used])
    cell = np.ravel_multi_index((record, channel[used], hours[used]), shape)
    size = int(np.prod(shape))
    count = np.bincount(cell, minlength=size)
    total = np.bincount(cell, rows["Value"].to_numpy()[used], minlength=size)
    return np.divide(total, count, out=np.full(size, np.nan), where=count > 0).reshape(shape)


def _beijing(root: Path | None) -> ImputationSet:
    folder = _folder("Beijing", root)
    stations = {}
    for path in sorted(folder.glob("PRSA_Data_*.csv*")):
        rows = pd.read_csv(path, index_col="No", na_values="NA")
        times = pd.to_datetime(rows[["year", "month", "day", "hour"]])
        values = rows.drop(columns=["year", "month", "day", "hour", "wd"])
        name = str(values.pop("station").iloc[0])
        stations[name] = values.set_axis(pd.DatetimeIndex(times), axis=0).asfreq("h")
    return _by_time("Beijing", [pd.concat(stations, axis=1)], 24)


def _kdd(root: Path | None) -> ImputationSet:
    folder = _folder("KDD2018", root)
    periods = []
    for path in sorted(folder.glob("*.csv*")):
        rows = pd.read_csv(path, parse_dates=["utc_time"]).drop_duplicates(["stationId", "utc_time"])
        values = rows.pivot(index="utc_time", columns="stationId").asfreq("h")
        periods.append(values.swaplevel(axis=1).sort_index(axis=1))
    common = [column for column in periods[0] if all(column in period for period in periods)]
    return _by_time("KDD2018", [period[common] for period in periods], 24)


def _ett(root: Path | None) -> ImputationSet:
    frame = load_forecasting("ETTh1", root)
    borders = [frame.index[0] + pd.DateOffset(months=months) for months in (14, 19)]
    parts = np.split(frame.to_numpy(), frame.index.searchsorted(pd.DatetimeIndex(borders)))
    return ImputationSet("ETTh1", tuple(frame.columns), *(_windows(part, 48) for part in parts))


def _classified(name: str, root: Path | None) -> ImputationSet:
    X, y = load_dataset(name, split="train", root=root)
    test, y_test = load_dataset(name, split="test", root=root)
    train, validation = np.split(np.random.RandomState(0).permutation(len(X)), [len(X) * 3 // 4])
    channels = tuple(f"channel {channel}" for channel in range(X.shape[1]))
    parts = (X[train], X[validation], test)
    return ImputationSet(name, channels, *parts, y[train], y[validation], y_test)


def _by_time(name: str, periods: list[pd.DataFrame], length: int) -> ImputationSet:
    """Windows of consecutive tables (t, c), split 60/20/20 % by time."""
    windows = np.concatenate([_windows(period.to_numpy(dtype=np.float64), length) for period in periods])
    parts = np.split(windows, [int(0.6 * len(windows)), int(0.8 * len(windows))])
    return ImputationSet(name, tuple(" ".join(column) for column in periods[0].columns.tolist()), *parts)


def _windows(values: Array, length: int) -> Array:
    """(t, c) -> (n, c, length), without the last rows that do not fill a window."""
    n = len(values) // length
    return values[: n * length].reshape(n, length, -1).transpose(0, 2, 1).copy()


def _folder(name: str, root: Path | None) -> Path:
    for parent in () if root is None else (root / "imputation", root):
        if (parent / FOLDERS[name]).is_dir():
            return parent / FOLDERS[name]
    raise DatasetNotFoundError(
        f"No folder {FOLDERS[name]}/ for the set {name!r} under {root or '(no folder)'}. "
        f"Give its folder as root, or set ${ROOT_VARIABLE}."
    )


def _file(folder: Path, name: str) -> Path:
    """Prefers the plain file to the gzipped one."""
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise DatasetNotFoundError(f"No {name} or {name}.gz in {folder}.")


FOLDERS = {"PhysioNet2012": "physionet2012", "Beijing": "PRSA_multisite", "KDD2018": "KDD2018"}
IMPUTATION_SETS: Mapping[str, Callable[[Path | None], ImputationSet]] = {
    "ETTh1": _ett,
    "BasicMotions": partial(_classified, "BasicMotions"),
    "PhysioNet2012": _physionet,
    "Beijing": _beijing,
    "KDD2018": _kdd,
    "GunPoint": partial(_classified, "GunPoint"),
    "ItalyPowerDemand": partial(_classified, "ItalyPowerDemand"),
}
"""The sets that `load_imputation` reads, by name."""
