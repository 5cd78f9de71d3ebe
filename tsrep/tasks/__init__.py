"""What a representation is used for. Every task takes any encoder with `fit` and `transform`."""

from tsrep.tasks.anomaly import OnlineDetector, RepresentationAnomalyDetector
from tsrep.tasks.classify import RepresentationClassifier
from tsrep.tasks.forecast import RepresentationForecaster
from tsrep.tasks.probes import fit_knn, fit_logistic, fit_ridge, fit_svm

__all__ = [
    "OnlineDetector",
    "RepresentationAnomalyDetector",
    "RepresentationClassifier",
    "RepresentationForecaster",
    "fit_knn",
    "fit_logistic",
    "fit_ridge",
    "fit_svm",
]
