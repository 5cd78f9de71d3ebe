"""`MaskedSeriesEncoder`: an encoder like any other, and what only a masked one does."""

import copy

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.utils.estimator_checks import check_estimator
from torch import nn

from tsrep import MaskedSeriesEncoder, SSGANImputer, TS2Vec, load
from tsrep.encoding.training import hold_out
from tsrep.masked.network import frame_of
from tsrep.masked.recipe import resolved
from tsrep.tasks import RepresentationAnomalyDetector, RepresentationClassifier, RepresentationForecaster
from tsrep.train.checkpoint import ModelFileError

SMALL = {"n_components": 16, "depth": 2, "hidden_channels": 8, "decoder_width": 16, "random_state": 0}
VARIANTS = {
    "best": {},
    "paper": {"recipe": "paper"},
    "simmim": {"encoder": "transformer", "target": ["values", "teacher"], "head": "deep"},
    "generator": {"encoder": "ssgan", "target": ["values", "spectrum"], "mask": "geometric"},
}


class Smooth(nn.Module):
    """A backbone of a user: a convolution over five steps."""

    reach = 2

    def __init__(self, width=8, out=16):
        super().__init__()
        self.convolution = nn.Conv1d(width, out, 5, padding=2)

    def forward(self, latent, inside, steps):
        within = 1.0 if inside is None else inside.unsqueeze(-1)
        return self.convolution((latent * within).mT).mT.tanh()[:, steps]


def make(variant="best", max_steps=4, **parameters):
    return MaskedSeriesEncoder(**{**SMALL, **VARIANTS[variant], "max_steps": max_steps, **parameters})


@pytest.fixture
def X():
    X = np.random.default_rng(0).normal(size=(20, 2, 70)).cumsum(-1).astype(np.float32)
    X[0, :, 50:] = np.nan
    X[1, 0, 5:9] = np.nan
    X[2, :, 20:40] = np.nan
    return X


@pytest.mark.parametrize("recipe", ["best", "paper"])
def test_scikit_learns_checks(recipe):
    check_estimator(MaskedSeriesEncoder(**{**SMALL, "recipe": recipe, "max_steps": 1}))


@pytest.mark.parametrize("variant", VARIANTS)
def test_its_representations_agree_with_one_another(variant, X):
    encoder = make(variant, pool="mean").fit(X)
    Z, steps = encoder.transform(X), encoder.encode(X)
    assert Z.shape == (20, 16) and steps.shape == (20, 70, 16) and np.isfinite(Z).all()
    np.testing.assert_allclose(np.nanmean(steps, axis=1), Z, atol=1e-4)
    assert np.isnan(steps[0, 50:]).all() and np.isfinite(steps[2]).all()
    patches = encoder.encode_patches(X)
    assert encoder.patch_length_ == 2 and patches.shape == (20, 35, 16)
    np.testing.assert_allclose(patches[3].repeat(2, 0).mean(0), Z[3], atol=1e-4)
    causal = encoder.encode_causal(X[3:4], context=12)
    alone = encoder.encode(X[3:4, :, 30:43])[0, -1]
    np.testing.assert_allclose(causal[0, 42], alone, atol=1e-4)
    live = encoder.online(context=12)
    np.testing.assert_allclose(live.update(X[3].T)[42], causal[0, 42], atol=1e-4)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_saved_encoder_gives_the_same_and_trains_on(variant, X, tmp_path):
    encoder = make(variant, warm_start=True).fit(X)
    encoder.save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    assert np.array_equal(loaded.transform(X), encoder.transform(X))
    assert np.array_equal(loaded.reconstruct(X), encoder.reconstruct(X), equal_nan=True)
    assert loaded.average_distance_ == encoder.average_distance_
    encoder.fit(X)
    loaded.fit(X)
    assert loaded.n_steps_ == 8 and np.array_equal(loaded.transform(X), encoder.transform(X))


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_training_from_a_checkpoint_ends_in_the_same_bits(variant, X, tmp_path, monkeypatch):
    whole = make(variant, max_steps=6).fit(X)
    from tsrep.train.step import Descent

    calls = []
    step = Descent.__call__

    def stops(self, batch):
        calls.append(1)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return step(self, batch)

    broken = make(variant, max_steps=6, checkpoint=tmp_path / "c", checkpoint_every=2)
    with monkeypatch.context() as patched:
        patched.setattr(Descent, "__call__", stops)
        with pytest.raises(KeyboardInterrupt):
            broken.fit(X)
    assert not hasattr(broken, "encoder_")
    resumed = make(variant, max_steps=6, checkpoint=tmp_path / "c", checkpoint_every=2).fit(X)
    assert np.array_equal(resumed.transform(X), whole.transform(X))
    with pytest.raises(ValueError, match="holds a run with mask_span"):
        make(variant, max_steps=6, checkpoint=tmp_path / "c", mask_span=2).fit(X)


