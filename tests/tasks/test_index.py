"""SeriesIndex: the same as comparing with every vector in 64 bit, sub-series, and saved indices."""

import pickle
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.metrics import pairwise_distances
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from tsrep import TS2Vec, load
from tsrep.tasks import SeriesIndex, index, neighbours, scaler
from tsrep.tasks.neighbours import METRICS, ExactNeighbours, unit_length
from tsrep.tasks.subseries import apart_from_better, least_distance, most_suppressed, places_of_windows

rng = np.random.default_rng(0)
X = rng.normal(size=(30, 1, 40)).cumsum(axis=2)
IDENTITY = FunctionTransformer()


class Flat(TransformerMixin, BaseEstimator):
    """All values of a panel in one row; remembers the panel that trained it."""

    def fit(self, X, y=None):
        self.shape_ = X.shape
        return self

    def transform(self, X):
        return np.nan_to_num(X.reshape(len(X), -1))


@pytest.fixture(scope="module")
def encoder():
    return TS2Vec(n_components=8, hidden_channels=4, depth=2, max_steps=1, random_state=0).fit(X)


def test_scikit_learns_own_checks():
    check_estimator(SeriesIndex(PCA()))
    check_estimator(SeriesIndex(PCA(), metric="cosine"))


# The exact search


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("products", [1, 50, 2**22])
def test_it_finds_what_comparing_with_every_vector_finds(metric, products, monkeypatch):
    monkeypatch.setattr(neighbours, "PRODUCTS", products)
    monkeypatch.setattr(neighbours, "QUERIES", 7)
    vectors, queries = (
        rng.normal(size=(300, 6)).astype(np.float32),
        rng.normal(size=(20, 6)).astype(np.float32),
    )
    vectors[5] = 0
    if metric == "cosine":
        vectors = unit_length(vectors)
    every = pairwise_distances(queries.astype(float), vectors.astype(float), metric=metric)
    for k in (1, 9, 300):
        distances, indices = ExactNeighbours(vectors, metric).query(queries, k)
        np.testing.assert_allclose(distances, np.sort(every, axis=1)[:, :k], atol=1e-9)
        np.testing.assert_allclose(np.take_along_axis(every, indices, axis=1), distances, atol=1e-9)
        assert all(len(set(row)) == k for row in indices.tolist())


def test_rounding_in_32_bit_shuts_nothing_out():
    """200 vectors that products in 32 bit cannot tell apart, beside one that is far away and long."""
    vectors = np.full((201, 4), 100.0, dtype=np.float32)
    vectors[:200] += (1e-4 * rng.normal(size=(200, 4))).astype(np.float32)
    vectors[200] = 3e4
    queries = vectors[[3, 50, 199]]
    _, found = ExactNeighbours(vectors, "euclidean").query(queries, 3)
    every = pairwise_distances(queries.astype(float), vectors.astype(float))
    np.testing.assert_array_equal(found, np.argsort(every, axis=1, kind="stable")[:, :3])
    by_products, _ = ExactNeighbours(vectors, "euclidean").candidates(queries, 3)
    assert len(np.unique(by_products)) < 9


def test_of_equal_vectors_the_first_comes_first():
    vectors = np.zeros((50, 3), dtype=np.float32)
    _, indices = ExactNeighbours(vectors, "euclidean").query(vectors[:1], 50)
    assert indices[0].tolist() == list(range(50))


# Whole series


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("standardise", [True, False])
def test_distances_are_those_of_the_representations(metric, standardise):
    flat = 1000 + X[:, 0] * np.linspace(1, 20, 40)
    task = SeriesIndex(IDENTITY, metric=metric, standardise=standardise).fit(flat[:20])
    distances, indices = task.query(flat[20:], k=4)
    scaled = StandardScaler().fit(flat[:20]).transform(flat) if standardise else flat
    every = pairwise_distances(scaled[20:], scaled[:20], metric=metric)
    np.testing.assert_allclose(distances, np.sort(every, axis=1)[:, :4], rtol=1e-4, atol=1e-7)
    if metric == "euclidean" or standardise:
        np.testing.assert_array_equal(indices, np.argsort(every, axis=1)[:, :4])


def test_a_series_is_its_own_nearest_one(encoder):
    task = SeriesIndex(encoder, prefit=True).fit(X)
    distances, indices = task.query(X, k=1)
    np.testing.assert_array_equal(indices[:, 0], np.arange(30))
    np.testing.assert_allclose(distances, 0, atol=1e-4)


# Sub-series


