"""Public archives of long series with labelled anomalies: KPI, NAB, UCR anomaly, SMD, SMAP and MSL.

Each series is an `AnomalySeries`: values, labels and the length of the training part. Archives are read in their
commonly distributed forms, in `<root>/anomaly/<archive>/` or `<root>/<archive>/`:

KPI   AIOPS competition 2018. `phase2_train.csv` and `phase2_ground_truth.csv` (KPI ID, timestamp, value, label) as
      published: each KPI of each file is a series, its first half is for training, and missing timestamps are inserted
      as NaN with label 0, as in the TS2Vec authors' protocol. Or one `<id>.npz` per KPI with arrays `train`,
      `train_label`, `test`, `test_label`, `timestamp_start`, `interval_s`: its makers split this form in halves and
      filled missing minutes by linear interpolation, without marking them.
NAB   Numenta's benchmark: `<group>/<name>.csv` and `labels/combined_windows.json`. Rows are steps, whatever their
      times; the probationary 15 % (at most 750 rows) are for training. Some series have no anomaly.
UCR   Wu and Keogh, 2021: `<number>_UCR_Anomaly_<name>_<train>_<first>_<last>.txt`, or `<name>.npz` with `train`, `test`
      and `test_label`. One anomaly per series, after the training part.
SMD   Server machines of OmniAnomaly: `train/`, `test/`, `test_label/` with one `.txt` per machine, or `<machine>.npz`.
SMAP, MSL   NASA's telemetry (Telemanom): `train/` and `test/` with one `.npy` per channel, or `<channel>.npz`; and
      `labeled_anomalies.csv` with the anomalies of the test part. Column 0 is the telemetry, the others are commands.
"""

from __future__ import annotations

import ast
import difflib
import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsrep.data.archive import ROOT_VARIABLE, DatasetNotFoundError
from tsrep.data.formats import DatasetFileError
from tsrep.data.text_files import DAMAGED

Load = Callable[[], tuple[NDArray[Any], NDArray[Any], int, pd.DatetimeIndex | None]]

ENDINGS = (".csv", ".csv.gz", ".npz", ".npy", ".txt", ".txt.gz")


@dataclass(frozen=True)
class AnomalySeries:
    """A long series with labels.

    Attributes
    ----------
    archive, name : source of the series.
    values : (t, c) floats, NaN where nothing was measured.
    labels : (t,) 1 where a step is anomalous, else 0.
    train_length : number of steps at the beginning that are for training; they may contain anomalies (KPI).
    times : time of each step; None if the archive has none.
    """

    archive: str
    name: str
    values: NDArray[np.float64]
    labels: NDArray[np.int64]
    train_length: int
    times: pd.DatetimeIndex | None = None

    @property
    def train(self) -> NDArray[np.float64]:
        """The training part, (train_length, c)."""
        return self.values[: self.train_length]


def load_anomaly(archive: str, name: str, root: str | os.PathLike[str] | None = None) -> AnomalySeries:
    """One series of an archive; `find_anomaly` lists the names.

    Raises
    ------
    DatasetNotFoundError
        No such series under `root`, or, without a root, in the folder of the environment variable `TSREP_DATA`.
    DatasetFileError
        Its file is damaged.
    ValueError
        `archive` is not in `ANOMALY_ARCHIVES`.
    """
    if archive not in ANOMALY_ARCHIVES:
        raise ValueError(f"archive is {archive!r}; wanted one of {', '.join(ANOMALY_ARCHIVES)}")
    loaders = _loaders(archive, root)
    if name not in loaders:
        similar = difflib.get_close_matches(name, loaders, n=1)
        hint = f" Did you mean {similar[0]}?" if similar else ""
        raise DatasetNotFoundError(
            f"No series {name!r} of {archive} among the {len(loaders)} under {_root(root) or '(no folder)'}.{hint} "
            f"Give its folder as root, or set ${ROOT_VARIABLE}."
        )
    try:
        values, labels, train_length, times = loaders[name]()
        values = np.asarray(values, dtype=np.float64).reshape(len(labels), -1)
    except (KeyError, IndexError, TypeError, ValueError, *DAMAGED) as error:
        raise DatasetFileError(
            f"the files of {name} cannot be read ({type(error).__name__}: {' '.join(str(error).split())[:200]})",
            f"{archive}/{name}",
        ) from error
    return AnomalySeries(archive, name, values, np.asarray(labels, np.int64), int(train_length), times)


