"""Errors of forecasts against plain formulas, with and without gaps."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import mean_absolute_error, mean_squared_error

from tsrep.metrics import coverage, mae, mse


@settings(max_examples=40)
@given(st.integers(1, 6), st.integers(1, 5), st.integers(0, 1000))
def test_equal_to_scikit_learn_on_what_was_observed(rows: int, steps: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth, predicted = rng.normal(size=(2, rows, steps))
    assert mse(truth, predicted) == pytest.approx(mean_squared_error(truth, predicted))
    assert mae(truth, predicted) == pytest.approx(mean_absolute_error(truth, predicted))
    gap = rng.random((rows, steps)) < 0.4
    gap.flat[0] = False
    with_gaps = np.where(gap, np.nan, truth)
    assert mse(with_gaps, predicted) == pytest.approx(mean_squared_error(truth[~gap], predicted[~gap]))
    assert mae(with_gaps, predicted) == pytest.approx(mean_absolute_error(truth[~gap], predicted[~gap]))


def test_means_along_an_axis_and_of_nothing() -> None:
    truth = np.array([[0.0, np.nan], [np.nan, np.nan]])
    np.testing.assert_array_equal(mse(truth, np.full((2, 2), 3.0), axis=0), [9.0, np.nan])
    np.testing.assert_array_equal(mae(truth, np.full((2, 2), 3.0), axis=1), [3.0, np.nan])
    assert np.isnan(mse(truth[1], [1.0, 1.0]))
    assert mse(truth[0], [1.0, np.nan]) == 1.0  # no forecast is needed for a gap


def test_coverage_counts_the_ends() -> None:
    truth = [1.0, 2.0, 3.0, np.nan, 9.0]
    assert coverage(truth, [1.0, 0.0, 3.5, 0.0, 0.0], [2.0, 2.0, 4.0, 1.0, np.inf]) == 0.75


def test_what_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match=r"shape \(2,\), truth has \(3,\)"):
        mse([1.0, 2.0, 3.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="NaN at 1 place"):
        mae([1.0, 2.0], [np.nan, 2.0])
