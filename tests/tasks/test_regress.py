"""RepresentationRegressor: parity with scikit-learn's ridge, weights, several and missing targets, saved models."""

import pickle

import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from tsrep import TS2Vec, load
from tsrep.tasks import RepresentationRegressor
from tsrep.tasks.regress import ALPHAS

rng = np.random.default_rng(0)
SPEED = rng.uniform(1, 3, 60)
X = np.sin(SPEED[:, None, None] * np.linspace(0, 6, 30)) + 0.05 * rng.normal(size=(60, 1, 30))
BOTH = np.column_stack([SPEED, 100 - 50 * SPEED**2])


class Steps(TransformerMixin, BaseEstimator):
    """Sizes and sizes of the steps of a panel; remembers how many instances trained it."""

    def fit(self, X, y=None):
        assert y is None
        self.seen_ = len(X)
        return self

    def transform(self, X):
        return np.concatenate([np.abs(X[:, 0]), np.abs(np.diff(X[:, 0], axis=1))], axis=1)


@pytest.fixture(scope="module")
def encoder():
    return TS2Vec(n_components=8, hidden_channels=4, depth=2, max_steps=1, random_state=0).fit(X)


def test_scikit_learns_own_checks():
    """With one penalty also the check that a weight is a number of copies; leave-one-out leaves out one copy only."""
    identity = FunctionTransformer(validate=True)
    check_estimator(RepresentationRegressor(identity, alphas=[1.0]))
    copies = {
        f"check_sample_weight_equivalence_on_{kind}_data": "one copy is left out"
        for kind in ("dense", "sparse")
    }
    check_estimator(RepresentationRegressor(PCA()), expected_failed_checks=copies)


def test_it_is_ridge_on_standardised_representations():
    train, test = slice(0, 40), slice(40, 60)
    regressor = RepresentationRegressor(Steps()).fit(X[train], SPEED[train])
    ridge = make_pipeline(StandardScaler(), RidgeCV(ALPHAS)).fit(Steps().transform(X[train]), SPEED[train])
    assert regressor.alpha_ == ridge[-1].alpha_
    np.testing.assert_allclose(regressor.predict(X[test]), ridge.predict(Steps().transform(X[test])))
    assert regressor.score(X[test], SPEED[test]) > 0.9
    assert regressor.encoder_.seen_ == 40


def test_each_of_several_targets_is_as_if_alone():
    regressor = RepresentationRegressor(Steps()).fit(X, BOTH)
    assert regressor.predict(X).shape == (60, 2) and regressor.alpha_.shape == (2,)
    for number in range(2):
        alone = RepresentationRegressor(Steps()).fit(X, BOTH[:, number])
        assert alone.alpha_ == regressor.alpha_[number]
        np.testing.assert_allclose(alone.predict(X), regressor.predict(X)[:, number])
    assert RepresentationRegressor(Steps()).fit(X, SPEED[:, None]).predict(X).shape == (60,)


def test_a_missing_target_trains_the_encoder_only():
    partly = np.where(np.arange(60) < 30, SPEED, np.nan)
    regressor = RepresentationRegressor(Steps()).fit(X, partly)
    assert regressor.encoder_.seen_ == 60
    known = RepresentationRegressor(Steps().fit(X), prefit=True).fit(X[:30], SPEED[:30])
    np.testing.assert_array_equal(regressor.predict(X), known.predict(X))
    both = np.column_stack([partly, SPEED])
    np.testing.assert_allclose(
        RepresentationRegressor(Steps()).fit(X, both).predict(X)[:, 0], known.predict(X), rtol=1e-6
    )


def test_weights_are_copies_where_nothing_is_chosen_and_noise_without_weight_is_ignored():
    weights = rng.integers(0, 4, 60)
    weighted = RepresentationRegressor(Steps(), alphas=[3.0]).fit(X, SPEED, sample_weight=weights)
    copied = RepresentationRegressor(Steps(), alphas=[3.0]).fit(X.repeat(weights, 0), SPEED.repeat(weights))
    np.testing.assert_allclose(weighted.predict(X), copied.predict(X))
    spoilt = np.where(weights == 0, 1e6, SPEED)
    again = RepresentationRegressor(Steps(), alphas=[3.0]).fit(X, spoilt, sample_weight=weights)
    np.testing.assert_allclose(again.predict(X), weighted.predict(X))