def test_the_record_has_what_the_loss_is_to_be_compared_with(X):
    history = make("paper", max_steps=20, validation_fraction=0.2).fit(X).history_
    compared = {"sample_loss", "positional_mean", "lines", "all_hidden"}
    assert compared <= set(history[0]) and compared <= set(history[9]) and not compared & set(history[1])
    assert history[0]["lines"] == history[9]["lines"] > 0
    assert "validation_loss" in history[9]


def test_scales_and_targets_are_measured_without_the_held_out_series(X):
    _, held_out = hold_out(torch.arange(20), 0.5, 0)
    moved = X.copy()
    moved[held_out] = 1000 * moved[held_out] + 7
    one, other = (
        make("paper", validation_fraction=0.5).fit(each).encoder_.state_dict() for each in (X, moved)
    )
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_missing_value_is_not_visible_to_a_hidden_one(X):
    gaps = X[3:].copy()
    gaps[:, :, 1::2] = np.nan
    whole = make("paper", max_steps=0, patch_length=2, mask_ratio=0.5).fit(X[3:])
    assert (
        make("paper", max_steps=0, patch_length=2, mask_ratio=0.5).fit(gaps).average_distance_
        > whole.average_distance_
    )


def test_one_vector_is_enough_for_a_teacher():
    x = np.random.default_rng(0).normal(size=(3, 1, 2))
    assert make("paper", target="teacher", batch_size=2).fit(x).n_steps_ == 4


def test_a_short_series_beside_a_long_one_is_compared_too():
    several = [np.random.default_rng(0).normal(size=(1, steps)) for steps in (20, 20, 70)]
    for seed in range(6):  # one of the short series is held out, for some
        encoder = make("paper", max_train_length=40, validation_fraction=0.3, random_state=seed, max_steps=1)
        assert encoder.fit(several).history_[0]["lines"] > 0.1


def test_two_fits_of_a_seed_are_alike_and_randomness_is_its_own(X):
    state = torch.get_rng_state()
    one, other = make().fit(X), make().fit(X)
    assert np.array_equal(one.transform(X), other.transform(X))
    assert torch.equal(torch.get_rng_state(), state)


def test_max_steps_0_is_untrained_with_scales_and_targets_fitted(X):
    encoder = make(max_steps=0).fit(1000 * X)
    assert encoder.n_steps_ == 0 and encoder.encoder_.normalise.scale.min() > 100
    np.testing.assert_allclose(encoder.transform(1000 * X), make(max_steps=0).fit(X).transform(X), atol=1e-3)


# Encoders that are given


def test_a_fitted_ts2vec_is_where_the_training_begins(X, tmp_path):
    ts2vec = TS2Vec(n_components=12, hidden_channels=8, depth=3, max_steps=2, random_state=0).fit(X)
    start = make(encoder=ts2vec, max_steps=0, pool="max", contrast_weight=1.0).fit(X)
    whole = X[3:]
    np.testing.assert_allclose(start.transform(whole), ts2vec.transform(whole), atol=1e-5)
    trained = make(encoder=ts2vec, pool="max").fit(X)
    assert not np.allclose(trained.transform(whole), ts2vec.transform(whole), atol=1e-3)
    trained.save(tmp_path / "m")
    loaded = load(tmp_path / "m")
    assert np.array_equal(loaded.transform(X), trained.transform(X))
    np.testing.assert_array_equal(loaded.encoder.transform(X), ts2vec.transform(X))
    copied = clone(trained)
    assert not hasattr(copied, "encoder_") and copied.encoder is not ts2vec
    assert np.array_equal(copied.fit(X).transform(X), trained.transform(X))
    frozen = make(encoder=FrozenEstimator(ts2vec), pool="max").fit(X)
    assert np.array_equal(frozen.transform(X), trained.transform(X))


