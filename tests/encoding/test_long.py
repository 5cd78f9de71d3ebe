"""Series longer than memory: a stretch at a time gives what the whole gives, whatever the stretch."""

import numpy as np
import pytest

from tsrep import TS2Vec
from tsrep.encoding import long
from tsrep.tasks.series import read_series


@pytest.fixture(scope="module")
def model():
    X = np.random.default_rng(0).normal(size=(2, 2, 40))
    return TS2Vec(n_components=7, hidden_channels=5, depth=3, max_steps=0, random_state=0).fit(X)


@pytest.fixture(scope="module")
def series():
    values = np.random.default_rng(1).normal(size=(500, 2))
    values[:23] = np.nan
    values[471:] = np.nan
    values[200:260] = np.nan
    values[300, 1] = np.nan
    return values


@pytest.mark.parametrize("stretch", [1, 17, 100, 499, 500, 1000])
@pytest.mark.parametrize("context", [None, 30])
def test_stretches_give_what_the_whole_gives(model, series, stretch, context, tmp_path, monkeypatch):
    monkeypatch.setattr(long, "STRETCH_STEPS", stretch)
    monkeypatch.setattr(long, "LEAST_STRETCH", 0)
    if stretch == 1:
        series = series[:60]
    Z = model.encode_to_file(series, tmp_path / "z.npy", context=context)
    X = series.T[None]
    whole = model.encode(X)[0] if context is None else model.encode_causal(X, context=context)[0]
    assert Z.shape == (len(series), 7)
    np.testing.assert_allclose(Z, whole, atol=1e-5)
    assert [path.name for path in tmp_path.iterdir()] == ["z.npy"]


def test_a_memory_mapped_file_and_half_precision(model, series, tmp_path):
    mapped = np.lib.format.open_memmap(tmp_path / "x.npy", mode="w+", dtype="float32", shape=series.shape)
    mapped[:] = series
    mapped.flush()
    Z = model.encode_to_file(np.load(tmp_path / "x.npy", mmap_mode="r"), tmp_path / "z.npy", dtype="float16")
    assert isinstance(Z, np.memmap) and Z.dtype == np.float16
    np.testing.assert_allclose(Z, model.encode(series.T[None])[0], atol=5e-3)


def test_the_reach_is_what_the_steps_depend_on(model):
    x = np.zeros((101, 2))
    reach = model.encoder_.backbone.reach
    moved = x.copy()
    moved[50] = 1.0
    difference = np.abs(model.encode(moved.T[None]) - model.encode(x.T[None]))[0].max(1)
    touched = difference.nonzero()[0]
    assert (touched.min(), touched.max()) == (50 - reach, 50 + reach)


def test_univariate_series_may_be_flat(tmp_path):
    x = np.random.default_rng(0).normal(size=80)
    model = TS2Vec(n_components=3, depth=2, max_steps=0, random_state=0).fit(x[None])
    Z = model.encode_to_file(x, tmp_path / "z.npy")
    np.testing.assert_allclose(Z, model.encode(x[None])[0], atol=1e-5)


@pytest.mark.parametrize(
    "values, complaint",
    [
        (np.zeros((5, 3)), "wanted"),
        (np.zeros((0, 2)), "wanted"),
        (np.zeros(5), "wanted"),
        (np.full((5, 2), np.nan), "no observed value"),
        (np.array([[0, 0], [np.inf, 0]]), "at step 1"),
        (np.array([["a", "b"]]), "numbers"),
    ],
)
def test_what_cannot_be_encoded_is_said_and_leaves_no_file(model, values, complaint, tmp_path):
    with pytest.raises(ValueError, match=complaint):
        model.encode_to_file(values, tmp_path / "z.npy")
    assert not list(tmp_path.iterdir())


def test_a_backbone_without_bounded_reach_needs_a_context(tmp_path):
    x = np.random.default_rng(0).normal(size=(60, 1))
    model = TS2Vec(n_components=4, backbone="lstm", max_steps=0, random_state=0).fit(x.T[None])
    with pytest.raises(TypeError, match="context="):
        model.encode_to_file(x, tmp_path / "z.npy")
    Z = model.encode_to_file(x, tmp_path / "z.npy", context=10)
    np.testing.assert_allclose(Z, model.encode_causal(x.T[None], context=10)[0], atol=1e-5)


def test_what_is_masked_is_missing(tmp_path):
    values = np.random.default_rng(0).normal(size=60)
    masked = np.ma.array(values, mask=np.arange(60) % 10 == 3)
    masked.data[masked.mask] = 9.96921e36
    missing = np.where(masked.mask, np.nan, values)
    encoder = TS2Vec(n_components=4, hidden_channels=4, depth=2, max_steps=0, random_state=0)
    encoder.fit(np.zeros((1, 1, 4)))
    expected = encoder.encode(missing[None, None])
    np.testing.assert_array_equal(encoder.encode(masked[None, None]), expected)
    np.testing.assert_array_equal(encoder.encode([masked[None]]), expected)
    np.testing.assert_allclose(encoder.encode_to_file(masked, tmp_path / "z.npy"), expected[0], atol=1e-6)
    live, known = encoder.online(5), encoder.online(5)
    for place in range(12):
        np.testing.assert_array_equal(live.update(masked[place]), known.update(missing[place]))
    (series,) = read_series(masked).values()
    np.testing.assert_array_equal(series.values[:, 0], missing)
