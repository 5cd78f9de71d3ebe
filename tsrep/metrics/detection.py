"""Measures of alarms and anomaly scores against labelled anomalies in one long series.

`labels` are (t,) with 1 where a step is anomalous and 0 elsewhere; a *segment* is a run of ones. `predictions` are (t,)
alarms of 0 and 1, `scores` are (t,) anomaly scores, higher = more anomalous. Two families:

- alarms: `f1` of the steps without adjustment; `delay_adjusted_f1`, which requires a prompt alarm and then counts the
  whole segment; `point_adjusted_f1`, which is too optimistic and meant for comparison with papers that use it.
- scores: `auc_pr`, and the volumes `vus_pr` and `vus_roc` of Paparrizos et al. (VLDB 2022), which also credit alarms
  near a segment and average over the width of that buffer.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
Places = NDArray[np.int64]


class Detection(NamedTuple):
    """Precision, recall and their harmonic mean, each 0 to 1; 0 if the denominator of a ratio is 0."""

    precision: float
    recall: float
    f1: float


# Alarms


def precision_recall_f1(labels: ArrayLike, predictions: ArrayLike) -> Detection:
    """Precision, recall and F1 of alarms (t,) against labels (t,), step by step.

    >>> precision_recall_f1([0, 1, 1, 0], [0, 1, 0, 1])
    Detection(precision=0.5, recall=0.5, f1=0.5)
    """
    truth, alarms = _pair(labels, predictions)
    hits = int(np.sum(truth & alarms))
    n_alarms, n_anomalous = int(alarms.sum()), int(truth.sum())
    return Detection(
        hits / n_alarms if n_alarms else 0.0,
        hits / n_anomalous if n_anomalous else 0.0,
        2 * hits / (n_alarms + n_anomalous) if n_alarms + n_anomalous else 0.0,
    )


def f1(labels: ArrayLike, predictions: ArrayLike) -> float:
    """F1 of the steps without adjustment, 0 to 1; 0 if there is neither an anomaly nor an alarm."""
    return precision_recall_f1(labels, predictions).f1


def delay_adjusted_f1(labels: ArrayLike, predictions: ArrayLike, delay: int = 7) -> float:
    """F1 after `adjust_to_delay`: the measure of the KPI competition (AIOPS 2018) and of TS2Vec, 0 to 1.

    The paper's delay is 7 steps on KPI and 3 on Yahoo. For several series adjust each one, concatenate, and
    take `f1`: this is the paper's number, in which long series have more weight.
    """
    return f1(labels, adjust_to_delay(labels, predictions, delay))


def point_adjusted_f1(labels: ArrayLike, predictions: ArrayLike) -> float:
    """F1 in which one alarm anywhere in a segment counts as an alarm on each of its steps, 0 to 1.

    It is too optimistic. A detector that raises an alarm at random once in a hundred steps almost certainly hits a
    segment of a thousand steps, which then counts as a thousand hits against a few false alarms: random scores reach
    the values that papers report for their models (Kim et al., "Towards a Rigorous Evaluation of Time-Series Anomaly
    Detection", AAAI 2022). Use it only to compare with such papers, and report `f1` and `vus_pr` too.
    """
    return f1(labels, adjust_to_segments(labels, predictions))


def adjust_to_delay(labels: ArrayLike, predictions: ArrayLike, delay: int = 7) -> NDArray[np.int64]:
    """Alarms (t,) adjusted by segment: all ones if one of its first `delay` + 1 steps has an alarm, else all zeros.

    Alarms outside segments are unchanged.

    >>> adjust_to_delay([0, 1, 1, 1, 0, 1, 1, 1], [1, 0, 1, 0, 0, 0, 0, 1], delay=1)
    array([1, 1, 1, 1, 0, 0, 0, 0])
    """
    if not isinstance(delay, int | np.integer) or delay < 0:
        raise ValueError(f"delay is {delay!r}; wanted an integer of at least 0")
    truth, alarms = _pair(labels, predictions)
    return _adjusted(alarms, *_segments(truth), int(delay) + 1)


def adjust_to_segments(labels: ArrayLike, predictions: ArrayLike) -> NDArray[np.int64]:
    """Alarms (t,) in which each segment with an alarm on any of its steps is all ones; see `point_adjusted_f1`."""
    truth, alarms = _pair(labels, predictions)
    return _adjusted(alarms, *_segments(truth), len(truth))


def _adjusted(alarms: Flags, starts: Places, stops: Places, prompt: int) -> NDArray[np.int64]:
    adjusted = alarms.astype(np.int64)
    for start, stop in zip(starts, stops, strict=True):
        adjusted[start:stop] = alarms[start : min(start + prompt, stop)].any()
    return adjusted


# Scores


def auc_pr(labels: ArrayLike, scores: ArrayLike) -> float:
    """Area under the precision-recall curve by the step rule (average precision), 0 to 1.

    Equal scores share one threshold, as in scikit-learn's `average_precision_score`. The `vus` package interpolates the
    curve linearly instead, which is optimistic (Davis and Goadrich, ICML 2006).

    >>> round(auc_pr([0, 1, 0, 1], [0.1, 0.9, 0.8, 0.7]), 4)
    0.8333
    """
    truth, anomaly_score = _labels_and_scores(labels, scores)
    order = np.argsort(-anomaly_score, kind="stable")
    last_of_equal = np.append(np.diff(anomaly_score[order]) != 0, True)
    hits = np.cumsum(truth[order])[last_of_equal]
    n_alarms = np.flatnonzero(last_of_equal) + 1
    return float(np.sum(np.diff(hits, prepend=0) / truth.sum() * (hits / n_alarms)))


def vus_pr(labels: ArrayLike, scores: ArrayLike, window: int = 100, thresholds: int = 250) -> float:
    """Volume under the surface of precision and recall, over thresholds and buffer widths 0 ... `window`, 0 to 1.

    Parameters
    ----------
    labels, scores : (t,).
    window : the widest buffer in steps, half of it on either side of a segment. The authors use the period of the
        series; a common choice for many series is 100.
    thresholds : number of thresholds, taken at even distances from the sorted scores.

    Notes
    -----
    Paparrizos, Boniol et al., "Volume Under the Surface" (VLDB 2022). For a buffer of width w a step at distance
    d <= w // 2 from a segment has the label sqrt(1 - d / w), and 1 near two segments. Recall is multiplied by the share
    of segments, with their buffers, that contain an alarm. The numbers are those of the `vus` package (0.0.6,
    `version="opt"`), in which a buffer counts in the denominator of recall only where it has alarms, and precision is
    summed by the step rule; its older `RangeAUC` counts whole buffers and interpolates linearly. All thresholds are
    counted at once: 150,000 steps take a tenth of a second, the package half a second per width.

    Raises
    ------
    ValueError
        No step, or every step, is labelled anomalous; a score is NaN; lengths differ; `window` is below 0, or
        `thresholds` below 2.
    """
    recall, _, precision = _surfaces(labels, scores, window, thresholds)
    return float(np.mean(np.sum(np.diff(recall, axis=1, prepend=0.0) * precision, axis=1)))


def vus_roc(labels: ArrayLike, scores: ArrayLike, window: int = 100, thresholds: int = 250) -> float:
    """Volume under the surface of true and false positive rates; parameters, source and errors as in `vus_pr`."""
    recall, false_alarms, _ = _surfaces(labels, scores, window, thresholds)
    edge = np.zeros((len(recall), 1))
    x, y = np.hstack([edge, false_alarms, edge + 1]), np.hstack([edge, recall, edge + 1])
    return float(np.mean(np.sum(np.diff(x, axis=1) * (y[:, 1:] + y[:, :-1]) / 2, axis=1)))


def peak_hits(labels: ArrayLike, scores: ArrayLike, tolerance: int = 100) -> bool:
    """Whether the highest score (the first of equals) is in a segment or within `tolerance` steps of one.

    This is the measure of the UCR anomaly archive (Wu and Keogh, 2021), whose series have one anomaly each.
    """
    truth, anomaly_score = _labels_and_scores(labels, scores)
    return bool(np.min(np.abs(np.flatnonzero(truth) - np.argmax(anomaly_score))) <= tolerance)


def _surfaces(
    labels: ArrayLike, scores: ArrayLike, window: int, thresholds: int
) -> tuple[Floats, Floats, Floats]:
    """Recall, false positive rate and precision, (window + 1, thresholds) each, thresholds in descending order."""
    for name, value, least in (("window", window, 0), ("thresholds", thresholds, 2)):
        if not isinstance(value, int | np.integer) or value < least:
            raise ValueError(f"{name} is {value!r}; wanted an integer of at least {least}")
    truth, anomaly_score = _labels_and_scores(labels, scores)
    n, n_true = len(truth), int(truth.sum())
    if n_true == n:
        raise ValueError("labels are all 1; wanted at least one normal step")

    # reached[t] is the index of the first threshold, from the highest down, that step t reaches.
    levels = -np.sort(-anomaly_score)[np.linspace(0, n - 1, thresholds).astype(int)]
    reached = np.searchsorted(-levels, -anomaly_score, side="left")
    n_alarms = np.cumsum(np.bincount(reached, minlength=thresholds))
    hits = np.cumsum(np.bincount(reached[truth], minlength=thresholds))

    starts, stops = _segments(truth)
    nearest, second = _distances(truth, starts, stops)
    near = np.flatnonzero(~truth & (nearest <= window // 2))
    nearest, second, reached_near = nearest[near], second[near], reached[near]

    shape = (window + 1, thresholds)
    recall, false_alarms, precision = np.empty(shape), np.empty(shape), np.empty(shape)
    for width in range(window + 1):
        buffer = np.flatnonzero(nearest <= width // 2)
        weight = np.sqrt(1 - nearest[buffer] / max(width, 1))
        weight[second[buffer] <= width // 2] = 1.0
        in_buffer = np.cumsum(np.bincount(reached_near[buffer], weight, minlength=thresholds))
        first_reached = _first_reached(reached, starts, stops, width // 2)
        share_reached = np.cumsum(np.bincount(first_reached, minlength=thresholds)) / len(first_reached)

        true_alarms = hits + in_buffer
        positives = n_true + in_buffer / 2
        recall[width] = np.minimum(true_alarms / positives, 1) * share_reached
        false_alarms[width] = (n_alarms - true_alarms) / (n - positives)
        precision[width] = true_alarms / n_alarms
    return recall, false_alarms, precision


def _distances(truth: Flags, starts: Places, stops: Places) -> tuple[Places, Places]:
    """(t,) distances in steps from each step outside a segment to the nearest and the second nearest segment."""
    n = len(truth)
    steps = np.arange(n)
    passed = np.cumsum(np.isin(steps, starts))  # number of segments that start up to each step
    far = 2**40  # for no segment: farther than any buffer
    ends = np.concatenate([[-far, -far], stops - 1])
    begins = np.concatenate([starts, [far, far]])
    sides = [
        steps - ends[passed + 1],
        steps - ends[passed],
        begins[passed] - steps,
        begins[passed + 1] - steps,
    ]
    nearest_two = np.partition(sides, 1, axis=0)
    return nearest_two[0], nearest_two[1]


def _first_reached(reached: Places, starts: Places, stops: Places, half: int) -> Places:
    """The first threshold reached in each segment with `half` steps on either side; overlapping ones are joined."""
    joined = np.flatnonzero(stops[:-1] - 1 + half >= starts[1:] - half)
    first = np.maximum(np.delete(starts, joined + 1) - half, 0)
    after = np.minimum(np.delete(stops, joined) + half, len(reached))
    within = np.append(reached, np.iinfo(np.int64).max)
    return np.minimum.reduceat(within, np.column_stack([first, after]).ravel())[::2]


# Input


def _segments(truth: Flags) -> tuple[Places, Places]:
    """(first steps, steps after the last) of runs of True."""
    edges = np.diff(truth.astype(np.int8), prepend=0, append=0)
    return np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)


def _pair(labels: ArrayLike, predictions: ArrayLike) -> tuple[Flags, Flags]:
    truth, alarms = _zeros_and_ones("labels", labels), _zeros_and_ones("predictions", predictions)
    if len(truth) != len(alarms):
        raise ValueError(
            f"labels has {len(truth)} steps and predictions {len(alarms)}; wanted the same number"
        )
    return truth, alarms


def _labels_and_scores(labels: ArrayLike, scores: ArrayLike) -> tuple[Flags, Floats]:
    truth = _zeros_and_ones("labels", labels)
    anomaly_score = np.asarray(scores, dtype=float)
    if anomaly_score.shape != truth.shape:
        raise ValueError(f"labels has shape {truth.shape} and scores {anomaly_score.shape}; wanted the same")
    if np.isnan(anomaly_score).any():
        raise ValueError(f"scores has {int(np.isnan(anomaly_score).sum())} NaN; wanted a number per step")
    if not truth.any():
        raise ValueError("labels are all 0; wanted at least one anomalous step")
    return truth, anomaly_score


def _zeros_and_ones(name: str, values: ArrayLike) -> Flags:
    array: NDArray[Any] = np.asarray(values)
    if array.ndim != 1 or len(array) == 0:
        raise ValueError(f"{name} has shape {array.shape}; wanted (t,) with at least one step")
    other = array[(array != 0) & (array != 1)]
    if len(other):
        raise ValueError(f"{name} holds {other[0]!r}; wanted 0 and 1 only")
    return array.astype(bool)
