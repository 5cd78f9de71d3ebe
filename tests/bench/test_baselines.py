"""Gap filling by hand, and nearest neighbours against sktime's."""

import numpy as np
import pytest

from tsrep.bench.classification.baselines import (
    dtw_neighbours,
    euclidean_neighbours,
    multirocket_features,
    own_lengths,
)
from tsrep.bench.gaps import fill_gaps

NAN = np.nan


def test_gaps_are_filled_by_the_rule_and_the_callers_array_is_left_alone():
    X = np.array([[[NAN, 1, NAN, NAN, 4, NAN], [NAN] * 6]])
    before = X.copy()
    assert fill_gaps(X).tolist() == [[[1, 1, 2, 3, 4, 4], [0] * 6]]
    assert np.array_equal(X, before, equal_nan=True)


def test_gaps_are_filled_whatever_the_memory_layout():
    X = np.array([[[1.0, 5], [NAN, NAN], [3, 7]]]).transpose(0, 2, 1)
    assert fill_gaps(X).tolist() == [[[1, 2, 3], [5, 6, 7]]]


def test_own_lengths_end_at_the_last_observed_step_of_any_channel():
    X = np.full((4, 2, 5), NAN)
    X[0, 0, :3] = X[0, 1, 3] = X[1, 1, 4] = X[2, 0, 0] = 0.0
    assert own_lengths(X).tolist() == [4, 5, 1, 1]


def test_dtw_neighbours_are_sktimes():
    pytest.importorskip("numba")
    from sktime.classification.distance_based import KNeighborsTimeSeriesClassifier

    rng = np.random.default_rng(0)
    X, Xt = (rng.normal(size=(n, 2, 15)).cumsum(axis=2) for n in (12, 20))
    lengths = own_lengths(X), own_lengths(Xt)
    theirs = KNeighborsTimeSeriesClassifier(distance="dtw").fit(X, np.arange(12)).predict(Xt)
    assert np.array_equal(dtw_neighbours(X, Xt, *lengths), theirs)


def test_dtw_takes_series_of_unequal_length():
    """A series and its stretched copy are at distance 0; the padding behind it plays no part."""
    pytest.importorskip("numba")
    short = np.array([0.0, 1, 3, 1, 0])
    X = np.full((2, 1, 10), 99.0)
    X[0, 0, :5], X[1, 0, :5] = short, -short
    stretched = np.repeat(short, 2)[None, None]
    assert dtw_neighbours(X, stretched, np.array([5, 5]), np.array([10])).tolist() == [0]
    assert dtw_neighbours(X, -stretched, np.array([5, 5]), np.array([10])).tolist() == [1]


def test_euclidean_neighbours_by_hand():
    X = np.array([[[0.0, 0]], [[3.0, 3]]])
    assert euclidean_neighbours(X, np.array([[[1.0, 1]], [[2.0, 2]]])).tolist() == [0, 1]


@pytest.mark.slow
@pytest.mark.parametrize("channels", [1, 3])
def test_multirocket_takes_one_channel_or_several_and_the_shortest_series(channels):
    """Slow for the compilation of its kernels alone."""
    pytest.importorskip("numba")
    X, Xt = (np.random.default_rng(n).normal(size=(n, channels, 8)) for n in (6, 4))
    Z, Zt = multirocket_features(X, Xt, seed=0)
    assert (len(Z), len(Zt)) == (6, 4)
    assert Z.shape[1] == Zt.shape[1]
    assert np.isfinite(Z).all()
    np.testing.assert_array_equal(Z, multirocket_features(X, Xt, seed=0)[0])
