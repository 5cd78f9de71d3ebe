"""`SSGANImputer` as its users meet it: scikit-learn's contract, containers, labels, uncertainty, divergence, saving."""

import copy
import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import estimator_checks_generator

from tsrep import SSGANImputer, load
from tsrep.data import missing
from tsrep.nn.overlap import cover, cut, join
from tsrep.ssgan.parameters import RECIPES, best

SMALL = {"hidden_size": 8, "depth": 1, "n_heads": 2, "random_state": 0}


def small(**parameters):
    return SSGANImputer(**{**SMALL, "max_steps": 4, **parameters})


@pytest.fixture
def X():
    """Waves that channels share, some values gone."""
    random = np.random.default_rng(0)
    phase = random.uniform(0, 6, size=(12, 1, 1))
    X = (
        np.sin(np.linspace(0, 12, 40) + phase) * np.array([1.0, 50.0])[:, None]
        + np.array([0.0, 300.0])[:, None]
    )
    X[random.random(X.shape) < 0.2] = np.nan
    X[0, 0, 30:] = np.nan
    return X


CHECKED = SSGANImputer(hidden_size=4, depth=1, n_heads=2, max_steps=2)


@pytest.mark.parametrize(
    "check", [check for _, check in estimator_checks_generator(CHECKED)], ids=lambda c: c.func.__name__
)
def test_scikit_learns_contract(check):
    check(clone(CHECKED))


# Imputation


def test_no_gap_is_left_and_what_was_observed_keeps_its_bits(X):
    before = X.copy()
    imputer = small().fit(X)
    filled = imputer.transform(X)
    assert not np.isnan(filled).any()
    observed = ~np.isnan(X)
    assert filled[observed].tobytes() == X[observed].tobytes()
    np.testing.assert_array_equal(X, before)
    single = imputer.transform(X.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, filled, rtol=1e-3, atol=1e-3)
    np.testing.assert_array_equal(small().fit_transform(X), filled)


def test_it_learns_what_lines_do_not_know():
    """The second channel is the first one's mirror image: a network finds it, a line does not."""
    random = np.random.default_rng(1)
    first = random.normal(size=(60, 1, 24))
    X = np.concatenate([first, 10 - 2 * first], axis=1)
    truth = X.copy()
    gone = random.random(X.shape[0::2]) < 0.3
    X[:, 1][gone] = np.nan
    imputer = SSGANImputer(hidden_size=32, depth=1, max_steps=400, random_state=0).fit(X)
    errors = np.abs(imputer.transform(X) - truth)[:, 1][gone]
    assert errors.mean() < 0.6 * small(max_steps=0).fit(X).held_out_error_ * imputer.scale_[1]
    assert imputer.held_out_error_ < 0.7 * imputer.lines_error_
    assert not imputer.fallback_.any()


def test_untrained_and_where_it_falls_back_it_is_interpolation(X):
    imputer = small(max_steps=0).fit(X)
    assert imputer.fallback_.all()
    filled = imputer.transform(X)
    steps = np.arange(40)
    for i, c in np.ndindex(12, 2):
        seen = ~np.isnan(X[i, c])
        np.testing.assert_allclose(
            filled[i, c], np.interp(steps, steps[seen], X[i, c, seen]), rtol=1e-4, atol=1e-4
        )


def test_a_channel_never_observed_in_fit_is_said_and_filled(X):
    X = np.concatenate([X, np.full((12, 1, 40), np.nan)], axis=1)
    with pytest.warns(UserWarning, match="never observed in fit.*channel 2"):
        imputer = small().fit(X)
    assert imputer.fallback_[2]
    assert (imputer.transform(X)[:, 2] == 0).all()
    X[0, 2, :2] = [1.0, 3.0]
    assert imputer.transform(X)[0, 2, 20] == 3.0


