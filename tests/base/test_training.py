"""Trainings that continue, and networks that are built in several threads."""

import threading
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from joblib import Parallel, delayed

from tsrep import SSGANImputer, TS2Vec, load
from tsrep.base.training import initial_weights

X = np.random.default_rng(0).normal(size=(8, 2, 60))
SMALL = {"n_components": 16, "hidden_channels": 8, "depth": 4, "random_state": 0}


def weights(seed):
    encoder = TS2Vec(**{**SMALL, "max_steps": 0, "random_state": seed}).fit(X)
    return torch.cat([weight.flatten() for weight in encoder.encoder_.parameters()])


def test_networks_built_in_threads_have_the_weights_of_their_seeds():
    alone = [weights(seed) for seed in range(24)]
    together = Parallel(n_jobs=4, prefer="threads")(delayed(weights)(seed) for seed in range(24))
    assert all(a.equal(b) for a, b in zip(alone, together, strict=True))


def test_a_warm_start_after_early_stopping_has_patience_again():
    """Early stopping looks at the validations since the last `fit` began."""
    encoder = TS2Vec(**SMALL, max_steps=200, lr=0.02, validation_fraction=0.3, patience=1).fit(X)
    steps = [encoder.n_steps_]
    assert steps[0] < 200
    encoder.set_params(warm_start=True)
    for _ in range(2):
        steps.append(encoder.fit(X).n_steps_)
    assert (np.diff(steps) >= 20).all()  # at least two validations each


def test_a_warm_start_refuses_another_network_and_a_save_keeps_the_fitted_one(tmp_path):
    encoder = TS2Vec(**SMALL, max_steps=2).fit(X)
    Z = encoder.transform(X)
    encoder.set_params(depth=3, n_components=4, warm_start=True)
    with pytest.raises(ValueError, match="depth is 3; wanted 4, as in the fit before"):
        encoder.fit(X)
    np.testing.assert_array_equal(encoder.transform(X), Z)
    encoder.save(tmp_path / "model")
    np.testing.assert_array_equal(load(tmp_path / "model").transform(X), Z)


def test_a_loaded_model_writes_no_checkpoint_where_its_maker_did(tmp_path):
    TS2Vec(**SMALL, max_steps=2, checkpoint=tmp_path / "run").fit(X).save(tmp_path / "model")
    assert load(tmp_path / "model").checkpoint is None


def test_a_checkpoint_of_another_class_is_said(tmp_path):
    TS2Vec(**SMALL, max_steps=1).fit(X).save(tmp_path / "run")
    with pytest.raises(ValueError, match="holds a run of a TS2Vec; name another folder"):
        SSGANImputer(max_steps=1, checkpoint=tmp_path / "run").fit(X)


@pytest.mark.parametrize(
    "estimator", [TS2Vec(**SMALL, max_steps=1), SSGANImputer(max_steps=1, hidden_size=8)]
)
def test_a_pandas_series_of_equal_series_can_be_saved(estimator, tmp_path):
    series = pd.Series([pd.Series(row) for row in X[:, 0]])
    estimator.fit(series).save(tmp_path / "model")
    assert load(tmp_path / "model").n_features_in_ == estimator.n_features_in_


def test_a_checkpoint_that_cannot_be_written_is_said_before_training(tmp_path, monkeypatch):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "notes.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    monkeypatch.setattr("tsrep.train.step.Descent.__call__", None)  # no step is made
    for kind, steps in ((TS2Vec, {"max_steps": 3}), (SSGANImputer, {"max_steps": 3})):
        for folder, error in [("notes", FileExistsError), ("file", FileExistsError)]:
            with pytest.raises(error):
                kind(**steps, checkpoint=tmp_path / folder).fit(X)
        for name in ("", ".", 3):
            with pytest.raises(ValueError, match="wanted the name of a folder"):
                kind(**steps, checkpoint=name).fit(X)


def test_what_a_killed_program_left_is_removed(tmp_path):
    (tmp_path / ".run.writing").mkdir()
    (tmp_path / ".run.writing" / "model.safetensors").write_text("half")
    TS2Vec(**SMALL, max_steps=1, checkpoint=tmp_path / "run").fit(X)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_resumed_fit_is_of_its_own_container(tmp_path):
    panel, table, names = X[:, :1], X[:, 0], [f"hour {i}" for i in range(60)]
    for first, second in ((table, panel), (panel, table), (table, pd.DataFrame(table, columns=names))):
        TS2Vec(**SMALL, max_steps=1, checkpoint=tmp_path / "run").fit(first)
        resumed = TS2Vec(**SMALL, max_steps=1, checkpoint=tmp_path / "run").fit(second)
        unbroken = TS2Vec(**SMALL, max_steps=1).fit(second)
        for name in ("_fixes_length", "n_features_in_", "n_channels_"):
            assert getattr(resumed, name) == getattr(unbroken, name)
        assert hasattr(resumed, "feature_names_in_") == hasattr(unbroken, "feature_names_in_")


