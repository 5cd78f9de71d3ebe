"""`PanelScaler` and the authors' normalisation rules."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

from tsrep.data import PanelScaler, Scale, ts2vec_normalisation
from tsrep.data.normalisation import GLOBALLY_STANDARDISED_UCR

NAN = np.nan


CHECKS = [pair for over in ("channel", "all") for pair in estimator_checks_generator(PanelScaler(over=over))]


@pytest.mark.parametrize(("estimator", "check"), CHECKS, ids=[f"{e!r}-{c.func.__name__}" for e, c in CHECKS])
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.fixture
def cube():
    rng = np.random.default_rng(0)
    X = (
        rng.normal(size=(5, 3, 8)) * np.array([1.0, 10.0, 1e-3])[:, None]
        + np.array([0.0, 5.0, -2.0])[:, None]
    )
    X[rng.random(X.shape) < 0.2] = NAN
    return X


def test_per_channel_is_scikit_learns_scaler_on_all_steps(cube):
    rows = cube.transpose(0, 2, 1).reshape(-1, 3)
    wanted = StandardScaler().fit(rows)
    scaler = PanelScaler().fit(cube)
    np.testing.assert_allclose(scaler.mean_, wanted.mean_)
    np.testing.assert_allclose(scaler.scale_, wanted.scale_)
    np.testing.assert_allclose(
        scaler.transform(cube).transpose(0, 2, 1).reshape(-1, 3), wanted.transform(rows), atol=1e-12
    )


def test_over_all_uses_one_mean_and_deviation(cube):
    scaled = PanelScaler(over="all").fit_transform(cube)
    np.testing.assert_allclose(scaled, (cube - np.nanmean(cube)) / np.nanstd(cube))


@pytest.mark.parametrize("over", ["channel", "all"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_round_trip_keeps_values_gaps_and_dtype(cube, over, dtype):
    X = cube.astype(dtype)
    before = X.copy()
    scaler = PanelScaler(over=over).fit(X)
    scaled = scaler.transform(X)
    back = scaler.inverse_transform(scaled)
    assert scaled.dtype == back.dtype == dtype
    np.testing.assert_array_equal(np.isnan(scaled), np.isnan(X))
    np.testing.assert_allclose(back, X, rtol=1e-4 if dtype == np.float32 else 1e-10, atol=1e-5)
    np.testing.assert_array_equal(X, before)


def test_only_the_data_of_fit_are_measured(cube):
    scaler = PanelScaler().fit(cube)
    mean, scale = scaler.mean_.copy(), scaler.scale_.copy()
    scaler.transform(cube * 100 + 7)
    np.testing.assert_array_equal(scaler.mean_, mean)
    np.testing.assert_array_equal(scaler.scale_, scale)


def test_constant_absent_and_huge_channels_stay_finite():
    X = np.array([[[3.1, 3.1, 3.1], [NAN, NAN, NAN], [1e200, -1e200, 3e200], [0.1, 0.1 + 1e-17, 0.1]]])
    scaler = PanelScaler().fit(X)
    assert scaler.scale_[[0, 1, 3]].tolist() == [1, 1, 1]
    scaled = scaler.transform(X)
    assert np.isnan(scaled[0, 1]).all() and np.isfinite(scaled[0, [0, 2, 3]]).all()
    np.testing.assert_allclose(scaled[0, 0], 0, atol=1e-12)
    np.testing.assert_allclose(scaled[0, 2].std(), 1)
    seen_later = np.array([[[3.1], [5.0], [0.0], [0.1]]])
    assert scaler.transform(seen_later)[0, 1, 0] == 5.0


def test_a_small_float32_deviation_around_a_large_mean_is_kept():
    X = np.array([[[1e6, 1e6 + 0.5, 1e6 + 1]]], dtype=np.float32)
    np.testing.assert_allclose(PanelScaler().fit(X).scale_, np.std([0, 0.5, 1]))


def test_a_small_but_real_deviation_is_not_taken_for_none():
    X = np.array([[[1e-12, 2e-12, 3e-12]]])
    np.testing.assert_allclose(PanelScaler().fit_transform(X).std(), 1)


def test_channels_are_counted_and_lengths_only_for_tables(cube):
    scaler = PanelScaler().fit(cube)
    assert (scaler.n_features_in_, scaler.n_channels_) == (3, 3)
    assert scaler.transform(cube[:, :, :2]).shape == (5, 3, 2)
    with pytest.raises(ValueError, match="X has 2 channels, PanelScaler was fitted with 3"):
        scaler.transform(cube[:, :2])
    table = PanelScaler().fit(np.ones((4, 6)))
    assert (table.n_features_in_, table.n_channels_) == (6, 1)
    assert table.transform(np.ones((2, 6))).shape == (2, 6)
    with pytest.raises(ValueError, match="X has 5 features, but PanelScaler is expecting 6"):
        table.transform(np.ones((2, 5)))


def test_ragged_lists_and_pandas_come_back_as_panels(cube):
    ragged = [np.ones((2, 4)), np.zeros((2, 2))]
    assert PanelScaler().fit_transform(ragged).shape == (2, 2, 4)
    long = pd.DataFrame({"a": [1.0, 2.0, 3.0]}, index=pd.date_range("2020", periods=3))
    np.testing.assert_allclose(PanelScaler().fit_transform(long), [[[-(1.5**0.5), 0, 1.5**0.5]]])


def test_over_is_checked_and_the_scaler_clones_and_pipes(cube):
    with pytest.raises(ValueError, match="over is 'time'; wanted 'channel' or 'all'"):
        PanelScaler(over="time").fit(cube)
    assert clone(PanelScaler(over="all")).get_params() == {"over": "all"}
    twice = make_pipeline(PanelScaler(), PanelScaler()).fit_transform(cube)
    np.testing.assert_allclose(twice, PanelScaler().fit_transform(cube), atol=1e-12)


# ---------------------------------------------------------------------------- the authors' rules


def test_thirty_four_sets_are_named():
    assert len(GLOBALLY_STANDARDISED_UCR) == 34


@pytest.mark.parametrize("name", ["Chinatown", "PLAID", "UMD", "chinatown"])
def test_a_named_univariate_set_gets_one_mean_and_deviation_of_the_training_part(cube, name):
    train, test = cube[:3, :1], cube[3:, :1] * 4 + 1
    got_train, got_test = ts2vec_normalisation(name, train, test)
    mean, deviation = np.nanmean(train), np.nanstd(train)
    np.testing.assert_allclose(got_train, (train - mean) / deviation)
    np.testing.assert_allclose(got_test, (test - mean) / deviation)


def test_other_univariate_sets_stay_as_they_are(cube):
    train, test = ts2vec_normalisation("GunPoint", cube[:3, :1], cube[3:, :1])
    np.testing.assert_array_equal(train, cube[:3, :1])
    np.testing.assert_array_equal(test, cube[3:, :1])


def test_each_channel_of_a_multivariate_set_is_scaled_by_the_training_part(cube):
    train, test = ts2vec_normalisation("BasicMotions", cube[:3], cube[3:])
    mean = np.nanmean(cube[:3], axis=(0, 2), keepdims=True)
    deviation = np.nanstd(cube[:3], axis=(0, 2), keepdims=True)
    np.testing.assert_allclose(train, (cube[:3] - mean) / deviation)
    np.testing.assert_allclose(test, (cube[3:] - mean) / deviation)
    moved = ts2vec_normalisation("BasicMotions", cube[:3], cube[3:] + 100)[0]
    np.testing.assert_array_equal(moved, train)


def test_tables_come_back_as_tables_and_channels_must_agree(cube):
    train, test = ts2vec_normalisation("UMD", cube[:3, 0], cube[3:, 0])
    assert train.shape == (3, 8) and test.shape == (2, 8)
    with pytest.raises(ValueError, match="X_test has 2 channels, X_train has 3"):
        ts2vec_normalisation("BasicMotions", cube, cube[:, :2])


def test_the_scale_of_what_was_observed():
    values = np.array([[1.0, 5.0, NAN, 0.1], [NAN, 5.0, NAN, 0.1], [3.0, 5.0, NAN, 0.1]])
    scale = Scale.of(values)
    np.testing.assert_allclose(scale.mean, [2, 5, 0, 0.1])
    np.testing.assert_array_equal(scale.deviation, [1, 1, 1, 1])
    np.testing.assert_array_equal(scale.apply(values)[:, 0], [-1, NAN, 1])
    varying = np.random.default_rng(0).normal(size=(50, 3))
    np.testing.assert_allclose(Scale.of(varying).deviation, varying.std(axis=0))
    assert Scale.of(np.empty((0, 2))).deviation.tolist() == [1, 1]


@pytest.mark.parametrize("value", [14.62, 0.1, 21.7, 1013.25, 1e-9, 1e9])
@pytest.mark.parametrize("n", [7, 1000, 100_000])
def test_a_constant_channel_is_centred_and_its_later_changes_keep_their_size(value, n):
    noise = np.random.default_rng(0).integers(-1, 2, size=n) * np.spacing(value)
    values = np.c_[np.full(n, value), value + noise]
    scale = Scale.of(values)
    assert scale.deviation.tolist() == [1, 1]
    assert not scale.apply(values).any()
    np.testing.assert_allclose(scale.apply(np.full((1, 2), value + 0.01)), 0.01, rtol=1e-4)
    assert PanelScaler().fit(values.T[None]).scale_.tolist() == [1, 1]