def test_long_series_in_windows_and_ragged_lists_come_back_whole(X):
    index = pd.date_range("2026-01-01", periods=480, freq="h")
    wide = pd.DataFrame(X.transpose(1, 0, 2).reshape(2, 480).T, index, ["a", "b"])
    filled = small(window_length=50).fit(wide).transform(wide)
    pd.testing.assert_frame_equal(filled[wide.notna()], wide)
    assert not filled.isna().any().any()
    ragged = [X[0, :, :25], X[1], X[2, :, :31]]
    back = small().fit(ragged).transform(ragged)
    assert [one.shape for one in back] == [one.shape for one in ragged]
    assert not any(np.isnan(one).any() for one in back)


def test_company_and_padding_move_nothing(X):
    imputer = small(max_steps=60, fallback=False).fit(X)
    whole = imputer.transform(X)
    np.testing.assert_allclose(imputer.transform(X[[3]])[0], whole[3], rtol=1e-5, atol=1e-4)
    alone = imputer.transform([X[3, :, :20]])[0]
    beside = imputer.transform([X[3, :, :20], X[4]])[0]
    np.testing.assert_allclose(beside, alone, rtol=1e-5, atol=1e-4)


def test_windows_are_joined_to_what_they_were_cut_from():
    x = torch.randn(3, 23, 2, generator=torch.Generator().manual_seed(0))
    for length in (1, 5, 8, 23, 40):
        windows = cover(3, 23, length)
        torch.testing.assert_close(join(cut(x, windows), windows, tuple(x.shape)), x)


def test_indicators_and_names(X):
    imputer = small(add_indicator=True).fit(X)
    out = imputer.transform(X)
    assert out.shape == (12, 4, 40)
    np.testing.assert_array_equal(out[:, 2:], np.isnan(X))
    assert list(imputer.get_feature_names_out()) == ["x0", "x1", "missingindicator_x0", "missingindicator_x1"]
    table = X[:, 0]
    imputer = small(add_indicator=True).fit(table)
    gaps = np.isnan(table).any(0)
    assert (
        imputer.transform(table).shape == (12, 40 + gaps.sum()) == (12, len(imputer.get_feature_names_out()))
    )
    frame = pd.DataFrame(X[0].T, pd.date_range("2026-01-01", periods=40), ["a", "b"])
    names = list(small(add_indicator=True).fit(frame).transform(frame).columns)
    assert names == ["a", "b", "missingindicator_a", "missingindicator_b"]


def test_many_channels_get_a_wider_network():
    few, many = (
        SSGANImputer(max_steps=0).fit(np.ones((2, channels, 6))).generator_.hidden_size
        for channels in (64, 65)
    )
    assert (few, many) == (64, 128)


def test_hiding_as_gaps_lie_is_for_gaps_that_stick_together(monkeypatch):
    panel = np.random.default_rng(3).normal(size=(12, 2, 40)).cumsum(axis=2)

    def filled(gaps, borrow):
        monkeypatch.setitem(RECIPES, "best", lambda: replace(best(), borrow_gaps=borrow))
        return small(max_steps=20).fit_transform(gaps)

    single, stretches = missing.mcar(panel, 0.3, 0), missing.blocks(panel, 0.3, 0, length=10)
    np.testing.assert_array_equal(filled(single, True), filled(single, False))
    assert not np.array_equal(filled(stretches, True), filled(stretches, False))


# Uncertainty


def test_samples_agree_on_what_was_observed_and_spread_as_the_deviation_says(X):
    imputer = small(max_steps=60).fit(X)
    filled, deviation = imputer.transform(X, return_std=True)
    samples = imputer.sample(X, n_samples=400)
    assert samples.shape == (400, *X.shape)
    observed = ~np.isnan(X)
    assert (samples[:, observed] == X[observed]).all()
    assert (deviation[observed] == 0).all()
    assert (deviation[~observed] > 0).all()
    ratio = samples.std(axis=0)[~observed] / deviation[~observed]
    assert 0.9 < np.median(ratio) < 1.1
    np.testing.assert_allclose(np.median(samples, axis=0)[~observed], filled[~observed], atol=25)
    np.testing.assert_array_equal(imputer.sample(X, n_samples=2), imputer.sample(X, n_samples=2))


