"""The one reader of long series, and the one scale."""

import numpy as np
import pandas as pd
import pytest
import torch

from tsrep.data import TableError, as_panel
from tsrep.tasks.series import ONLY, in_message, joined, open_file, places_of_rows, read_series

VALUES = np.column_stack([np.arange(6.0), np.arange(6.0) ** 2])
DAYS = pd.date_range("2026-01-01", periods=6, freq="D", name="day")
FRAME = pd.DataFrame(VALUES, DAYS, ["a", "b"])
LONG = pd.concat(
    [FRAME.assign(unique_id=name, ds=DAYS)[["unique_id", "ds", "a", "b"]] for name in ("x", "y")],
    ignore_index=True,
)


@pytest.mark.parametrize("make", [lambda f: f.to_numpy(), list, lambda f: f, lambda f: f.to_period("D")])
def test_containers_of_one_series(make):
    data = make(FRAME) if make is not list else FRAME.to_numpy().tolist()
    series = read_series(data)
    assert list(series) == [ONLY]
    np.testing.assert_array_equal(series[ONLY].values, VALUES)
    assert series[ONLY].frame.shape == (6, 2) and len(series[ONLY].columns) == 2


def test_a_series_and_a_long_table():
    single = read_series(FRAME["a"])[ONLY]
    assert single.columns == ["a"] and single.values.shape == (6, 1)
    series = read_series(LONG)
    assert list(series) == ["x", "y"]
    for name in series:
        np.testing.assert_array_equal(series[name].values, VALUES)


def test_files(tmp_path):
    FRAME.to_csv(tmp_path / "wide.csv")
    LONG.to_csv(tmp_path / "long.csv", index=False)
    np.testing.assert_array_equal(read_series(tmp_path / "wide.csv")[ONLY].values, VALUES)
    assert list(read_series(str(tmp_path / "long.csv"))) == ["x", "y"]
    assert len(open_file(tmp_path / "wide.csv")) == 6 and open_file(FRAME) is FRAME
    numbered = FRAME.reset_index(drop=True)
    assert len(read_series(joined(numbered, numbered))[ONLY].values) == 12


def test_missing_dates_are_inserted_and_rows_keep_their_places():
    gappy = FRAME.drop(index=DAYS[[1]])
    for data in (gappy, gappy.to_period("D")):
        series = read_series(data)
        assert np.flatnonzero(np.isnan(series[ONLY].values[:, 0])).tolist() == [1]
        rows, steps = places_of_rows(series)[ONLY]
        assert rows.tolist() == [0, 1, 2, 3, 4] and steps.tolist() == [0, 2, 3, 4, 5]
    long = LONG.drop(index=[1, 8]).sort_values(["ds", "unique_id"])
    series = read_series(long)
    for name, (rows, steps) in places_of_rows(series).items():
        np.testing.assert_array_equal(series[name].values[steps], long.iloc[rows][["a", "b"]])


GONE = FRAME.drop(index=DAYS[2])


@pytest.mark.parametrize(
    "data",
    [
        GONE,
        GONE.to_period("D"),
        GONE.set_axis(GONE.index.date, axis=0),
        GONE.set_axis(GONE.index.strftime("%d.%m.%Y"), axis=0),
        GONE.set_axis(GONE.index.tz_localize("Europe/Berlin"), axis=0),
        GONE.set_axis(GONE.index - DAYS[0], axis=0),
        GONE.set_axis([10, 12, 16, 18, 20], axis=0),
        GONE.set_axis([0.0, 0.25, 0.75, 1.0, 1.25], axis=0),
        GONE.set_axis(["0", "1", "3", "4", "5"], axis=0),
        GONE.reset_index(),
        GONE.reset_index().astype({"day": str}),
        GONE.reset_index(names="timestamp").assign(
            timestamp=GONE.index.astype("datetime64[s]").astype("int64")
        ),
        GONE.reset_index(names="year").assign(year=[2001, 2002, 2004, 2005, 2006]),
        GONE.reset_index().set_axis([500, 501, 502, 503, 504], axis=0),
        GONE.set_axis(pd.MultiIndex.from_product([["x"], GONE.index], names=["unique_id", "ds"]), axis=0),
        GONE.assign(unique_id="x").set_index("unique_id").assign(ds=GONE.index),
    ],
)
def test_a_time_of_any_kind_closes_no_hole(data):
    (series,) = read_series(data).values()
    assert series.columns == ["a", "b"]
    expected = np.insert(np.delete(VALUES, 2, axis=0), 2, np.nan, axis=0)
    np.testing.assert_array_equal(series.values, expected)
    assert series.steps.tolist() == [0, 1, 3, 4, 5]


def test_a_frame_of_another_library():
    arrow = pytest.importorskip("pyarrow")
    (series,) = read_series(arrow.Table.from_pandas(GONE.reset_index(), preserve_index=False)).values()
    assert len(series.values) == 6
    typed = GONE.reset_index().astype({"day": pd.ArrowDtype(arrow.timestamp("us", "UTC"))})
    (series,) = read_series(typed).values()
    assert len(series.values) == 6 and str(series.index.tz) == "UTC"


def test_an_index_that_is_no_time_is_refused():
    with pytest.raises(
        TableError, match="the index holds .*, 'p', 'q', 'r' ...; wanted dates or step numbers"
    ):
        read_series(FRAME.set_axis(list("pqrstu"), axis=0))
    gone = FRAME.set_axis(
        pd.DatetimeIndex(["2026-01-01", None, *pd.date_range("2026-01-03", periods=4)]), axis=0
    )
    with pytest.raises(TableError, match="the index has no time in row 2; wanted one in every row"):
        read_series(gone)
    with pytest.raises(ValueError, match="time index of .* has no time in row 2; wanted one in every row"):
        as_panel(gone)
    with pytest.raises(TableError, match="not sorted by time"):
        read_series(FRAME.set_axis([0, 2, 1, 3, 4, 5], axis=0))
    with pytest.raises(TableError, match="column 'end' holds dates, .* wanted numbers"):
        read_series(FRAME.assign(end=DAYS))
    with pytest.raises(TableError, match="column 'end' holds time differences"):
        read_series(FRAME.assign(end=DAYS - DAYS[0]))


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
        read_series(pd.concat([FRAME, FRAME]))


def test_history_in_front():
    np.testing.assert_array_equal(joined(VALUES[:2], VALUES[2:]), VALUES)
    pd.testing.assert_frame_equal(joined(FRAME[:2], FRAME[2:]), FRAME, check_freq=False)
    assert joined(None, FRAME) is FRAME
    with pytest.raises(ValueError, match="wanted the same channels"):
        joined(VALUES[:, :1], VALUES)
    assert in_message(ONLY) == "X" and in_message("x") == "the series 'x'"


@pytest.mark.parametrize(
    "X", [np.ones(8) + 1j, [1j] * 8, torch.ones(8, dtype=torch.complex64)], ids=["array", "list", "tensor"]
)
def test_complex_numbers_are_refused(X):
    with pytest.raises(ValueError, match="X has complex numbers; wanted real ones"):
        read_series(X)


def test_a_tensor_with_a_gradient_is_read():
    values = torch.arange(8.0, requires_grad=True)
    assert read_series(values)[ONLY].values[:, 0].tolist() == list(range(8))