def test_an_encoder_that_is_not_fitted_or_has_other_channels_is_refused(X):
    with pytest.raises(ValueError, match="encoder is 'TS2Vec'; wanted a fitted one"):
        make(encoder=TS2Vec()).fit(X)
    fitted = TS2Vec(n_components=4, hidden_channels=4, depth=1, max_steps=0).fit(X[:, :1])
    with pytest.raises(ValueError, match="X has 2 channels, the encoder was fitted with 1"):
        make(encoder=fitted).fit(X)


def test_a_module_of_the_user_trains_saves_and_comes_back(X, tmp_path):
    encoder = make(encoder=Smooth(), contrast_weight=0.5).fit(X)
    assert encoder.transform(X).shape == (20, 16 * 28)
    assert encoder.encode_to_file(X[3].T, tmp_path / "z.npy").shape == (70, 16)
    encoder.save(tmp_path / "m")
    with pytest.raises(ModelFileError, match=r"Smooth: load\(path, module=\.\.\.\)"):
        load(tmp_path / "m")
    assert np.array_equal(load(tmp_path / "m", module=Smooth()).transform(X), encoder.transform(X))
    with pytest.raises(ModelFileError, match="does not fit"):
        load(tmp_path / "m", module=Smooth(out=15))
    make().fit(X).save(tmp_path / "other")
    with pytest.raises(ValueError, match="module is given"):
        load(tmp_path / "other", module=Smooth())


def test_an_imputers_generator_is_pre_trained_and_goes_back_into_an_imputer(X):
    pretrained = make("generator", n_components=None, target="values", max_steps=5).fit(X)
    imputer = SSGANImputer(start=pretrained.generator_, max_steps=0, random_state=0).fit(X)
    for name, weight in pretrained.generator_.state_dict().items():
        assert torch.equal(imputer.generator_.state_dict()[name], weight)
    again = MaskedSeriesEncoder(encoder=imputer, target="values", max_steps=0, random_state=0).fit(X)
    values = again.impute(X)
    assert np.isfinite(values).all() and values.shape == X.shape
    with pytest.raises(ValueError, match="start has .* wanted a generator of the same kind"):
        SSGANImputer(start=make("generator", max_steps=0).fit(X).generator_, max_steps=0).fit(X)
    with pytest.raises(AttributeError, match="only an encoder of encoder='ssgan'"):
        make().fit(X).generator_  # noqa: B018
    recurrent = SSGANImputer(generator="recurrent", max_steps=0).fit(X)
    with pytest.raises(ValueError, match="generator='interpolating'"):
        make(encoder=recurrent).fit(X)


def test_a_masked_model_of_the_generator_is_where_another_training_begins(X, tmp_path):
    first = make("generator").fit(X)
    second = make(encoder=first, target="values", max_steps=0).fit(X + 3)
    for name, weight in first.generator_.state_dict().items():
        assert torch.equal(second.generator_.state_dict()[name], weight)
    np.testing.assert_array_equal(second.encode(X), first.encode(X))
    second.save(tmp_path / "m")
    np.testing.assert_array_equal(load(tmp_path / "m").encode(X), first.encode(X))
    with pytest.raises(ValueError, match="X has 1 channels, the encoder was fitted with 2"):
        make(encoder=first).fit(X[:, :1])


