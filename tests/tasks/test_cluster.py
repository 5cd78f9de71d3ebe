"""RepresentationClusterer: groups that are there, noise, silhouettes, the default read-out, saved models."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import adjusted_rand_score, silhouette_samples, silhouette_score
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from tsrep import TS2Vec, load
from tsrep.tasks import RepresentationClusterer, cluster
from tsrep.tasks.representation import with_read_out

rng = np.random.default_rng(0)
GROUP = np.repeat([0, 1, 2], 20)
X = np.sin((GROUP[:, None, None] + 1) * np.linspace(0, 6, 30)) + 0.05 * rng.normal(size=(60, 1, 30))
FLAT = X[:, 0]


@pytest.fixture(scope="module")
def encoder():
    return TS2Vec(n_components=8, hidden_channels=4, depth=2, max_steps=1, random_state=0).fit(X)


@pytest.mark.parametrize("method", ["kmeans", "hdbscan"])
def test_scikit_learns_own_checks(method):
    check_estimator(RepresentationClusterer(PCA(), method=method, n_clusters=3, random_state=0))


def test_kmeans_finds_the_groups_and_predicts_them():
    clusterer = RepresentationClusterer(PCA(4), n_clusters=3, random_state=0)
    labels = clusterer.fit_predict(FLAT)
    assert adjusted_rand_score(GROUP, labels) == 1 and clusterer.n_clusters_ == 3
    np.testing.assert_array_equal(clusterer.predict(FLAT), labels)
    np.testing.assert_array_equal(clusterer.predict(FLAT[:7] + 0.01), labels[:7])
    np.testing.assert_array_equal(clone(clusterer).fit(FLAT).labels_, labels)


def test_hdbscan_finds_their_number_and_calls_the_rest_noise():
    far = np.concatenate([FLAT, 30 * rng.normal(size=(2, 30))])
    clusterer = RepresentationClusterer(FunctionTransformer(), method="hdbscan").fit(far)
    assert clusterer.labels_[60:].tolist() == [-1, -1] and clusterer.n_clusters_ == 3
    assert adjusted_rand_score(GROUP, clusterer.labels_[:60]) > 0.9
    assert not hasattr(clusterer, "predict") and not hasattr(clusterer, "model_")


def test_silhouettes_are_scikit_learns():
    clusterer = RepresentationClusterer(PCA(2), n_clusters=4, random_state=0).fit(FLAT)
    Z = StandardScaler().fit_transform(PCA(2).fit_transform(FLAT))
    assert clusterer.silhouette_ == pytest.approx(silhouette_score(Z, clusterer.labels_))
    each = silhouette_samples(Z, clusterer.labels_)
    wanted = [each[clusterer.labels_ == number].mean() for number in range(4)]
    np.testing.assert_allclose(clusterer.silhouettes_, wanted)


def test_silhouettes_of_many_instances_are_those_of_some(monkeypatch):
    whole = RepresentationClusterer(PCA(2), n_clusters=3, random_state=0).fit(FLAT)
    monkeypatch.setattr(cluster, "MOST_JUDGED", 45)
    some = RepresentationClusterer(PCA(2), n_clusters=3, random_state=0).fit(FLAT)
    assert some.silhouette_ != whole.silhouette_
    assert some.silhouette_ == pytest.approx(whole.silhouette_, abs=0.05)


@pytest.mark.parametrize("n_clusters", [1, 60])
def test_one_cluster_or_one_each_has_no_silhouette(n_clusters):
    clusterer = RepresentationClusterer(PCA(2), n_clusters=n_clusters, random_state=0).fit(FLAT)
    assert np.isnan(clusterer.silhouette_) and np.isnan(clusterer.silhouettes_).all()


def test_where_all_is_noise_there_is_no_cluster():
    clusterer = RepresentationClusterer(PCA(2), method="hdbscan", min_cluster_size=40)
    assert set(clusterer.fit_predict(rng.normal(size=(60, 30)))) == {-1}
    assert clusterer.n_clusters_ == 0 and clusterer.silhouettes_.shape == (0,)


def test_the_read_out_is_the_rich_one_unless_the_encoder_has_its_own(encoder):
    def width(**parameters):
        task = RepresentationClusterer(encoder, n_clusters=3, prefit=True, random_state=0, **parameters)
        return task.fit(X).model_.n_features_in_

    assert width() == 28 * 8 and width(pool=None) == 8 and width(pool=["max", "mean"]) == 16
    assert encoder.pool is None
    frozen = FrozenEstimator(encoder)
    assert with_read_out(frozen, "rich").transform(X).shape == (60, 28 * 8)
    named = encoder.set_params(pool="mean")
    try:
        assert with_read_out(encoder, "rich") is named and width() == 8
    finally:
        encoder.set_params(pool=None)
    scaler = StandardScaler()
    assert with_read_out(scaler, "rich") is scaler


def test_grid_search_and_pickle():
    search = GridSearchCV(
        RepresentationClusterer(PCA(2), random_state=0),
        {"n_clusters": [2, 3, 6]},
        scoring=lambda task, X, y: adjusted_rand_score(y, task.predict(X)),
        n_jobs=2,
    )
    order = rng.permutation(60)
    assert search.fit(FLAT[order], GROUP[order]).best_params_ == {"n_clusters": 3}
    best = search.best_estimator_
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(best)).predict(FLAT), best.predict(FLAT))


def test_what_cannot_be_is_named():
    for parameters, message in (
        ({"method": "ward"}, r"method is 'ward'; wanted one of \['kmeans', 'hdbscan'\]"),
        ({"n_clusters": 0}, "n_clusters is 0; wanted an integer of at least 1"),
        ({"n_clusters": 61}, r"n_clusters is 61; wanted at most the number of instances \(n_samples = 60\)"),
        ({"method": "hdbscan", "min_cluster_size": 61}, "min_cluster_size is 61"),
        ({"min_cluster_size": 1}, "min_cluster_size is 1"),
        ({"random_state": -1}, "random_state is -1"),
    ):
        with pytest.raises(ValueError, match=message):
            RepresentationClusterer(PCA(2), **parameters).fit(FLAT)
    with pytest.raises(NotFittedError):
        RepresentationClusterer(PCA(2)).predict(FLAT)
    fitted = RepresentationClusterer(PCA(2), method="hdbscan").fit(FLAT).set_params(method="kmeans")
    with pytest.raises(NotFittedError):
        fitted.predict(FLAT)


@pytest.mark.parametrize("method", ["kmeans", "hdbscan"])
def test_saved_and_loaded_it_is_the_same(encoder, method, tmp_path):
    clusterer = RepresentationClusterer(
        encoder, method=method, n_clusters=3, prefit=True, random_state=0
    ).fit(X)
    clusterer.save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert type(again) is RepresentationClusterer and again.n_clusters_ == clusterer.n_clusters_
    np.testing.assert_array_equal(again.labels_, clusterer.labels_)
    np.testing.assert_array_equal(again.silhouettes_, clusterer.silhouettes_)
    assert again.silhouette_ == clusterer.silhouette_
    assert hasattr(again, "predict") is (method == "kmeans")
    if method == "kmeans":
        np.testing.assert_array_equal(again.predict(X), clusterer.predict(X))
    again.save(tmp_path / "again")
    np.testing.assert_array_equal(load(tmp_path / "again").labels_, clusterer.labels_)
