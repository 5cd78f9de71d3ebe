"""Equality with what the TS2Vec authors' code gave on fixed weights and input, to 1e-5."""

import numpy as np
import pytest
import torch

from tsrep import TS2Vec
from tsrep.data import observed_and_inside
from tsrep.encoding.pooling import max_over_time, max_over_windows, multiscale
from tsrep.train.checkpoint import ModelFileError
from tsrep.ts2vec.crops import centre
from tsrep.ts2vec.loss import hierarchical_loss, instance_loss, temporal_loss
from tsrep.ts2vec.masks import last

CLOSE = {"rtol": 0, "atol": 1e-5}


@pytest.fixture(scope="module")
def recorded(fixtures_root):
    with np.load(fixtures_root / "ts2vec_reference.npz", allow_pickle=False) as file:
        return dict(file)


@pytest.fixture(scope="module")
def encoder(recorded):
    return TS2Vec.from_official(state_of(recorded))


def state_of(recorded):
    return {
        name[6:]: torch.from_numpy(value) for name, value in recorded.items() if name.startswith("state/")
    }


def panel(x):
    return np.ascontiguousarray(x.transpose(0, 2, 1))


ENCODINGS = {
    "none": {},
    "mask_last": {"mask": "last"},
    "full_series": {"window": "full_series"},
    "window4": {"window": 4},
    "window5": {"window": 5},
    "multiscale": {"window": "multiscale"},
}


@pytest.mark.parametrize("name", ENCODINGS)
def test_encodings(recorded, encoder, name):
    ours = encoder.encode(panel(recorded["x"]), **ENCODINGS[name])
    np.testing.assert_allclose(ours, recorded[f"encode/{name}"], **CLOSE)


def test_transform_is_the_full_series_encoding(recorded, encoder):
    np.testing.assert_allclose(
        encoder.transform(panel(recorded["x"])), recorded["encode/full_series"], **CLOSE
    )


@pytest.mark.parametrize("series", ["x", "x_nan"])
@pytest.mark.parametrize("hide_last", [False, True])
def test_causal_encodings(recorded, encoder, series, hide_last):
    name = "encode/causal_sliding" + "_mask_last" * hide_last + "_nan" * (series == "x_nan")
    ours = encoder.encode_causal(panel(recorded[series]), int(recorded["sliding_padding"]), hide_last)
    np.testing.assert_allclose(ours, recorded[name], **CLOSE)


BARE = {
    "none": lambda z: z,
    "full_series": max_over_time,
    "window4": lambda z: max_over_windows(z, 4),
    "window5": lambda z: max_over_windows(z, 5),
    "multiscale": multiscale,
}


@pytest.mark.parametrize("name", BARE)
def test_encodings_with_gaps_of_the_bare_module(recorded, encoder, name):
    """The authors' code knows no outside, so its numbers are those of the module with nothing outside."""
    z = encoder.encoder_(torch.from_numpy(recorded["x_nan"]))
    np.testing.assert_allclose(BARE[name](z), recorded[f"encode/{name}_nan"], **CLOSE)


def test_masked_encoding_with_gaps_of_the_bare_module(recorded, encoder):
    x = torch.from_numpy(recorded["x_nan"])
    z = encoder.encoder_(x, last(*x.shape[:2]))
    np.testing.assert_allclose(z, recorded["encode/mask_last_nan"], **CLOSE)


def test_instances_with_gaps_but_no_padding_are_encoded_as_the_authors_do(recorded, encoder):
    X = panel(recorded["x_nan"])
    _, inside = observed_and_inside(X)
    full = inside.all(axis=1)
    assert full.any()
    assert not full.all()
    ours = encoder.encode(X)
    np.testing.assert_allclose(ours[full], recorded["encode/none_nan"][full], **CLOSE)
    np.testing.assert_array_equal(np.isnan(ours).any(-1), ~inside)


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("unit", [0, 1, 2])
def test_losses_and_gradients(recorded, alpha, unit):
    z1 = torch.from_numpy(recorded["z1"]).requires_grad_()
    loss = hierarchical_loss(z1, torch.from_numpy(recorded["z2"]), alpha=alpha, temporal_unit=unit)
    assert loss.item() == pytest.approx(float(recorded[f"loss/alpha{alpha}_unit{unit}"]), abs=1e-5)
    if f"grad_z1/alpha{alpha}_unit{unit}" in recorded:
        loss.backward()
        np.testing.assert_allclose(z1.grad, recorded[f"grad_z1/alpha{alpha}_unit{unit}"], **CLOSE)


def test_the_two_terms_of_the_loss(recorded):
    z1, z2 = (torch.from_numpy(recorded[name]) for name in ("z1", "z2"))
    assert instance_loss(z1, z2).item() == pytest.approx(float(recorded["loss/instance"]), abs=1e-5)
    assert temporal_loss(z1, z2).item() == pytest.approx(float(recorded["loss/temporal"]), abs=1e-5)


def test_centred_series(recorded):
    np.testing.assert_array_equal(centre(torch.from_numpy(recorded["x_nan"])), recorded["centerized"])


def test_the_authors_file_is_read_as_tensors(recorded, encoder, tmp_path):
    torch.save(state_of(recorded), tmp_path / "model.pkl")
    again = TS2Vec.from_official(tmp_path / "model.pkl")
    x = panel(recorded["x"])
    np.testing.assert_array_equal(again.encode(x), encoder.encode(x))
    (tmp_path / "junk.pkl").write_bytes(b"not a checkpoint")
    with pytest.raises(ModelFileError, match="not a checkpoint"):
        TS2Vec.from_official(tmp_path / "junk.pkl")
    with pytest.raises(ModelFileError, match="not a checkpoint"):
        TS2Vec.from_official({"weight": torch.zeros(2)})


def test_training_on_from_the_authors_weights(recorded, encoder):
    x = panel(recorded["x"])
    further = TS2Vec.from_official(state_of(recorded), warm_start=True, max_steps=1, random_state=0).fit(x)
    moved = np.abs(further.encode(x) - encoder.encode(x)).max()
    assert 0 < moved < 0.1
