"""Forecasting sets, their splits, calendar features, and tables of many series."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsrep.data import (
    DatasetFileError,
    DatasetNotFoundError,
    calendar_features,
    find_forecasting,
    load_forecasting,
    long_horizon_parts,
    read_long,
    split_long,
    to_long,
    to_wide,
    ts2vec_parts,
)

WEATHER = """date,p (mbar),OT
2020-01-01 00:10:00,1008.89,428.1
2020-01-01 00:20:00,1008.76,-9999.0
2020-01-01 00:20:00,1.0,2.0
2020-01-01 00:40:00,1008.75,430.0
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "forecast").mkdir()
    with gzip.open(tmp_path / "forecast" / "weather.csv.gz", "wt") as file:
        file.write(WEATHER)
    (tmp_path / "ETTh1.csv").write_text("date,OT\n2016-07-01 00:00:00,30.5\n2016-07-01 01:00:00,27.8\n")
    return tmp_path


def test_gaps_doubled_and_absent_steps_of_weather(folder: Path) -> None:
    frame = load_forecasting("weather", folder)
    assert frame.index.freqstr == "10min" and frame.dtypes.eq(np.float64).all()
    np.testing.assert_array_equal(frame["OT"], [428.1, np.nan, np.nan, 430.0])
    np.testing.assert_array_equal(frame["p (mbar)"], [1008.89, 1008.76, np.nan, 1008.75])


def test_sets_are_found_where_the_variable_says(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TSREP_DATA", str(folder))
    assert find_forecasting() == ["ETTh1", "weather"]
    assert load_forecasting("ETTh1")["OT"].tolist() == [30.5, 27.8]


def test_what_cannot_be_loaded_says_why(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TSREP_DATA", raising=False)
    with pytest.raises(DatasetNotFoundError, match=r"exchange_rate\.csv"):
        load_forecasting("exchange", folder)
    with pytest.raises(DatasetNotFoundError, match="TSREP_DATA"):
        load_forecasting("ETTh1")
    with pytest.raises(ValueError, match="'GunPoint'; wanted one of ETTh1"):
        load_forecasting("GunPoint", folder)
    (folder / "ETTh1.csv").write_text("date,OT\n2016-07-01 00:00:00,warm\n")
    with pytest.raises(DatasetFileError, match="warm"):
        load_forecasting("ETTh1", folder)


def test_real_sets(data_root: Path) -> None:
    shapes = {name: load_forecasting(name, data_root).shape for name in find_forecasting(data_root)}
    known = {
        "ETTh1": (17420, 7),
        "ETTm1": (69680, 7),
        "exchange": (7588, 8),
        "weather": (52704, 21),
        "illness": (966, 7),
    }
    assert shapes == {name: known[name] for name in shapes} and "ETTh1" in shapes


def test_splits_of_the_literature() -> None:
    assert ts2vec_parts("ETTh1", 17420) == (slice(0, 8640), slice(8640, 11520), slice(11520, 14400))
    assert ts2vec_parts("ETTm1", 69680)[2] == slice(46080, 57600)
    assert ts2vec_parts("exchange", 7588) == (slice(0, 4552), slice(4552, 6070), slice(6070, 7588))
    assert long_horizon_parts("exchange", 7588) == (slice(0, 5311), slice(5311, 6071), slice(6071, 7588))
    assert long_horizon_parts("ETTh2", 17420) == ts2vec_parts("ETTh2", 17420)


def test_calendar_of_known_dates() -> None:
    features = calendar_features(pd.DatetimeIndex(["2021-01-03 23:45", "2024-12-31 00:00"]))
    assert list(features) == ["minute", "hour", "dayofweek", "day", "dayofyear", "month", "weekofyear"]
    assert features.to_numpy().tolist() == [[45, 23, 6, 3, 3, 1, 53], [0, 0, 1, 31, 366, 12, 1]]
    periods = pd.period_range("2021-03", periods=2, freq="M")
    assert calendar_features(periods)["month"].tolist() == [3, 4]
    assert calendar_features(pd.RangeIndex(5)).shape == (5, 0)


@settings(max_examples=30)
@given(st.integers(1, 4), st.integers(3, 8), st.sampled_from(["h", "D", "W-TUE", "MS"]))
def test_long_and_wide_are_inverse(n_series: int, rows: int, freq: str) -> None:
    values = np.random.default_rng(0).normal(size=(rows, n_series))
    names = [f"s{9 - i}" for i in range(n_series)]  # not in alphabetical order
    wide = pd.DataFrame(values, pd.date_range("2026-01-01", periods=rows, freq=freq, name="ds"), names)
    pd.testing.assert_frame_equal(to_wide(to_long(wide)), wide, check_freq=False)
    apart = split_long(to_long(wide))
    assert list(apart) == names
    for name in names:
        pd.testing.assert_series_equal(apart[name]["y"], wide[name], check_names=False)


def test_series_of_a_long_table_have_their_own_times_and_columns() -> None:
    first = pd.DataFrame({"unique_id": 7, "ds": pd.date_range("2026-01-01", periods=4), "y": 1.0, "price": 2})
    second = pd.DataFrame(
        {"unique_id": 5, "ds": pd.date_range("2025-01-01", periods=6), "y": 3.0, "price": 4}
    )
    apart = split_long(pd.concat([first, second.drop(index=2)]))
    assert list(apart) == [7, 5] and list(apart[7]) == ["y", "price"] and len(apart[7]) == 4
    assert apart[5].index.equals(pd.date_range("2025-01-01", periods=6)) and np.isnan(apart[5]["y"].iloc[2])


def test_faults_of_long_tables_name_the_series() -> None:
    table = pd.DataFrame({"unique_id": "a", "ds": pd.date_range("2026-01-01", periods=3), "y": 1.0})
    with pytest.raises(ValueError, match="unique_id, ds, y; y is missing"):
        to_wide(table.drop(columns="y"))
    with pytest.raises(ValueError, match="series 'a' has two rows for 2026-01-02"):
        to_wide(pd.concat([table, table.iloc[[1]]]))
    with pytest.raises(ValueError, match="series 'a': .*repeat a time"):
        split_long(pd.concat([table, table.iloc[[1]]]))
    with pytest.raises(ValueError, match="no rows"):
        split_long(table.iloc[:0])


@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".parquet"])
def test_a_long_table_is_known_by_its_columns(tmp_path: Path, ending: str) -> None:
    table = pd.DataFrame(
        {"unique_id": "a", "ds": pd.date_range("2026-01-01", periods=3), "y": [1.0, 2.0, 4.0]}
    )
    path = tmp_path / f"sales{ending}"
    if ending == ".parquet":
        pytest.importorskip("pyarrow")
        table.to_parquet(path)
    else:
        table.to_csv(path, index=False)
    found = read_long(path)
    assert found is not None
    pd.testing.assert_frame_equal(found, table, check_dtype=False)
    table.rename(columns={"ds": "date"}).to_csv(tmp_path / "wide.csv")
    assert read_long(tmp_path / "wide.csv") is None and read_long(tmp_path / "none.csv") is None


def test_damage_in_a_compressed_set_is_the_one_error(folder: Path) -> None:
    whole = bytearray(gzip.compress((folder / "ETTh1.csv").read_bytes()))
    (folder / "ETTh1.csv").unlink()
    for place in range(10, len(whole), 7):
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        (folder / "ETTh1.csv.gz").write_bytes(damaged)
        with pytest.raises(DatasetFileError, match="ETTh1"):
            load_forecasting("ETTh1", folder)
