"""A frame to a panel and back, over times, units, zones, holes, forms and dtypes: only what was missing changes."""

import itertools

import numpy as np
import pandas as pd
import pytest

from tsrep.data.containers import Series

STEPS = 9
HOLES = {"whole": np.arange(STEPS), "with holes": np.array([0, 1, 2, 4, 5, 8])}
BERLIN = pd.date_range("2026-03-28 22:00", periods=STEPS, freq="h", tz="Europe/Berlin")  # the clocks change
TIMES = {
    **{
        unit: pd.date_range("2026-01-01", periods=STEPS, freq="h", unit=unit)
        for unit in ("s", "ms", "us", "ns")
    },
    "zone": BERLIN,
    "fixed zone": BERLIN.tz_convert("UTC+02:00"),
    "months": pd.date_range("2020-01-31", periods=STEPS, freq="ME"),
    "business days": pd.bdate_range("2026-01-01", periods=STEPS),
    "years before 1677": pd.date_range("1500-01-01", periods=STEPS, freq="YS", unit="s"),
    "periods": pd.period_range("2026-01", periods=STEPS, freq="M"),
    "differences": pd.timedelta_range("0s", periods=STEPS, freq="250ms"),
    "text": pd.Index([f"2026-01-{day:02}" for day in range(1, STEPS + 1)]),
    "dates": pd.Index([day.date() for day in pd.date_range("2026-01-01", periods=STEPS)]),
    "arrow": pd.Index(pd.date_range("2026-01-01", periods=STEPS, freq="D")).astype("timestamp[us][pyarrow]"),
}
DTYPES = (
    "float64",
    "float32",
    "float16",
    "Float64",
    "Int64",
    "UInt8",
    "boolean",
    "object",
    "double[pyarrow]",
    "int8[pyarrow]",
)
FORMS = ("index", "column", "long", "instances")


def frame_of(time: pd.Index, dtype: str, form: str) -> pd.DataFrame:
    numbers = [
        None if place % 3 == 1 else bool(place % 2) if dtype == "boolean" else place
        for place in range(len(time))
    ]
    values = pd.Series(numbers, dtype=dtype, index=time)
    frame = pd.DataFrame({"a": values, "b": np.arange(len(time), dtype=float)})
    if form == "index":
        return frame
    if form == "column":
        return frame.rename_axis("time").reset_index()
    if form == "long":
        return pd.concat(
            [frame.rename_axis("ds").reset_index().assign(unique_id=name) for name in ("b", "NA")]
        )
    return pd.concat({2: frame, 1: frame}, names=["series", "time"])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("time", TIMES)
def test_only_what_was_missing_changes(time, form):
    for (_, rows), dtype in itertools.product(HOLES.items(), DTYPES):
        frame = frame_of(TIMES[time][rows], dtype, form)
        before = frame.copy()
        series = Series(frame)
        n = 2 if form in ("long", "instances") else 1
        assert series.panel.shape == (n, 2, len(rows)) and series.names == ["a", "b"]
        assert (np.diff(series.times[:, : len(rows)]) > 0).all()
        filled = series.put_back(np.broadcast_to(np.arange(float(len(rows))), series.panel.shape))
        pd.testing.assert_frame_equal(frame, before)
        pd.testing.assert_frame_equal(filled.drop(columns="a"), frame.drop(columns="a"))
        assert filled["a"].dtype == frame["a"].dtype
        missing = frame["a"].isna().to_numpy()
        places = np.tile(np.arange(len(rows)), n)[missing]
        expected = places > 0 if dtype == "boolean" else places
        np.testing.assert_array_equal(filled["a"][missing].astype(float), expected)
        np.testing.assert_array_equal(filled["a"].array[~missing], frame["a"].array[~missing])