def test_a_module_of_the_user_comes_back_within_other_estimators(X, tmp_path):
    y = np.repeat([0, 1], 10)
    encoder = make(encoder=Smooth()).fit(X)
    for outer, method in (
        (encoder.finetune(X, y, max_steps=1, random_state=0), "predict_proba"),
        (RepresentationClassifier(FrozenEstimator(encoder), probe="ridge").fit(X, y), "predict"),
        (make(encoder=encoder).fit(X), "transform"),
    ):
        path = tmp_path / type(outer).__name__
        outer.save(path)
        with pytest.raises(ModelFileError, match=r"Smooth: load\(path, module=\.\.\.\)"):
            load(path)
        loaded = load(path, module=Smooth())
        np.testing.assert_array_equal(getattr(loaded, method)(X), getattr(outer, method)(X))


# Targets of the user


def test_a_function_of_patches_is_a_target(X, tmp_path):
    def extremes(patches):
        filled = patches.nan_to_num(nan=0.0)
        return torch.stack([filled.amax(-1), filled.amin(-1)], dim=-1)

    encoder = make(target=["values", extremes], contrast_weight=0.0).fit(X)
    assert {"values", "extremes"} <= set(encoder.history_[0])
    encoder.save(tmp_path / "m")
    loaded = load(tmp_path / "m")
    assert np.array_equal(loaded.transform(X), encoder.transform(X))
    assert np.array_equal(loaded.impute(X), encoder.impute(X))
    with pytest.raises(ValueError, match="'extremes' was a function of yours"):
        loaded.set_params(warm_start=True).fit(X)
    loaded.save(tmp_path / "again")
    assert np.array_equal(load(tmp_path / "again").transform(X), encoder.transform(X))


def test_numbers_of_numpy_are_numbers(X, tmp_path):
    numbers = {"n_components": np.int64(16), "depth": np.int64(2), "patch_length": np.int32(3)}
    encoder = make("paper", mask_ratio=np.float64(0.5), **numbers).fit(X)
    encoder.save(tmp_path / "m")
    assert np.array_equal(load(tmp_path / "m").transform(X), encoder.transform(X))


def test_parameters_that_were_changed_after_the_fit_do_not_keep_a_model_from_loading(X, tmp_path):
    def means(patches):
        return patches.nanmean(-1, keepdim=True)

    for fitted, later in (
        ("values", ["values", "spectrum"]),
        (["values", "spectrum"], "sax"),
        (["values", means], None),
        ("values", means),
    ):
        encoder = make(target=fitted).fit(X)
        encoder.set_params(target=later, loss="absolute", n_components=8).save(tmp_path / "m")
        loaded = load(tmp_path / "m")
        assert np.array_equal(loaded.transform(X), encoder.transform(X))
        assert np.array_equal(loaded.impute(X), encoder.impute(X))
        assert [scaled.loss for scaled in loaded.encoder_.targets] == [
            s.loss for s in encoder.encoder_.targets
        ]


# What is hidden


@pytest.mark.parametrize("variant", VARIANTS)
def test_reconstruct_fills_what_is_hidden_and_missing_and_nothing_else(variant, X):
    encoder = make(variant).fit(X)
    hidden = np.zeros(X.shape, dtype=bool)
    hidden[:, :, 10:20] = True
    filled = encoder.reconstruct(X, hidden)
    known = ~np.isnan(X) & ~hidden
    assert np.array_equal(filled[known], X[known])
    assert np.isnan(filled[0, :, 50:]).all() and np.isfinite(filled[1:]).all()
    assert not np.allclose(filled[:, :, 10:20], X[:, :, 10:20])
    moved = X.copy()
    moved[:, :, 10:20] += 100
    assert np.array_equal(encoder.reconstruct(moved, hidden), filled, equal_nan=True)
    assert np.array_equal(encoder.reconstruct(X, hidden[:, 0]), filled, equal_nan=True)