def test_every_window_is_searched_and_positions_are_right():
    task = SeriesIndex(Flat(), window=8, overlap=1.0, standardise=False).fit(X)
    assert len(task.vectors_) == 30 * 33 and task.encoder_.shape_ == (30 * 5, 1, 8)
    queries = X[[4, 11], :, 7:15] + 0.01
    distances, indices, starts = task.query(queries, k=6)
    windows = np.lib.stride_tricks.sliding_window_view(X[:, 0], 8, axis=1).reshape(-1, 8)
    every = pairwise_distances(queries[:, 0], windows)
    np.testing.assert_allclose(distances, np.sort(every, axis=1)[:, :6], rtol=1e-4)
    np.testing.assert_array_equal(indices * 33 + starts, np.argsort(every, axis=1)[:, :6])
    assert indices[:, 0].tolist() == [4, 11] and starts[:, 0].tolist() == [7, 7]


@pytest.mark.parametrize(("overlap", "apart"), [(0.0, 8), (0.5, 4), (0.9, 1), (1.0, 0)])
def test_overlapping_matches_are_suppressed(overlap, apart):
    task = SeriesIndex(Flat(), window=8, overlap=overlap, standardise=False).fit(X[:6])
    query = X[2:3, :, 20:28]
    distances, indices, starts = (found[0] for found in task.query(query, k=9))
    windows = np.lib.stride_tricks.sliding_window_view(X[:6, 0], 8, axis=1)
    every = np.linalg.norm(windows - query[0, 0], axis=2)
    wanted = []
    for place in np.argsort(every, axis=None):
        series, start = divmod(int(place), 33)
        if all(series != other or abs(start - begin) >= apart for other, begin in wanted):
            wanted.append((series, start))
    assert list(zip(indices.tolist(), starts.tolist(), strict=True)) == wanted[:9]
    np.testing.assert_allclose(distances, [every[place] for place in wanted[:9]], atol=1e-4)


def test_fewer_matches_than_asked_for_are_marked():
    task = SeriesIndex(Flat(), window=30).fit(X[:2])
    distances, indices, starts = task.query(X[:1, :, :30], k=4)
    assert (indices[0] >= 0).sum() == 2 and indices[0, 2:].tolist() == starts[0, 2:].tolist() == [-1, -1]
    assert np.isinf(distances[0, 2:]).all() and np.isfinite(distances[0, :2]).all()


def test_windows_are_inside_their_series_and_hold_something():
    panel = np.full((3, 2, 9), np.nan)
    panel[0, 0, 2:7] = 1.0
    panel[1, :, [0, 1, 7, 8]] = 1.0
    series, starts = places_of_windows(panel, 4)
    assert list(zip(series.tolist(), starts.tolist(), strict=True)) == [
        (0, 2), (0, 3), (1, 0), (1, 1), (1, 4), (1, 5),
    ]  # fmt: skip
    assert places_of_windows(panel, 10)[0].shape == (0,)


def test_blocks_change_nothing(monkeypatch, encoder):
    def found():
        return SeriesIndex(encoder, window=10, prefit=True).fit(X).query(X[:9, :, 5:15], k=3)

    at_once = found()
    for module in (index, scaler):
        monkeypatch.setattr(module, "VALUES_AT_ONCE", 70)
    for whole, parts in zip(at_once, found(), strict=True):
        np.testing.assert_allclose(whole, parts, atol=1e-5)
    assert at_once.indices[:, 0].tolist() == list(range(9)) and set(at_once.starts[:, 0].tolist()) == {5}


def test_tables_have_windows_that_are_tables():
    task = SeriesIndex(PCA(3), window=10).fit(X[:, 0])
    assert task.query(X[3:4, 0, 5:15], k=1).indices.tolist() == [[3]]
    assert task.query(X[3:4, :, 5:15], k=1).starts.tolist() == [[5]]
    with pytest.raises(ValueError, match="X has 2 channels; wanted 1"):
        task.query(np.zeros((1, 2, 10)))


def test_enough_candidates_are_taken_for_the_worst_case():
    for window, overlap, wanted in ((8, 0.0, 8), (8, 0.3, 6), (10, 0.9, 1), (10, 0.7, 3), (10, 1.0, 0)):
        assert least_distance(window, overlap) == wanted
    assert most_suppressed(3, 4) == 3 + 2 * 6 and most_suppressed(5, 1) == most_suppressed(5, 0) == 5
    starts = np.array([10, 9, 11, 12, 8, 13, 7, 20])
    assert apart_from_better(np.zeros(8, int), starts, 4, 2) == [0, 7]
    assert apart_from_better(np.arange(8), starts, 4, 9) == list(range(8))


