"""Weights, groups, routing and scikit-learn's own tools around `RepresentationClassifier`."""

import pickle

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, GroupKFold, HalvingGridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from tsrep import TS2Vec, load
from tsrep.tasks import RepresentationClassifier, probes
from tsrep.tasks.probes import PROBES, UNWEIGHTED


class Last(TransformerMixin, BaseEstimator):
    """The last two steps of the first channel."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X[:, 0, -2:]


@pytest.fixture(autouse=True)
def few_costs(monkeypatch):
    """The largest costs take long on classes that overlap."""
    monkeypatch.setattr(probes, "SVM_COSTS", (0.1, 1.0))


def clouds(n=120, seed=0, apart=1):
    """Two classes `apart` deviations apart, in the last two steps of (n, 1, 5)."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    X = rng.normal(size=(n, 1, 5))
    X[:, 0, -2:] += apart * y[:, None]
    return X, y


def waves(n=40, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    X = np.sin((y[:, None, None] + 1) * np.linspace(0, 6, 24) + rng.uniform(0, 6, (n, 1, 1)))
    return X + 0.1 * rng.normal(size=X.shape), y


def small(**settings):
    return TS2Vec(n_components=8, hidden_channels=4, depth=2, random_state=0, **{"max_steps": 2} | settings)


@pytest.mark.parametrize("probe", sorted(PROBES.keys() - UNWEIGHTED) + ["auto"])
def test_weights_move_the_boundary_and_zero_removes(probe, tmp_path):
    X, y = clouds()
    Xt, _ = clouds(400, seed=1)
    wrong = np.where(np.arange(120) < 30, 1 - y, y)
    weights = np.where(np.arange(120) < 30, 0.0, 1.0)
    classifier = RepresentationClassifier(Last(), probe=probe)
    removed = RepresentationClassifier(Last(), probe=probe).fit(X[30:], y[30:], np.ones(90)).predict_proba(Xt)
    np.testing.assert_allclose(classifier.fit(X, wrong, weights).predict_proba(Xt), removed, atol=1e-6)
    few = classifier.fit(X, y, np.where(y == 1, 0.05, 1.0)).predict(Xt).mean()
    many = classifier.fit(X, y, np.where(y == 1, 20.0, 1.0)).predict(Xt).mean()
    assert few < 0.35 < 0.65 < many


def test_a_weighted_probe_is_saved(tmp_path):
    X, y = waves()
    classifier = RepresentationClassifier(small(), probe="logistic").fit(X, y, np.linspace(0.5, 1.5, 40))
    classifier.save(tmp_path / "m")
    for again in (load(tmp_path / "m"), pickle.loads(pickle.dumps(classifier))):
        np.testing.assert_array_equal(again.predict_proba(X), classifier.predict_proba(X))


def test_weights_and_groups_that_do_not_fit():
    X, y = clouds(20)
    classifier = RepresentationClassifier(Last(), probe="knn")
    with pytest.raises(ValueError, match='probe="knn" takes no sample_weight'):
        classifier.fit(X, y, np.ones(20))
    with pytest.raises(ValueError, match="inconsistent"):
        classifier.fit(X, y, groups=np.arange(19))
    with pytest.raises(ValueError, match="1 class"):
        RepresentationClassifier(Last()).fit(X, y, y.astype(float))


def test_groups_are_not_split():
    """A subject's series are nearly equal and its label is chance: nothing is learnable unless subjects are split."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(20), 6)
    subject = rng.normal(size=(20, 1, 5)).repeat(6, axis=0)
    X = subject + 0.01 * rng.normal(size=subject.shape)
    y = rng.permutation(np.arange(20) % 2)[groups]
    leaky = RepresentationClassifier(Last(), probe="auto").fit(X, y)
    honest = RepresentationClassifier(Last(), probe="auto").fit(X, y, groups=groups)
    assert leaky.probe_accuracies_["knn"] == 1.0
    assert max(honest.probe_accuracies_.values()) < 0.75
    new = rng.normal(size=(200, 1, 5))
    sure = [
        RepresentationClassifier(Last(), probe="svm")
        .fit(X, y, groups=known)
        .predict_proba(new)
        .max(axis=1)
        .mean()
        for known in (None, groups)
    ]
    assert sure[1] < sure[0]


def test_groups_and_weights_are_routed():
    X, y = clouds(60, apart=3)
    groups = np.arange(60) // 3
    with config_context(enable_metadata_routing=True):
        classifier = RepresentationClassifier(Last()).set_fit_request(sample_weight=True, groups=True)
        scorer = get_scorer("accuracy").set_score_request(sample_weight=True)
        pipeline = make_pipeline(FunctionTransformer(), classifier)
        params = {"groups": groups, "sample_weight": np.linspace(0.5, 1.5, 60)}
        found = cross_validate(pipeline, X, y, cv=GroupKFold(3), scoring=scorer, params=params)
        assert found["test_score"].mean() > 0.9
        search = GridSearchCV(
            pipeline, {"representationclassifier__probe": ["svm", "ridge"]}, cv=GroupKFold(3), scoring=scorer
        )
        assert search.fit(X, y, **params).best_score_ > 0.9


def test_calibration_search_by_halves_and_parallel_search():
    X, y = waves()
    encoder = small().fit(X)
    calibrated = CalibratedClassifierCV(RepresentationClassifier(FrozenEstimator(encoder)), cv=3).fit(X, y)
    assert calibrated.predict_proba(X).shape == (40, 2) and calibrated.score(X, y) > 0.6
    halving = HalvingGridSearchCV(
        RepresentationClassifier(small(), probe="ridge"),
        {"encoder__lr": [1e-3, 1e-2]},
        resource="encoder__max_steps",
        min_resources=1,
        max_resources=4,
        cv=2,
        random_state=0,
    ).fit(X, y)
    assert halving.best_estimator_.encoder_.n_steps_ == halving.n_resources_[-1]
    parallel = GridSearchCV(
        RepresentationClassifier(small(), probe="ridge"), {"encoder__max_steps": [0, 2]}, cv=2, n_jobs=2
    )
    assert 0 <= parallel.fit(X, y).best_score_ <= 1
