"""Detection metrics: worked by hand, equal to the `vus` package, invariant where they must be, strict about input."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from tsrep.metrics import (
    adjust_to_delay,
    adjust_to_segments,
    auc_pr,
    delay_adjusted_f1,
    f1,
    peak_hits,
    point_adjusted_f1,
    precision_recall_f1,
    vus_pr,
    vus_roc,
)

#                 a late hit   missed  prompt hit, one false alarm behind
LABELS = np.array([0, 1, 1, 1, 1, 0, 1, 1, 0, 1, 1, 1, 0, 0])
ALARMS = np.array([0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0])


# By hand


def test_raw_f1():
    # 2 of 9 anomalous steps have an alarm, 2 of 3 alarms are right
    assert precision_recall_f1(LABELS, ALARMS) == pytest.approx((2 / 3, 2 / 9, 1 / 3))
    assert f1(LABELS, ALARMS) == pytest.approx(1 / 3)
    assert f1([0, 1], [0, 0]) == 0 and f1([0, 0], [0, 0]) == 0


def test_delay_adjusted_f1():
    # within one step of its begin only the last segment is found: 3 hits, 1 false alarm, 6 steps missed
    np.testing.assert_array_equal(
        adjust_to_delay(LABELS, ALARMS, delay=1), [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 0]
    )
    assert delay_adjusted_f1(LABELS, ALARMS, delay=1) == pytest.approx(2 * 3 / (4 + 9))
    # two steps of delay also find the first: 7 hits, 1 false alarm, 2 steps missed
    assert delay_adjusted_f1(LABELS, ALARMS, delay=2) == pytest.approx(2 * 7 / (8 + 9))
    # none: an alarm must come on the very first step of a segment
    assert delay_adjusted_f1(LABELS, ALARMS, delay=0) == 0


def test_a_segment_at_either_end_counts():
    np.testing.assert_array_equal(adjust_to_delay([1, 1, 0, 1, 1], [0, 1, 0, 1, 0], 1), [1, 1, 0, 1, 1])
    np.testing.assert_array_equal(adjust_to_delay([1, 1, 0, 1, 1], [0, 1, 0, 0, 1], 0), [0, 0, 0, 0, 0])


def test_point_adjusted_f1_flatters():
    np.testing.assert_array_equal(
        adjust_to_segments(LABELS, ALARMS), [0, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 0]
    )
    assert point_adjusted_f1(LABELS, ALARMS) == pytest.approx(2 * 7 / (8 + 9))
    labels = np.zeros(10_000, dtype=int)
    labels[4000:5000] = 1
    alarms = np.arange(10_000) % 100 == 7  # knows nothing
    assert f1(labels, alarms) < 0.02 and delay_adjusted_f1(labels, alarms, 6) < 0.02
    assert point_adjusted_f1(labels, alarms) > 0.95


def test_auc_pr():
    # thresholds 0.9, 0.8, 0.7: recall 1/2, 1/2, 1 at precision 1, 1/2, 2/3
    assert auc_pr([0, 1, 0, 1], [0.1, 0.9, 0.8, 0.7]) == pytest.approx(1 / 2 + 1 / 2 * 2 / 3)
    # equal scores come together: recall 1 at precision 2/3
    assert auc_pr([0, 1, 0, 1], [0.1, 0.9, 0.9, 0.9]) == pytest.approx(2 / 3)


def test_volumes_of_a_near_miss():
    # One anomalous step; the strangest is the one before it. Every score is a threshold.
    labels, scores = [0, 0, 1, 0, 0, 0], [0.0, 0.9, 0.8, 0.3, 0.2, 0.1]
    weight = np.sqrt(1 - 1 / 2)  # of a neighbour, for a buffer of two steps, one on either side
    # No buffer (widths 0 and 1): recall 0, 1, 1, ... at precision 0, 1/2, ...; false positive rate 1/5, 1/5, ...
    # Width 2: the first threshold claims a neighbour, half of whose label counts among the positives.
    recall = weight / (1 + weight / 2)
    precision_recall = recall * weight + (1 - recall) * (1 + weight) / 2
    false_alarms = (1 - weight) / (6 - (1 + weight / 2))
    roc = false_alarms * recall / 2 + 1 - false_alarms
    assert vus_pr(labels, scores, window=2, thresholds=6) == pytest.approx(
        (1 / 2 + 1 / 2 + precision_recall) / 3
    )
    assert vus_roc(labels, scores, window=2, thresholds=6) == pytest.approx((4 / 5 + 4 / 5 + roc) / 3)


def test_volumes_of_two_segments_whose_buffers_meet():
    # Width 2 joins the segments, step 2 lies near both and counts 1. First threshold: step 2 alone, and everything is
    # "touched"; without a buffer it is a false alarm.
    labels, scores = [0, 1, 0, 1, 0, 0, 0, 0], [0, 0.5, 1, 0.5, 0, 0, 0, 0]
    flat = 0.0 + 1 * 2 / 3  # widths 0 and 1
    recall = 1 / (2 + 1 / 2)
    joined = recall * 1 + (1 - recall) * 1
    assert vus_pr(labels, scores, window=2, thresholds=8) == pytest.approx((flat + flat + joined) / 3)


def test_peak_hits():
    labels = np.zeros(500)
    labels[200:220] = 1
    for place, within in ((99, False), (100, True), (210, True), (319, True), (320, False)):
        assert peak_hits(labels, np.eye(500)[place]) is within
    assert peak_hits(labels, np.eye(500)[230], tolerance=5) is False


# Against other implementations


def recipe(n, segments, lift, decimals):
    """Labels with the given segments, and scores that know something of them, without a random number."""
    labels = np.zeros(n, dtype=int)
    for start, stop in segments:
        labels[start:stop] = 1
    steps = np.arange(n)
    scores = (steps * 7919 % 1009) / 1009 + lift * labels * ((steps * 31 % 7) / 7)
    return labels, np.round(scores, decimals)


NEAR = (300, [(40, 52), (55, 60), (200, 201)], 0.6, 9)
TIED = (500, [(0, 10), (120, 180), (495, 500)], 0.4, 1)
ONE = (1000, [(500, 620)], 0.2, 9)


# Recorded from `get_metrics(scores, labels, metric="vus", slidingWindow=window, thre=thresholds)` of vus 0.0.6
# (numpy 2.4, in an environment of its own: the package needs tensorflow).
@pytest.mark.parametrize(
    ("case", "window", "thresholds", "pr", "roc"),
    [
        (NEAR, 0, 250, 0.36327680163232157, 0.7224192277383766),
        (NEAR, 20, 250, 0.4593303135290378, 0.8410005124722052),
        (NEAR, 75, 40, 0.5416084622818328, 0.917411566951948),
        (TIED, 0, 250, 0.2821293279280114, 0.6654588235294118),
        (TIED, 20, 250, 0.3123104865402262, 0.7107457844034538),
        (TIED, 75, 40, 0.3910749688494256, 0.7941052278724922),
        (ONE, 0, 250, 0.2350020177614978, 0.5817471590909092),
        (ONE, 20, 250, 0.24820169256003574, 0.6065893836589538),
        (ONE, 75, 40, 0.23293016287353713, 0.6526234886980951),
    ],
)
def test_volumes_are_those_of_the_vus_package(case, window, thresholds, pr, roc):
    labels, scores = recipe(*case)
    assert vus_pr(labels, scores, window, thresholds) == pytest.approx(pr, abs=1e-12)
    assert vus_roc(labels, scores, window, thresholds) == pytest.approx(roc, abs=1e-12)


# Recorded likewise with metric="auc": points joined by straight lines, not steps. With many equal scores (TIED) that
# differs a lot: 0.367 for what steps, and the package's own volume without a buffer, put at 0.28.
@pytest.mark.parametrize(("case", "joined"), [(NEAR, 0.3595365764988866), (ONE, 0.23768547412456886)])
def test_auc_pr_is_near_that_of_the_vus_package(case, joined):
    labels, scores = recipe(*case)
    assert auc_pr(labels, scores) == pytest.approx(joined, abs=0.01)


def test_without_a_buffer_one_segment_gives_the_plain_areas():
    labels, scores = recipe(*ONE)
    assert vus_pr(labels, scores, window=0, thresholds=len(labels)) == pytest.approx(auc_pr(labels, scores))
    assert vus_roc(labels, scores, window=0, thresholds=len(labels)) == pytest.approx(
        roc_auc_score(labels, scores)
    )


flags = arrays(np.int8, st.integers(2, 60), elements=st.integers(0, 1))


@settings(max_examples=60)
@given(flags, st.data())
def test_as_scikit_learn(labels, data):
    assume(labels.any())
    alarms = data.draw(arrays(np.int8, len(labels), elements=st.integers(0, 1)))
    scores = data.draw(arrays(float, len(labels), elements=st.integers(-3, 3).map(float)))
    assert f1(labels, alarms) == pytest.approx(f1_score(labels, alarms, zero_division=0))
    assert auc_pr(labels, scores) == pytest.approx(average_precision_score(labels, scores))


# Invariants


@settings(max_examples=60)
@given(flags, st.integers(0, 12), st.data())
def test_scores_count_by_their_order_only(labels, window, data):
    assume(0 < labels.sum() < len(labels))
    scores = data.draw(arrays(float, len(labels), elements=st.integers(-5, 5).map(float)))
    for metric in (vus_pr, vus_roc):
        value = metric(labels, scores, window=window)
        assert 0 <= value <= 1 + 1e-12
        assert value == pytest.approx(metric(labels, np.exp(3 * scores) - 7, window=window))
        assert value == pytest.approx(metric(labels[::-1], scores[::-1], window=window))
    assert auc_pr(labels, scores) == pytest.approx(auc_pr(labels, np.exp(scores)))


def test_a_window_longer_than_the_series_sees_no_segment_that_is_not_there():
    assert vus_pr([0, 1], [0.0, 0.0], window=8) == pytest.approx(vus_pr([1, 0], [0.0, 0.0], window=8))


@settings(max_examples=60)
@given(flags, st.data())
def test_a_longer_delay_never_lowers_the_score_and_ends_at_point_adjustment(labels, data):
    alarms = data.draw(arrays(np.int8, len(labels), elements=st.integers(0, 1)))
    values = [delay_adjusted_f1(labels, alarms, delay) for delay in range(len(labels) + 1)]
    assert all(later >= earlier for earlier, later in zip(values, values[1:], strict=False))
    assert values[-1] == point_adjusted_f1(labels, alarms) >= f1(labels, alarms)


def test_a_perfect_score_is_one_and_a_buffer_forgives_a_near_miss():
    labels = np.zeros(400)
    labels[100:110] = 1
    assert vus_pr(labels, labels) == pytest.approx(1)
    beside = np.roll(labels, 12)
    assert auc_pr(labels, beside) < 0.05 < vus_pr(labels, beside, window=40)


def test_nothing_is_written_to():
    labels, alarms = LABELS.copy(), ALARMS.copy()
    adjust_to_delay(labels, alarms)
    vus_pr(labels, alarms)
    np.testing.assert_array_equal([labels, alarms], [LABELS, ALARMS])


# Bad input


@pytest.mark.parametrize(
    ("labels", "scores", "words"),
    [
        ([0, 1], [0.1, 0.2, 0.3], r"labels has shape \(2,\) and scores \(3,\)"),
        ([0, 1], [0.1, np.nan], "scores has 1 NaN"),
        ([0, 0], [0.1, 0.2], "labels are all 0"),
        ([0, 2], [0.1, 0.2], "labels holds .*2.*; wanted 0 and 1 only"),
        ([0, np.nan], [0.1, 0.2], "labels holds .*nan.*; wanted 0 and 1 only"),
        ([[0, 1]], [[0.1, 0.2]], r"labels has shape \(1, 2\); wanted \(t,\)"),
        ([], [], "at least one step"),
    ],
)
@pytest.mark.parametrize("metric", [auc_pr, vus_pr, vus_roc, peak_hits])
def test_scores_that_cannot_be_judged(metric, labels, scores, words):
    with pytest.raises(ValueError, match=words):
        metric(labels, scores)


@pytest.mark.parametrize("metric", [f1, delay_adjusted_f1, point_adjusted_f1])
def test_alarms_that_cannot_be_judged(metric):
    with pytest.raises(ValueError, match="labels has 2 steps and predictions 3"):
        metric([0, 1], [0, 1, 1])
    with pytest.raises(ValueError, match="predictions holds .*-1.*; wanted 0 and 1 only"):
        metric([0, 1], [-1, 1])


def test_parameters_out_of_range():
    with pytest.raises(ValueError, match="delay is -1"):
        delay_adjusted_f1([0, 1], [0, 1], delay=-1)
    with pytest.raises(ValueError, match="window is -1"):
        vus_pr([0, 1], [0, 1], window=-1)
    with pytest.raises(ValueError, match="thresholds is 1"):
        vus_roc([0, 1], [0, 1], thresholds=1)
    with pytest.raises(ValueError, match="labels are all 1"):
        vus_pr([1, 1], [0, 1])