def test_bands_hold_about_the_share_that_they_promise():
    random = np.random.default_rng(2)
    truth = random.normal(size=(60, 2, 30)).cumsum(axis=2)
    X = truth.copy()
    X[random.random(X.shape) < 0.3] = np.nan
    samples = small(max_steps=150).fit(X).sample(X, n_samples=200)
    low, high = np.quantile(samples, [0.05, 0.95], axis=0)
    inside = ((truth >= low) & (truth <= high))[np.isnan(X)].mean()
    assert 0.82 < inside < 0.97


def test_score_is_minus_the_error_on_values_taken_away(X):
    imputer = small(max_steps=0).fit(X)
    assert -1 < imputer.score(X) < 0
    assert imputer.score(X) == imputer.score(X)


# Labels


@pytest.mark.parametrize(
    "y",
    [
        np.array(["up", "down", None] * 4, dtype=object),
        np.array([1.0, 0.0, np.nan] * 4),
        np.array([1, 0, -1] * 4),
    ],
    ids=["text", "nan", "minus one"],
)
def test_labels_may_be_anything_and_partly_unknown(X, y):
    imputer = small().fit(X, y)
    assert len(imputer.classes_) == 2
    probabilities = imputer.predict_proba(X)
    assert probabilities.shape == (12, 2)
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-6)
    assert set(imputer.predict(X)) <= set(imputer.classes_)


def test_one_class_beside_unlabelled_instances_is_refused(X):
    two_of_which_one_is_called_minus_one = np.where(np.arange(12) % 2, 1, -1)
    with pytest.raises(ValueError, match=r"y has the class \[1\] only; .* rename a class called -1"):
        small().fit(X, two_of_which_one_is_called_minus_one)
    assert small().fit(X, np.ones(12, int)).classes_.tolist() == [1]


def test_without_labels_there_is_no_classifier(X):
    imputer = small().fit(X)
    assert not hasattr(imputer, "predict")
    with pytest.raises(AttributeError) as found:
        imputer.predict_proba(X)
    assert "without labels" in str(found.value.__cause__)
    assert not hasattr(small().fit(X, np.full(12, -1)), "classes_")
    with pytest.raises(ValueError, match="inconsistent"):
        small().fit(X, [0, 1])


# Training


@pytest.mark.parametrize(
    "switch",
    [
        {"core": "recurrent"},
        {"generator": "recurrent"},
        {"adversarial_weight": 0.1},
        {"adversarial_weight": 0.1, "reminder": "hint"},
        {"adversarial_weight": 0.1, "reminder": None},
        {"recipe": "paper", "discriminator_steps": 1},
        {"hide_rate": 0.2},
    ],
    ids=str,
)
def test_every_switch_trains_and_fills(X, switch):
    imputer = small(**switch, max_steps=2, fallback=False).fit(X[:, :, :15], [0, 1] * 6)
    assert len(imputer.history_) == 2
    assert not np.isnan(imputer.transform(X[:, :, :15])).any()


def test_a_first_step_that_hides_nothing_is_no_measure_of_divergence():
    """One short frame with few gaps hides a few values in a step, or none; the loss is then next to nothing."""
    random = np.random.default_rng(0)
    X = random.normal(size=(1, 2, 40))
    X[random.random(X.shape) < 0.1] = np.nan
    firsts, largests = [], []
    for seed in range(5):
        imputer = small(max_steps=20, hide_rate=0.02, random_state=seed).fit(X)
        losses = [step["reconstruction"] for step in imputer.history_]
        assert imputer.rescues_ == 0 and len(losses) == 20
        firsts.append(losses[0])
        largests.append(max(losses))
    assert min(firsts) < 1e-3 and max(largests) > 0.1  # the case is met


