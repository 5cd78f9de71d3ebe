"""Trainings of the imputer that go on: from a checkpoint, after a finished fit, after divergence."""

import warnings

import numpy as np
import pytest

from tsrep import SSGANImputer, load
from tsrep.ssgan.interpolating import InterpolatingGenerator
from tsrep.train import loop

random = np.random.default_rng(0)
X = random.normal(size=(9, 2, 30)).cumsum(axis=-1)
X[random.random(X.shape) < 0.2] = np.nan
Y = np.array([0, 1, -1] * 3)


def small(**parameters):
    defaults = {"hidden_size": 8, "batch_size": 4, "max_steps": 12, "random_state": 3}
    return SSGANImputer(**{**defaults, **parameters})


def outputs(imputer, y=None):
    filled, deviation = imputer.transform(X, return_std=True)
    losses = [record["loss"] for record in imputer.history_]
    probabilities = [] if y is None else [imputer.predict_proba(X).ravel()]
    return np.concatenate([filled.ravel(), deviation.ravel(), losses, *probabilities])


VARIANTS = {
    "best": ({}, None),
    "labels": ({}, Y),
    "adversary": ({"adversarial_weight": 1.0, "discriminator_steps": 2}, None),
    "paper": ({"recipe": "paper", "max_steps": 8}, Y),
    "two networks": ({"n_networks": 2}, Y),
    "nothing held out": ({"validation_fraction": 0}, None),
    "early stopping": ({"patience": 1, "max_steps": 40}, None),
}


def interrupt_at(patch, step):
    calls = [0]
    read = loop._read

    def interrupted(*args):
        calls[0] += 1
        if calls[0] == step:
            raise KeyboardInterrupt
        return read(*args)

    patch.setattr(loop, "_read", interrupted)


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("at", [2, 7, 15])
def test_a_killed_training_ends_with_the_bits_of_an_unbroken_one(name, at, tmp_path):
    parameters, y = VARIANTS[name]
    unbroken = outputs(small(**parameters).fit(X, y), y)
    kept = {"checkpoint": tmp_path / "run", "checkpoint_every": 3}
    with pytest.MonkeyPatch.context() as patch:
        interrupt_at(patch, at)
        try:
            small(**parameters, **kept).fit(X, y)
        except KeyboardInterrupt:
            if at > 3 and name != "paper":  # in the paper's recipe the classifier is trained first
                halfway = load(tmp_path / "run")
                assert np.isfinite(halfway.transform(X)).all() and 0 < halfway.n_steps_ < at
    resumed = small(**parameters, **kept).fit(X, y)
    np.testing.assert_array_equal(outputs(resumed, y), unbroken)
    again = small(**parameters, **kept).fit(X, y)  # it is finished: nothing is left to do
    np.testing.assert_array_equal(outputs(again, y), unbroken)


@pytest.mark.parametrize("reload", [False, True])
def test_a_warm_start_continues_to_the_bits_of_an_unbroken_training(reload, tmp_path):
    """With a constant learning rate; a rate that decays depends on all steps together."""
    steps = {"recipe": "paper", "adversarial_weight": 1.0, "discriminator_steps": 1, "classifier_weight": 0.1}
    unbroken = outputs(small(**steps, max_steps=100).fit(X, Y), Y)
    half = small(**steps, max_steps=50).fit(X, Y)
    if reload:
        half.save(tmp_path / "half")
        half = load(tmp_path / "half")
    half.set_params(warm_start=True).fit(X, Y)
    assert half.n_steps_ == 100
    np.testing.assert_array_equal(outputs(half, Y), unbroken)


def test_a_warm_start_keeps_scales_and_classes():
    first = small().fit(X, Y)
    mean, classes = first.mean_, first.classes_
    first.set_params(warm_start=True, max_steps=3).fit(100 + X[:4], np.array([1, -1, 1, -1]))
    assert first.n_steps_ == 15 and len(first.history_) == 15
    np.testing.assert_array_equal(first.mean_, mean)
    np.testing.assert_array_equal(first.classes_, classes)
    with pytest.raises(ValueError, match=r"y has the classes \[2\]; wanted the classes \[0, 1\]"):
        first.fit(X, np.full(9, 2))
    with pytest.raises(ValueError, match=r"y has the classes \[0, 1\]; wanted no labels"):
        small(warm_start=True).fit(X).fit(X, Y)
    with pytest.raises(ValueError, match="hidden_size is 16; wanted 8, as in the fit before"):
        first.set_params(hidden_size=16).fit(X)


def test_a_warm_start_keeps_the_players_of_the_game():
    first = small(warm_start=True).fit(X)
    with pytest.raises(ValueError, match="adversary is True; wanted False, as in the fit before"):
        first.set_params(adversarial_weight=1.0).fit(X)


def test_with_nothing_held_out_no_channel_falls_back():
    imputer = small(validation_fraction=0).fit(X)
    assert not imputer.fallback_.any() and np.isnan(imputer.held_out_error_)
    untrained = small(validation_fraction=0, max_steps=0).fit(X)
    assert not np.allclose(imputer.transform(X), untrained.transform(X))


def test_a_checkpoint_is_of_one_run(tmp_path):
    small(checkpoint=tmp_path / "run").fit(X, Y)
    for parameters, y, says in [
        ({}, None, "on other data"),
        ({"depth": 1}, Y, "with depth=2, not 1"),
        ({"random_state": 4}, Y, "with random_state=3, not 4"),
        ({"hide_rate": (0.1, 0.2)}, Y, r"with hide_rate=None, not \(0.1, 0.2\)"),
    ]:
        with pytest.raises(ValueError, match=f"holds a run {says}"):
            small(checkpoint=tmp_path / "run", **parameters).fit(X, y)


@pytest.mark.parametrize(
    "changed",
    [{"hidden_size": 16}, {"depth": 1}, {"n_networks": 2}, {"generator": "recurrent"}, {"recipe": "paper"}],
    ids=str,
)
def test_parameters_changed_after_a_fit_do_not_spoil_what_is_saved(changed, tmp_path):
    imputer = small().fit(X)
    filled = imputer.transform(X)
    imputer.set_params(**changed).save(tmp_path / "model")
    np.testing.assert_array_equal(load(tmp_path / "model").transform(X), filled)


def test_a_second_divergence_finds_the_best_state_as_it_was(monkeypatch):
    """Two single bad steps cost two rescues, not the training."""
    calls, reconstruction = [0], InterpolatingGenerator.reconstruction

    def bad(self, *args, **kwargs):
        calls[0] += 1
        loss = reconstruction(self, *args, **kwargs)
        return loss * np.nan if calls[0] in (60, 65) else loss

    monkeypatch.setattr(InterpolatingGenerator, "reconstruction", bad)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        imputer = small(max_steps=120, lr=1e-3).fit(X)
    assert imputer.rescues_ == 2
    assert sum("the training diverged" in str(warning.message) for warning in caught) == 2
    assert imputer.history_[-1]["step"] == 120
