"""`TS2Vec` as its users meet it: scikit-learn's contract, 3-D panels, ragged series, saving, going on."""

import copy
import json
import os
import pickle
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import estimator_checks_generator

from tsrep import TS2Vec, load
from tsrep.data import PanelScaler
from tsrep.train.checkpoint import ModelFileError
from tsrep.train.loop import NonFiniteLossError

SMALL = {"n_components": 8, "hidden_channels": 6, "depth": 4, "random_state": 0}


def small(**parameters):
    return TS2Vec(**{**SMALL, "max_steps": 3, **parameters})


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(7, 2, 30))


@pytest.fixture
def ragged(X):
    X = X.copy()
    X[1, :, 20:] = np.nan
    X[2, :, :5] = np.nan
    X[3, 0, 10] = np.nan
    return X


CHECKED = TS2Vec(n_components=4, hidden_channels=4, depth=2, max_steps=2)


@pytest.mark.parametrize(
    "check", [check for _, check in estimator_checks_generator(CHECKED)], ids=lambda c: c.func.__name__
)
def test_scikit_learns_contract(check):
    check(clone(CHECKED))


# 3-D input


def test_shapes(X):
    encoder = small().fit(X)
    assert encoder.transform(X).shape == (7, 8)
    assert encoder.encode(X).shape == (7, 30, 8)
    assert encoder.encode(X, window=5).shape == (7, 30, 8)
    assert encoder.encode(X, window="multiscale").shape == (7, 30, 40)
    assert encoder.encode(X, window="full_series").shape == (7, 8)
    assert encoder.encode_causal(X, context=4).shape == (7, 30, 8)
    assert encoder.n_channels_ == encoder.n_features_in_ == 2
    assert encoder.n_features_out_ == 8
    assert encoder.transform(X[:, :, :17]).shape == (7, 8)  # 3-D input does not fix the length


def test_pipeline_grid_search_clone_and_pickle(X):
    y = np.arange(7) % 2
    pipeline = make_pipeline(PanelScaler(), small(), LogisticRegression())
    search = GridSearchCV(pipeline, {"ts2vec__alpha": [0.0, 1.0], "ts2vec__depth": [2, 3]}, cv=2).fit(X, y)
    assert search.best_estimator_.predict(X).shape == (7,)
    encoder = small(alpha=0.25).fit(X)
    fresh = clone(encoder)
    assert fresh.alpha == 0.25
    assert not hasattr(fresh, "encoder_")
    for copied in (pickle.loads(pickle.dumps(encoder)), copy.deepcopy(encoder)):
        np.testing.assert_array_equal(copied.transform(X), encoder.transform(X))
    assert encoder.set_params(pooling="mean").pooling == "mean"


def test_pandas_output_and_names(X):
    encoder = small().fit(X).set_output(transform="pandas")
    Z = encoder.transform(X)
    assert isinstance(Z, pd.DataFrame)
    assert list(Z.columns) == list(encoder.get_feature_names_out()) == [f"ts2vec{i}" for i in range(8)]


def test_every_container_of_the_same_series_gives_the_same(X):
    encoder = small().fit(X)
    Z = encoder.transform(X)
    as_list = list(X)
    index = pd.MultiIndex.from_product([range(7), range(30)])
    multi = pd.DataFrame(X.transpose(0, 2, 1).reshape(-1, 2), index=index)
    for same in (as_list, multi, torch.from_numpy(X), X.astype(np.float32)):
        np.testing.assert_allclose(encoder.transform(same), Z, rtol=1e-5, atol=1e-6)


def test_a_table_fixes_the_length_and_a_panel_the_channels(X):
    table = X[:, 0]
    encoder = small().fit(table)
    assert encoder.n_features_in_ == 30
    np.testing.assert_array_equal(encoder.transform(table), encoder.transform(table[:, None]))
    with pytest.raises(ValueError, match="X has 20 features, but TS2Vec is expecting 30"):
        encoder.transform(table[:, :20])
    with pytest.raises(ValueError, match="X has 2 channels, TS2Vec was fitted with 1"):
        encoder.transform(X)
    with pytest.raises(NotFittedError):
        small().transform(X)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pooling", "median"),
        ("recipe", "secret"),
        ("mask", None),
        ("backbone", "gru"),
        ("positive_pairs", "random"),
        ("augmentation", "flip"),
        ("n_components", 0),
        ("batch_size", 2.5),
        ("max_steps", -1),
        ("alpha", 1.5),
        ("lr", 0),
        ("validation_fraction", 1.0),
        ("patience", 2),
        ("device", "abacus"),
        ("precision", "4"),
        ("random_state", "seed"),
    ],
)
def test_a_parameter_out_of_range_is_named(X, name, value):
    with pytest.raises(ValueError, match=name):
        small(**{name: value}).fit(X)