@pytest.mark.parametrize("lr", [1e4, 1e30])
def test_an_absurd_rate_is_survived(X, lr):
    with pytest.warns(RuntimeWarning, match="diverged at step") as warned:
        imputer = small(max_steps=300, lr=lr, recipe="paper", generator="interpolating", hide_rate=0.2).fit(X)
    assert np.isfinite(imputer.transform(X)).all()
    assert imputer.rescues_ == len(warned) == 5 and "training ended" in str(warned[-1].message)
    assert small(max_steps=2).fit(X).rescues_ == 0
    assert imputer.held_out_error_ <= imputer.lines_error_ * 1.001  # the best weights: those it began with


def test_a_fit_is_reproducible_and_touches_no_global_state(X):
    torch_before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    first, second = (small(fallback=False, max_steps=60).fit(X).transform(X) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert (small(fallback=False, max_steps=60, random_state=1).fit(X).transform(X) != first).any()
    assert torch.equal(torch.get_rng_state(), torch_before)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_before)  # noqa: NPY002


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("recipe", "magic"),
        ("generator", "gru"),
        ("core", "lstm"),
        ("classifier", "svm"),
        ("reminder", "note"),
        ("reminder_rate", 1.5),
        ("hidden_size", 7),
        ("adversarial_weight", -1),
        ("hide_rate", (0.5, 0.2)),
        ("validation_fraction", 1.0),
        ("window_length", 1),
        ("lr", 0),
        ("max_steps", -1),
        ("device", "abacus"),
        ("random_state", "seed"),
    ],
)
def test_a_parameter_out_of_range_is_named(X, name, value):
    with pytest.raises(ValueError, match=name):
        small(**{name: value}).fit(X)


# Around it


@pytest.mark.parametrize("classifier", [None, "recurrent"])
def test_saved_pickled_and_cloned(X, tmp_path, classifier):
    imputer = small(fallback=False, classifier=classifier).fit(X, [0, 1, -1] * 4)
    imputer.save(tmp_path / "m")
    for other in (load(tmp_path / "m"), pickle.loads(pickle.dumps(imputer)), copy.deepcopy(imputer)):
        np.testing.assert_array_equal(other.transform(X), imputer.transform(X))
        np.testing.assert_array_equal(other.predict_proba(X), imputer.predict_proba(X))
        assert other.history_ == imputer.history_
    assert not hasattr(clone(imputer), "generator_")
    with pytest.raises(NotFittedError):
        small().transform(X)


def test_in_a_pipeline(X):
    table = X[:, 0]
    y = np.arange(12) % 2
    assert make_pipeline(small(), LogisticRegression()).fit(table, y).predict(table).shape == (12,)
    out = small().set_output(transform="pandas").fit(table).transform(table)
    assert isinstance(out, pd.DataFrame)
    with pytest.raises(ValueError, match="X has 1 channels, SSGANImputer was fitted with 2"):
        small().fit(X).transform(X[:, :1])


def test_a_series_is_filled_and_classified_alike_whatever_is_beside_it():
    rng = np.random.default_rng(0)

    def one(kind, steps):
        x = np.sin(np.arange(steps) * (0.2 if kind else 0.9)) + 0.1 * rng.normal(size=steps)
        x[::7] = np.nan
        return x[None]

    X, y = [one(i % 2, 40) for i in range(8)], np.arange(8) % 2
    imputer = SSGANImputer(max_steps=5, hidden_size=16, depth=1, window_length=64, random_state=0).fit(X, y)
    beside = [*X[:2], one(0, 700)]
    np.testing.assert_allclose(imputer.predict_proba(beside)[:2], imputer.predict_proba(X[:2]), atol=1e-5)
    for alone, together in zip(imputer.transform(X[:2]), imputer.transform(beside), strict=False):
        np.testing.assert_allclose(together, alone, atol=1e-5)
