"""Every container of series comes back as it was, with its gaps filled and nothing else changed."""

import numpy as np
import pandas as pd
import pytest
import torch

from tsrep.data.containers import Series

RANDOM = np.random.default_rng(0)
PANEL = RANDOM.normal(size=(3, 2, 8))
PANEL[RANDOM.random(PANEL.shape) < 0.3] = np.nan
LENGTHS = (8, 5, 6)
RAGGED = [PANEL[i, :, :length].copy() for i, length in enumerate(LENGTHS)]
DATES = pd.date_range("2026-01-01", periods=8, freq="h")


def long_table():
    frames = [
        pd.DataFrame({"unique_id": name, "ds": DATES[:n], "y": series[0], "z": series[1].astype(np.float32)})
        for name, n, series in zip("bac", LENGTHS, RAGGED, strict=True)
    ]
    return pd.concat(frames).sample(frac=1.0, random_state=0)  # rows in any order, an index with repeats


def multiindex():
    index = pd.MultiIndex.from_tuples([(i, t) for i, n in enumerate(LENGTHS) for t in DATES[:n]])
    return pd.DataFrame(np.concatenate([series.T for series in RAGGED]), index=index, columns=["a", "b"])


CONTAINERS = {
    "panel": PANEL,
    "float32": PANEL.astype(np.float32),
    "table": PANEL[:, 0],
    "tensor": torch.from_numpy(PANEL),
    "ragged": RAGGED,
    "ragged tensors": [torch.from_numpy(series) for series in RAGGED],
    "univariate": [series[0] for series in RAGGED],
    "multiindex": multiindex(),
    "frames": [pd.DataFrame(series.T, columns=["a", "b"]) for series in RAGGED],
    "nested": pd.DataFrame(
        {name: [pd.Series(one[j]) for one in RAGGED] for j, name in enumerate("ab")}, index=[5, 6, 7]
    ),
    "wide": pd.DataFrame(PANEL[0].T, index=DATES, columns=["a", "b"]).astype({"b": np.float32}),
    "one series": pd.Series(PANEL[0, 0], index=DATES, name="load"),
    "plain frame": pd.DataFrame(PANEL[:, 0], columns=[f"t{t}" for t in range(8)]),
    "nullable": pd.DataFrame(PANEL[0].T, index=DATES, columns=["a", "b"]).astype("Float64"),
    "long": long_table(),
}


def cells(X):
    """All numbers of a container, in order."""
    if isinstance(X, (list, tuple)):
        return np.concatenate([cells(item) for item in X])
    if isinstance(X, pd.DataFrame):
        if "unique_id" in X:
            X = X.drop(columns=["unique_id", "ds"])
        if isinstance(X.iat[0, 0], pd.Series):
            return np.concatenate([cell.to_numpy() for cell in X.to_numpy().ravel()])
    if isinstance(X, (pd.DataFrame, pd.Series)):
        return X.to_numpy(dtype=float, na_value=np.nan).ravel()
    return np.asarray(X, dtype=float).ravel()


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_container_comes_back_filled_and_otherwise_as_it_was(name):
    X = CONTAINERS[name]
    before = cells(X).copy()
    series = Series(X)
    out = series.put_back(np.full(series.panel.shape, 7.5))
    assert type(out) is type(X)
    np.testing.assert_array_equal(cells(out), np.where(np.isnan(before), 7.5, before))
    np.testing.assert_array_equal(cells(X), before)  # the caller's is untouched
    if isinstance(X, pd.DataFrame):
        pd.testing.assert_index_equal(out.index, X.index)
        pd.testing.assert_index_equal(out.columns, X.columns)
        assert list(out.dtypes) == list(X.dtypes)
    if isinstance(X, pd.Series):
        assert (out.name, out.dtype) == (X.name, X.dtype)
        pd.testing.assert_index_equal(out.index, X.index)
    if isinstance(X, (np.ndarray, torch.Tensor)):
        assert (out.dtype, out.shape) == (X.dtype, X.shape)
    if isinstance(X, list):
        assert [item.shape for item in out] == [item.shape for item in X]


@pytest.mark.parametrize("name", ["ragged", "multiindex", "nested", "frames", "univariate", "long"])
def test_ragged_series_know_where_they_end(name):
    assert sorted(Series(CONTAINERS[name]).lengths) == sorted(LENGTHS)  # a long table has its own order


def test_a_value_goes_where_it_belongs():
    """Each entry is filled with a number that names its instance, channel and step."""
    numbers = np.arange(48.0).reshape(3, 2, 8)
    for name in ("panel", "ragged", "multiindex", "nested", "frames"):
        series = Series(CONTAINERS[name])
        refilled = Series(series.put_back(numbers)).panel
        inside = np.broadcast_to(series.inside[:, None], refilled.shape)
        expected = np.where(np.isnan(series.panel) & inside, numbers, series.panel)
        np.testing.assert_array_equal(refilled, expected)
    table = long_table()
    series = Series(table)
    filled = series.put_back(numbers)
    for i, name in enumerate(pd.unique(table["unique_id"])):
        rows, own = table[table["unique_id"] == name], filled[table["unique_id"] == name]
        hour = rows["ds"].dt.hour.to_numpy()
        for j, column in enumerate(["y", "z"]):
            expected = np.where(rows[column].isna(), numbers[i, j][hour], rows[column])
            np.testing.assert_allclose(own[column], expected)


def test_time_stamps_count_in_usual_steps():
    dates = pd.DatetimeIndex(["2026-01-01", "2026-01-02", "2026-01-03", "2026-01-07"])
    assert Series(pd.Series([1.0, 2, 3, 4], index=dates)).times.tolist() == [[0, 1, 2, 6]]
    assert Series(RAGGED).times[1].tolist() == [0, 1, 2, 3, 4, 4, 4, 4]
    assert Series(multiindex()).times[2].tolist() == [0, 1, 2, 3, 4, 5, 5, 5]


def test_two_rows_for_one_time_are_refused():
    table = long_table()
    with pytest.raises(ValueError, match="two rows"):
        Series(pd.concat([table, table.iloc[[0]]]))
