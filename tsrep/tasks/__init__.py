"""Tasks on top of any encoder: classification, forecasting and anomaly detection, with no encoder known by name.

series.py          long series in any container, read into one form; the scale of their channels
representation.py  the encoder of a task: what it must have, how it is copied and fitted, its training windows
probes.py          the classifiers that are trained on representations, and the choice among them
saved_probe.py     a probe as a tensor, and back
classify.py        `RepresentationClassifier`
forecast/          `RepresentationForecaster`
anomaly/           `RepresentationAnomalyDetector`
"""

from tsrep.tasks.anomaly import (
    ANOMALY_SCORES,
    OnlineDetector,
    RepresentationAnomalyDetector,
    deviation_threshold,
    dominant_period,
    mean_ahead,
    raise_alarms,
)
from tsrep.tasks.classify import RepresentationClassifier
from tsrep.tasks.forecast import RepresentationForecaster
from tsrep.tasks.probes import fit_knn, fit_logistic, fit_ridge, fit_svm

__all__ = [
    "ANOMALY_SCORES",
    "OnlineDetector",
    "RepresentationAnomalyDetector",
    "RepresentationClassifier",
    "RepresentationForecaster",
    "deviation_threshold",
    "dominant_period",
    "mean_ahead",
    "fit_knn",
    "fit_logistic",
    "fit_ridge",
    "fit_svm",
    "raise_alarms",
]
