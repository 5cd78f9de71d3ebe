"""Filled containers: channels in another order than the fit, dtypes of cells and columns, indicators."""

import numpy as np
import pandas as pd
import pytest

from tsrep import SSGANImputer
from tsrep.data.containers import Series

RANDOM = np.random.default_rng(0)
HOURS = pd.date_range("2026-01-01", periods=40, freq="h")
FRAME = pd.DataFrame({"a": np.sin(np.arange(40) / 5), "b": 50 + 9 * np.cos(np.arange(40) / 5)}, HOURS)
GAPS = FRAME.mask(RANDOM.random(FRAME.shape) < 0.3)
TINY = {"hidden_size": 8, "depth": 1, "n_heads": 2, "max_steps": 2, "random_state": 0}


def long(frame):
    parts = [frame.reset_index(names="ds").assign(unique_id=name) for name in "ba"]
    return pd.concat(parts).sample(frac=1.0, random_state=0)


def multiindex(frame):
    return pd.concat(dict.fromkeys("ba", frame))


@pytest.mark.parametrize("form", [lambda frame: frame, long, multiindex])
def test_channels_are_found_by_name(form):
    imputer = SSGANImputer(**TINY, add_indicator=True).fit(form(GAPS))
    expected, deviation = imputer.transform(form(GAPS), return_std=True)
    swapped, swapped_deviation = imputer.transform(form(GAPS[["b", "a"]]), return_std=True)
    values = [name for name in swapped if name in ("a", "b")]
    assert values == ["b", "a"]
    pd.testing.assert_frame_equal(swapped[list(expected)], expected)
    channels = 1  # a panel (n, c, t), and time down for one frame
    np.testing.assert_array_equal(np.flip(swapped_deviation, channels), deviation)
    with pytest.raises(ValueError, match="feature names"):
        imputer.transform(form(GAPS.rename(columns={"a": "c"})))


def nested(dtype, lengths=(40, 40, 40)):
    return pd.DataFrame({name: [pd.Series(GAPS[name].to_numpy(dtype)[:n]) for n in lengths] for name in GAPS})


def test_indicators_lie_where_the_values_do():
    table = long(GAPS)
    out = SSGANImputer(**TINY, add_indicator=True).fit_transform(table)
    for name in "ab":
        np.testing.assert_array_equal(out[f"missingindicator_{name}"], table[name].isna())
    for n in (3, 40):  # as many series as steps too
        cells = nested(float, (40, 12, 30) if n == 3 else (40,) * n)
        out = SSGANImputer(**TINY, add_indicator=True).fit_transform(cells)
        for name in "ab":
            for flags, cell in zip(out[f"missingindicator_{name}"], cells[name], strict=True):
                np.testing.assert_array_equal(flags, cell.isna())


def test_dtypes_of_cells_columns_and_masked_arrays_stay():
    filled = Series(nested("float32")).put_back(np.full((3, 2, 40), 0.5))
    assert {cell.dtype for cell in filled["a"]} == {np.dtype(np.float32)}
    counts = pd.DataFrame({"n": pd.array([1, None, 5], dtype="Int64"), "y": [1.0, np.nan, 3.0]}, HOURS[:3])
    filled = Series(counts).put_back(np.full((1, 2, 3), 2.6))
    assert filled["n"].dtype == "Int64" and filled["n"].tolist() == [1, 3, 5]
    assert filled["y"].tolist() == [1.0, 2.6, 3.0]
    masked = np.ma.masked_invalid(np.stack([GAPS.to_numpy("float32").T] * 3))
    filled = Series(masked).put_back(np.zeros(masked.shape))
    assert isinstance(filled, np.ma.MaskedArray) and filled.dtype == np.float32
    assert not filled.mask.any() if np.ndim(filled.mask) else not filled.mask
    np.testing.assert_array_equal(filled.data[~masked.mask], masked.data[~masked.mask])


@pytest.mark.parametrize(
    ("dtype", "values", "estimate", "expected"),
    [
        ("boolean", [True, None, False], 0.6, True),
        (object, [True, None, False], -3.0, False),
        ("UInt8", [1, None, 3], -2.6, 0),
        ("UInt8", [1, None, 3], 300.2, 255),
        ("Int64", [1, None, 3], -2.6, -3),
        (object, [1, None, 3], 7.6, 8),
        ("uint8[pyarrow]", [1, None, 3], 300.2, 255),
        ("bool[pyarrow]", [True, None, False], 0.4, False),
        ("float16", [1.0, None, 3.0], 1e6, 65504.0),
    ],
)
def test_estimates_stay_within_what_a_column_holds(dtype, values, estimate, expected):
    frame = pd.DataFrame({"y": pd.Series(values, dtype=dtype).array}, HOURS[:3])
    filled = Series(frame).put_back(np.full((1, 1, 3), estimate))
    assert filled["y"].dtype == frame["y"].dtype
    assert filled["y"].tolist() == [values[0], expected, values[2]]
