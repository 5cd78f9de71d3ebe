"""Frames of polars and Arrow, as input of everything that takes pandas' frames, and as output where X comes back."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from tsrep import SSGANImputer, TS2Vec
from tsrep.data import PanelScaler, as_panel, missing
from tsrep.data.containers import Series
from tsrep.data.table import ReadOptions
from tsrep.data.tables import ONLY, read_tables
from tsrep.tasks import RepresentationAnomalyDetector, RepresentationForecaster

START = dt.datetime(2026, 3, 28, 22)  # the clocks in Berlin change within the series
HOURS = pl.datetime_range(START, START + dt.timedelta(hours=5), "1h", eager=True)
Y = [1.0, None, 3.0, 4.0, 5.0, 6.0]
SEEN = [1.0, np.nan, 3.0, 4.0, 5.0, 6.0]


def in_berlin(times):
    return times.dt.replace_time_zone("UTC").dt.convert_time_zone("Europe/Berlin")


TIMES = {
    "ms": HOURS.cast(pl.Datetime("ms")),
    "us": HOURS,
    "ns": HOURS.cast(pl.Datetime("ns")),
    "zone": in_berlin(HOURS),
    "dates": pl.date_range(dt.date(2026, 1, 1), dt.date(2026, 1, 6), eager=True),
    "text": HOURS.dt.to_string("%Y-%m-%d %H:%M"),
    "clock": pl.Series([dt.time(hour) for hour in range(6)]),
    "durations": pl.Series([dt.timedelta(hours=hour) for hour in range(6)]),
}
VALUES = {  # (column, what the estimate 300.4 becomes)
    "float": (pl.Series(Y), 300.4),
    "nan": (pl.Series(SEEN), 300.4),
    "single": (pl.Series(Y, dtype=pl.Float32), np.float32(300.4)),
    "integer": (pl.Series(Y, dtype=pl.Int64, strict=False), 300),
    "byte": (pl.Series(Y, dtype=pl.UInt8, strict=False), 255),
    "decimal": (pl.Series([None if y is None else Decimal(str(y)) for y in Y]), Decimal("300.4")),
    "boolean": (pl.Series([True, None, False, True, True, False]), True),
}


def as_arrow(frame):
    return frame.to_arrow()


LIBRARIES = {"polars": lambda frame: frame, "arrow": as_arrow}


@pytest.mark.parametrize("time", TIMES)
def test_times_are_read_and_come_back(time):
    frame = pl.DataFrame({"time": TIMES[time], "y": Y})
    np.testing.assert_array_equal(as_panel(frame), [[SEEN]])
    table = read_tables(frame, ReadOptions())[ONLY].frame
    np.testing.assert_array_equal(table["y"], SEEN)
    assert len(table) == 6 and not isinstance(table.index, pd.RangeIndex)
    filled = Series(frame).put_back(np.full((1, 1, 6), 7.5))
    assert filled.equals(pl.DataFrame({"time": TIMES[time], "y": [1.0, 7.5, 3.0, 4.0, 5.0, 6.0]}))
    with_hole = frame[[0, 1, 3, 4, 5]]
    np.testing.assert_array_equal(as_panel(with_hole), [[[1.0, np.nan, np.nan, 4.0, 5.0, 6.0]]])


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("values", VALUES)
def test_columns_keep_their_type_and_what_is_observed(library, values):
    column, estimate = VALUES[values]
    given = LIBRARIES[library](pl.DataFrame({"time": HOURS, "y": column}))
    filled = Series(given).put_back(np.full((1, 1, 6), 300.4))
    assert type(filled) is type(given) and filled.schema == given.schema
    before, after = (
        list(frame["y"].to_pylist() if library == "arrow" else frame["y"]) for frame in (given, filled)
    )
    assert after == [before[0], estimate, *before[2:]]


@pytest.mark.parametrize("library", LIBRARIES)
def test_long_wide_and_nested_frames_come_back(library):
    long = pl.DataFrame(
        {
            "unique_id": pl.Series(list("bbaaab"), dtype=pl.Categorical),
            "ds": [*in_berlin(HOURS)[1:3], *in_berlin(HOURS)[:3], in_berlin(HOURS)[0]],
            "y": Y,
        }
    )
    wide = pl.DataFrame({"t0": [1.0, 2.0], "t1": [None, 3.0]})
    nested = pl.DataFrame({"load": [[1.0, 2.0], [3.0, None]]})
    for frame, shape, column, expected in (
        (long, (2, 1, 3), "y", [1.0, 7.5, 3.0, 4.0, 5.0, 6.0]),
        (wide, (2, 1, 2), "t1", [7.5, 3.0]),
        (nested, (2, 1, 2), "load", [[1.0, 2.0], [3.0, 7.5]]),
    ):
        given = LIBRARIES[library](frame)
        series = Series(given)
        assert series.panel.shape == shape
        filled = series.put_back(np.full(shape, 7.5))
        assert type(filled) is type(given) and filled.schema == given.schema
        assert (
            filled[column].to_pylist() == expected
            if library == "arrow"
            else filled[column].to_list() == expected
        )
        others = [name for name in frame.columns if name != column]
        assert filled.select(others).equals(given.select(others))


def test_a_lazy_frame_is_refused_with_the_way_out():
    lazy = pl.DataFrame({"time": HOURS, "y": Y}).lazy()
    encoder = TS2Vec(max_steps=0)
    for read in (
        as_panel,
        Series,
        encoder.fit,
        SSGANImputer(max_steps=0).fit,
        RepresentationForecaster(encoder).fit,
        RepresentationAnomalyDetector(encoder).fit,
        lambda frame: read_tables(frame, ReadOptions()),
    ):
        with pytest.raises(TypeError, match=r"is a LazyFrame of polars; wanted .* collect\(\)"):
            read(lazy)


def test_a_row_without_a_time_is_named():
    frame = pl.DataFrame({"time": [HOURS[0], None, *HOURS[2:]], "y": Y})
    with pytest.raises(TypeError, match="wanted numbers, or a time in every row: row 2 has none"):
        as_panel(frame)


@pytest.fixture(scope="module")
def load():
    """200 hours of two channels in local time, with gaps."""
    times = pl.datetime_range(START, START + dt.timedelta(hours=199), "1h", eager=True)
    steps = np.arange(200)
    a = np.where(steps % 17 == 3, np.nan, np.sin(steps / 5))
    return pl.DataFrame({"time": in_berlin(times), "a": a, "b": 50 + 9 * np.cos(steps / 5)})


TINY = {"n_components": 4, "hidden_channels": 4, "depth": 2, "max_steps": 2, "random_state": 0}


def test_channels_are_found_by_name(load):
    encoder = TS2Vec(**TINY).fit(load)
    swapped = load.select("time", "b", "a")
    expected = encoder.transform(load.to_pandas())
    assert list(encoder.feature_names_in_) == ["a", "b"]
    for frame in (load, swapped, as_arrow(swapped)):
        np.testing.assert_array_equal(encoder.transform(frame), expected)
    with pytest.raises(ValueError, match="feature names"):
        encoder.transform(load.rename({"a": "c"}))
    long = pd.DataFrame({"unique_id": "x", "ds": range(9), "a": range(9), "b": range(9, 0, -1)}).astype(
        {"a": float}
    )
    fitted = TS2Vec(**TINY).fit(long)
    np.testing.assert_array_equal(
        fitted.transform(long[["unique_id", "b", "a", "ds"]]), fitted.transform(long)
    )
    with pytest.raises(ValueError, match="feature names"):
        PanelScaler().fit(load).transform(swapped)


def test_the_imputer_gives_what_it_was_given(load):
    imputer = SSGANImputer(hidden_size=8, depth=1, n_heads=2, max_steps=2, random_state=0, add_indicator=True)
    filled = imputer.fit(load).transform(load)
    assert isinstance(filled, pl.DataFrame)
    assert filled.columns == ["time", "a", "b", "missingindicator_a"]
    same = imputer.transform(load.to_pandas())
    np.testing.assert_array_equal(filled["a"], same["a"])
    np.testing.assert_array_equal(filled["missingindicator_a"], load["a"].is_nan())
    assert isinstance(imputer.transform(as_arrow(load)), pa.Table)


def test_tasks_give_what_they_give_for_pandas(load):
    filled = load.with_columns(pl.col("a").fill_nan(None))
    pandas = filled.to_pandas()
    forecaster = RepresentationForecaster(TS2Vec(**TINY), horizons=4, context=16)
    forecast = forecaster.fit(filled, targets="a").predict(filled.select("time", "b", "a"))
    pd.testing.assert_frame_equal(forecast, forecaster.fit(pandas, targets="a").predict())
    detector = RepresentationAnomalyDetector(TS2Vec(**TINY), context=16).fit(filled[:150])
    scores = detector.decision_function(filled[150:], history=filled[:150])
    np.testing.assert_array_equal(scores, detector.decision_function(pandas[150:], history=pandas[:150]))


@pytest.mark.parametrize("library", ["pandas", *LIBRARIES])
def test_values_are_removed_from_frames_of_all_kinds(library, load):
    convert = {"pandas": lambda frame: frame.to_pandas(), **LIBRARIES}[library]
    long = pl.concat(
        load.select(pl.lit(name).alias("unique_id"), pl.col("time").alias("ds"), "a", "b") for name in "ab"
    )
    for frame in (load, long):
        given = convert(frame)
        removed = missing.mcar(given, rate=0.25, random_state=0)
        assert type(removed) is type(given)
        before, after = as_panel(given), as_panel(removed)
        held_out = np.isnan(after) & ~np.isnan(before)
        assert held_out.sum() == round(0.25 * np.isfinite(before).sum())
        np.testing.assert_array_equal(after[~held_out], before[~held_out])


def test_values_are_removed_from_series_in_cells_and_series_with_dates(load):
    nested = pd.DataFrame({"a": [pd.Series([1.0, 2.0, 3.0]), np.array([4.0, 5.0])]})
    removed = missing.mcar(nested, rate=0.4, random_state=0)
    before, after = as_panel(nested), as_panel(removed)
    assert (np.isnan(after) & ~np.isnan(before)).sum() == 2
    dated = load.to_pandas().set_index("time")["b"]
    removed = missing.mcar(dated, rate=0.25, random_state=0)
    assert removed.isna().sum() == 50 and removed.index.equals(dated.index) and removed.name == "b"
