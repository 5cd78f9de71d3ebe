"""Fine-tuning: which weights move with `freeze`, targets instead of labels, and the function over any encoder."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator

from tsrep import MaskedSeriesEncoder, TS2Vec, load
from tsrep.encoding.finetune import FineTunedClassifier, FineTunedRegressor, has_fractions
from tsrep.encoding.head import frozen_weights
from tsrep.tasks import finetune

rng = np.random.default_rng(0)
LEVEL = rng.uniform(-2, 2, 40)
X = LEVEL[:, None, None] + 0.3 * rng.normal(size=(40, 1, 24))
Y = np.where(LEVEL > 0, "high", "low")
SMALL = {"n_components": 8, "hidden_channels": 4, "max_steps": 1, "random_state": 0}


@pytest.fixture(scope="module")
def encoder():
    return TS2Vec(depth=3, **SMALL).fit(X)


def moved(before, after):
    """Names of the weights of the encoder that training has changed."""
    weights = after.network_.encoder.state_dict()
    return {
        name for name, value in before.encoder_.state_dict().items() if not torch.equal(value, weights[name])
    }


def test_all_weights_move_or_only_the_heads(encoder):
    names = set(encoder.encoder_.state_dict())
    assert moved(encoder, finetune(encoder, X, Y, max_steps=3, random_state=0)) == names
    for freeze in ("all", True):
        model = finetune(encoder, X, Y, freeze=freeze, max_steps=3, random_state=0)
        assert moved(encoder, model) == set()
        assert model.history_[0]["loss"] != model.history_[-1]["loss"]


@pytest.mark.parametrize("layers", [1, 2, 4])
def test_the_first_layers_and_what_comes_before_them_stay(encoder, layers):
    model = finetune(encoder, X, Y, freeze=layers, max_steps=3, random_state=0)
    names = set(encoder.encoder_.state_dict())
    still = {name for name in names if name.startswith("projection")}
    still |= {name for name in names if any(f"blocks.{i}." in name for i in range(layers))}
    assert moved(encoder, model) == names - still
    assert all(not weight.requires_grad for weight in model.network_.parameters())


def test_layers_of_a_transformer_of_patches():
    masked = MaskedSeriesEncoder(max_steps=1, random_state=0).fit(X)
    count = len(frozen_weights(masked.encoder_, 1, 1))
    assert (
        0
        < count
        < len(frozen_weights(masked.encoder_, 2, 1))
        < len(frozen_weights(masked.encoder_, "all", 1))
    )
    model = finetune(masked, X, Y, freeze=1, max_steps=2, random_state=0)
    first = {name for name in masked.encoder_.state_dict() if ".embed." in name or ".blocks.0." in name}
    assert first and not first & moved(masked, model) and moved(masked, model)


def test_more_layers_than_there_are_is_an_error(encoder):
    with pytest.raises(ValueError, match='freeze is 5; wanted None or "all", or a number from 1 to 4'):
        finetune(encoder, X, Y, freeze=5)
    recurrent = TS2Vec(backbone="lstm", **SMALL).fit(X)
    with pytest.raises(ValueError, match='freeze is 1; wanted None or "all": the layers cannot be counted'):
        finetune(recurrent, X, Y, freeze=1)
    for freeze in (0, -1, 1.0, "none"):
        with pytest.raises(ValueError, match='wanted None, "all" or a number of layers of at least 1'):
            finetune(encoder, X, Y, freeze=freeze)


def test_targets_are_learned_and_the_encoder_is_left(encoder, tmp_path):
    before = encoder.transform(X)
    model = finetune(FrozenEstimator(encoder), X, LEVEL, max_steps=80, lr=5e-3, random_state=0)
    assert isinstance(model, FineTunedRegressor) and model.predict(X).shape == (40,)
    assert model.score(X, LEVEL) > 0.8
    np.testing.assert_array_equal(encoder.transform(X), before)
    model.save(tmp_path / "model")
    np.testing.assert_array_equal(load(tmp_path / "model").predict(X), model.predict(X))


def test_several_targets_of_any_scale_and_some_missing(encoder, tmp_path):
    targets = np.column_stack([LEVEL, 1e6 - 1e5 * LEVEL, np.full(40, 7.0)])
    targets[3, 1] = np.nan
    model = finetune(encoder, X, targets, max_steps=80, lr=5e-3, random_state=0)
    predicted = model.predict(X)
    assert predicted.shape == (40, 3) and np.corrcoef(predicted[:, 1], LEVEL)[0, 1] < -0.8
    assert np.abs(predicted[:, 2] - 7).max() < 1
    known = np.arange(40) != 3
    alone = FineTunedRegressor(encoder, max_steps=80, lr=5e-3, random_state=0).fit(X[known], targets[known])
    np.testing.assert_array_equal(alone.predict(X), predicted)
    model.save(tmp_path / "model")
    np.testing.assert_array_equal(load(tmp_path / "model").predict(X), predicted)


def test_what_counts_as_targets():
    assert has_fractions([0.5, 1.0]) and has_fractions([[1, 2], [3, 4]]) and has_fractions([0.5, np.nan])
    assert not has_fractions([1.0, 2.0, np.nan]) and not has_fractions(["0.5", "1.5"])
    assert not has_fractions([[1], [2]])


def test_labels_give_a_classifier_and_errors_come_first(encoder):
    assert isinstance(finetune(encoder, X, Y, max_steps=1), FineTunedClassifier)
    with pytest.raises(TypeError, match="wanted an object with finetune"):
        finetune(PCA(2), X, Y)
    with pytest.raises(ValueError, match="X has 40 instances and y has 39 targets"):
        finetune(encoder, X, LEVEL[1:])
    with pytest.raises(ValueError, match="y has no target"):
        FineTunedRegressor(encoder).fit(X, np.full(40, np.nan))
