"""`as_panel`: what it takes, what it refuses and how it says so."""

import re

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from tsrep.data import as_panel, is_flat, observed_and_inside
from tsrep.data.containers import Series

NAN = np.nan


@pytest.fixture
def cube():
    return np.random.default_rng(0).normal(size=(4, 3, 7))


def multiindex(cube):
    frames = [pd.DataFrame(one.T, columns=list("abc")) for one in cube]
    return pd.concat(frames, keys=range(len(cube)), names=["instance", "time"])


def nested(cube):
    return pd.DataFrame([[pd.Series(channel) for channel in one] for one in cube], columns=list("abc"))


def df_list(cube):
    return [pd.DataFrame(one.T, columns=list("abc")) for one in cube]


@pytest.mark.parametrize("container", [np.asarray, list, np.ndarray.tolist, multiindex, nested, df_list])
def test_every_container_gives_the_same_panel(cube, container):
    np.testing.assert_array_equal(as_panel(container(cube)), cube)


@pytest.mark.parametrize("container", [list, multiindex, nested, df_list])
def test_unequal_lengths_are_padded_at_the_end(cube, container):
    lengths = [7, 2, 5, 1]
    ragged = [one[:, :length] for one, length in zip(cube, lengths, strict=True)]
    panel = as_panel(container(ragged))
    for one, length, row in zip(ragged, lengths, panel, strict=True):
        np.testing.assert_array_equal(row[:, :length], one)
        assert np.isnan(row[:, length:]).all()
    assert panel.shape == (4, 3, 7)


def test_sktimes_own_conversions_are_read(cube):
    from sktime.datatypes import convert_to

    for mtype in ("pd-multiindex", "nested_univ", "df-list", "numpy3D"):
        np.testing.assert_allclose(as_panel(convert_to(cube, mtype)), cube)


def test_rows_of_a_table_are_univariate_series():
    assert as_panel([[1, 2, 3], [4, 5, 6]]).tolist() == [[[1, 2, 3]], [[4, 5, 6]]]
    assert as_panel(np.zeros((2, 5))).shape == (2, 1, 5)
    assert as_panel(pd.DataFrame(np.zeros((2, 5)))).shape == (2, 1, 5)
    assert as_panel([np.arange(3.0), np.arange(2.0)]).shape == (2, 1, 3)


@pytest.mark.parametrize(
    "index",
    [
        pd.date_range("2020-01-01", periods=6, freq="h"),
        pd.period_range("2020-01", periods=6, freq="M"),
        pd.timedelta_range("0s", periods=6, freq="s"),
    ],
    ids=lambda index: type(index).__name__,
)
def test_a_time_index_makes_one_long_series(index):
    values = np.arange(12.0).reshape(6, 2)
    panel = as_panel(pd.DataFrame(values, index=index, columns=["a", "b"]))
    np.testing.assert_array_equal(panel, values.T[None])
    np.testing.assert_array_equal(as_panel(pd.Series(values[:, 0], index=index)), values[None, None, :, 0])
    with pytest.raises(ValueError, match="time index of X does not increase"):
        as_panel(pd.DataFrame(values, index=index[::-1]))


def test_torch_tensors_are_read_with_and_without_gradient(cube):
    import torch

    tensor = torch.tensor(cube)
    np.testing.assert_array_equal(as_panel(tensor), cube)
    np.testing.assert_array_equal(as_panel(tensor.float().requires_grad_()), cube.astype(np.float32))
    np.testing.assert_array_equal(as_panel([tensor[0], tensor[1]]), cube[:2])


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (np.float64, np.float64),
        (np.float32, np.float32),
        (np.float16, np.float32),
        (np.int64, np.float64),
        (np.uint8, np.float64),
        (bool, np.float64),
        (np.longdouble, np.float64),
        (">f4", np.float32),
        (object, np.float64),
    ],
)
def test_dtypes(given, kept):
    panel = as_panel(np.ones((2, 3), dtype=given))
    assert panel.dtype == kept
    assert panel.dtype.isnative
    assert as_panel(np.ones((2, 3), dtype=given), dtype=np.float32).dtype == np.float32


def test_float32_survives_pandas():
    frame = pd.DataFrame(np.ones((3, 4), dtype=np.float32))
    assert as_panel(frame).dtype == np.float32
    assert as_panel([np.ones((1, 3), np.float32), np.ones((1, 2), np.float32)]).dtype == np.float32


def test_missing_values_of_every_kind_become_nan():
    masked = np.ma.masked_array([[1, 2], [3, 4]], mask=[[False, True], [False, False]])
    wanted = [[[1.0, NAN]], [[3.0, 4.0]]]
    np.testing.assert_array_equal(as_panel(masked), wanted)
    np.testing.assert_array_equal(as_panel(np.array([[1, None], [3, 4]], dtype=object)), wanted)
    np.testing.assert_array_equal(as_panel(np.array([[1, pd.NA], [3, 4]], dtype=object)), wanted)
    nullable = pd.DataFrame({"a": [1, 3], "b": pd.array([None, 4], dtype="Int64")})
    np.testing.assert_array_equal(as_panel(nullable), wanted)
    with pytest.raises(ValueError, match="NaN, first at instance 0, channel 0, step 1"):
        as_panel(masked, allow_missing=False)