@pytest.mark.parametrize("variant", VARIANTS)
def test_impute_fills_a_container_and_leaves_what_was_observed(variant, X):
    encoder = make(variant).fit(X)
    filled = encoder.impute(X)
    assert isinstance(filled, np.ndarray) and filled.dtype == X.dtype and np.isfinite(filled).all()
    assert np.array_equal(filled[~np.isnan(X)], X[~np.isnan(X)])
    ragged = [X[0, :, :50], X[1], X[2]]
    parts = encoder.impute(ragged)
    assert [part.shape for part in parts] == [(2, 50), (2, 70), (2, 70)] and np.isfinite(parts[2]).all()
    index = pd.date_range("2024-01-01", periods=70, freq="h", tz="Europe/Paris")
    frame = pd.DataFrame(X[2].T.astype(float), index=index, columns=["a", "b"])
    out = encoder.impute(frame)
    assert out.index.equals(index) and list(out) == ["a", "b"] and out.notna().all().all()
    np.testing.assert_allclose(out.to_numpy().T, filled[2], atol=1e-4)


def test_series_longer_than_the_training_are_rebuilt_in_windows(X):
    long = np.random.default_rng(1).normal(size=(1, 1, 900)).cumsum(-1)
    long[0, 0, 300:310] = np.nan
    encoder = make("paper", max_steps=10).fit(long)
    assert encoder.patch_length_ == 8  # windows of 256 steps, since there is one series
    assert np.isfinite(encoder.impute(long)).all() and encoder.encode(long).shape == (1, 900, 16)


def test_a_series_is_rebuilt_as_it_would_be_alone_whatever_is_beside_it(X):
    encoder = make("paper").fit(X)
    rng = np.random.default_rng(0)
    several = [rng.normal(size=(2, steps)).cumsum(-1).astype(np.float32) for steps in (40, 70, 110, 200)]
    for series in several:
        series[:, 30:37] = np.nan
    for series, filled in zip(several, encoder.impute(several), strict=True):
        np.testing.assert_allclose(filled, encoder.impute([series])[0], atol=1e-5)


@pytest.mark.parametrize("design", ["mae", "simmim"])
@pytest.mark.parametrize("encoder", ["transformer", "ts2vec"])
def test_values_are_read_from_any_encoder_and_change_nothing_in_it(X, design, encoder):
    if (design, encoder) == ("mae", "ts2vec"):
        pytest.skip("MAE is on the Transformer")
    with_head = make(design=design, encoder=encoder, target="spectrum", max_steps=3).fit(X)
    assert [scaled.probed for scaled in with_head.encoder_.targets] == [False, True]
    filled = with_head.impute(np.where(np.arange(70) == 33, np.nan, X))
    assert np.isfinite(filled).all() and not np.array_equal(filled, X)
    untrained = make(design=design, encoder=encoder, target="spectrum", max_steps=0).fit(X)
    moved = [
        (with_head.encoder_.heads.maps[i].weight - untrained.encoder_.heads.maps[i].weight).abs().max()
        for i in (0, 1)
    ]
    assert min(moved) > 1e-4  # both heads learn
    objective, batch = with_head._objective(), torch.from_numpy(X).transpose(1, 2)
    network = copy.deepcopy(with_head.encoder_).requires_grad_(True)
    losses = objective.losses(network, *hidden_and_predicted(network, objective, batch))
    assert objective(network, batch, torch.Generator().manual_seed(0))["loss"].item() == pytest.approx(
        losses[0].item()
    )
    losses[1].backward()
    assert {name.split(".")[0] for name, weight in network.named_parameters() if weight.grad is not None} == {
        "heads"
    }


def hidden_and_predicted(network, objective, batch):
    frame = frame_of(network.normalise(batch), network.patch_length)
    hidden = objective.mask(~frame.isnan(), torch.Generator().manual_seed(0))
    return frame, hidden, network.predict(frame, hidden)


def test_a_generator_that_was_not_trained_on_values_cannot_rebuild(X):
    encoder = make(encoder="ssgan", target="spectrum", n_components=16, max_steps=1).fit(X)
    for rebuild in (encoder.impute, encoder.reconstruct):
        with pytest.raises(ValueError, match="add 'values' to target"):
            rebuild(X)


