"""Anomaly detection on long series by any representation that looks back only.

series.py    arrays, pandas objects and long tables as series with every step in place
causal.py    a series through an encoder, each step with the context before it
period.py    the rhythm of a series
scores.py    how strange a step is: the paper's score and others
alarms.py    comparison with the scores before, thresholds, suppression
fitted.py    what is learned about one series
online.py    the same point by point on a live series
detector.py  `RepresentationAnomalyDetector`, which puts them together
"""

from tsrep.tasks.anomaly.alarms import deviation_threshold, mean_ahead, raise_alarms
from tsrep.tasks.anomaly.detector import RepresentationAnomalyDetector
from tsrep.tasks.anomaly.online import OnlineDetector, Verdict
from tsrep.tasks.anomaly.period import dominant_period
from tsrep.tasks.anomaly.scores import SCORES

ANOMALY_SCORES = tuple(SCORES)

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
