"""The encoder of a task: what it must have, how it is copied and fitted, and training windows that fit the context."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator

from tsrep import TS2Vec
from tsrep.tasks import RepresentationAnomalyDetector, RepresentationForecaster
from tsrep.tasks.representation import as_panel_of_series, check_encoder, fit_encoder

SERIES = pd.Series(np.sin(np.arange(400) / 5), name="wave")


class Windowed(BaseEstimator):
    """Has a training window, and the last value as representation."""

    def __init__(self, max_train_length=3000):
        self.max_train_length = max_train_length

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def encode_causal(self, X, context, hide_last=False):
        values = np.nan_to_num(np.asarray(X, dtype=np.float32)).transpose(0, 2, 1)
        return np.zeros_like(values) if hide_last else values


class Plain:
    """No estimator of scikit-learn, and no `y`."""

    def __init__(self):
        self.max_train_length = 3000

    def fit(self, X):
        self.seen = X
        return self


def fitted_windows(**changes):
    """The training windows of the encoder of a detector and of a forecaster with a context of 20 steps."""
    encoder = changes.pop("encoder", Windowed())
    settings = {"context": 20, **changes}
    detector = RepresentationAnomalyDetector(encoder, **settings).fit(SERIES)
    forecaster = RepresentationForecaster(encoder, horizons=5, **settings).fit(SERIES)
    return [task.encoder_.max_train_length for task in (detector, forecaster)]


def test_training_windows_at_their_default_fit_the_context():
    encoder = Windowed()
    assert fitted_windows(encoder=encoder) == [40, 100]
    assert encoder.max_train_length == 3000  # the user's encoder is not changed


def test_training_windows_that_were_set_are_kept():
    assert fitted_windows(encoder=Windowed(max_train_length=70)) == [70, 70]
    assert fitted_windows(encoder=Windowed(), prefit=True) == [3000, 3000]


def test_the_papers_recipe_keeps_the_papers_windows():
    assert fitted_windows(recipe="paper") == [3000, 3000]


@pytest.mark.parametrize("context", [1, 2, 24])
def test_the_windows_are_those_that_one_would_set(context):
    settings = {"n_components": 4, "hidden_channels": 4, "depth": 2, "max_steps": 2, "random_state": 0}
    scores = [
        RepresentationAnomalyDetector(encoder, context).fit(SERIES).decision_function(SERIES)
        for encoder in (TS2Vec(**settings), TS2Vec(max_train_length=2 * context, **settings))
    ]
    assert np.isfinite(scores[0]).all()
    np.testing.assert_array_equal(*scores)


def test_a_copy_is_fitted_whatever_the_encoder_is():
    X = np.ones((1, 1, 5))
    plain = Plain()
    fitted = fit_encoder(plain, X, prefit=False, window=10)
    assert fitted is not plain and fitted.seen is X and not hasattr(plain, "seen")
    assert fitted.max_train_length == 3000  # an attribute is no parameter
    assert fit_encoder(plain, X, prefit=True) is plain and not hasattr(plain, "seen")
    frozen = FrozenEstimator(Windowed().fit(X))  # its fit takes y, and does nothing
    assert fit_encoder(frozen, X, prefit=False, window=10).max_train_length == 3000


def test_series_as_a_panel():
    first, second = np.ones((2, 5)), np.ones((2, 7))
    assert as_panel_of_series([first]).shape == (1, 2, 5)
    assert [series.shape for series in as_panel_of_series((first, second))] == [(2, 5), (2, 7)]


def test_missing_methods_are_named():
    with pytest.raises(TypeError, match="wanted an object with fit and transform"):
        check_encoder(Windowed(), "fit", "transform")