def test_the_callers_data_stays_as_it_is(cube):
    cube[0, :, 5:] = NAN
    copies = {
        "array": (cube, cube.copy()),
        "table": (cube[:, 0], cube[:, 0].copy()),
    }
    for value, copy in copies.values():
        value.flags.writeable = False
        as_panel(value)
        as_panel(value, dtype=np.float32)
        np.testing.assert_array_equal(value, copy)
    for container in (multiindex, nested, df_list):
        before, after = container(cube), container(cube)
        as_panel(after)
        pairs = zip(before, after, strict=True) if isinstance(before, list) else [(before, after)]
        for one, other in pairs:
            pd.testing.assert_frame_equal(one, other)


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (np.zeros((0, 10)), ValueError, "Found array with 0 sample(s) (shape=(0, 10)) while a minimum of 1"),
        (np.zeros((4, 0)), ValueError, "Found array with 0 feature(s) (shape=(4, 0)) while a minimum of 1"),
        (np.zeros((4, 0, 3)), ValueError, "0 channel(s) (shape=(4, 0, 3))"),
        (np.zeros((4, 2, 0)), ValueError, "no time points"),
        ([], ValueError, "X is empty"),
        (pd.DataFrame(), ValueError, "0 sample(s)"),
        (np.zeros(5), ValueError, "Expected 2D array, got 1D array instead"),
        ([1.0, 2.0], ValueError, "Reshape your data"),
        (pd.Series([1.0, 2.0]), ValueError, "Reshape your data"),
        (np.float64(3), ValueError, "got scalar array instead"),
        (np.zeros((1, 1, 1, 1)), ValueError, "array with dim 4"),
        (
            np.array([[1.0, 2.0], [np.inf, 4.0]]),
            ValueError,
            "infinity: 1 value(s), first at instance 1, channel 0",
        ),
        (np.array([[[1.0, 2.0], [3.0, -np.inf]]]), ValueError, "instance 0, channel 1, step 1"),
        (np.ones((2, 3)) * 1j, ValueError, "Complex data not supported"),
        (np.array([[1j, 2]], dtype=object), ValueError, "Complex data not supported"),
        (pd.DataFrame({"a": [1j]}), ValueError, "Complex data not supported"),
        (np.array([["a", "b"]]), ValueError, "text"),
        (np.array([["1", 2.0]], dtype=object), ValueError, "holds text ('1')"),
        (np.array([[{}, 2.0]], dtype=object), TypeError, "argument must be a string or a real number"),
        (pd.DataFrame({"a": ["x"]}), (TypeError, ValueError), "wanted numbers"),
        (pd.DataFrame({"when": pd.to_datetime(["2020-01-01"])}), TypeError, "'when'"),
        (np.array([["2020-01-01"]], dtype="M8[D]"), TypeError, "datetime64"),
        (sparse.csr_array(np.eye(3)), TypeError, "sparse"),
        (sparse.dok_matrix(np.eye(3)), TypeError, "sparse"),
        ("GunPoint", TypeError, "X is a str"),
        (None, TypeError, "X is a NoneType"),
        ({"a": [1]}, TypeError, "X is a dict"),
        (
            [np.zeros((2, 5)), np.zeros((3, 5))],
            ValueError,
            "ragged channels: instance 0 has 2 channels, instance 1",
        ),
        ([[[1, 2, 3], [1, 2]]], ValueError, "ragged channels: those of instance 0 have lengths [2, 3]"),
        ([np.zeros(3), np.zeros((1, 3))], ValueError, "instance 0 has shape (3,), instance 1 (1, 3)"),
        (np.array([[1.0, 2.0], [NAN, NAN]]), ValueError, "first instance 1"),
        ([pd.DataFrame({"a": [1]}), np.zeros((1, 1))], TypeError, "instance 1 is not a data frame"),
        ([pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]})], ValueError, "ragged channels"),
    ],
)
def test_what_is_wrong_is_said(X, error, message):
    with pytest.raises(error, match=re.escape(message)):
        as_panel(X)


def test_nested_frames_with_ragged_or_absent_channels_are_refused():
    ragged = pd.DataFrame({"a": [pd.Series([1.0, 2.0])], "b": [pd.Series([1.0])]})
    with pytest.raises(ValueError, match=r"ragged channels: those of instance 0 have lengths \[1, 2\]"):
        as_panel(ragged)
    absent = pd.DataFrame({"a": [pd.Series([1.0]), pd.Series([1.0])], "b": [pd.Series([1.0]), None]})
    with pytest.raises(TypeError, match="instance 1, channel 1 holds None"):
        as_panel(absent)


