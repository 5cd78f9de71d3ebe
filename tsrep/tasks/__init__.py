"""What a representation is used for. Every task takes any encoder with `fit` and `transform`."""

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
