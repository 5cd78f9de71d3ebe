"""Errors of imputations over held-out values: against plain formulas, and blind to all others."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import mean_absolute_error, root_mean_squared_error

from tsrep.metrics import (
    held_out_coverage,
    held_out_crps,
    held_out_mae,
    held_out_mre,
    held_out_mse,
    held_out_rmse,
)

EVERY = (held_out_mae, held_out_mse, held_out_rmse, held_out_mre)


@settings(max_examples=40)
@given(st.integers(0, 10_000))
def test_only_held_out_values_count(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth, imputed = rng.normal(size=(2, 4, 3, 6))
    held_out = rng.random(truth.shape) < 0.3
    held_out.flat[0] = True
    known, guessed = truth[held_out], imputed[held_out]
    assert held_out_mae(truth, imputed, held_out) == pytest.approx(mean_absolute_error(known, guessed))
    assert held_out_rmse(truth, imputed, held_out) == pytest.approx(root_mean_squared_error(known, guessed))
    assert held_out_mse(truth, imputed, held_out) == pytest.approx(np.mean((known - guessed) ** 2))
    assert held_out_mre(truth, imputed, held_out) == pytest.approx(
        np.abs(known - guessed).sum() / np.abs(known).sum()
    )
    elsewhere = np.where(held_out, imputed, np.nan)
    unknown = np.where(held_out, truth, np.nan)
    for metric in EVERY:
        assert metric(unknown, elsewhere, held_out) == metric(truth, imputed, held_out)
        assert metric(truth, truth, held_out) == 0


def test_relative_to_nothing_is_no_number() -> None:
    assert np.isnan(held_out_mre([0.0, 5.0], [1.0, 5.0], [True, False]))


@pytest.mark.parametrize("metric", [*EVERY, held_out_crps, held_out_coverage])
def test_faults_are_told(metric) -> None:
    several = metric in (held_out_crps, held_out_coverage)
    truth = np.array([1.0, 2.0, np.nan])
    imputed = np.array([[1.0, np.nan, 3.0]]) if several else np.array([1.0, np.nan, 3.0])
    with pytest.raises(ValueError, match="False everywhere: there is nothing to score"):
        metric(truth, imputed, np.zeros(3, bool))
    with pytest.raises(ValueError, match="truth is NaN at 1 held-out"):
        metric(truth, imputed, [True, False, True])
    with pytest.raises(ValueError, match=r"(imputed|samples) is NaN at 1 held-out"):
        metric(truth, imputed, [True, True, False])
    with pytest.raises(ValueError, match=r"truth has shape \(3,\), (imputed|samples) has"):
        metric(truth, imputed[..., :2], [True, False, False])
    with pytest.raises(ValueError, match=r"held_out has \(2,\)"):
        metric(truth, imputed, [True, False])
    with pytest.raises(ValueError, match="held_out has dtype int64"):
        metric(truth, imputed, np.array([1, 0, 0], dtype=np.int64))


def test_crps_is_its_definition_and_rewards_the_right_spread() -> None:
    rng = np.random.default_rng(0)
    truth, samples = rng.normal(size=50), rng.normal(size=(7, 50))
    everything = np.ones(50, bool)
    pairs = np.abs(samples[:, None] - samples[None]).mean(axis=(0, 1)) / 2
    direct = (np.abs(samples - truth).mean(axis=0) - pairs).mean()
    assert held_out_crps(truth, samples, everything) == pytest.approx(direct)
    one = samples[:1]
    assert held_out_crps(truth, one, everything) == pytest.approx(held_out_mae(truth, one[0], everything))

    truth, wide = rng.normal(size=3000), rng.normal(size=(200, 3000))
    score = partial(held_out_crps, truth, held_out=np.ones(3000, bool))
    assert score(samples=wide) == pytest.approx(1 / np.sqrt(np.pi), abs=0.02)  # of a normal for itself
    assert score(samples=wide) < min(score(samples=0.2 * wide), score(samples=4 * wide))


def test_coverage_is_the_level_where_samples_are_right() -> None:
    rng = np.random.default_rng(0)
    truth, samples = rng.normal(size=(2, 2000)), rng.normal(size=(300, 2, 2000))
    held_out = np.zeros((2, 2000), bool)
    held_out[1] = True
    truth[0] = 99.0  # not held out
    for level in (0.5, 0.9):
        assert held_out_coverage(truth, samples, held_out, level) == pytest.approx(level, abs=0.03)
    assert held_out_coverage(truth, 0.1 * samples, held_out) < 0.2
    assert held_out_coverage([2.0], [[2.0], [2.0]], [True]) == 1.0
    with pytest.raises(ValueError, match="level is 1"):
        held_out_coverage([2.0], [[2.0]], [True], 1.0)