def find_anomaly(root: str | os.PathLike[str] | None = None) -> dict[str, list[str]]:
    """Names of the series on disk, sorted, per archive of `ANOMALY_ARCHIVES`.

    Files are listed but not read, except the names in the tables of the KPI competition."""
    return {archive: sorted(_loaders(archive, root)) for archive in ANOMALY_ARCHIVES}


def _root(root: str | os.PathLike[str] | None) -> Path | None:
    named = root if root is not None else os.environ.get(ROOT_VARIABLE)
    return Path(named) if named else None


def _loaders(archive: str, root: str | os.PathLike[str] | None) -> dict[str, Load]:
    place = _root(root)
    folders, find = ANOMALY_ARCHIVES[archive]
    for parent in () if place is None else (place / "anomaly", place):
        for folder in folders:
            if (parent / folder).is_dir() and (loaders := dict(find(parent / folder))):
                return loaders
    return {}


def _files(folder: Path, *endings: str) -> Iterator[tuple[str, Path]]:
    """(name without its ending, path) of the files in a folder with one of these endings."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        ending = next((ending for ending in endings if path.name.endswith(ending)), None)
        if ending is not None:
            yield path.name.removesuffix(ending), path


def _halves(path: Path) -> tuple[NDArray[Any], NDArray[Any], int]:
    """(values, labels, train length) of an `.npz` with a training and a test part."""
    with np.load(path, allow_pickle=False) as arrays:
        train, test = arrays["train"], arrays["test"]
        normal = np.zeros(len(train))
        labels = [arrays.get("train_label", normal), arrays["test_label"]]
        return np.concatenate([train, test]), np.concatenate(labels), len(train)


# KPI


def _find_kpi(folder: Path) -> Iterator[tuple[str, Load]]:
    for name, path in _files(folder, ".npz"):
        yield name, partial(_kpi_halves, path)
    for suffix, table in (("t1", "phase2_train"), ("t2", "phase2_ground_truth")):
        for name, path in _files(folder, ".csv", ".csv.gz"):
            if name == table:
                for kpi in _kpi_table(path)["KPI ID"].unique():
                    yield f"{kpi}_{suffix}", partial(_kpi_of_table, path, kpi)


def _kpi_halves(path: Path) -> tuple[NDArray[Any], NDArray[Any], int, pd.DatetimeIndex]:
    values, labels, train_length = _halves(path)
    with np.load(path, allow_pickle=False) as arrays:
        start, step = int(arrays["timestamp_start"]), int(arrays["interval_s"])
    return values, labels, train_length, _seconds(start + step * np.arange(len(labels)))


@cache
def _kpi_table(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype={"KPI ID": str})


def _kpi_of_table(path: Path, kpi: str) -> tuple[NDArray[Any], NDArray[Any], int, pd.DatetimeIndex]:
    table = _kpi_table(path)
    rows = table[table["KPI ID"] == kpi].sort_values("timestamp").drop_duplicates("timestamp")
    times = rows["timestamp"].to_numpy(dtype=np.int64)
    step = np.diff(times).min()
    place = (times - times[0]) // step
    values = np.full(place[-1] + 1, np.nan)
    labels = np.zeros(place[-1] + 1)
    values[place], labels[place] = rows["value"], rows["label"]
    return values, labels, place[len(rows) // 2], _seconds(times[0] + step * np.arange(len(values)))


def _seconds(since_1970: NDArray[Any]) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(since_1970.astype("datetime64[s]"))


# NAB


def _find_nab(folder: Path) -> Iterator[tuple[str, Load]]:
    for group in sorted(folder.iterdir()):
        for name, path in _files(group, ".csv", ".csv.gz"):
            yield f"{group.name}/{name}", partial(_nab, path, folder / "labels" / "combined_windows.json")


def _nab(path: Path, windows_file: Path) -> tuple[NDArray[Any], NDArray[Any], int, pd.DatetimeIndex]:
    rows = pd.read_csv(path, parse_dates=["timestamp"])
    windows = json.loads(windows_file.read_text(encoding="utf-8"))
    times = pd.DatetimeIndex(rows["timestamp"])
    labels = np.zeros(len(rows))
    for first, last in windows[f"{path.parent.name}/{path.name.removesuffix('.gz')}"]:
        labels[(times >= pd.Timestamp(first)) & (times <= pd.Timestamp(last))] = 1
    return rows["value"].to_numpy(), labels, int(0.15 * min(len(rows), 5000)), times


# UCR anomaly archive

UCR_NAME = re.compile(r"\d+_UCR_Anomaly_(?P<name>.+)_(?P<train>\d+)_(?P<first>\d+)_(?P<last>\d+)$")


def _find_ucr(folder: Path) -> Iterator[tuple[str, Load]]:
    for name, path in _files(folder, ".npz"):
        yield name, partial(_unmarked, path)
    for stem, path in _files(folder, ".txt", ".txt.gz"):
        if match := UCR_NAME.match(stem):
            yield match["name"], partial(_ucr, path, *(int(match[k]) for k in ("train", "first", "last")))


def _ucr(path: Path, train: int, first: int, last: int) -> tuple[NDArray[Any], NDArray[Any], int, None]:
    values = np.loadtxt(path, ndmin=1).ravel()
    labels = np.zeros(len(values))
    labels[first : max(last, first + 1)] = 1
    return values, labels, train, None


def _unmarked(path: Path) -> tuple[NDArray[Any], NDArray[Any], int, None]:
    return *_halves(path), None


# SMD, SMAP and MSL


def _find_smd(folder: Path) -> Iterator[tuple[str, Load]]:
    for name, path in _files(folder, ".npz"):
        yield name, partial(_unmarked, path)
    for name, path in _files(folder / "train", ".txt"):
        yield name, partial(_smd, folder, path.name)


def _smd(folder: Path, file: str) -> tuple[NDArray[Any], NDArray[Any], int, None]:
    train, test, marked = (
        np.loadtxt(folder / part / file, delimiter=",") for part in ("train", "test", "test_label")
    )
    return np.concatenate([train, test]), np.concatenate([np.zeros(len(train)), marked]), len(train), None


def _find_nasa(spacecraft: str, folder: Path) -> Iterator[tuple[str, Load]]:
    if not (folder / "labeled_anomalies.csv").is_file():
        return
    described = pd.read_csv(folder / "labeled_anomalies.csv").drop_duplicates("chan_id").set_index("chan_id")
    for name, path in [*_files(folder, ".npz"), *_files(folder / "train", ".npy")]:
        if name in described.index and described["spacecraft"][name] == spacecraft:
            yield name, partial(_nasa, path, str(described["anomaly_sequences"][name]))


def _nasa(path: Path, sequences: str) -> tuple[NDArray[Any], NDArray[Any], int, None]:
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as arrays:
            train, test = arrays["train"], arrays["test"]
    else:
        train, test = (
            np.load(path.parents[1] / part / path.name, allow_pickle=False) for part in ("train", "test")
        )
    labels = np.zeros(len(train) + len(test))
    for first, last in ast.literal_eval(sequences):
        labels[len(train) + first : len(train) + last + 1] = 1
    return np.concatenate([train, test]), labels, len(train), None


ANOMALY_ARCHIVES: dict[str, tuple[tuple[str, ...], Callable[[Path], Iterator[tuple[str, Load]]]]] = {
    "KPI": (("KPI",), _find_kpi),
    "NAB": (("NAB",), _find_nab),
    "UCR": (("UCR_Anomaly", "UCR_TimeSeriesAnomalyDatasets2021", "AnomalyDatasets_2021"), _find_ucr),
    "SMD": (("SMD", "ServerMachineDataset"), _find_smd),
    "SMAP": (("SMAP_MSL", "SMAP"), partial(_find_nasa, "SMAP")),
    "MSL": (("SMAP_MSL", "MSL"), partial(_find_nasa, "MSL")),
}
"""Folder names, and the function that lists the series of such a folder."""