def test_short_series_have_patches_as_long_as_the_targets_need():
    X = np.random.default_rng(0).normal(size=(6, 1, 20))
    assert make(max_steps=0).fit(X).patch_length_ == 1
    assert make(target=["values", "patch_normalised"], max_steps=0).fit(X).patch_length_ == 2


def test_a_design_that_is_named_has_the_target_of_its_paper():
    targets = {
        design: resolved(MaskedSeriesEncoder(design=design)).targets for design in (None, "mae", "simmim")
    }
    assert targets == {None: ("random_kernels",), "mae": ("values",), "simmim": ("values",)}
    assert resolved(MaskedSeriesEncoder(encoder="ssgan")).targets == ("values",)
    assert resolved(MaskedSeriesEncoder(design="mae", target="spectrum")).targets == ("spectrum",)


def test_hidden_must_be_booleans_of_the_shape_of_X(X):
    encoder = make("paper").fit(X)
    for wrong in (np.zeros((20, 70)), np.zeros((20, 2, 69), bool)):
        with pytest.raises(
            ValueError, match=r"hidden has shape .* wanted booleans \(20, 2, 70\) or \(20, 70\)"
        ):
            encoder.reconstruct(X, wrong)


def test_the_picture_shows_what_was_seen(X):
    figure = make("paper").fit(X).plot_reconstruction(X, instance=3)
    axes = figure.get_axes()
    assert len(axes) == 6 and axes[1].get_title("left").startswith("visible: 2")
    seen = axes[1].get_lines()[0].get_ydata()
    assert 0.2 < np.isfinite(seen).mean() < 0.3
    last = make("paper").fit(X).plot_reconstruction(X, instance=-1).get_axes()[0].get_lines()[0].get_ydata()
    np.testing.assert_array_equal(last, X[-1, 0])


# Combinations, and tasks


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"design": "mae", "encoder": "ts2vec"}, "cannot leave hidden steps out"),
        ({"design": "mae", "encoder": Smooth()}, "'Smooth'; wanted design='simmim'"),
        ({"design": "autoencoder", "encoder": "ssgan"}, "cannot leave hidden steps out"),
        ({"design": "mae", "contrast_weight": 1.0}, "wanted 0 with design='mae'"),
        ({"design": "mae", "decoder_attention": "cross", "loss_on": "all"}, "loss_on is 'all'"),
        ({"head": "deep"}, "head is 'deep'"),
        ({"mask_ratio": 1.0}, "mask_ratio is 1.0; wanted a number between 0 and 1"),
        ({"mask_ratio": (0.8, 0.2)}, "two that ascend"),
        ({"target": "hog"}, "target is 'hog'; wanted one of"),
        ({"target": []}, "target is"),
        ({"encoder": "lstm"}, "encoder is 'lstm'"),
        ({"encoder": "ssgan", "n_components": 12}, "n_components is 12; wanted a multiple of 2"),
        ({"inputs": "values"}, "inputs is 'values'; wanted a list"),
        ({"mask": "channel"}, "wanted another mask for X with one channel"),
        ({"recipe": "faithful"}, "recipe is 'faithful'"),
        ({"target": "patch_normalised", "patch_length": 1}, "patch_length is 1"),
    ],
)
def test_what_cannot_be_is_refused_before_the_training(parameters, message, X):
    with pytest.raises(ValueError, match=message):
        make(**parameters).fit(X[:, :1])


def test_every_task_takes_it(X):
    y = np.repeat([0, 1], 10)
    assert RepresentationClassifier(make(), probe="ridge").fit(X, y).predict(X).shape == (20,)
    index = pd.date_range("2024-01-01", periods=400, freq="h")
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": np.sin(np.arange(400) / 4) + rng.normal(scale=0.1, size=400)}, index=index)
    forecast = RepresentationForecaster(make("paper"), horizons=(5,), context=30, recipe="paper").fit(frame)
    assert len(forecast.predict()) == 5
    detector = RepresentationAnomalyDetector(make("simmim", target="values"), context=30).fit(frame["a"])
    assert detector.decision_function(frame["a"]).shape == (400,)