def test_values_beyond_32_bits_are_refused(X):
    X = X.copy()
    X[0, 0, 0] = 1e300
    with pytest.raises(ValueError, match="too large for 32-bit"):
        small().fit(X)


# Representations


def test_intervals_pool_over_their_steps(X):
    encoder = small().fit(X)
    intervals = [(i, i + 10) for i in range(7)]
    Z, steps = encoder.transform(X, intervals=intervals), encoder.encode(X)
    expected = np.stack(
        [z[start:stop].max(axis=0) for z, (start, stop) in zip(steps, intervals, strict=True)]
    )
    np.testing.assert_allclose(Z, expected, rtol=1e-6)
    np.testing.assert_allclose(encoder.transform(X, intervals=[(0, 30)] * 7), encoder.transform(X))
    for wrong, says in [
        ([(0, 31)] + [(0, 5)] * 6, r"intervals\[0\] is \(0, 31\)"),
        ([(0, 5)] * 6 + [(5, 5)], r"intervals\[6\] is \(5, 5\)"),
        ([(0, 5)] * 6, "shape"),
        ([(0.5, 5.0)] * 7, "integers"),
    ]:
        with pytest.raises(ValueError, match=says):
            encoder.transform(X, intervals=wrong)


def test_an_interval_where_nothing_was_observed_is_named(ragged):
    with pytest.raises(ValueError, match=r"intervals\[1\] lies where nothing"):
        small().fit(ragged).transform(ragged, intervals=[(22, 28)] * 7)


def test_padding_moves_no_representation(ragged):
    encoder = small().fit(ragged)
    padded = np.pad(ragged, ((0, 0), (0, 0), (6, 11)), constant_values=np.nan)
    np.testing.assert_allclose(encoder.transform(padded), encoder.transform(ragged), rtol=1e-5, atol=1e-6)
    alone = [encoder.transform(ragged[[1], :, :20]), encoder.transform(ragged[[2], :, 5:])]
    np.testing.assert_allclose(encoder.transform(ragged)[[1, 2]], np.concatenate(alone), rtol=1e-5, atol=1e-6)
    Z, Zp = encoder.encode(ragged, window=3), encoder.encode(padded, window=3)
    np.testing.assert_allclose(Zp[:, 6:36], Z, rtol=1e-5, atol=1e-6)
    assert np.isnan(Zp[:, :6]).all()
    assert np.isnan(Z[1, 20:]).all()
    assert np.isfinite(Z[3]).all()


def test_fit_treats_unequal_lengths_as_encode_does(ragged):
    """A series' padding may stand before or behind it: training sees the same series, at the same weights."""
    X = ragged[1:3]
    behind = np.stack([X[0], np.concatenate([X[1, :, 5:], X[1, :, :5]], axis=1)])
    histories = [small(max_steps=5).fit(panel).history_ for panel in (X, behind)]
    assert [line["loss"] for line in histories[0]] == [line["loss"] for line in histories[1]]