def test_the_read_out_is_no_part_of_the_training_that_a_checkpoint_holds(tmp_path):
    first = TS2Vec(**SMALL, max_steps=2, checkpoint=tmp_path / "run").fit(X)
    rich = TS2Vec(**SMALL, max_steps=2, checkpoint=tmp_path / "run", pool="rich").fit(X)
    np.testing.assert_array_equal(rich.transform(X)[:, :16], first.transform(X))


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        (TS2Vec, "crop", "no"),
        (TS2Vec, "hierarchical", "False"),
        (TS2Vec, "warm_start", "no"),
        (TS2Vec, "verbose", "a"),
        (TS2Vec, "random_state", True),
        (SSGANImputer, "fallback", "no"),
        (SSGANImputer, "add_indicator", 1),
    ],
)
def test_what_is_no_boolean_or_number_is_refused(kind, name, value):
    with pytest.raises(ValueError, match=f"{name} is {value!r}; wanted"):
        kind(max_steps=0, **{name: value}).fit(X)


def test_numbers_of_numpy_within_tuples_can_be_saved(tmp_path):
    SSGANImputer(hidden_size=8, max_steps=1, hide_rate=(np.float32(0.25), 0.5)).fit(X).save(
        tmp_path / "imputer"
    )
    assert load(tmp_path / "imputer").hide_rate == [0.25, 0.5]
    TS2Vec(**SMALL, max_steps=0, layers=range(2)).fit(X).save(tmp_path / "encoder")
    assert load(tmp_path / "encoder").fit(X).transform(X).shape == (8, 16)


@pytest.mark.parametrize(
    "estimator", [TS2Vec(**SMALL, max_steps=1), SSGANImputer(max_steps=1, hidden_size=8)]
)
def test_channels_of_a_frame_are_known_by_name(estimator):
    hours = pd.date_range("2026-01-01", periods=60, freq="h")
    frame = pd.DataFrame(X[0].T, hours, ["heat", "load"])
    estimator.fit(frame)
    assert list(estimator.feature_names_in_) == ["heat", "load"]
    with pytest.raises(ValueError, match="unseen at fit time:\n- wind\n.*now missing:\n- load\n"):
        estimator.transform(frame.rename(columns={"load": "wind"}))
    estimator.transform(X[:1])  # an array has no names


def test_channels_of_a_frame_are_put_in_the_order_of_the_fit():
    hours = pd.date_range("2026-01-01", periods=60, freq="h")
    frame = pd.DataFrame(X[0].T, hours, ["heat", "load"])
    encoder = TS2Vec(**SMALL, max_steps=1).fit(frame)
    swapped = frame[["load", "heat"]]
    np.testing.assert_array_equal(encoder.transform(swapped), encoder.transform(frame))
    np.testing.assert_array_equal(
        encoder.encode_causal(swapped, context=5), encoder.encode_causal(frame, context=5)
    )
    np.testing.assert_array_equal(encoder.transform([swapped, swapped]), encoder.transform([frame, frame]))


def test_initial_weights_are_those_of_the_seed_and_leave_the_global_generator_alone():
    def build():
        return torch.nn.ModuleList(
            [
                torch.nn.Linear(3, 5),
                torch.nn.LSTM(3, 4, bidirectional=True),
                torch.nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0),
                torch.nn.Conv1d(2, 3, 3),
                torch.nn.ParameterList([torch.randn(4), torch.rand(2), torch.empty(3).normal_()]),
            ]
        ).state_dict()

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        expected = build()
    before = torch.get_rng_state()
    with initial_weights(5):
        weights = build()
        assert torch.equal(torch.get_rng_state(), before)
        other_thread = []
        thread = threading.Thread(target=lambda: other_thread.append(torch.rand(3)))
        thread.start()
        thread.join()
    for name, weight in expected.items():
        assert torch.equal(weights[name], weight), name
    own = torch.Generator()
    own.set_state(before)
    assert torch.equal(torch.rand(3, generator=own), other_thread[0])


@pytest.mark.parametrize(("offset", "warned"), [(0.0, False), (1e4, False), (1e6, True), (-1e8, True)])
def test_values_that_32_bit_floats_round_away_are_said(offset, warned):
    waves = np.stack([np.sin(np.arange(200) / (5 + k)) for k in range(4)])[:, None].repeat(2, 1)
    waves[:, 1] += offset
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        TS2Vec(**SMALL, max_steps=0).fit(waves)
        SSGANImputer(max_steps=0, hidden_size=8).fit(waves)  # it centres in 64 bit first
    assert [str(each.message).split(" goes")[0] for each in told] == ["channel 1 of X"] * warned


def test_a_constant_or_missing_channel_is_not_called_rounded():
    panel = np.random.default_rng(0).normal(size=(3, 3, 20))
    panel[:, 1] = 0.1
    panel[:, 2] = np.nan
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        TS2Vec(**SMALL, max_steps=0).fit(panel)
        TS2Vec(**SMALL, max_steps=0).fit((panel + 1e8).astype(np.float32))  # nothing is lost here
    assert not told
