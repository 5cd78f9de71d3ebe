"""Anomaly detection on long series with any causal representation.

causal.py      causal representations of a series, with each step shown and hidden
period.py      the dominant period of a series
scores.py      anomaly scores: the paper's and others
alarms.py      relative scores, thresholds, suppression of repeated alarms
running.py     the threshold of a cold start, from the scores so far
context.py     whether enough of a step's context was observed; the end of the training part as history
dead.py        channels that are missing for long
doubts.py      warnings about the scores of new steps
parameters.py  ranges of the detector's parameters
fitted.py      what is fitted for one series, and as arrays
folder.py      what is fitted for several series, as JSON and tensors
scoring.py     what the parameters say about scores, thresholds and alarms, and their fitting
online.py      scores and alarms of a live series, point by point
detector.py    `RepresentationAnomalyDetector`
"""

from tsrep.tasks.anomaly.alarms import deviation_threshold, mean_ahead, raise_alarms
from tsrep.tasks.anomaly.detector import RepresentationAnomalyDetector
from tsrep.tasks.anomaly.online import OnlineDetector, Verdict
from tsrep.tasks.anomaly.period import dominant_period
from tsrep.tasks.anomaly.scores import SCORES

ANOMALY_SCORES = tuple(SCORES)
"""Names of the scores that `RepresentationAnomalyDetector` knows."""

__all__ = [
    "ANOMALY_SCORES",
    "OnlineDetector",
    "RepresentationAnomalyDetector",
    "Verdict",
    "deviation_threshold",
    "dominant_period",
    "mean_ahead",
    "raise_alarms",
]