def test_batch_size_order_and_company_change_no_representation(ragged):
    encoder = small().fit(ragged)
    whole = encoder.transform(ragged)
    one_by_one = np.concatenate([encoder.transform(ragged[[i]]) for i in range(7)])
    np.testing.assert_allclose(one_by_one, whole, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(encoder.transform(ragged[::-1])[::-1], whole, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("mask", ["binomial", "continuous"])
def test_a_mask_hides_the_same_steps_of_an_instance_in_any_company(X, mask, tmp_path):
    encoder = small().fit(X)
    whole = encoder.encode(X, mask=mask)
    assert (whole != encoder.encode(X)).any()
    np.testing.assert_allclose(encoder.encode(X[:2], mask=mask), whole[:2], rtol=1e-5, atol=1e-6)
    many = np.tile(X[:1], (150, 1, 1))  # several batches
    Z = encoder.encode(many, mask=mask)
    assert len(np.unique(Z[:, 0, 0])) > 100
    np.testing.assert_allclose(
        encoder.encode(many, mask=mask, out=tmp_path / "z.npy"), Z, rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("hide_last", [False, True])
def test_causal_encoding_is_that_of_each_window_alone(X, hide_last):
    X = X[:2].copy()
    X[0, 1, 9] = np.nan
    encoder, context = small().fit(X), 6
    Z = encoder.encode_causal(X, context=context, hide_last=hide_last)
    for i in range(2):
        for t in range(30):
            window = np.full((1, context + 1, 2), np.nan, dtype=np.float32)
            seen = X[i, :, max(0, t - context) : t + 1].T
            window[0, -len(seen) :] = seen
            keep = torch.ones(1, context + 1, dtype=torch.bool)
            keep[0, -1] = not hide_last
            alone = encoder.encoder_(torch.from_numpy(window), keep)[0, -1]
            np.testing.assert_allclose(Z[i, t], alone, rtol=1e-5, atol=1e-6)


def test_causal_encoding_never_looks_ahead_nor_beyond_its_context(X):
    encoder = small().fit(X)
    Z = encoder.encode_causal(X, context=5)
    future, past = X.copy(), X.copy()
    future[:, :, 15:] = np.nan
    past[:, :, :9] += 100.0
    np.testing.assert_array_equal(encoder.encode_causal(future, context=5)[:, :15], Z[:, :15])
    np.testing.assert_array_equal(encoder.encode_causal(past, context=5)[:, 14:], Z[:, 14:])
    assert (
        encoder.encode(future)[:, :15] != encoder.encode(X)[:, :15]
    ).any()  # plain encoding does look ahead
    with pytest.raises(ValueError, match="context"):
        encoder.encode_causal(X, context=-1)


@pytest.mark.parametrize("window", [0, "huge", 2.5])
def test_unknown_windows_are_refused(X, window):
    with pytest.raises(ValueError, match="window is"):
        small().fit(X).encode(X, window=window)


@pytest.mark.parametrize("length", [1, 2, 3])
@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("change", [{}, {"alpha": 0.0}, {"temporal_unit": 3}, {"crop": False}])
def test_the_shortest_series_and_a_single_one_work(length, n, change):
    X = np.random.default_rng(0).normal(size=(n, 1, length))
    encoder = small(**change).fit(X)
    for Z in (
        encoder.transform(X),
        encoder.encode(X),
        encoder.encode(X, window="multiscale"),
        encoder.encode(X, window=4),
        encoder.encode_causal(X, context=3),
    ):
        assert np.isfinite(Z).all()


# Training


def test_default_number_of_steps_is_the_authors_rule():
    assert TS2Vec()._length_of_training(100_000) == (200, None)
    assert TS2Vec()._length_of_training(100_001) == (600, None)
    assert TS2Vec(max_epochs=3)._length_of_training(100_001) == (None, 3)


def test_training_lowers_the_loss_and_is_reproducible():
    frequencies = np.array([1, 2, 3, 1, 2, 3])[:, None, None]
    X = np.sin(frequencies * np.linspace(0, 6, 40)) + 0.1 * np.random.default_rng(0).normal(size=(6, 1, 40))
    wide = {"n_components": 64, "hidden_channels": 16, "max_steps": 60}
    first, second = (small(**wide).fit(X) for _ in range(2))
    losses = [line["loss"] for line in first.history_]
    assert np.mean(losses[-10:]) < 0.9 * np.mean(losses[:10])
    assert losses == [line["loss"] for line in second.history_]
    np.testing.assert_array_equal(first.transform(X), second.transform(X))
    assert (small(**wide, random_state=1).fit(X).transform(X) != first.transform(X)).any()


def test_no_global_random_state_is_touched(X):
    torch_before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    small().fit(X).encode(X, mask="binomial")
    small(random_state=None).fit(X)
    assert torch.equal(torch.get_rng_state(), torch_before)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_before)  # noqa: NPY002


def test_untrained_and_epochs(X):
    untrained = small(max_steps=0).fit(X)
    assert untrained.history_ == []
    assert untrained.n_steps_ == 0
    assert small(max_steps=None, max_epochs=2, batch_size=3).fit(X).n_steps_ == 6


def test_the_weights_of_inference_are_the_mean_over_all_steps(X):
    """After one step the mean is half of the untrained weights and half of the trained ones."""
    start, after = (small(max_steps=steps).fit(X) for steps in (0, 1))
    trained = after._run.tensors
    for name, mean in after.encoder_.state_dict().items():
        expected = (start.encoder_.state_dict()[name] + trained[f"network.{name}"]) / 2
        torch.testing.assert_close(mean, expected)


def test_validation_loss_and_early_stopping(X):
    encoder = small(max_steps=400, lr=0.01, validation_fraction=0.3, patience=2).fit(X)
    validations = [line["validation_loss"] for line in encoder.history_ if "validation_loss" in line]
    assert encoder.n_steps_ < 400
    assert encoder.n_steps_ == 10 * len(validations)
    assert min(validations) == validations[-3]
    with pytest.raises(ValueError, match="at least 2 instances"):
        small(validation_fraction=0.5).fit(X[:1])


def test_divergence_stops_with_a_clear_error_and_leaves_what_was_fitted(X):
    diverges = small(max_steps=200, lr=1e30)
    with pytest.raises(NonFiniteLossError, match="learning rate"):
        diverges.fit(X)
    with pytest.raises(NotFittedError):
        diverges.transform(X)
    encoder = small().fit(X)
    Z, history = encoder.transform(X), list(encoder.history_)
    with pytest.raises(NonFiniteLossError):
        encoder.set_params(lr=1e30, max_steps=200, warm_start=True).fit(X)
    np.testing.assert_array_equal(encoder.transform(X), Z)
    assert encoder.history_ == history


@pytest.mark.parametrize(
    "switch",
    [
        {"mask": "continuous"},
        {"mask": "all_true"},
        {"crop": False},
        {"hierarchical": False},
        {"input_projection": False},
        {"alpha": 0.0},
        {"alpha": 1.0},
        {"temporal_unit": 2},
        {"max_train_length": 9},
        {"backbone": "lstm"},
        {"backbone": "transformer"},
        {"positive_pairs": "temporal"},
        {"positive_pairs": "subseries"},
        {"augmentation": "jitter"},
        {"augmentation": "scaling"},
        {"augmentation": "permutation"},
    ],
    ids=str,
)
def test_every_switch_of_the_ablation_trains_on_ragged_series_and_changes_something(ragged, switch):
    plain, switched = small().fit(ragged), small(**switch).fit(ragged)
    assert [line["loss"] for line in switched.history_] != [line["loss"] for line in plain.history_]
    assert np.isfinite(switched.transform(ragged)).all()


def test_training_goes_on_with_fewer_batches_than_the_epoch_had_that_was_left(X):
    encoder = small(max_steps=2, batch_size=2, warm_start=True).fit(X)  # in the middle of an epoch of three
    encoder.set_params(batch_size=4).fit(X)  # whose batches are one now
    assert encoder.n_steps_ == 4 and np.isfinite(encoder.transform(X)).all()


def test_numbers_of_numpy_are_as_good_as_pythons(X, tmp_path):
    numbers = {"max_steps": 3, "batch_size": 2, "n_components": 8, "checkpoint_every": 2}
    encoder = small(**{name: np.int64(n) for name, n in numbers.items()}, validation_fraction=0.4).fit(X)
    encoder.save(tmp_path / "model")
    np.testing.assert_array_equal(
        load(tmp_path / "model").encode_to_file(X[0].T, tmp_path / "z.npy"),
        encoder.encode_to_file(X[0].T, tmp_path / "y.npy"),
    )
    plain = small(**numbers, validation_fraction=0.4).fit(X)
    np.testing.assert_array_equal(encoder.transform(X), plain.transform(X))


# On disk


def test_a_loaded_model_gives_the_same_and_trains_on_where_it_stood(X, tmp_path):
    half = small(max_steps=5).fit(X)
    half.save(tmp_path / "half")
    loaded = load(tmp_path / "half")
    assert loaded.get_params() == half.get_params()
    assert loaded.history_ == half.history_
    np.testing.assert_array_equal(loaded.transform(X), half.transform(X))
    loaded.set_params(warm_start=True).fit(X)
    unbroken = small(max_steps=10).fit(X)
    assert loaded.n_steps_ == 10
    assert [line["loss"] for line in loaded.history_] == [line["loss"] for line in unbroken.history_]
    np.testing.assert_array_equal(loaded.transform(X), unbroken.transform(X))


def test_a_cold_fit_starts_anew(X):
    encoder = small().fit(X)
    Z = encoder.transform(X)
    np.testing.assert_array_equal(encoder.fit(X).transform(X), Z)
    assert encoder.n_steps_ == 3


def test_nothing_is_pickled_and_the_config_can_be_read(X, tmp_path):
    small().fit(X).save(tmp_path / "m")
    files = {file.name for file in (tmp_path / "m").iterdir()}
    assert files == {"config.json", "model.safetensors", "training.safetensors"}
    config = json.loads((tmp_path / "m" / "config.json").read_text())
    assert config["class"].endswith(":TS2Vec")
    assert config["parameters"]["n_components"] == 8
    assert set(config["sha256"]) == files
    assert {"tsrep", "torch", "numpy"} <= set(config["versions"])


def test_column_names_and_the_length_of_a_table_are_kept(X, tmp_path):
    frame = pd.DataFrame(X[:, 0], columns=[f"hour {i}" for i in range(30)])
    small().fit(frame).save(tmp_path / "m")
    loaded = load(tmp_path / "m")
    assert list(loaded.feature_names_in_) == list(frame.columns)
    assert loaded.n_features_in_ == 30
    with pytest.raises(ValueError, match="feature names"):
        loaded.transform(frame.rename(columns={"hour 3": "three"}))


def test_foreign_models_are_refused(X, tmp_path):
    path = tmp_path / "m"
    small().fit(X).save(path)
    config = json.loads((path / "config.json").read_text())
    del config["sha256"]["config.json"]
    fitted = config["fitted"]
    for changed, says in [
        ({"class": "os:system"}, "no estimator of this package"),
        ({"class": "tsrep.base.saving:load"}, "no estimator of this package"),
        ({"parameters": {"unheard_of": 1}}, "does not fit"),
        ({"fitted": {**fitted, "shape": {**fitted["shape"], "depth": 2}}}, "does not fit"),
    ]:
        (path / "config.json").write_text(json.dumps({**config, **changed}))
        with pytest.raises(ModelFileError, match=says):
            load(path)
    with pytest.raises(NotFittedError):
        small().save(tmp_path / "unfitted")


def test_a_checkpoint_is_gone_on_with_and_guards_its_run(X, tmp_path):
    folder = tmp_path / "run"
    parameters = {"max_steps": 12, "checkpoint": folder, "checkpoint_every": 4}

    class Stop(Exception):
        pass

    class Interrupted(TS2Vec):
        def save(self, path):
            super().save(path)
            if self.n_steps_ == 8:
                raise Stop

    Interrupted.__module__, Interrupted.__qualname__ = (
        TS2Vec.__module__,
        TS2Vec.__qualname__,
    )  # saved as what it is
    with pytest.raises(Stop):
        Interrupted(**{**SMALL, **parameters}).fit(X)
    resumed = small(**parameters).fit(X)
    unbroken = small(max_steps=12).fit(X)
    assert resumed.n_steps_ == 12
    assert [line["loss"] for line in resumed.history_] == [line["loss"] for line in unbroken.history_]
    np.testing.assert_array_equal(resumed.transform(X), unbroken.transform(X))
    again = small(**parameters).fit(X)  # a finished run is not run again
    np.testing.assert_array_equal(again.transform(X), unbroken.transform(X))
    with pytest.raises(ValueError, match="other data"):
        small(**parameters).fit(X[:-1])
    with pytest.raises(ValueError, match="alpha=0.5"):
        small(**{**parameters, "alpha": 0.1}).fit(X)


def test_a_killed_run_ends_where_an_unbroken_one_does(X, tmp_path):
    """SIGKILL once a checkpoint was written and while the training still ran."""
    np.save(tmp_path / "X.npy", X)
    program = textwrap.dedent(
        f"""
        import numpy as np
        from tsrep import TS2Vec

        class Tells(TS2Vec):
            def save(self, path):
                super().save(path)
                print(self.n_steps_, flush=True)

        Tells.__module__, Tells.__qualname__ = TS2Vec.__module__, TS2Vec.__qualname__  # saved as what it is
        X = np.load({str(tmp_path / "X.npy")!r})
        Tells(**{SMALL!r}, max_steps=100_000, checkpoint={str(tmp_path / "run")!r}, checkpoint_every=3).fit(X)
        """
    )
    environment = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}
    with subprocess.Popen(
        [sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"3\n"
        process.kill()
        assert process.wait() == -signal.SIGKILL
    found = load(tmp_path / "run")
    reached = found.n_steps_
    assert 3 <= reached < 100_000
    assert not found._run.finished
    found.set_params(checkpoint=None, warm_start=True, max_steps=4).fit(X)
    unbroken = small(max_steps=reached + 4).fit(X)
    np.testing.assert_array_equal(found.transform(X), unbroken.transform(X))


def test_half_precision_gives_nearly_the_same(X):
    full = small(max_steps=0).fit(X)
    half = small(max_steps=0, precision="bf16").fit(X)
    Z, Zh = full.encode(X), half.encode(X)
    assert Zh.dtype == np.float32
    assert 0 < np.abs(Zh - Z).max() < 0.05 * np.abs(Z).max()
    assert np.isfinite([line["loss"] for line in small(precision="bf16").fit(X).history_]).all()
