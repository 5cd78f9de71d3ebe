"""From scores to alarms: the paper's rule worked out plainly, and the other thresholds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tsrep.tasks.anomaly.alarms import (
    alarms_expected,
    budget_threshold,
    deviation_threshold,
    mean_ahead,
    quantile_threshold,
    raise_alarms,
    relative_increase,
    suppress,
)
from tsrep.tasks.anomaly.moving import moving_sum
from tsrep.tasks.anomaly.running import running_threshold

NAN = np.nan


def test_relative_increase_by_hand():
    np.testing.assert_allclose(
        relative_increase(np.array([1, 3, 4, 1, 0.0]), width=2), [NAN, NAN, 1, -5 / 7, -1]
    )
    # a missing step is passed over: 4 is compared with 1 and 3
    np.testing.assert_allclose(relative_increase(np.array([1, 3, NAN, 4]), width=2), [NAN, NAN, NAN, 1])
    np.testing.assert_array_equal(relative_increase(np.zeros(3), width=2), [NAN, NAN, 0])
    assert np.isnan(relative_increase(np.ones(2), width=2)).all()
    assert relative_increase(np.empty(0)).shape == (0,)


@settings(max_examples=50)
@given(arrays(float, st.integers(1, 60), elements=st.floats(0.1, 100)), st.integers(1, 25), st.data())
def test_relative_increase_is_its_definition(scores, width, data):
    scores[data.draw(arrays(bool, len(scores)))] = NAN
    earlier: list[float] = []
    for score, found in zip(scores, relative_increase(scores, width), strict=True):
        mean = np.mean(earlier[-width:]) if len(earlier) >= width else NAN
        np.testing.assert_allclose(found, (score - mean) / mean, rtol=1e-9, atol=1e-9)
        earlier += [] if np.isnan(score) else [score]


@settings(max_examples=50)
@given(arrays(float, st.integers(1, 40), elements=st.floats(-9, 9)), st.integers(0, 50), st.data())
def test_mean_ahead_is_its_definition(scores, reach, data):
    scores[data.draw(arrays(bool, len(scores)))] = NAN
    for step, found in enumerate(mean_ahead(scores, reach)):
        near = scores[step : step + reach + 1]
        wanted = NAN if np.isnan(scores[step]) else np.nanmean(near)
        np.testing.assert_allclose(found, wanted, atol=1e-12)


def test_thresholds_by_hand():
    scores = np.array([0, 0, 0, 4, NAN])
    assert deviation_threshold(scores, 2) == pytest.approx(1 + 2 * np.sqrt(3))
    assert (
        quantile_threshold(np.arange(9.0), 0.9) == 8
    )  # the ninth of nine: a tenth is above it in one of ten cases
    assert quantile_threshold(np.arange(19.0), 0.9) == 17
    assert quantile_threshold(np.arange(8.0), 0.9) == 7 and quantile_threshold(np.arange(8.0), 0) == 0


def test_a_budget_is_kept_and_used():
    scores = np.random.default_rng(0).normal(size=5000)
    for delay in (0, 20):
        threshold = budget_threshold(scores, per_10_000=20, delay=delay)
        assert suppress(scores > threshold, delay).sum() in (
            9,
            10,
        )  # one more is to be expected of new scores
        assert alarms_expected(scores, threshold, delay) == pytest.approx(20)
    assert not (scores > budget_threshold(scores, per_10_000=0)).any()


@settings(max_examples=50)
@given(arrays(float, st.integers(1, 40), elements=st.integers(-1000, 1000).map(float)), st.data())
def test_running_threshold_is_its_definition(scores, data):
    scores[data.draw(arrays(bool, len(scores)))] = NAN
    found = running_threshold(scores, deviations=3, least=4)
    counted: list[float] = []
    n_known = 0
    for step, score in enumerate(scores):
        n_known += not np.isnan(score)
        if not np.isnan(score):
            usual = np.mean(counted) + 10 * np.std(counted) if n_known > 4 else np.inf
            counted += [score] if score <= usual or np.std(counted) == 0 else []
            if n_known == 4:
                median = np.median(counted)
                spread = 1.4826 * np.median(np.abs(counted - median))
                counted = [each for each in counted if spread == 0 or each <= median + 10 * spread]
        wanted = np.mean(counted) + 3 * np.std(counted) if n_known >= 4 else NAN
        np.testing.assert_allclose(found[step], wanted, rtol=1e-9, atol=1e-6)


def test_running_threshold_of_usual_scores_is_the_papers():
    scores = np.random.default_rng(0).exponential(size=500)
    wanted = [scores[: step + 1].mean() + 4 * scores[: step + 1].std() for step in range(21, 500)]
    np.testing.assert_allclose(running_threshold(scores)[21:], wanted, rtol=1e-9)


@pytest.mark.parametrize("at", [[3], [21], [22], [60], list(range(60, 260))])
def test_enormous_scores_do_not_raise_the_running_threshold(at):
    usual = np.random.default_rng(0).exponential(size=400)
    struck = usual.copy()
    struck[at] = 1e20
    threshold, unharmed = running_threshold(struck), running_threshold(np.delete(usual, at))
    assert at[0] < 21 or raise_alarms(struck, threshold)[at[0]]
    np.testing.assert_allclose(threshold[260:], unharmed[260 - len(at) :])


def test_the_running_threshold_follows_a_level_that_lasts():
    noise = np.random.default_rng(0).normal(size=900)
    scores = noise + 1000.0 * (np.arange(900) >= 200)
    alarms = raise_alarms(scores, running_threshold(scores), delay=0)
    assert alarms[200:699].all() and not alarms[700:].any()
    constant = np.where(np.arange(100) < 50, 1.0, 5.0)  # no deviation to compare with
    assert running_threshold(constant)[-1] > 5


@settings(max_examples=100)
@given(arrays(bool, st.integers(0, 60)), st.integers(0, 8))
def test_suppression_is_its_definition(alarms, delay):
    kept = np.array(alarms)
    for step in range(len(kept)):
        if kept[max(0, step - delay) : step].any():
            kept[step] = False
    np.testing.assert_array_equal(suppress(alarms, delay), kept)


def test_missing_scores_and_thresholds_raise_no_alarm():
    assert raise_alarms(np.array([NAN, 3, 1, 3]), 2.0, delay=0).tolist() == [0, 1, 0, 1]
    assert raise_alarms(np.array([3.0, 3]), np.array([NAN, 2]), delay=0).tolist() == [0, 1]


def test_the_papers_rule():
    """The published rule in its plainest form, on scores with two jumps: the first 22 are not compared in training."""
    rng = np.random.default_rng(1)
    scores = rng.uniform(1, 2, size=400)
    scores[[300, 303, 350]] += 8
    train, test = scores[:200], scores[200:]
    compared = np.full(400, NAN)
    for step in range(21, 400):
        mean = scores[step - 21 : step].mean()
        compared[step] = (scores[step] - mean) / mean
    limit = compared[22:200].mean() + 4 * compared[22:200].std()
    wanted = np.zeros(200, dtype=int)
    for step in range(200):
        near = wanted[max(0, step - 7) : step].any()
        wanted[step] = compared[200 + step] > limit and not near
    threshold = deviation_threshold(relative_increase(train))
    assert threshold == pytest.approx(limit, rel=0.02)
    found = raise_alarms(relative_increase(np.concatenate([train, test])), threshold)[200:]
    np.testing.assert_array_equal(found, wanted)
    assert np.flatnonzero(found).tolist() == [100, 150]


@settings(max_examples=50)
@given(st.integers(0, 40), st.integers(1, 50), st.integers(1, 2))
def test_moving_sums_are_their_definition(length, width, channels):
    values = np.random.default_rng(length).integers(-9, 9, size=(length, channels))
    for step, found in enumerate(moving_sum(values, width)):
        np.testing.assert_array_equal(found, values[max(0, step + 1 - width) : step + 1].sum(axis=0))


def test_a_huge_score_counts_only_where_it_is_in_the_window():
    scores = np.random.default_rng(0).uniform(1, 2, size=60)
    spoilt = scores.copy()
    spoilt[20] = 1e20
    np.testing.assert_allclose(mean_ahead(spoilt, 5)[21:], mean_ahead(scores, 5)[21:], rtol=1e-12)
    np.testing.assert_allclose(
        relative_increase(spoilt, 5)[26:], relative_increase(scores, 5)[26:], rtol=1e-9
    )


@pytest.mark.parametrize("phi", [0.0, 0.8])
@pytest.mark.parametrize("n", [300, 600])
def test_new_scores_exceed_thresholds_as_often_as_promised(phi, n):
    """Mean over many series of scores, of which the first n set the threshold: a rate of 2 %, for alarms and steps."""
    noise = np.random.default_rng(0).normal(size=(2 * n, 800))
    scores = noise.copy()
    for step in range(1, 2 * n):
        scores[step] += phi * scores[step - 1]
    steps, alarms = [], []
    for known, new in zip(scores[:n].T, scores[n:].T, strict=True):
        steps.append((new > quantile_threshold(known, 0.98)).mean())
        alarms.append(suppress(new > budget_threshold(known, 200, delay=3), 3).mean())
    assert 0.02 / 1.1 < np.mean(steps) < 0.02 * (1.1 if phi == 0 else 1.5)
    assert 0.02 / 1.2 < np.mean(alarms) < 0.02 * 1.2


def test_the_expected_rate_lies_between_those_of_the_scores_beside_the_threshold():
    scores = np.array([NAN, 1.0, 5.0, 2.0, 4.0, 3.0])
    at = {threshold: alarms_expected(scores, threshold) * 6 / 10_000 for threshold in (3, 3.25, 4, 5, 9, 0)}
    assert at == pytest.approx({3: 3, 3.25: 2.75, 4: 2, 5: 1, 9: 1, 0: 6})
    assert alarms_expected(scores, 1.5, delay=3) * 6 / 10_000 == pytest.approx(
        2
    )  # suppressed before it is counted
    for rate in (10_000 / 6, 3_000, 4_500, 8_000):
        assert alarms_expected(scores, budget_threshold(scores, rate)) == pytest.approx(rate)
