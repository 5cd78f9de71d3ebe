"""Sets for imputation: known windows and means from small files as they are passed around, and the real shapes."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tsrep.data import DatasetFileError, DatasetNotFoundError, find_imputation, load_imputation

PHYSIONET = """RecordID,Time,Parameter,Value
{0},00:00,Age,54
{0},00:00,Weight,80
{0},00:07,HR,73
{0},00:59,HR,75
{0},01:00,HR,80
{0},48:00,Temp,36.5
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten records of PhysioNet, two stations of Beijing with five days, two periods of KDD with two days each."""
    physionet = tmp_path / "imputation" / "physionet2012"
    physionet.mkdir(parents=True)
    lines = [PHYSIONET.format(record).splitlines() for record in range(100, 110)]
    lines[3] = [lines[0][0], "103,00:00,Age,30"]  # a record without a series
    with gzip.open(physionet / "set-a_long.csv.gz", "wt") as file:
        file.write("\n".join([lines[0][0], *(row for record in lines for row in record[1:])]))
    rows = [f"{record},1,1,1,-1,{int(record == 105)}" for record in range(100, 110)]
    header = "RecordID,SAPS-I,SOFA,Length_of_stay,Survival,In-hospital_death"
    (physionet / "Outcomes-a.txt").write_text("\n".join([header, *rows]))

    beijing = tmp_path / "PRSA_multisite"
    beijing.mkdir()
    times = pd.date_range("2013-03-01", periods=5 * 24 + 3, freq="h")
    for place, station in enumerate(("Dongsi", "Wanliu")):
        table = pd.DataFrame({"No": range(1, 124), "year": times.year, "month": times.month})
        table = table.assign(day=times.day, hour=times.hour, CO=np.arange(123.0) + 1000 * place, TEMP=1.0)
        table.loc[4, "CO"] = np.nan
        table.assign(wd="NW", station=station).to_csv(
            beijing / f"PRSA_Data_{station}_2013.csv", index=False, na_rep="NA"
        )

    kdd = tmp_path / "KDD2018"
    kdd.mkdir()
    for start in ("2018-01-01", "2018-03-31"):
        times = pd.date_range(start, periods=48, freq="h").delete(5)
        both = [
            pd.DataFrame({"stationId": s, "utc_time": times, "PM2.5": 1.0, "CO": times.hour}) for s in "ba"
        ]
        pd.concat(both).to_csv(kdd / f"beijing_{start}.csv", index=False)
    return tmp_path


def test_hours_of_physionet_are_means(folder: Path) -> None:
    found = load_imputation("PhysioNet2012", folder)
    assert found.channels == ("HR", "Temp")
    assert [part.shape for part in (found.train, found.validation, found.test)] == [
        (6, 2, 48),
        (2, 2, 48),
        (2, 2, 48),
    ]
    panel = np.concatenate([found.train, found.validation, found.test])
    order = np.random.RandomState(0).permutation(10)
    empty = np.isnan(panel).all(axis=(1, 2))
    assert order[empty].tolist() == [3]
    for one in panel[~empty]:
        assert one[0, :2].tolist() == [74.0, 80.0] and one[1, 47] == 36.5 and (~np.isnan(one)).sum() == 3
    died = np.concatenate([found.y_train, found.y_validation, found.y_test])
    assert order[died == 1].tolist() == [5]


def test_stations_stand_side_by_side_in_days(folder: Path) -> None:
    found = load_imputation("Beijing", folder)
    assert found.channels == ("Dongsi CO", "Dongsi TEMP", "Wanliu CO", "Wanliu TEMP")
    assert [len(part) for part in (found.train, found.validation, found.test)] == [3, 1, 1]
    assert found.test[0, 2].tolist() == list(range(1096, 1120)) and found.y_train is None
    assert np.isnan(found.train[0, 0]).nonzero()[0].tolist() == [4]


def test_the_periods_of_kdd_are_cut_apart_and_missing_hours_are_gaps(folder: Path) -> None:
    found = load_imputation("KDD2018", folder)
    assert found.channels == ("a CO", "a PM2.5", "b CO", "b PM2.5")
    days = np.concatenate([found.train, found.validation, found.test])
    assert days.shape == (4, 4, 24)
    for day in days:
        gaps = np.isnan(day[0])
        assert np.array_equal(day[0][~gaps], np.arange(24)[~gaps])
    assert np.isnan(days[:, :, 5]).sum() == 8 == np.isnan(days).sum()


def test_each_call_has_arrays_of_its_own(folder: Path) -> None:
    first = load_imputation("Beijing", folder)
    first.train[:] = 0.0
    assert load_imputation("Beijing", folder).train[0, 2, 0] == 1000.0


def test_what_cannot_be_loaded_says_why(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TSREP_DATA", raising=False)
    bundled = {"BasicMotions", "GunPoint", "ItalyPowerDemand"}  # sktime may bring them
    found = [name for name in find_imputation(folder) if name not in bundled]
    assert found == ["PhysioNet2012", "Beijing", "KDD2018"]
    with pytest.raises(ValueError, match="'Coffee'; wanted one of ETTh1"):
        load_imputation("Coffee", folder)
    with pytest.raises(DatasetNotFoundError, match=r"No folder KDD2018/ .*TSREP_DATA"):
        load_imputation("KDD2018")
    outcomes = folder / "imputation" / "physionet2012" / "Outcomes-a.txt"
    outcomes.write_text(outcomes.read_text().replace("\n104,", "\n904,"))
    other = folder / "elsewhere"
    (folder / "imputation").rename(other)
    with pytest.raises(DatasetFileError, match="no outcome of record 104"):
        load_imputation("PhysioNet2012", other)
    (other / "physionet2012" / "Outcomes-a.txt").unlink()
    with pytest.raises(DatasetNotFoundError, match=r"No Outcomes-a\.txt"):
        load_imputation("PhysioNet2012", other)


KNOWN = {
    "ETTh1": (7, 48, (213, 76, 72), 0.0),
    "BasicMotions": (6, 100, (30, 10, 40), 0.0),
    "PhysioNet2012": (36, 48, (2400, 800, 800), 0.8064),
    "Beijing": (132, 24, (876, 292, 293), 0.0156),
    "KDD2018": (210, 24, (58, 20, 20), 0.0966),
    "GunPoint": (1, 150, (37, 13, 150), 0.0),
    "ItalyPowerDemand": (1, 24, (50, 17, 1029), 0.0),
}


@pytest.mark.parametrize("name", KNOWN)
def test_real_sets(name: str, data_root: Path) -> None:
    if name not in find_imputation(data_root):
        pytest.skip(f"{name} is not under TSREP_DATA")
    found = load_imputation(name, data_root)
    channels, length, sizes, missing = KNOWN[name]
    parts = found.train, found.validation, found.test
    assert [part.shape for part in parts] == [(n, channels, length) for n in sizes]
    assert len(set(found.channels)) == channels
    assert np.isnan(np.concatenate(parts)).mean() == pytest.approx(missing, abs=1e-4)
    if name == "PhysioNet2012":
        died = np.concatenate([found.y_train, found.y_validation, found.y_test])
        assert len(died) == 4000 and died.mean() == pytest.approx(0.1385)
    if name == "ETTh1":
        assert found.train[0, :, 0].tolist() == pytest.approx(
            [5.827, 2.009, 1.599, 0.462, 4.203, 1.34, 30.531], 1e-6
        )