# Through a graph


def test_without_the_extra_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(
        ModuleNotFoundError, match=r"approximate=True needs faiss.*pip install 'tsrep\[index\]'"
    ):
        SeriesIndex(IDENTITY, approximate=True).fit(X[:, 0])


def test_the_graph_proposes_and_distances_are_exact(monkeypatch):
    """A graph that proposes every second vector, and one place that it leaves empty."""

    class Graph:
        def __init__(self, width, links):
            self.hnsw = SimpleNamespace()

        def add(self, vectors):
            self.vectors = vectors

        def search(self, queries, k):
            nearest = np.argsort(pairwise_distances(queries, self.vectors[::2]), axis=1)[:, :k] * 2
            nearest[:, -1] = -1
            return np.zeros(nearest.shape, np.float32), nearest

    monkeypatch.setitem(sys.modules, "faiss", SimpleNamespace(IndexHNSWFlat=Graph))
    flat = X[:, 0]
    distances, indices = SeriesIndex(IDENTITY, approximate=True).fit(flat).query(flat[:4], k=4)
    exact = SeriesIndex(IDENTITY).fit(flat[::2]).query(flat[:4], k=3)
    assert indices[:, 3].tolist() == [-1] * 4 and np.isinf(distances[:, 3]).all()
    assert (indices[:, :3] % 2 == 0).all() and indices[0, 0] == 0 and indices[2, 0] == 2
    assert distances.shape == (4, 4) and exact.distances.shape == (4, 3)
    scaled = StandardScaler().fit(flat).transform(flat)
    rows = np.arange(4)[:, None]
    wanted = np.linalg.norm(scaled[rows] - scaled[indices[:, :3]], axis=2)
    np.testing.assert_allclose(distances[:, :3], wanted, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("metric", METRICS)
def test_faiss_finds_most_of_the_nearest(metric):
    pytest.importorskip("faiss")
    flat = rng.normal(size=(2000, 16))
    exact = SeriesIndex(IDENTITY, metric=metric).fit(flat).query(flat[:100], k=10).indices
    found = SeriesIndex(IDENTITY, metric=metric, approximate=True).fit(flat).query(flat[:100], k=10).indices
    assert np.mean([len(set(a) & set(b)) for a, b in zip(exact, found, strict=True)]) > 9


# Errors, copies, folders


def test_what_cannot_be_is_named():
    for parameters, message in (
        ({"metric": "dtw"}, r"metric is 'dtw'; wanted one of \['euclidean', 'cosine'\]"),
        ({"window": 0}, "window is 0; wanted an integer of at least 1, or None"),
        ({"window": 41}, "window is 41; wanted at most the observed steps of the longest series"),
        ({"overlap": 1.5}, "overlap is 1.5; wanted a number from 0 to 1"),
        ({"standardise": None}, "standardise is None"),
    ):
        with pytest.raises(ValueError, match=message):
            SeriesIndex(Flat(), **parameters).fit(X)
    with pytest.raises(TypeError, match="encoder is None"):
        SeriesIndex(None).fit(X)
    with pytest.raises(NotFittedError):
        SeriesIndex(Flat()).query(X)
    task = SeriesIndex(Flat(), window=10).fit(X)
    for k in (0, 10_000, 2.0, True):
        with pytest.raises(ValueError, match=f"k is {k!r}; wanted an integer from 1 to {30 * 31}"):
            task.query(X[:, :, :10], k=k)
    with pytest.raises(ValueError, match="X has 40 steps; wanted 10, as window has"):
        task.query(X)
    with pytest.raises(ValueError, match="window is 12; wanted 10, as in the fit"):
        task.set_params(window=12).query(X[:, :, :12])
    with pytest.raises(ValueError, match="NaN"):
        SeriesIndex(IDENTITY).fit(np.where(X[:, 0] > 0, X[:, 0], np.nan))


@pytest.mark.parametrize("parameters", [{}, {"window": 10, "metric": "cosine"}])
def test_pickled_or_saved_it_finds_the_same(encoder, parameters, tmp_path):
    task = SeriesIndex(encoder, prefit=True, **parameters).fit(X)
    queries = X[:5, :, : parameters.get("window", 40)]
    found = task.query(queries, k=3)
    task.save(tmp_path / "index")
    for again in (load(tmp_path / "index"), pickle.loads(pickle.dumps(task))):
        assert type(again.query(queries, k=3)) is type(found)
        for ours, theirs in zip(found, again.query(queries, k=3), strict=True):
            np.testing.assert_array_equal(ours, theirs)
    assert clone(task).window == parameters.get("window")