def test_fine_tuning_learns_labels_and_leaves_the_encoder(X, tmp_path):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 1, 40))
    y = np.array(["flat", "wave"])[np.arange(40) % 2]
    X[y == "wave"] += 2 * np.sin(np.arange(40))
    encoder = make("paper").fit(X)
    before = encoder.transform(X)
    classifier = encoder.finetune(X, y, max_steps=60, random_state=0)
    assert classifier.score(X, y) > 0.9 and np.array_equal(encoder.transform(X), before)
    np.testing.assert_allclose(classifier.predict_proba(X).sum(1), 1, atol=1e-5)
    classifier.save(tmp_path / "m")
    assert np.array_equal(load(tmp_path / "m").predict_proba(X), classifier.predict_proba(X))
    frozen = encoder.finetune(X, y, max_steps=5, freeze=True, random_state=0)
    for name, weight in encoder.encoder_.state_dict().items():
        assert torch.equal(frozen.network_.encoder.state_dict()[name], weight)
    some = np.where(np.arange(40) < 20, -1, (y == "wave").astype(int))
    assert set(encoder.finetune(X, some, max_steps=2).classes_) == {0, 1}
    with pytest.raises(ValueError, match="wanted at least two"):
        encoder.finetune(X, np.zeros(40, int))
    with pytest.raises(ValueError, match="X has 40 instances and y has 39"):
        encoder.finetune(X, y[1:])
    assert TS2Vec(n_components=4, hidden_channels=4, depth=2, max_steps=1).fit(X).finetune(X, y, max_steps=2)


def test_a_frozen_encoder_keeps_its_running_statistics(X):
    class Normalised(Smooth):
        def __init__(self):
            super().__init__()
            self.norm = nn.BatchNorm1d(16)

        def forward(self, latent, inside, steps):
            return self.norm(super().forward(latent, inside, slice(None)).mT).mT[:, steps]

    encoder, y = make(encoder=Normalised()).fit(X), np.repeat([0, 1], 10)
    before = encoder.encoder_.state_dict()
    for parameters in ({"freeze": True}, {"encoder_lr": 0}):
        classifier = encoder.finetune(X, y, max_steps=3, random_state=0, **parameters)
        after = classifier.network_.encoder.state_dict()
        assert all(torch.equal(before[name], after[name]) for name in before)
        assert classifier.history_[0]["loss"] != classifier.history_[-1]["loss"]


def test_convolutions_export_and_tokens_say_that_they_do_not(X, tmp_path):
    encoder = make(pool="mean").fit(X)
    encoder.export(tmp_path / "e.pt2")
    program = torch.export.load(tmp_path / "e.pt2").module()
    out = program(torch.from_numpy(X))
    np.testing.assert_allclose(out["series"], encoder.transform(X), atol=1e-4)
    np.testing.assert_allclose(out["steps"], encoder.encode(X), atol=1e-4)
    with pytest.raises(ValueError, match="cannot be exported"):
        make("paper").fit(X).export(tmp_path / "t.pt2")


def test_patches_have_about_a_thirty_second_of_the_series():
    for steps, wanted in ((24, 1), (96, 3), (512, 16), (1, 1), (2, 1)):
        X = np.random.default_rng(0).normal(size=(20, 1, steps))
        assert make("paper", max_steps=0).fit(X).patch_length_ == wanted


def test_what_comes_back_has_its_channels_where_the_container_has_them(X):
    hours = pd.date_range("2026-01-01", periods=70, freq="h")
    frame = pd.DataFrame(X[1].T, hours, ["heat", "load"])
    encoder = make("paper").fit(frame)
    swapped = frame[["load", "heat"]]
    hidden = np.random.default_rng(0).random((1, 2, 70)) < 0.5
    rebuilt = encoder.reconstruct(frame, hidden=hidden)
    np.testing.assert_array_equal(encoder.reconstruct(swapped, hidden=hidden[:, ::-1])[:, ::-1], rebuilt)
    filled = encoder.impute(swapped)
    assert list(filled) == ["load", "heat"]
    pd.testing.assert_frame_equal(filled[["heat", "load"]], encoder.impute(frame))