def test_features_that_say_nothing_give_the_mean():
    noise = rng.normal(size=(60, 400))
    regressor = RepresentationRegressor(FunctionTransformer()).fit(noise, SPEED)
    spread = regressor.predict(rng.normal(size=(200, 400))).std()
    assert spread < 0.3 * SPEED.std()


def test_components_of_rounding_errors_do_not_explode():
    """PCA of 20 series has 19 components; the twentieth is a rounding error, and is large for other series."""
    for panel in (X[:20, 0], X[:20, 0].astype(np.float32)):
        regressor = RepresentationRegressor(PCA()).fit(panel, SPEED[:20])
        assert np.abs(regressor.predict(X[20:, 0].astype(panel.dtype))).max() < 10


def test_clone_grid_search_and_pickle():
    flat = X[:, 0]
    search = GridSearchCV(
        RepresentationRegressor(PCA(2)), {"encoder__n_components": [1, 8], "alphas": [None, [1.0]]}, n_jobs=2
    )
    assert search.fit(flat, SPEED).best_params_["encoder__n_components"] == 8
    frozen = RepresentationRegressor(FrozenEstimator(Steps().fit(X)))
    assert GridSearchCV(frozen, {"alphas": [[1.0]]}).fit(X, SPEED).best_estimator_.encoder_.seen_ == 60
    assert clone(RepresentationRegressor(PCA(2), alphas=[1, 2])).alphas == [1, 2]
    piped = make_pipeline(RepresentationRegressor(Steps())).fit(X, SPEED)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(piped)).predict(X), piped.predict(X))


def test_an_encoder_that_gives_data_frames():
    pandas = StandardScaler().set_output(transform="pandas")
    regressor = RepresentationRegressor(pandas).fit(X[:, 0], SPEED)
    plain = RepresentationRegressor(StandardScaler()).fit(X[:, 0], SPEED)
    np.testing.assert_array_equal(regressor.predict(X[:, 0]), plain.predict(X[:, 0]))


@pytest.mark.parametrize(
    ("parameters", "y", "message"),
    [
        ({"alphas": []}, SPEED, r"alphas is \[\]; wanted a list of numbers above 0, or None"),
        ({"alphas": [0.0]}, SPEED, "alphas is"),
        ({"alphas": "1"}, SPEED, "alphas is '1'"),
        ({"alphas": 1.0}, SPEED, "alphas is 1.0"),
        ({"prefit": 1}, SPEED, "prefit is 1"),
        ({}, None, "the target y is None"),
        ({}, SPEED[1:], "X has 60 instances and y has 59 targets"),
        ({}, np.zeros((60, 2, 2)), "dim 3"),
        ({}, np.full(60, np.nan), "y has 0 targets with a weight above 0"),
        ({}, np.where(np.arange(60) == 3, np.inf, SPEED), "infinity"),
        ({}, ["fast"] * 60, "could not convert"),
    ],
)
def test_what_cannot_be_fitted_is_named(parameters, y, message):
    with pytest.raises(ValueError, match=message):
        RepresentationRegressor(Steps(), **parameters).fit(X, y)


def test_other_errors_are_named_too():
    with pytest.raises(TypeError, match="encoder is None; wanted an object with fit and transform"):
        RepresentationRegressor(None).fit(X, SPEED)
    with pytest.raises(ValueError, match="egative"):
        RepresentationRegressor(Steps()).fit(X, SPEED, sample_weight=-np.ones(60))
    with pytest.raises(ValueError, match="y has 0 targets with a weight above 0"):
        RepresentationRegressor(Steps()).fit(X, SPEED, sample_weight=np.zeros(60))
    with pytest.raises(NotFittedError):
        RepresentationRegressor(Steps()).predict(X)


@pytest.mark.parametrize("y", [SPEED, BOTH], ids=["one", "two"])
def test_saved_and_loaded_it_predicts_the_same(encoder, y, tmp_path):
    regressor = RepresentationRegressor(encoder, prefit=True).fit(X, y)
    regressor.save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert type(again) is RepresentationRegressor and again.n_features_in_ == 1
    np.testing.assert_array_equal(again.predict(X), regressor.predict(X))
    np.testing.assert_array_equal(again.alpha_, regressor.alpha_)
    np.testing.assert_array_equal(again.fit(X, y).predict(X), regressor.predict(X))
    with pytest.raises(TypeError, match="encoder_ is a Steps, which cannot be saved"):
        RepresentationRegressor(Steps()).fit(X, y).save(tmp_path / "other")
