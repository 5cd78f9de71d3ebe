"""The read-out: statistics over time of the layers' outputs, against NumPy."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tsrep import TS2Vec
from tsrep.encoding.read_out import RICH, equal_parts, read_out

NUMPY = {
    "max": lambda z: z.max(0),
    "mean": lambda z: z.mean(0),
    "deviation": lambda z: z.std(0),
    "positive": lambda z: (z > 0).mean(0),
}


def by_definition(z, pool):
    name, _, parts = pool.partition("/")
    n = int(parts or 1)
    starts = [i * len(z) // n for i in range(n + 1)]
    return np.concatenate(
        [NUMPY[name](z[a : max(b, a + 1)]) for a, b in zip(starts[:-1], starts[1:], strict=True)]
    )


@given(
    lengths=st.lists(st.integers(1, 17), min_size=1, max_size=4),
    starts=st.lists(st.integers(0, 5), min_size=4, max_size=4),
    pools=st.lists(st.sampled_from([*RICH, "max/3", "mean/7"]), min_size=1, max_size=4),
    seed=st.integers(0, 9),
)
def test_it_is_as_defined_whatever_lies_outside(lengths, starts, pools, seed):
    rng = np.random.default_rng(seed)
    z = torch.from_numpy(rng.normal(size=(len(lengths), 24, 3)))
    where = torch.zeros(len(lengths), 24, dtype=torch.bool)
    for row, start, length in zip(where, starts, lengths, strict=False):
        row[start : start + length] = True
    features = read_out(None, pools)([z], where).numpy()
    expected = [
        np.concatenate([by_definition(series[inside].numpy(), pool) for pool in pools])
        for series, inside in zip(z, where, strict=True)
    ]
    np.testing.assert_allclose(features, expected, atol=1e-6)
    everything = torch.ones_like(where)
    np.testing.assert_allclose(
        read_out(None, pools)([z], None), read_out(None, pools)([z], everything), atol=1e-6
    )


@given(seen=st.lists(st.booleans(), min_size=1, max_size=12), parts=st.integers(1, 6))
def test_parts_cover_the_steps_in_order(seen, parts):
    where = torch.tensor([seen])
    cut = equal_parts(where, parts)
    assert cut.any(0).equal(where)
    if any(seen):
        assert cut.any(-1).all()
        sizes = cut.sum(-1)
        assert int(sizes.max() - sizes.min()) <= 1


def test_the_papers_is_the_default_and_the_rich_one_is_wide():
    X = np.random.default_rng(0).normal(size=(4, 1, 30))
    small = {"n_components": 6, "hidden_channels": 4, "depth": 2, "max_steps": 1, "random_state": 0}
    plain, best = TS2Vec(**small).fit(X), TS2Vec(**small, recipe="best").fit(X)
    np.testing.assert_array_equal(plain.encode(X), best.encode(X))  # training is the same
    np.testing.assert_array_equal(plain.transform(X), plain.encode(X, window="full_series"))
    Z = best.transform(X)
    assert Z.shape == (4, best.n_features_out_) and best.n_features_out_ % 6 == 0
    assert len(best.get_feature_names_out()) == Z.shape[1]
    np.testing.assert_array_equal(Z[:, :6], plain.transform(X))


def test_layers_are_the_blocks():
    X = np.random.default_rng(0).normal(size=(3, 1, 30))
    X[0, :, 20:] = np.nan
    encoder = TS2Vec(
        n_components=6, hidden_channels=4, depth=2, max_steps=0, random_state=0, layers=[0, -1]
    ).fit(X)
    Z = encoder.transform(X)
    assert Z.shape == (3, 10) == (3, encoder.n_features_out_)
    np.testing.assert_allclose(Z[:, 4:], np.nanmax(encoder.encode(X), axis=1), atol=1e-6)
    one_by_one = [encoder.transform(X[:1, :, :20]), encoder.transform(X[1:2]), encoder.transform(X[2:])]
    np.testing.assert_allclose(Z, np.concatenate(one_by_one), atol=1e-6)
    within = encoder.transform(X, intervals=[(2, 9)] * 3)
    np.testing.assert_allclose(within[:, 4:], encoder.encode(X)[:, 2:9].max(1), atol=1e-6)


@pytest.mark.parametrize(
    "parameters",
    [
        {"layers": np.int64(1)},
        {"layers": [np.int32(0), -1]},
        {"layers": np.array([0, 1])},
        {"layers": (0, 0)},
        {"pool": np.array(["max", "mean/2"])},
        {"pool": ("max", "rich")},
    ],
    ids=str,
)
def test_numpys_numbers_and_arrays_are_as_good_as_lists(parameters):
    X = np.random.default_rng(0).normal(size=(3, 1, 30))
    small = {"n_components": 6, "hidden_channels": 4, "depth": 2, "max_steps": 0, "random_state": 0}
    plain = {name: np.asarray(value).tolist() for name, value in parameters.items()}
    np.testing.assert_array_equal(
        TS2Vec(**small, **parameters).fit(X).transform(X), TS2Vec(**small, **plain).fit(X).transform(X)
    )


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"pool": []}, r"pool is \[\]; wanted"),
        ({"pool": "max/²"}, "pool is 'max/²'; wanted"),
        ({"pool": "max/"}, "pool is 'max/'; wanted"),
        ({"layers": 1.0}, "layers is 1.0; wanted"),
        ({"pool": "median"}, "pool is 'median'; wanted"),
        ({"pool": ["max", "mean/0"]}, "pool is .*; wanted"),
        ({"pool": 3}, "pool is 3; wanted"),
        ({"layers": "last"}, "layers is 'last'; wanted"),
        ({"layers": []}, r"layers is \[\]; wanted"),
        ({"layers": 7}, r"layers is \[7\]; wanted indices of the encoder's 3 layers"),
        ({"layers": [0], "backbone": "lstm"}, None),
        ({"layers": [-2], "backbone": "lstm"}, r"layers is \[-2\]; wanted indices of the encoder's 1 layers"),
    ],
)
def test_what_is_no_read_out_is_refused_before_training(parameters, says):
    X = np.random.default_rng(0).normal(size=(3, 1, 30))
    encoder = TS2Vec(n_components=6, hidden_channels=4, depth=2, max_steps=1, **parameters)
    if says is None:
        assert encoder.fit(X).transform(X).shape == (3, 6)
        return
    with pytest.raises(ValueError, match=says):
        encoder.fit(X)


def test_layers_that_an_encoder_does_not_have_are_said_whenever_they_are_met(tmp_path):
    X = np.random.default_rng(0).normal(size=(3, 1, 30))
    small = {"n_components": 6, "hidden_channels": 4, "depth": 2, "max_steps": 1, "random_state": 0}
    TS2Vec(**small, checkpoint=tmp_path / "run").fit(X)
    says = r"layers is \[9\]; wanted indices of the encoder's 3 layers"
    with pytest.raises(ValueError, match=says):  # a run that is finished
        TS2Vec(**small, layers=9, checkpoint=tmp_path / "run").fit(X)
    encoder = TS2Vec(**small, warm_start=True).fit(X).set_params(layers=[9])
    for use in (encoder.fit, encoder.transform):
        with pytest.raises(ValueError, match=says):
            use(X)