def test_a_multiindex_must_be_sorted(cube):
    frame = multiindex(cube)
    with pytest.raises(ValueError, match="wanted the rows of each instance together"):
        as_panel(frame.sort_index(level="time", sort_remaining=False))
    with pytest.raises(ValueError, match="time index of instance 0"):
        as_panel(frame.iloc[::-1].sort_index(level="instance", sort_remaining=False))
    with pytest.raises(ValueError, match="3 index levels"):
        as_panel(pd.concat([frame], keys=["group"]))


def test_float32_that_cannot_hold_the_values_is_said():
    with pytest.raises(ValueError, match="infinity once converted to float32"):
        as_panel(np.array([[1.0, 1e300]]), dtype=np.float32)
    with pytest.raises(ValueError, match="dtype is 'int32'; wanted float32, float64 or None"):
        as_panel(np.zeros((1, 1)), dtype=np.int32)


def test_flat_is_what_scikit_learn_would_call_a_table(cube):
    assert is_flat(cube[:, 0]) and is_flat(cube[:, 0].tolist()) and is_flat(pd.DataFrame(cube[:, 0]))
    assert not is_flat(cube)
    assert not is_flat([np.zeros(3), np.zeros(2)])
    assert not is_flat(multiindex(cube)) and not is_flat(nested(cube))
    assert not is_flat(pd.DataFrame({"a": [1.0, 2.0]}, index=pd.date_range("2020", periods=2)))


def test_observed_and_inside():
    X = np.array([[[NAN, 1, NAN, NAN, 1, NAN], [NAN, NAN, NAN, 2, 2, NAN]], [[1, 2, 3, 4, 5, NAN]] * 2])
    observed, inside = observed_and_inside(X)
    assert observed.astype(int).tolist() == [[0, 0, 0, 0, 1, 0], [1, 1, 1, 1, 1, 0]]
    assert inside.astype(int).tolist() == [[0, 1, 1, 1, 1, 0], [1, 1, 1, 1, 1, 0]]


def test_a_hole_in_the_times_of_one_series_stays_open():
    days = pd.date_range("2026-01-01", periods=6, freq="D")
    frame = pd.DataFrame({"a": np.arange(6.0), "b": 1.0}, days).drop(index=days[2])
    in_column = frame.reset_index(names="when")
    texts = frame.set_axis(frame.index.strftime("%Y-%m-%d"), axis=0)
    for X in (frame, in_column, texts, frame.set_axis(frame.index.date, axis=0)):
        panel = as_panel(X)
        np.testing.assert_array_equal(panel[0, 0], [0, 1, NAN, 3, 4, 5])
        assert not is_flat(X)
    assert as_panel(frame.reset_index(drop=True)).shape == (5, 1, 2)  # rows are instances
    assert as_panel(frame.set_axis([3, 9, 4, 1, 7], axis=0)).shape == (5, 1, 2)


def test_one_long_series_among_many_short_ones_is_no_panel_of_padding():
    series = [np.zeros((1, 50))] * 2000 + [np.broadcast_to(0.0, (1, 5_000_000))]
    with pytest.raises(ValueError, match="instance 2000 of X has 5000000 time points .* GiB"):
        as_panel(series)


TIMES = pd.date_range("2026-01-01", periods=6, freq="h")
SWAPPED = TIMES[[0, 1, 3, 2, 4, 5]]
HOLED = TIMES.where(np.arange(6) != 4)


@pytest.mark.parametrize(
    "index, words",
    [
        (SWAPPED, "does not increase"),
        (HOLED, "has no time in row 5"),
        (pd.PeriodIndex(SWAPPED, freq="h"), "does not increase"),
        (pd.PeriodIndex(HOLED, freq="h"), "has no time in row 5"),
        (SWAPPED - TIMES[0], "does not increase"),
        (HOLED - TIMES[0], "has no time in row 5"),
        (TIMES[[0, 1, 1, 2, 3, 4]], "has 2026-01-01 01:00:00 twice"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
@pytest.mark.parametrize(
    "container",
    [
        lambda index: pd.Series(range(6), index),
        lambda index: [pd.Series(range(6), index), pd.Series(range(6), TIMES)],
        lambda index: pd.DataFrame({"a": [pd.Series(range(6), index), pd.Series(range(6), TIMES)]}),
        lambda index: pd.DataFrame({"a": range(6)}, index),
        lambda index: [pd.DataFrame({"a": range(6)}, index)],
        lambda index: pd.concat([pd.DataFrame({"a": range(6)}, index)], keys=["x"]),
    ],
    ids=["series", "list", "nested", "frame", "frames", "two levels"],
)
def test_times_of_a_series_are_in_order_and_complete(container, index, words):
    for read in (as_panel, Series):
        with pytest.raises(ValueError, match=f"The time index of .*X {words}"):
            read(container(index))
