"""The one reader of long series, and the one scale."""

import numpy as np
import pandas as pd
import pytest

from tsrep.data import TableError
from tsrep.tasks.series import ONLY, in_message, joined, open_file, places_of_rows, read_series

VALUES = np.column_stack([np.arange(6.0), np.arange(6.0) ** 2])
DAYS = pd.date_range("2026-01-01", periods=6, freq="D", name="day")
FRAME = pd.DataFrame(VALUES, DAYS, ["a", "b"])
LONG = pd.concat(
    [FRAME.assign(unique_id=name, ds=DAYS)[["unique_id", "ds", "a", "b"]] for name in ("x", "y")],
    ignore_index=True,
)


@pytest.mark.parametrize("times", ["any", "dates"])
@pytest.mark.parametrize("make", [lambda f: f.to_numpy(), list, lambda f: f, lambda f: f.to_period("D")])
def test_containers_of_one_series(make, times):
    data = make(FRAME) if make is not list else FRAME.to_numpy().tolist()
    series = read_series(data, times=times)
    assert list(series) == [ONLY]
    np.testing.assert_array_equal(series[ONLY].values, VALUES)
    assert series[ONLY].frame.shape == (6, 2) and len(series[ONLY].columns) == 2


@pytest.mark.parametrize("times", ["any", "dates"])
def test_a_series_and_a_long_table(times):
    single = read_series(FRAME["a"], times=times)[ONLY]
    assert single.columns == ["a"] and single.values.shape == (6, 1)
    series = read_series(LONG, times=times)
    assert list(series) == ["x", "y"]
    for name in series:
        np.testing.assert_array_equal(series[name].values, VALUES)


@pytest.mark.parametrize("times", ["any", "dates"])
def test_files(tmp_path, times):
    FRAME.to_csv(tmp_path / "wide.csv")
    LONG.to_csv(tmp_path / "long.csv", index=False)
    np.testing.assert_array_equal(read_series(tmp_path / "wide.csv", times=times)[ONLY].values, VALUES)
    assert list(read_series(str(tmp_path / "long.csv"), times=times)) == ["x", "y"]
    assert len(open_file(tmp_path / "wide.csv")) == 6 and open_file(FRAME) is FRAME


def test_missing_dates_are_inserted_and_rows_keep_their_places():
    gappy = FRAME.drop(index=DAYS[[1]])
    for data in (gappy, gappy.to_period("D")):
        series = read_series(data, times="dates")
        assert np.flatnonzero(np.isnan(series[ONLY].values[:, 0])).tolist() == [1]
        rows, steps = places_of_rows(data, series)[ONLY]
        assert rows.tolist() == [0, 1, 2, 3, 4] and steps.tolist() == [0, 2, 3, 4, 5]
    long = LONG.drop(index=[1, 8]).sort_values(["ds", "unique_id"])
    series = read_series(long, times="dates")
    for name, (rows, steps) in places_of_rows(long, series).items():
        np.testing.assert_array_equal(series[name].values[steps], long.iloc[rows][["a", "b"]])


def test_step_numbers_order_rows_only_where_any_time_counts():
    numbered = FRAME.set_axis([10, 12, 14, 18, 20, 22], axis=0)
    assert len(read_series(numbered)[ONLY].values) == 7
    assert len(read_series(numbered, times="dates")[ONLY].values) == 6
    dated = FRAME.drop(index=DAYS[2]).reset_index()
    assert len(read_series(dated)[ONLY].values) == 6
    with pytest.raises((TypeError, ValueError)):
        read_series(dated.assign(day=dated["day"].astype(str)), times="dates")


def test_what_is_no_series():
    with pytest.raises(TypeError, match="future is a dict; wanted an array"):
        read_series({}, argument="future")
    with pytest.raises(ValueError, match=r"X has shape \(1, 2, 3\); wanted one long series"):
        read_series(np.ones((1, 2, 3)))
    with pytest.raises(ValueError, match="X is infinite at step 1; NaN marks a missing value"):
        read_series([0.0, np.inf])
    with pytest.raises(TableError, match="holds 6 rows"):
        read_series(FRAME, min_steps=7)
    with pytest.raises(TableError, match="repeat a time"):
        read_series(pd.concat([FRAME, FRAME]), times="dates")


def test_history_in_front():
    np.testing.assert_array_equal(joined(VALUES[:2], VALUES[2:]), VALUES)
    pd.testing.assert_frame_equal(joined(FRAME[:2], FRAME[2:]), FRAME, check_freq=False)
    assert joined(None, FRAME) is FRAME
    with pytest.raises(ValueError, match="wanted the same channels"):
        joined(VALUES[:, :1], VALUES)
    assert in_message(ONLY) == "X" and in_message("x") == "the series 'x'"
