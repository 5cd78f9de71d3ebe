"""Ridge for all penalties at once against scikit-learn's, penalty by penalty, output by output."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from tsrep.tasks.forecast import ridge as module
from tsrep.tasks.forecast.ridge import RidgePath


@settings(max_examples=25)
@given(st.integers(2, 40), st.integers(1, 12), st.integers(1, 5), st.floats(0.1, 1000), st.integers(0, 99))
def test_equal_to_scikit_learn(n: int, d: int, k: int, penalty: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    X, Y = 3 + rng.normal(size=(n, d)), rng.normal(size=(n, k)) - 2
    found, wanted = RidgePath([(X, Y)]).fit(penalty), Ridge(alpha=penalty).fit(X, Y)
    np.testing.assert_allclose(found.weights, np.reshape(wanted.coef_, (k, d)).T, atol=1e-8)
    np.testing.assert_allclose(found.predict(X), np.reshape(wanted.predict(X), (n, k)), atol=1e-8)


def test_one_path_serves_every_penalty_and_is_read_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROWS_AT_ONCE", 7)
    rng = np.random.default_rng(0)
    X, series = rng.normal(size=(60, 9)).astype(np.float32), rng.normal(size=65)
    Y = np.lib.stride_tricks.sliding_window_view(series, 6)  # overlapping labels, not copied
    path = RidgePath([(X[:25], Y[:25]), (X[25:], Y[25:])])  # two series
    for penalty in (0.1, 5.0, 1000.0):
        wanted = Ridge(alpha=penalty).fit(X.astype(float), Y)
        np.testing.assert_allclose(path.fit(penalty).weights, wanted.coef_.T, atol=1e-6)


def test_missing_labels_are_as_if_their_rows_were_left_out() -> None:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(80, 6))
    Y = X @ rng.normal(size=(6, 4)) + rng.normal(size=(80, 4))
    Y[rng.random(Y.shape) < [0.0, 0.5, 0.85, 0.93]] = np.nan
    for penalty in (0.5, 20.0):
        found = RidgePath([(X, Y)]).fit(penalty, tolerance=1e-12)
        for output in range(4):
            rows = ~np.isnan(Y[:, output])
            wanted = Ridge(alpha=penalty).fit(X[rows], Y[rows, output])
            np.testing.assert_allclose(found.weights[:, output], wanted.coef_, atol=1e-7)
            assert found.intercept[output] == pytest.approx(wanted.intercept_, abs=1e-7)


def test_an_output_never_seen_is_missing_and_no_other_suffers() -> None:
    rng = np.random.default_rng(2)
    X, Y = rng.normal(size=(30, 3)), rng.normal(size=(30, 2))
    Y[:, 0] = np.nan
    predicted = RidgePath([(X, Y)]).fit(1.0).predict(X)
    assert np.isnan(predicted[:, 0]).all()
    np.testing.assert_allclose(predicted[:, 1], Ridge(alpha=1.0).fit(X, Y[:, 1]).predict(X), atol=1e-8)


def test_more_features_than_rows_and_constant_features() -> None:
    rng = np.random.default_rng(3)
    X = np.hstack([rng.normal(size=(5, 20)), np.full((5, 1), 4.0)])
    Y = rng.normal(size=(5, 1))
    wanted = Ridge(alpha=0.1).fit(X, Y)
    np.testing.assert_allclose(
        RidgePath([(X, Y)]).fit(0.1).weights, np.reshape(wanted.coef_, (-1, 1)), atol=1e-8
    )
    with pytest.raises(ValueError, match="no rows"):
        RidgePath([(X[:0], Y[:0])])
